"""Train one backbone and all its heads together."""

import json
from pathlib import Path

import keras
import numpy as np

from scene_model.classifier.fitting.bundle_files import HEADS_FILE
from scene_model.classifier.fitting.examples import data_manifest_hash
from training.bundle_files import FLOAT_FILE
from training.labelled import load_data
from training.network import build_network
from training.recipe import Recipe
from training.starting_weights import save_weights
from training.trainer import Trainer


def fit(recipe: Recipe, data_dir: Path, out_dir: Path, models_dir: Path) -> None:
    """Train a recipe; resumes an interrupted run of the same recipe.

    Writes ``float_weights.npz``, ``heads.npz``, ``history.json`` and ``run.json`` to ``out_dir``.
    Raises NoStartingWeights.
    """
    keras.utils.set_random_seed(recipe.seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    data = load_data(recipe, data_dir)
    network = build_network(recipe, data.label_sets, data_dir, out_dir.parent, models_dir)
    trainer = Trainer(recipe, data, network)
    trainer.run(out_dir)
    save_weights(out_dir / FLOAT_FILE, network.backbone)
    np.savez(
        out_dir / HEADS_FILE,
        **{
            f"{head_id}/{part}": weights
            for head_id, dense in network.heads.items()
            for part, weights in zip(("kernel", "bias"), dense.get_weights(), strict=True)
        },
    )
    summary = {"data_manifest_sha256": data_manifest_hash(data.examples), "seed": recipe.seed}
    (out_dir / "run.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
