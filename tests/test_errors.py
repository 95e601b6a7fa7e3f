"""Every error has a code of its own, a status and an exit code, and stands in the tree."""

import re

from scene_model import errors
from scene_model.errors import SceneError


def all_errors() -> list[type[SceneError]]:
    found, todo = [], [SceneError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo += kind.__subclasses__()
    return found


def test_each_has_its_own_facts() -> None:
    kinds = all_errors()
    assert len(kinds) > 25
    for kind in kinds:
        assert "code" in vars(kind), f"{kind.__name__} has no code of its own"
        assert 400 <= kind.http_status <= 599
        assert kind.exit_code in (1, 2, 3)
    assert len({kind.code for kind in kinds}) == len(kinds)


def test_tree_at_the_top_is_the_tree() -> None:
    drawn = re.findall(r"([A-Z]\w+)", (errors.__doc__ or "").split("Each class")[0])
    names = {kind.__name__ for kind in all_errors()}
    assert names <= set(drawn), names - set(drawn)
