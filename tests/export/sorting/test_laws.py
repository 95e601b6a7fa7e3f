"""Any sequence of sorts, crashes, resumes and undos: no content is lost, and undo restores all."""

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from scene_model.errors import NothingSorted, PathNotFound, SortUnfinished
from scene_model.export.sorting.file_system import SortFileSystem
from scene_model.export.sorting.journal import last_journal
from scene_model.export.sorting.plan import Kind
from scene_model.export.sorting.transaction import resume_sort, undo_sort
from tests.export.sorting.faults import Crash, CrashingDisk
from tests.export.sorting.source_photos import content, failed, snapshot, sort_all, write

pytestmark = pytest.mark.slow

_NAMES = st.sampled_from(
    ["a.jpg", "A.JPG", "a.xmp", "a.jpg.xmp", "b.jpg", "b.mov", "b (2).jpg", "é.png", "x\n.jpg"]
)
_FOLDERS = st.sampled_from(["", "one/two"])
_CONTENTS = st.sampled_from([b"", b"red", b"green", b"blue", b"a longer content than the others"])
# The step of a crash, or None for no crash; both equally likely.
_MOMENTS = st.booleans().flatmap(lambda crashes: st.integers(1, 60) if crashes else st.none())
_LAYOUTS = st.sampled_from(
    ["{class}/{name}", "{taken:%Y}/{class}/{name}", "all/{name}", "{class}-{name}"]
)


class Sorts(RuleBasedStateMachine):
    """Two source folders and one DEST, with sorts, undos, resumes and crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.sources = (self.root / "source", self.root / "second")
        self.dest = self.root / "sorted"
        self.contents: Counter[str] = Counter()
        # The files before each sort that is not undone, and whether it moved files.
        self.before: list[tuple[dict[str, tuple[object, ...]], bool]] = []

    @property
    def is_cut_off(self) -> bool:
        journal = last_journal(self.dest, SortFileSystem())
        return journal is not None and journal.progress.is_cut_off

    @initialize(
        files=st.lists(
            st.tuples(st.booleans(), _FOLDERS, _NAMES, _CONTENTS), min_size=6, max_size=16
        )
    )
    def fill(self, files: list[tuple[bool, str, str, bytes]]) -> None:
        for source in self.sources:
            source.mkdir()
        for number, (source_index, folder, name, data) in enumerate(files):
            path = self.sources[source_index] / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, data, number)
        self.contents = content(self.root)

    @precondition(lambda self: not self.is_cut_off)
    @rule(
        source_index=st.integers(0, 1),
        kind=st.sampled_from(list(Kind)),
        layout=_LAYOUTS,
        at=_MOMENTS,
    )
    def sort(self, source_index: int, kind: Kind, layout: str, at: int | None) -> None:
        before, journals = snapshot(self.root), self._journals()
        file_system = CrashingDisk(10**6 if at is None else at)
        try:
            failures = failed(
                sort_all(self.sources[source_index], self.dest, kind, file_system, layout)
            )
        except Crash:
            pass
        else:
            assert failures == {}
        if self._journals() > journals:
            self.before.append((before, kind is Kind.MOVE))

    @precondition(lambda self: self.is_cut_off)
    @rule(source_index=st.integers(0, 1))
    def refuse(self, source_index: int) -> None:
        before = snapshot(self.root)
        with contextlib.suppress(SortUnfinished):
            assert sort_all(self.sources[source_index], self.dest, Kind.COPY) == []
        assert _without_dest(snapshot(self.root), self.dest) == _without_dest(before, self.dest)

    @rule(at=_MOMENTS)
    def resume(self, at: int | None) -> None:
        try:
            list(resume_sort(self.dest, CrashingDisk(10**6 if at is None else at)))
        except Crash:
            pass
        except (NothingSorted, PathNotFound):
            assert not self.before
        self._drop_undone()

    @rule(at=_MOMENTS)
    def undo(self, at: int | None) -> None:
        try:
            outcomes = list(undo_sort(self.dest, CrashingDisk(10**6 if at is None else at)))
            assert failed(outcomes) == {}
        except Crash:
            pass
        except (NothingSorted, PathNotFound):
            assert not self.before
        self._drop_undone()

    def _drop_undone(self) -> None:
        if self._journals() < len(self.before):
            (before, _) = self.before.pop()
            now = snapshot(self.root)
            assert _files(now) == _files(before)

    @invariant()
    def nothing_is_lost(self) -> None:
        now = content(self.root)
        assert set(now) == set(self.contents)
        assert all(now[content_hash] >= count for content_hash, count in self.contents.items())
        if all(moved for _, moved in self.before) and not self.is_cut_off:
            assert now == self.contents

    def _journals(self) -> int:
        return len(list((self.dest / ".scene-sort").glob("*.jsonl")))

    def teardown(self) -> None:
        shutil.rmtree(self.root)


def _files(state: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    """Files with content, permissions and times; a crash may leave empty folders."""
    return {path: value for path, value in state.items() if value[0] is not None and _is_ours(path)}


def _is_ours(path: str) -> bool:
    return not os.path.basename(path).startswith(".scene-sort")  # noqa: PTH119


def _without_dest(state: dict[str, tuple[object, ...]], dest: Path) -> object:
    """Everything except DEST itself, whose time changes with the lock file."""
    return {path: value for path, value in _files(state).items() if path != str(dest)}


TestSorts = Sorts.TestCase
TestSorts.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
