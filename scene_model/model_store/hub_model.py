"""A model on a hub: what it would download, and the download, which can be resumed."""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from scene_model.config import Settings
from scene_model.errors import ModelHubError, ModelRefused
from scene_model.jobs.lock_file import acquire_lock
from scene_model.model_store.hub_client import HubClient
from scene_model.model_store.local_model import UNKNOWN_LICENCE, LocalModel, as_pair
from scene_model.model_store.model_files import ModelFiles, choose_files

_REFERENCE = re.compile(r"([\w.-]{1,96}/[\w.-]{1,96})(?:@([\w./-]{1,200}))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DOWNLOADS = ".downloads"
_MAX_LIST_BYTES = 20_000_000
_ATTEMPTS = 3
_PAUSE_S = 0.5
# Downloads that nobody finished are removed by the next one.
_KEPT_S = 7 * 24 * 3600

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class HubFile:
    """sha256: of large files; git_sha1: of others, as git computes it."""

    size: int
    sha256: str | None
    git_sha1: str | None

    @property
    def shown_hash(self) -> str:
        """The hash, with what it is."""
        return f"sha256 {self.sha256}" if self.sha256 else f"git {self.git_sha1}"


@dataclass(frozen=True)
class HubModel:
    """repository: ORG/NAME. commit: what the revision stood for when it was asked for."""

    hub: str
    repository: str
    commit: str
    files: ModelFiles
    entries: dict[str, HubFile]
    licence: str

    @property
    def origin(self) -> str:
        """What it is added from, for people."""
        return f"{self.repository}@{self.commit}"

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(entry.size for entry in self.entries.values())


def is_reference(text: str) -> bool:
    """Return whether a text may name a model of a hub: ORG/NAME or ORG/NAME@REVISION."""
    return _REFERENCE.fullmatch(text) is not None and ".." not in text


def read_hub(reference: str, settings: Settings) -> HubModel:
    """Ask the hub for a model's files, sizes, hashes and licence; downloads none of them.

    Raises ModelHubError, ModelRefused, or NotForVisitors on a shared server.
    """
    settings.require_personal("download models")
    match = _REFERENCE.fullmatch(reference)
    if match is None or ".." in reference:
        raise ModelRefused(f"{reference!r} is no ORG/NAME or ORG/NAME@REVISION.")
    repository, revision = match.group(1), match.group(2) or "main"
    client = HubClient(settings.model_hub, settings.fetch_timeout_s)
    path = f"api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
    data = client.read(path, _MAX_LIST_BYTES)
    try:
        content = json.loads(data)
        commit, listed = str(content["sha"]), _entries(content["siblings"])
        licence = _licence(content)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise ModelHubError(
            f"{settings.model_hub} does not answer as a hub of models: {error!r}."
        ) from error
    if not _COMMIT.fullmatch(commit):
        raise ModelHubError(f"{settings.model_hub} names no commit of {repository}.")
    files = choose_files(listed, repository)
    if files.kind in ("keras", "saved_model"):
        raise ModelRefused(
            f"{repository} is a Keras model. Download it yourself and add the file or folder."
        )
    entries = {name: listed[name] for name in files.names}
    model = HubModel(settings.model_hub, repository, commit, files, entries, licence)
    if model.size > settings.max_model_bytes:
        raise ModelRefused(
            f"{repository} has {model.size:,} bytes; a model has at most "
            f"{settings.max_model_bytes:,} (SCENE_MAX_MODEL_BYTES).",
            code="model_too_large",
        )
    return model


def download(model: HubModel, settings: Settings, progress: Progress) -> LocalModel:
    """Download the files, or what is missing of them, and compare each with its hash.

    progress: called with bytes that are there and all bytes. Raises ModelHubError or
    ModelRefused; what has arrived is kept for the next call.
    """
    downloads = settings.bundles.expanduser() / _DOWNLOADS
    downloads.mkdir(parents=True, exist_ok=True)
    folder = downloads / f"{model.repository.replace('/', '--')}@{model.commit}"
    lock = acquire_lock(folder)
    if lock is None:
        raise ModelRefused(f"Another process is downloading {model.repository}. Wait for it.")
    try:
        _remove_old(downloads, folder)
        _require_space(downloads, model)
        client = HubClient(settings.model_hub, settings.fetch_timeout_s)
        _download(client, model, folder, progress)
    finally:
        lock.release()
    return as_pair(LocalModel(folder, model.files, model.origin, model.licence))


def _after(earlier: int, total: int, progress: Progress) -> Callable[[int], None]:
    """Return the progress of one file as that of all."""
    return lambda count: progress(earlier + count, total)


def forget_download(model: LocalModel) -> None:
    """Remove downloaded files, after the model was added."""
    if model.folder.parent.name == _DOWNLOADS:
        shutil.rmtree(model.folder, ignore_errors=True)


def _download(client: HubClient, model: HubModel, folder: Path, progress: Progress) -> None:
    earlier = 0
    for name, entry in model.entries.items():
        path = f"{model.repository}/resolve/{model.commit}/{quote(name)}"
        if not (folder / name).is_file():
            _fetch(client, path, folder / name, entry, _after(earlier, model.size, progress))
        earlier += entry.size
        progress(earlier, model.size)


def _fetch(
    client: HubClient, path: str, target: Path, entry: HubFile, arrived: Callable[[int], None]
) -> None:
    """Fetch one file; a name of its own until it is whole. Raises ModelHubError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _fetch_rest(client, path, part, entry, arrived)
            break
        except ModelHubError as error:
            if error.code != ModelHubError.code or attempt == _ATTEMPTS:
                raise
        time.sleep(_PAUSE_S * attempt)
    if not _is_right(part, entry):
        part.unlink()
        raise ModelHubError(
            f"{target.name} does not have the hash that the hub announced, so it was removed. "
            "Add the model again; if that does not help, the hub or a server between is damaged.",
            code="hub_file_differs",
        )
    part.replace(target)


def _fetch_rest(
    client: HubClient, path: str, part: Path, entry: HubFile, arrived: Callable[[int], None]
) -> None:
    start = part.stat().st_size if part.exists() else 0
    if start >= entry.size > 0:
        return
    with client.get(path, start) as answer:
        if answer.status == 416 or answer.starts_at not in (0, start):
            part.unlink(missing_ok=True)
            raise ModelHubError(f"The hub does not resume {part.stem}; it begins again.")
        start = answer.starts_at
        with part.open("r+b" if part.exists() else "wb") as file:
            file.truncate(start)
            file.seek(start)
            for piece in answer.pieces():
                file.write(piece)
                if file.tell() > entry.size:
                    break
                arrived(file.tell())
    if part.stat().st_size < entry.size:
        raise ModelHubError(
            f"{part.stem} stopped at {part.stat().st_size:,} of {entry.size:,} bytes. Try again; "
            "what has arrived is kept."
        )


def _is_right(file: Path, entry: HubFile) -> bool:
    if file.stat().st_size != entry.size:
        return False
    with file.open("rb") as stream:
        if entry.sha256 is not None:
            return hashlib.file_digest(stream, "sha256").hexdigest() == entry.sha256
        # Git's name of a file; large files, where somebody might gain by a collision, have SHA-256.
        digest = hashlib.sha1(f"blob {entry.size}\0".encode(), usedforsecurity=False)
        digest.update(stream.read())
        return digest.hexdigest() == entry.git_sha1


def _entries(siblings: list[dict[str, Any]]) -> dict[str, HubFile]:
    """Return the files with plain names and a hash, by name."""
    entries = {}
    for sibling in siblings:
        name, lfs = str(sibling["rfilename"]), sibling.get("lfs")
        sha256 = str(lfs.get("sha256") or lfs.get("oid")) if lfs else None
        git_sha1 = sibling.get("blobId")
        size = int((lfs or sibling).get("size") or sibling.get("size") or 0)
        if not _is_plain(name) or sha256 is None and not isinstance(git_sha1, str):
            continue
        if sha256 is not None and not _SHA256.fullmatch(sha256):
            continue
        if size < 0:
            raise ValueError(f"{name} has the size {size}")
        entries[name] = HubFile(size, sha256, git_sha1)
    return entries


def _is_plain(name: str) -> bool:
    """Return whether a name lies in the folder itself or in one below, on every system."""
    parts = PurePosixPath(name).parts
    return (
        1 <= len(parts) <= 2
        and not name.startswith("/")
        and not any(part.startswith("..") or part == "." for part in parts)
        and not set('\\:*?"<>|\0') & set(name)
        and name.isprintable()
    )


def _licence(content: dict[str, Any]) -> str:
    card = content.get("cardData") or {}
    licence = card.get("license")
    if isinstance(licence, list):
        licence = ", ".join(map(str, licence))
    if licence == "other":
        licence = card.get("license_name") or licence
        link = card.get("license_link")
        licence = f"{licence} ({link})" if link else licence
    if not licence:
        tags = [tag.partition(":")[2] for tag in content.get("tags") or [] if "license:" in tag]
        licence = tags[0] if tags else None
    return str(licence)[:300] if licence else UNKNOWN_LICENCE


def _require_space(downloads: Path, model: HubModel) -> None:
    """Raise ModelRefused unless the download and the bundle that is made of it fit on the disk."""
    free = shutil.disk_usage(downloads).free
    if free < 2 * model.size:
        raise ModelRefused(
            f"{model.repository} needs {2 * model.size:,} bytes on the disk of {downloads}, which "
            f"has {free:,}. Make room, or set SCENE_BUNDLES to a folder on another disk.",
            code="model_no_space",
        )


def _remove_old(downloads: Path, current: Path) -> None:
    for folder in downloads.iterdir():
        if folder.is_dir() and folder != current:
            try:
                # The folder itself counts: another process may have begun to download into it.
                newest = max(p.stat().st_mtime for p in (folder, *folder.rglob("*")))
            except OSError:  # another process just renamed a file in it
                continue
            if time.time() - newest > _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
