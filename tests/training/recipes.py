"""Recipes for tests of training: small folders, small pictures, few epochs."""

import json
from pathlib import Path

from training.recipe import TRAINING_DIR, Recipe, Source, Stage, read_recipe

CONFIGS = TRAINING_DIR / "configs"


def write_recipe(file: Path, recipe: Recipe) -> Path:
    """Write a recipe as TOML; JSON values are valid TOML, except null."""
    fields = recipe.model_dump(mode="json", exclude_none=True)
    fields["tag_head"] = recipe.tag_head or ""
    text = "".join(f"{key} = {_toml(value)}\n" for key, value in fields.items())
    file.write_text(text, encoding="utf-8")
    return file


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{k}" = {_toml(v)}' for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def small_recipe(name: str, **changes: object) -> Recipe:
    """A committed configuration with small folders, small pictures and few epochs."""
    base = read_recipe(CONFIGS / "my_folders.toml")
    configured = read_recipe(CONFIGS / f"{name}.toml")
    copied = ("architecture", "starting_weights", "train_from", "hidden")
    update = {key: getattr(configured, key) for key in copied} | {
        "name": "tiny",
        "on_bundle": None,
        "tag_head": None,
        "input_size": 64,
        "representative_photos": 16,
        "backbone_learning_rate": 1e-3,
        "head_learning_rate": 5e-3,
        "mixup_alpha": 0.0,
        "stages": (Stage(input_size=64, epochs=6, batch_size=16),),
        "sources": (Source(id="tiny", file=".", head="my_folders"),),
    }
    return Recipe.model_validate(base.model_dump() | update | changes)
