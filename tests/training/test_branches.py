"""A network with two upper branches is two networks on the same lower blocks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def test_two_networks_are_joined(tmp_path: Path) -> None:
    from training.architectures import build_backbone, named_weights, set_named_weights
    from training.bundle_files import FLOAT_FILE
    from training.mobilenet_blocks import BRANCH
    from training.recipe import TRAINING_DIR, read_recipe
    from training.starting_weights import save_weights, start

    first, second = build_backbone("mobilenet_v2"), build_backbone("mobilenet_v2")
    rng = np.random.default_rng(0)
    changed = {
        name: array + rng.normal(0, 0.01, array.shape).astype(np.float32)
        if name.startswith(("block_7", "block_16", "Conv_1"))
        else array
        for name, array in named_weights(first).items()
    }
    set_named_weights(second, changed)
    heads = {
        "bundles/first": {"scenes": 2.0, "objects": 4.0},
        "runs/second": {"scenes": 6.0, "places": 8.0},
    }
    for (folder, values), network in zip(heads.items(), (first, second), strict=True):
        (tmp_path / folder).mkdir(parents=True)
        save_weights(tmp_path / folder / FLOAT_FILE, network)
        weights: dict[str, Any] = {}
        for head_id, value in values.items():
            weights[f"{head_id}/kernel"] = np.full((1280, 3), value, np.float32)
            weights[f"{head_id}/bias"] = np.full(3, value, np.float32)
        np.savez(tmp_path / folder / "heads.npz", **weights)
    # The first may be a bundle of two branches: its second one is replaced.
    folder_of_first = tmp_path / "bundles" / "first"
    with_branch: dict[str, Any] = dict(named_weights(first))
    with_branch |= {f"{BRANCH}{name}": array + 1.0 for name, array in with_branch.items()}
    np.savez(folder_of_first / FLOAT_FILE, **with_branch)
    with np.load(folder_of_first / "heads.npz") as loaded:
        weights = dict(loaded)
    earlier = np.full((1280, 3), 100.0, np.float32)
    for head_id in ("scenes", "objects"):
        weights[f"{head_id}/kernel"] = np.concatenate([weights[f"{head_id}/kernel"], earlier])
    np.savez(folder_of_first / "heads.npz", **weights)
    recipe = read_recipe(TRAINING_DIR / "configs" / "scene_mobilenet_v2.toml").model_copy(
        update={"starting_weights": "bundle:first", "branch_weights": "run:second"}
    )
    joined = build_backbone(recipe.architecture)
    arrays = start(joined, recipe, tmp_path, tmp_path / "runs", tmp_path / "bundles")
    pixels = rng.uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    embedding = joined(pixels).numpy()
    assert embedding.shape == (2, 2560)
    assert np.allclose(embedding[:, :1280], first(pixels).numpy(), atol=1e-4)
    assert np.allclose(embedding[:, 1280:], second(pixels).numpy(), atol=1e-4)
    assert not np.allclose(embedding[:, :1280], embedding[:, 1280:], atol=1e-4)
    for head_id, (of_first, of_second, bias) in {
        "scenes": (1.0, 3.0, 4.0),
        "objects": (4.0, 0.0, 4.0),
        "places": (0.0, 8.0, 8.0),
    }.items():
        assert np.unique(arrays[f"{head_id}/kernel"][:1280]).tolist() == [of_first]
        assert np.unique(arrays[f"{head_id}/kernel"][1280:]).tolist() == [of_second]
        assert np.unique(arrays[f"{head_id}/bias"]).tolist() == [bias]
