"""Add a model: check it, try it, and put it beside the other bundles; all of it, or nothing."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scene_model.classifier.bundle_description import BundleDescription, read_description
from scene_model.config import DEFAULT_BUNDLE_DIR, Settings
from scene_model.errors import ModelRefused, TargetExists
from scene_model.jobs.lock_file import LockFile, acquire_lock
from scene_model.model_store.convert_keras import convert_keras
from scene_model.model_store.declared_input import DeclaredInput
from scene_model.model_store.label_entries import AddedLabels, added_labels, read_label_names
from scene_model.model_store.local_model import LocalModel
from scene_model.model_store.model_files import ModelFiles
from scene_model.model_store.prepared import Prepared, Task, Trial
from scene_model.model_store.trial import TrialLimits, prepare, try_bundle
from scene_model.model_store.write_bundle import write_bundle, write_trial

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NO_NAME_CHARACTERS = re.compile(r"[^a-z0-9]+")
SCRATCH_PREFIX = ".adding-"

_LOCK = ".adding"


@dataclass(frozen=True)
class AddOptions:
    """What a person says beside the source; None for what the files say.

    labels: a file of labels. output: name of the network's output.
    """

    name: str | None = None
    labels: Path | None = None
    licence: str | None = None
    output: str | None = None
    declared: DeclaredInput = DeclaredInput()


@dataclass(frozen=True)
class AddedModel:
    """A model that joined. ours: how many of its labels have ids of the shipped label sets."""

    folder: Path
    description: BundleDescription
    size: int
    trial: Trial
    has_last_layer: bool
    ours: int


def add_model(
    model: LocalModel,
    options: AddOptions,
    settings: Settings,
    limits: TrialLimits = TrialLimits(),  # noqa: B008 - frozen
) -> AddedModel:
    """Add a model whose files are on this computer. Raises ModelRefused or TargetExists.

    It is written under another name and renamed when everything has been checked. What a killed
    run left is removed by the next one.
    """
    settings.require_personal("add models")
    name = options.name or name_of(model.origin)
    target = free_target(name, settings)
    _check_size(model, settings.max_model_bytes)
    with _scratch(settings.bundles.expanduser()) as scratch:
        folder = scratch / name
        folder.mkdir()
        if model.files.kind in ("keras", "saved_model"):
            model = _converted(model, scratch)
        labels = _labels(model, options)
        prepared = _prepared(model, options, settings, labels, folder, limits)
        licence = options.licence or model.licence
        description = write_bundle(folder, model, prepared, labels, licence)
        trial = try_bundle(folder, _bytes_in(folder), limits)
        description = write_trial(folder, description, trial)
        size = _bytes_in(folder)
        folder.rename(target)
    ours = 0 if labels is None else labels.ours
    return AddedModel(target, description, size, trial, prepared.has_last_layer, ours)


def name_of(origin: str) -> str:
    """Make a bundle's name of a file's, a folder's or a repository's: ``org/ViT-B`` → ``vit_b``."""
    stem = re.sub(r"\.(onnx|tflite|keras)$", "", origin.partition("@")[0].rpartition("/")[2])
    name = _NO_NAME_CHARACTERS.sub("_", stem.casefold()).strip("_")[:50]
    return name if name[:1].isalpha() else f"model_{name}".rstrip("_")


def free_target(name: str, settings: Settings) -> Path:
    """Return the folder of a new bundle. Raises ModelRefused, or TargetExists if there is one."""
    if not _NAME.fullmatch(name):
        raise ModelRefused(
            f"A model cannot be called {name!r}: use up to 64 lower-case letters, digits and _, "
            "beginning with a letter.",
            code="model_options",
        )
    for folder in (settings.bundles.expanduser(), *settings.bundle_folders):
        if (folder / name).exists():
            raise TargetExists(
                f"There is a model {name!r} already. Choose another --name, or remove it first."
            )
    return settings.bundles.expanduser() / name


@contextlib.contextmanager
def store_lock(bundles: Path) -> Iterator[None]:
    """Let one process at a time change the folder of bundles; remove what killed ones left.

    Raises ModelRefused while another one does.
    """
    bundles.mkdir(parents=True, exist_ok=True)
    lock: LockFile | None = acquire_lock(bundles / _LOCK)
    if lock is None:
        raise ModelRefused(
            "Another process is adding or removing a model. Try again when it has finished."
        )
    try:
        for left in bundles.glob(f"{SCRATCH_PREFIX}*"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _scratch(bundles: Path) -> Iterator[Path]:
    with (
        store_lock(bundles),
        tempfile.TemporaryDirectory(
            dir=bundles, prefix=SCRATCH_PREFIX, ignore_cleanup_errors=True
        ) as scratch,
    ):
        yield Path(scratch)


def _check_size(model: LocalModel, max_bytes: int) -> None:
    """Compare the size that the system reports; nothing is read."""
    try:
        size = model.size
    except OSError as error:
        raise ModelRefused(
            f"The files of {model.origin} cannot be read: {error.strerror}.",
            code="model_files_missing",
        ) from error
    if size > max_bytes:
        raise ModelRefused(
            f"{model.origin} has {size:,} bytes; a model has at most {max_bytes:,} "
            "(SCENE_MAX_MODEL_BYTES). Take a smaller one, or one with float16 or int8 weights.",
            code="model_too_large",
        )


def _converted(model: LocalModel, scratch: Path) -> LocalModel:
    network = scratch / "converted.tflite"
    convert_keras(model.path(model.files.network), network)
    return LocalModel(scratch, ModelFiles("tflite", network.name), model.origin)


def _labels(model: LocalModel, options: AddOptions) -> AddedLabels | None:
    """Return the labels; None for a pair, which has none. Raises ModelRefused."""
    if model.files.kind == "pair":
        if options.labels is not None:
            raise ModelRefused(
                f"{model.origin} is an image and text network (such as CLIP), which has no labels. "
                "Leave --labels out.",
                code="model_options",
            )
        return None
    names = model.label_names if options.labels is None else read_label_names(options.labels)
    if names is None:
        raise ModelRefused(
            f"{model.origin} does not name its labels. Write them into a file, one a line in the "
            "order of the network's outputs, and add --labels FILE.",
            code="model_labels",
        )
    return added_labels(names, read_description(DEFAULT_BUNDLE_DIR))


def _prepared(
    model: LocalModel,
    options: AddOptions,
    settings: Settings,
    labels: AddedLabels | None,
    folder: Path,
    limits: TrialLimits,
) -> Prepared:
    files = model.files
    task = Task(
        kind=files.kind,
        network=str(model.path(files.network)),
        folder=str(folder),
        max_bytes=settings.max_model_bytes,
        declared=model.declared.with_options(options.declared),
        head_id="" if labels is None else labels.head_id,
        output=options.output,
        text="" if files.text is None else str(model.path(files.text)),
        tokenizer="" if files.tokenizer is None else str(model.path(files.tokenizer)),
        context_length=model.context_length if labels is None else None,
        padding_token=model.padding_token if labels is None else None,
    )
    prepared = prepare(task, model.size, limits)
    if labels is not None and prepared.label_count != len(labels.labels):
        raise ModelRefused(
            f"The network has {prepared.label_count:,} outputs, but there are "
            f"{len(labels.labels):,} labels. Name a file with one label for each output: "
            "--labels FILE.",
            code="model_labels",
        )
    return prepared


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
