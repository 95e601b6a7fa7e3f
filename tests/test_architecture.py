"""What the import contracts cannot say: start-up cost, the environment, the pins."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scene_model import __version__
from scene_model.config import PROJECT_DIR

MOST_MODULES = 25


def modules_after(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["scene_model.classifier", "scene_model.classifier.classify", "scene_model.services"]
)
def test_the_core_loads_neither_tensorflow_nor_streamlit(module: str) -> None:
    loaded = modules_after(f"import {module}")
    assert "scene_model" in loaded
    assert not loaded & {"tensorflow", "keras", "streamlit"}


@pytest.mark.slow
def test_the_server_does_not_load_tensorflow() -> None:
    assert not modules_after("import app") & {"tensorflow", "keras", "training"}


@pytest.mark.slow
def test_only_config_reads_the_environment() -> None:
    for path in sorted(
        [*PROJECT_DIR.glob("scene_model/**/*.py"), *PROJECT_DIR.glob("pages/**/*.py")]
    ):
        if path.name == "config.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("environ", "getenv"), path


def test_no_folder_is_a_heap() -> None:
    modules = Counter(
        path.parent
        for room in ("scene_model", "pages")
        for path in (PROJECT_DIR / room).rglob("*.py")
    )
    folder, most = modules.most_common(1)[0]
    assert most <= MOST_MODULES, f"{folder} holds {most} modules: give some a package of their own"


def project() -> dict[str, Any]:
    text = (PROJECT_DIR / "pyproject.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["project"])


def direct(*extras: str) -> list[Requirement]:
    """What the project itself asks for, with some extras."""
    lists = [project()["optional-dependencies"][extra] for extra in extras]
    return [Requirement(text) for text in sum(lists, project()["dependencies"])]


def pins(file: str) -> dict[str, Requirement]:
    """The lines of a lock by name; each pins one version."""
    text = (PROJECT_DIR / file).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [line.split("--hash")[0] for line in text.splitlines() if not line.startswith("#")]
    requirements = [Requirement(line) for line in lines if line and not line.startswith(" ")]
    for pin in requirements:
        assert re.fullmatch(r"==[\w.!+]+", str(pin.specifier)), pin
    by_name: dict[str, Requirement] = {}
    for pin in requirements:
        earlier = by_name.setdefault(canonicalize_name(pin.name), pin)
        # A version for each Python, as the markers say.
        assert earlier is pin or (earlier.marker and pin.marker), f"{pin.name} is pinned twice"
    return by_name


def version_of(pin: Requirement) -> str:
    return str(pin.specifier).removeprefix("==")


@pytest.mark.parametrize(
    ("file", "extras"),
    [
        (
            "requirements.txt",
            ("train", "dev", "browser", "docs", "auth", "encryption", "cloud", "onnx", "ray"),
        ),
        ("requirements-serving.txt", ("auth",)),
    ],
)
def test_the_locks_pin_what_the_project_asks_for(file: str, extras: tuple[str, ...]) -> None:
    locked = pins(file)
    for requirement in direct(*extras):
        pin = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version_of(pin)), f"{requirement} is locked as {pin}"
        assert bool(requirement.marker) == bool(pin.marker), f"{requirement} is locked as {pin}"
    assert {*project()["optional-dependencies"]} == {
        *("train", "dev", "browser", "docs", "auth", "encryption", "cloud", "onnx", "ray")
    }


def test_the_serving_lock_is_a_part_of_the_whole_with_hashes_and_no_tensorflow() -> None:
    serving, whole = pins("requirements-serving.txt"), pins("requirements.txt")
    for name, pin in serving.items():
        assert version_of(pin) == version_of(whole[name])
    assert not {"tensorflow", "keras", "pytest"} & {*serving}
    text = (PROJECT_DIR / "requirements-serving.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\w)", text.replace("\\\n", ""))[1:]
    assert len(entries) == len(serving)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_locks_name_their_command_and_no_registry() -> None:
    for file in ("requirements.txt", "requirements-serving.txt"):
        text = (PROJECT_DIR / file).read_text(encoding="utf-8")
        assert "uv pip compile --universal" in text.splitlines()[1]
        assert "://" not in text
        assert "index-url" not in text


def test_tensorflow_is_left_out_where_it_has_no_release() -> None:
    locked = pins("requirements.txt")
    asked_for = [pin for pin in direct("train") if pin.name in ("tensorflow", "keras")]
    assert len(asked_for) == 2
    for pin in (*asked_for, locked["tensorflow"], locked["keras"]):
        assert pin.marker is not None
        for version, is_expected in (("3.13", True), ("3.14", False)):
            environment = {"python_version": version, "python_full_version": f"{version}.0"}
            assert pin.marker.evaluate(environment) is is_expected, pin
    assert not any(requirement.name in ("tensorflow", "keras") for requirement in direct())


def test_each_dependency_has_its_reason() -> None:
    reasons = (PROJECT_DIR / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for requirement in direct("train", "dev", "browser", "docs", "auth", "encryption", "ray"):
        assert f"`{requirement.name}`" in reasons, requirement
        if any(s.operator in ("~=", "<", "<=") for s in requirement.specifier):
            line = next(row for row in reasons.splitlines() if f"`{requirement.name}`" in row)
            assert "upper bound" in line, f"{requirement} has an upper bound without a reason"


def test_the_version_is_in_one_place() -> None:
    assert project()["dynamic"] == ["version"]
    assert "version" not in project()
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


@pytest.mark.slow
def test_no_test_imports_another_test() -> None:
    for path in sorted(PROJECT_DIR.glob("tests/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
                name = str(node.module).rpartition(".")[2]
                assert not name.startswith("test_"), f"{path.name} imports {node.module}"


def patched_names(source: str) -> list[str]:
    """Return the attribute names that a test replaces; "" for one that is not a literal.

    They are passed to `setattr` or `patch`, or assigned to an attribute of another object.
    """
    names = list[str]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if function == "setattr":  # of an object and a name, or of a dotted path
                name = node.args[1 if len(node.args) == 3 else 0]
                names.append(str(name.value) if isinstance(name, ast.Constant) else "")
            elif function in ("patch", "object"):  # of `unittest.mock`
                names += [str(a.value) for a in node.args[:2] if isinstance(a, ast.Constant)]
        elif isinstance(node, ast.Assign):
            targets = [target for target in node.targets if isinstance(target, ast.Attribute)]
            names += [t.attr for t in targets if ast.unparse(t.value) != "self"]
    return [name.rpartition(".")[2] for name in names]


def is_private_function(name: str) -> bool:
    return re.fullmatch(r"_[a-z][a-z0-9_]*", name) is not None


@pytest.mark.parametrize(
    "statement",
    [
        'monkeypatch.setattr(trash, "_remove", kill)',
        'monkeypatch.setattr("scene_model.library.trash._remove", kill)',
        'setattr(trash, "_remove", kill)',
        'mock.patch.object(trash, "_remove")',
        'mock.patch("scene_model.library.trash._remove")',
        "trash._remove = kill",
    ],
)
def test_a_patched_private_function_is_detected(statement: str) -> None:
    assert any(is_private_function(name) for name in patched_names(statement))


@pytest.mark.slow
def test_no_test_patches_a_private_function() -> None:
    for path in sorted(PROJECT_DIR.glob("tests/**/*.py")):
        for name in patched_names(path.read_text(encoding="utf-8")):
            assert name, f"{path.name} patches an attribute whose name is not a literal"
            assert not is_private_function(name), f"{path.name} patches {name}"
