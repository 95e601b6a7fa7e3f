"""Every error has its own code, an HTTP status and an exit code, and appears in the tree."""

import ast
import inspect

from scene_model import errors
from scene_model.errors import SceneError, error_tree


def all_errors() -> list[type[SceneError]]:
    classes, pending = [], [SceneError]
    while pending:
        error_class = pending.pop()
        classes.append(error_class)
        pending += error_class.__subclasses__()
    return classes


def test_each_error_has_its_own_code_and_a_valid_status() -> None:
    classes = all_errors()
    assert len(classes) > 25
    for error_class in classes:
        assert "code" in vars(error_class), f"{error_class.__name__} has no code of its own"
        assert 400 <= error_class.http_status <= 599
        assert error_class.exit_code in (1, 2, 3)
    assert len({error_class.code for error_class in classes}) == len(classes)


def test_tree_shows_every_class_once_below_its_base() -> None:
    """Compared with the source file, not with the classes that the tree is made from."""
    bases = {
        node.name: node.bases[0].id
        for node in ast.parse(inspect.getsource(errors)).body
        if isinstance(node, ast.ClassDef) and isinstance(node.bases[0], ast.Name)
    }
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
    assert (
        "    FileTooLarge (file_too_large, 413, 3): "
        "The file has more bytes than ``SCENE_MAX_FILE_BYTES``."
    ) in error_tree().splitlines()
