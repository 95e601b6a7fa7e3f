"""Every error has its own code, an HTTP status and an exit code, and appears in the tree."""

import ast
import inspect
from collections import Counter

import pytest

from scene_model import errors
from scene_model.config import PROJECT_DIR
from scene_model.errors import FileSkipped, SceneError, UsageError, error_tree


def all_errors() -> list[type[SceneError]]:
    classes, pending = [], [SceneError]
    while pending:
        error_class = pending.pop()
        classes.append(error_class)
        pending += error_class.__subclasses__()
    return classes


def further_codes(error_class: type[SceneError]) -> list[str]:
    """The codes that errors of a class are given where they are raised."""
    return list(vars(error_class).get("codes", {}))


def test_each_error_has_its_own_code_and_a_valid_status() -> None:
    classes, codes = all_errors(), Counter[str]()
    assert len(classes) > 25
    for error_class in classes:
        assert "code" in vars(error_class), f"{error_class.__name__} has no code of its own"
        assert 400 <= error_class.http_status <= 599
        assert error_class.exit_code in (1, 2, 3)
        codes.update([error_class.code, *further_codes(error_class)])
        for code in further_codes(error_class):
            assert 400 <= error_class.codes[code].http_status <= 599
    assert codes.most_common(1)[0][1] == 1, codes.most_common(1)


def test_an_error_gets_the_status_of_its_code() -> None:
    plain, given = FileSkipped("It stays."), FileSkipped("No room.", code="target_full")
    assert (plain.code, plain.http_status, plain.exit_code) == ("file_stays", 500, 3)
    assert (given.code, given.http_status, given.exit_code) == ("target_full", 507, 3)
    assert given.message == "No room."
    assert (FileSkipped.code, FileSkipped.http_status) == ("file_stays", 500)
    with pytest.raises(KeyError):
        UsageError("No such code.", code="target_full")


@pytest.mark.slow
def test_every_code_is_raised_with_its_class() -> None:
    """Every code given where an error is raised is in its class's table, and the reverse."""
    given = set[tuple[str, str]]()
    for path in PROJECT_DIR.glob("scene_model/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for keyword in node.keywords:
                    if keyword.arg == "code" and hasattr(errors, node.func.id):
                        assert isinstance(keyword.value, ast.Constant), f"{path}:{node.lineno}"
                        given.add((node.func.id, str(keyword.value.value)))
    assert given == {(kind.__name__, code) for kind in all_errors() for code in further_codes(kind)}


def test_tree_shows_every_class_and_code_once_below_its_base() -> None:
    """Compared with the source file, not with the classes that the tree is made from."""
    bases = {
        node.name: node.bases[0].id
        for node in ast.parse(inspect.getsource(errors)).body
        if isinstance(node, ast.ClassDef)
        and isinstance(node.bases[0], ast.Name)
        and node.bases[0].id != "NamedTuple"
    }
    bases |= {code: kind.__name__ for kind in all_errors() for code in further_codes(kind)}
    drawn: dict[str, str] = {}
    path: list[str] = ["Exception"]
    for line in error_tree().splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        assert name not in drawn, f"{name} is drawn twice"
        del path[depth + 1 :]
        drawn[name] = path[depth]
        path.append(name)
    assert drawn == bases


def test_tree_shows_code_status_exit_code_and_meaning() -> None:
    lines = error_tree().splitlines()
    assert (
        "    FileTooLarge (file_too_large, 413, 3): "
        "The file has more bytes than ``SCENE_MAX_FILE_BYTES``, or ``SCENE_MAX_VIDEO_BYTES``."
    ) in lines
    assert "      target_full (507, 3): The target's disk is full." in lines
