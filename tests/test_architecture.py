"""What the import contracts cannot say: start-up cost, the environment, the pins."""

import ast
import subprocess
import sys
import tomllib

import pytest

from scene_model.config import PROJECT_DIR


def modules_after(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "module", ["scene_model.classifier", "scene_model.classifier.classify", "scene_model.services"]
)
def test_the_core_loads_neither_tensorflow_nor_streamlit(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert "scene_model" in loaded
    assert not loaded & {"tensorflow", "keras", "streamlit"}


def test_the_server_does_not_load_tensorflow() -> None:
    assert not modules_after("import app") & {"tensorflow", "keras", "training"}


def test_only_config_reads_the_environment() -> None:
    for path in sorted(
        [*PROJECT_DIR.glob("scene_model/**/*.py"), *PROJECT_DIR.glob("pages/**/*.py")]
    ):
        if path.name == "config.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("environ", "getenv"), path


def test_requirements_are_the_projects_pins() -> None:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = {*project["dependencies"], *(pin for extra in extras for pin in extra)}
    lines = (PROJECT_DIR / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if line and not line.startswith("#")} == wanted
    assert all("==" in pin for pin in wanted)
    assert not any(pin.startswith("tensorflow") for pin in project["dependencies"])


def test_each_dependency_has_its_reason() -> None:
    project = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    reasons = (PROJECT_DIR / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for pin in [*project["dependencies"], *(pin for extra in extras for pin in extra)]:
        assert f"`{pin.partition('==')[0]}`" in reasons, pin
