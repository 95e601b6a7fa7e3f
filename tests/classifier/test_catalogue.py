"""What there is to choose from: every bundle with its reason, if it cannot be used."""

import os
from pathlib import Path

import pytest

from scene_model.classifier.catalogue import list_bundles
from scene_model.errors import BundleDamaged
from tests.bundles import copy_shipped, other_network, own_head


def test_all_that_lie_beside_one_another(tmp_path: Path) -> None:
    copy_shipped(tmp_path)
    own_head(tmp_path, "b_mine")
    damaged = other_network(tmp_path, "a_damaged")
    (damaged / "heads.npz").write_bytes(b"half")
    (tmp_path / "notes").mkdir()
    (tmp_path / "bundle.json").write_text("in the wrong place", encoding="utf-8")
    entries = {bundle.name: bundle for bundle in list_bundles(tmp_path)}
    assert list(entries) == ["a_damaged", "b_mine", "scene_mobilenet_v2"]
    own = entries["b_mine"].description
    assert own is not None
    assert (own.class_head, entries["b_mine"].problem) == ("my_folders", None)
    assert entries["a_damaged"].description is None
    assert type(entries["a_damaged"].problem) is BundleDamaged


@pytest.mark.slow
def test_bundles_are_read_again_only_after_a_change(tmp_path: Path) -> None:
    heads = own_head(tmp_path, "mine") / "heads.npz"
    assert list_bundles(tmp_path)[0].problem is None
    stat, data = heads.stat(), heads.read_bytes()
    heads.write_bytes(bytes(len(data)))
    os.utime(heads, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert list_bundles(tmp_path)[0].problem is None
    os.utime(heads, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert type(list_bundles(tmp_path)[0].problem) is BundleDamaged
    heads.write_bytes(data)
    assert list_bundles(tmp_path)[0].problem is None


def test_no_such_folder_holds_nothing(tmp_path: Path) -> None:
    assert list_bundles(tmp_path / "nowhere") == []
