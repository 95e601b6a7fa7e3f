"""The import contracts can fail: a forbidden import in any room is reported."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scene_model.config import PROJECT_DIR

ROOMS = sorted(
    path.name
    for path in (PROJECT_DIR / "scene_model").iterdir()
    if (path / "__init__.py").is_file()
)
# The order of `[tool.importlinter]`, lowest first; each room may import those before its own.
LAYERS = [
    ["errors"],
    ["config"],
    ["photos"],
    ["classifier"],
    ["library"],
    ["duplicates"],
    ["search"],
    ["learning", "statistics", "maintenance", "trips"],
    ["jobs"],
    ["model_files"],
    ["ingest", "export"],
    ["album_rule_choice", "model_store", "rules", "scale", "search_choice"],
    ["gallery", "model_choice"],
    ["services"],
    ["visitors"],
    ["api", "cli"],
]
SQL_ROOMS = {
    *("library", "duplicates", "search"),
    *("learning", "statistics", "maintenance", "trips"),
}
ALLOWED = {
    "sqlalchemy": SQL_ROOMS,
    "fastapi": {"api"},
    "ai_edge_litert": set[str](),
    "onnxruntime": set[str](),
    "obstore": {"scale", "ingest"},
    "ray": set[str](),
    "rawpy": set[str](),
    "av": set[str](),
}
NEVER = ("streamlit", "tensorflow", "keras", "pages", "training")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages that the contracts are about."""
    ignored = shutil.ignore_patterns("__pycache__", "*.tflite", "*.npz", "*.png")
    for name in ("scene_model", "pages", "training"):
        shutil.copytree(PROJECT_DIR / name, tmp_path / name, ignore=ignored)
    shutil.copy(PROJECT_DIR / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    script = (
        "import sys; sys.path.insert(0, '.'); "
        "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tree,
        env={"PATH": "", "COLUMNS": "1000", "PYTHONIOENCODING": "utf-8", "SYSTEMROOT": ""},
        timeout=120,
    )


def add_module(tree: Path, module: str, imports: list[str]) -> None:
    path = tree / Path(*module.split(".")).with_suffix(".py")
    path.write_text("".join(f"import {name}\n" for name in imports), encoding="utf-8")


@pytest.mark.slow
def test_the_tree_keeps_every_contract(tree: Path) -> None:
    result = lint(tree)
    assert result.returncode == 0, result.stdout


def test_every_room_is_a_layer() -> None:
    assert set(ROOMS) <= {room for layer in LAYERS for room in layer}


@pytest.mark.slow
def test_a_forbidden_library_is_reported_in_every_room(tree: Path) -> None:
    expected = []
    for room in ROOMS:
        forbidden = [*NEVER, *(name for name, rooms in ALLOWED.items() if room not in rooms)]
        add_module(tree, f"scene_model.{room}.intruder", forbidden)
        expected += [f"scene_model.{room}.intruder -> {name}" for name in forbidden]
    for module in ("pages.sections.intruder", "training.intruder"):
        add_module(tree, module, ["sqlalchemy", "fastapi", "ai_edge_litert"])
        expected += [f"{module} -> {name}" for name in ("sqlalchemy", "fastapi", "ai_edge_litert")]
    result = lint(tree)
    assert result.returncode == 1
    missing = [line for line in expected if line not in result.stdout]
    assert missing == [], result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("position", range(len(LAYERS) - 1))
def test_an_import_from_above_is_reported(tree: Path, position: int) -> None:
    above = f"scene_model.{LAYERS[position + 1][0]}"
    for room in LAYERS[position]:
        target = tree / "scene_model" / room
        module = f"scene_model.{room}" + (".intruder" if target.is_dir() else "")
        path = target / "intruder.py" if target.is_dir() else target.with_suffix(".py")
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\nimport {above}\n")
        result = lint(tree)
        assert result.returncode == 1
        assert f"{module} -> {above}" in result.stdout


@pytest.mark.slow
def test_training_imports_nothing_above_the_classifier(tree: Path) -> None:
    rooms = [room for layer in LAYERS[4:] for room in layer]
    add_module(tree, "training.intruder", [f"scene_model.{room}" for room in rooms])
    result = lint(tree)
    assert result.returncode == 1
    for room in rooms:
        assert f"training.intruder -> scene_model.{room}" in result.stdout, room


@pytest.mark.slow
def test_a_new_room_must_be_given_its_layer(tree: Path) -> None:
    (tree / "scene_model" / "annexe").mkdir()
    (tree / "scene_model" / "annexe" / "__init__.py").touch()
    result = lint(tree)
    assert result.returncode == 1
    assert "annexe" in result.stdout
