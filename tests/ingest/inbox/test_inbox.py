"""What an inbox keeps on disk: after a full disk, an end, and renames that make no sense."""

import errno
import hashlib
from pathlib import Path

import pytest

from scene_model.errors import FileTooLarge, InboxError, LibraryFull
from scene_model.ingest.inbox.inbox import Arrived, Inbox
from scene_model.jobs.job import Outcome
from scene_model.library.files.file_system import FileSystem
from scene_model.photos.decode import PhotoLimits
from scene_model.services import Services


class TornDisk(FileSystem):
    """Gets full in the middle of a line, and has room again."""

    is_full = True

    def append(self, path: Path, line: str, is_flushed: bool = False) -> None:
        if self.is_full:
            with path.open("ab") as file:
                file.write(line[: len(line) * 2 // 3].encode())
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        super().append(path, line, is_flushed)


@pytest.fixture
def inbox(services: Services) -> Inbox:
    """An inbox from which nothing is added."""
    return Inbox(services.library, "code", services.classifier.limits)


def arrive(inbox: Inbox, path: str, data: bytes = b"x") -> None:
    written = inbox.new_path()
    written.write_bytes(data)
    inbox.finish_file(path, Arrived(written, len(data), hashlib.sha256(data).hexdigest()))


def bytes_of(inbox: Inbox) -> dict[str, bytes]:
    """Return the bytes of each file as another process finds them after a kill."""
    again = Inbox(inbox._library, inbox.folder.name, inbox._limits)
    return {p: (again.folder / e.file).read_bytes() for p, e in again.entries.items() if e.file}


def test_a_disk_that_gets_full_in_a_line_loses_no_other_file(services: Services) -> None:
    disk = TornDisk()
    services.library.file_system = disk
    inbox = Inbox(services.library, "code", services.classifier.limits)
    disk.is_full = False
    arrive(inbox, "a.part", b"a")
    disk.is_full = True
    with pytest.raises(LibraryFull):
        arrive(inbox, "b.jpg")
    with pytest.raises(LibraryFull):
        arrive(inbox, "a.part", b"replaced")
    with pytest.raises(LibraryFull):
        inbox.rename("a.part", "c.jpg")
    assert len(list(inbox.folder.iterdir())) == 2, "what was refused takes no room"
    disk.is_full = False
    arrive(inbox, "d.jpg", b"d")
    contents = bytes_of(inbox)
    assert set(contents.values()) == {b"a", b"d"}
    assert contents["d.jpg"] == b"d"


def test_files_under_temporary_names_are_added_when_an_inbox_ends(inbox: Inbox) -> None:
    arrive(inbox, "a.jpg.part")
    inbox.forget()
    (waiting,) = inbox.waiting()
    assert waiting.source.read_bytes() == b"x"
    inbox.settle(waiting.source, Outcome("0" * 64))
    inbox.forget()
    assert not inbox.folder.exists()


def test_a_file_cannot_replace_the_folder_it_is_in(inbox: Inbox) -> None:
    inbox.make_folder("a")
    arrive(inbox, "a/b.part")
    with pytest.raises(InboxError):
        inbox.rename("a/b.part", "a")
    assert bytes_of(inbox) == {"a/b.part": b"x"}


def test_folders_do_not_get_deeper_by_renaming(inbox: Inbox) -> None:
    for depth in range(1, 21):
        inbox.make_folder("/".join("a" * depth))
        inbox.make_folder("/".join("b" * depth))
    with pytest.raises(InboxError, match="33 levels"):
        inbox.rename("a", "/".join("b" * 20 + "a"))


def test_a_large_video_may_come_under_a_temporary_name(services: Services) -> None:
    inbox = Inbox(services.library, "code", PhotoLimits(max_file_bytes=10, max_video_bytes=1_000))
    assert inbox.begin_file("a.MOV.tacitpart", None) == 1_000
    with pytest.raises(FileTooLarge, match="1,001"):
        inbox.begin_file("a.MOV.tacitpart", 1_001)
    assert inbox.begin_file("a.MOV.tacitpart", 500) == 500
    arrive(inbox, "a.MOV.tacitpart", bytes(500))
    with pytest.raises(FileTooLarge):
        inbox.rename("a.MOV.tacitpart", "a.jpg")
    inbox.rename("a.MOV.tacitpart", "a.MOV")
    assert [file.shown_path for file in inbox.waiting()] == ["a.MOV"]
