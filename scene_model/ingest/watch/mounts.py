"""The disks and network drives of this computer, as the operating system lists them."""

import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scene_model.ingest.start_folders import mounted_drives

_MOUNTS = Path("/proc/self/mounts")
_ESCAPE = re.compile(r"\\([0-7]{3})")
# On these, changes that other computers make come without events.
_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs davfs vboxsf virtiofs drvfs ncpfs fuse".split()
)


@dataclass(frozen=True)
class Mount:
    """A mounted file system. device, kind: as the system names them; empty where it does not."""

    path: Path
    device: str = ""
    kind: str = ""

    @property
    def has_events(self) -> bool:
        """Whether every change on it is reported; unknown kinds are taken to be local disks."""
        return self.kind.partition(".")[0] not in _NETWORK


ListMounts = Callable[[], Sequence[Mount]]


def list_mounts() -> Sequence[Mount]:
    """Return what is mounted now; where the system has no list, the folders of its drives."""
    try:
        return parse_mounts(_MOUNTS.read_text(encoding="utf-8", errors="surrogateescape"))
    except OSError:
        drives = mounted_drives(platform.system(), "")
        return [Mount(path) for path in drives]


def parse_mounts(text: str) -> list[Mount]:
    """Read the lines of `/proc/self/mounts` (proc(5)): device, path, kind, with octal escapes."""
    fields = [line.split(" ") for line in text.splitlines()]
    return [
        Mount(Path(_unescaped(row[1])), _unescaped(row[0]), row[2])
        for row in fields
        if len(row) >= 3
    ]


def mount_of(path: Path, mounts: Sequence[Mount]) -> Mount:
    """Return the innermost mount that a path lies on; one without a kind if none is listed."""
    around = [mount for mount in mounts if path.is_relative_to(mount.path)]
    # Of mounts on the same path, the last one covers the others.
    return max(reversed(around), key=lambda m: len(m.path.parts), default=Mount(path))


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
