"""Splits keep same pictures together; targets follow the recipe."""

import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_model.classifier.fitting.examples import Example
from scene_model.classifier.fitting.random_views import degraded_copy, random_view
from scene_model.classifier.fitting.splits import (
    Part,
    make_split,
    read_split,
    same_picture_groups,
    write_split,
)
from scene_model.photos.resize import resize_to_square
from tests.pictures import encode, textured
from training.data import check_mappings, head_targets, load_examples
from training.recipe import (
    FOLDERS,
    TRAINING_DIR,
    HeadRecipe,
    Mapping,
    Recipe,
    RecipeError,
    Source,
    Stage,
    read_label_set,
    read_recipe,
)

SCENES = read_label_set(TRAINING_DIR / "label_sets" / "scenes.toml")
HEAD = HeadRecipe(id="scenes", labels="scenes.toml", outside=True)


def recipe(**changes: object) -> Recipe:
    fields: dict[str, object] = {
        "name": "tiny",
        "architecture": "mobilenet_v2",
        "seed": 1,
        "imagenet_tflite": "none",
        "imagenet_labels": "none",
        "sources": (Source(id="own", file="own", head="scenes"),),
        "heads": (HEAD,),
        "stages": (Stage(input_size=64, epochs=1),),
        "backbone_learning_rate": 1e-3,
        "head_learning_rate": 1e-3,
        "licence": "test",
        "attributions": (),
    }
    return Recipe.model_validate(fields | changes)


def example(name: str, picture: Image.Image, also: tuple[str, ...] = ()) -> Example:
    source, label, _ = name.split("/")
    return Example(name, source, label, also, name, np.asarray(picture.convert("RGB")))


def test_copies_of_a_picture_form_one_group() -> None:
    original = textured(150, 150, seed=1)
    pictures = [
        original,
        original.resize((192, 192)),
        Image.open(io.BytesIO(encode(original, quality=60))),
        original.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        textured(150, 150, seed=2),
    ]
    groups = same_picture_groups([np.asarray(p.convert("RGB")) for p in pictures])
    assert len(set(groups[:4])) == 1
    assert groups[4] != groups[0]


def test_split_keeps_groups_together_and_leaves_out_contradictions(tmp_path: Path) -> None:
    examples = [
        example(f"own/{label}/{i}.webp", textured(40, 40, seed=i))
        for i in range(60)
        for label in ("sea" if i % 2 else "forest",)
    ]
    groups = np.arange(60)
    groups[10], groups[12] = groups[0], groups[0]
    groups[21] = groups[20]  # one picture labelled as both sea and forest
    split = make_split(examples, groups, seed=3)
    parts = [split.part(e.name) for e in examples]
    assert parts[0] == parts[10] == parts[12]
    assert parts[20] == parts[21] == Part.LEFT_OUT
    assert 7 <= parts.count(Part.VALIDATION) <= 13
    write_split(split, tmp_path)
    assert read_split(tmp_path) == split
    assert make_split(examples, groups, seed=3) == split


def test_committed_lists_are_disjoint_and_complete() -> None:
    split = read_split(TRAINING_DIR / "splits")
    validation = [n for n, part in split.parts.items() if part is Part.VALIDATION]
    scenes = [name for name in validation if name.startswith("scenes6/")]
    assert len(scenes) / 13_856 == pytest.approx(0.15, abs=0.002)
    assert len({name.split("/")[1] for name in scenes}) == 6
    lines = [
        line
        for file in (TRAINING_DIR / "splits").glob("scenes6_*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    assert len(lines) == len(set(lines))


def test_targets() -> None:
    mapping = Mapping(
        source="other",
        head="scenes",
        weight=0.5,
        targets={"Dog": ("outside",), "Cliff": ("inside",), "Peak": ("mountain", "glacier")},
    )
    loaded = recipe(
        sources=(
            Source(id="own", file="own", head="scenes"),
            Source(id="other", file="other", head="camsdd"),
        ),
        mappings=(mapping,),
    )
    check_mappings(loaded, {"scenes": SCENES})
    picture = textured(8, 8)
    examples = [
        example("own/sea/1.webp", picture),
        example("own/sea/2.webp", picture, also=("street", "buildings", "unheard")),
        example("other/Dog/1.webp", picture),
        example("other/Cliff/1.webp", picture),
        example("other/Peak/1.webp", picture),
        example("other/Else/1.webp", picture),
    ]
    targets = head_targets(examples, HEAD, SCENES, loaded)
    assert targets.weight.tolist() == [1, 1, 0.5, 0.5, 0.5, 0]
    assert targets.sets.tolist() == [False, False, False, True, False, False]
    sea, street, buildings = (SCENES.index(n) for n in ("sea", "street", "buildings"))
    assert targets.allowed[1, [sea, street, buildings]] == pytest.approx([0.6, 0.2, 0.2])
    assert targets.allowed[2].argmax() == 6
    assert targets.allowed[3].tolist() == [1] * 6 + [0]


def test_a_mapping_to_no_label_is_refused() -> None:
    wrong = Mapping(source="own", head="scenes", targets={"x": ("moon",)})
    with pytest.raises(ValueError, match="moon"):
        check_mappings(recipe(mappings=(wrong,)), {"scenes": SCENES})


def test_zip_with_manifest(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("sea/1.webp", encode(textured(30, 20), "WEBP"))
        archive.writestr("sea/2.webp", b"broken")
        archive.writestr("manifest.csv", "file,label,also\nsea/1.webp,sea,Sea|street\n")
    source = Source(id="own", file="own.zip", head="scenes", manifest="manifest.csv")
    examples, skipped = load_examples(recipe(sources=(source,)), tmp_path)
    assert [(e.name, e.also) for e in examples] == [("own/sea/1.webp", ("Coast", "street"))]
    assert len(skipped) == 1
    assert "own/sea/2.webp" in skipped[0]


CONFIGS = sorted((TRAINING_DIR / "configs").glob("*.toml"))


@pytest.mark.parametrize(
    "file", [f for f in CONFIGS if f.name != "collect.toml"], ids=lambda f: f.stem
)
def test_every_configuration_is_valid(file: Path) -> None:
    loaded = read_recipe(file)
    assert loaded.name == file.stem
    heads = {head.id for head in loaded.heads}
    assert loaded.class_head in heads
    labels = {
        head.id: read_label_set(TRAINING_DIR / "label_sets" / head.labels)
        for head in loaded.heads
        if head.labels and head.labels != FOLDERS
    }
    check_mappings(loaded, labels)


def test_a_wrong_configuration_names_its_fields(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('extends = "base.toml"\nsed = 3\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(file)
    (tmp_path / "base.toml").write_text('name = "x"\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="sed: Extra inputs.*"):
        read_recipe(file)
    file.write_text("= no", encoding="utf-8")
    with pytest.raises(RecipeError, match="is not a TOML file"):
        read_recipe(file)


def test_withheld_origins_do_not_train_that_head() -> None:
    mapping = Mapping(
        source="other",
        head="scenes",
        targets={"Dog": ("outside",)},
        withheld_origins=("somebody/dogs",),
    )
    loaded = recipe(sources=(Source(id="other", file="other", head="camsdd"),), mappings=(mapping,))
    dog = example("other/Dog/1.webp", textured(8, 8))
    examples = [dog, dataclasses.replace(dog, origin="somebody/dogs")]
    assert head_targets(examples, HEAD, SCENES, loaded).weight.tolist() == [1.0, 0.0]


def test_views_have_the_requested_size_and_do_not_change_the_photo() -> None:
    pixels = np.asarray(textured(170, 130))
    before = pixels.copy()
    rng = np.random.default_rng(0)
    views = [random_view(pixels, 96, rng) for _ in range(40)]
    assert {(v.shape, v.dtype.name) for v in views} == {((96, 96, 3), "uint8")}
    assert (pixels == before).all()
    assert len({v.tobytes() for v in views}) == 40
    copy = degraded_copy(views[0], rng)
    assert copy.shape == (96, 96, 3)


def test_training_and_serving_make_the_same_input() -> None:
    """Decoding with and without a minimum size gives the same network input."""
    from scene_model.photos.decode import decode_photo

    data = encode(textured(150, 150), "PNG")
    served = resize_to_square(decode_photo(data).pixels, 224)
    trained = resize_to_square(decode_photo(data, minimum=None).pixels, 224)
    assert (served == trained).all()
