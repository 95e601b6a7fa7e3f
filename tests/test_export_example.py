"""The pandas example of docs/export.md, run as it is written."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scene_model.config import PROJECT_DIR
from scene_model.library.edits import add_tag
from scene_model.services import Services


def test_the_example_reads_back_what_was_exported(
    services: Services,
    add_photos: Callable[[list[tuple[str, bytes]]], list[str]],
    flower: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = add_photos([("=1+1.jpg", flower)])
    add_tag(services.library, ids, "rock; roll")
    (tmp_path / "scene-gallery.csv").write_bytes("".join(services.exports.csv_lines(ids)).encode())
    lines = services.exports.json_lines(ids, is_one_list=False)
    (tmp_path / "scene-gallery.jsonl").write_bytes("".join(lines).encode())
    text = (PROJECT_DIR / "docs" / "export.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text.split("## Tables")[1], re.DOTALL)
    monkeypatch.chdir(tmp_path)
    made: dict[str, object] = {}
    exec(code, made)  # noqa: S102 - the lines are ours
    frame, records = made["frame"], made["records"]
    assert frame["Name"].tolist() == records["name"].tolist() == ["=1+1.jpg"]  # type: ignore[index]
    assert "rock; roll" in made["tags"][0]  # type: ignore[index]
