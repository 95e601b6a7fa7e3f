"""The process that opens what somebody else made: it prepares networks and tries them.

It reads one task from standard input and writes one answer to standard output, both JSON. What
a hostile network does, it does here, within limits of memory and time.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from scene_model.errors import BundleError, ModelRefused
from scene_model.model_store.declared_input import DeclaredInput
from scene_model.model_store.prepared import Task, Trial, are_equal

if TYPE_CHECKING:
    from scene_model.classifier.bundle import Bundle

_TIMED_RUNS = 5
# Of the picture that is tried: as a photo that was reduced for the network.
_HEIGHT, _WIDTH = 480, 640
_SENTENCES = ("a photo of a dog", "snow")


def main() -> None:
    """Do one task."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a runtime prints must not get into the answer
    request = json.loads(requests.readline())
    limit_resources(request["more_bytes"], request["seconds"])
    _end_with_parent(requests)
    try:
        fields = answer(request)
    except ModelRefused as error:
        fields = {"error": error.message, "code": error.code}
    except MemoryError:
        fields = {"memory": True}
    replies.write(json.dumps(fields).encode())
    replies.flush()
    # Without the destructors of runtimes, which may fail after what a network did.
    os._exit(0)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Prepare networks, or try a bundle, as a request says. Raises ModelRefused."""
    if "folder_to_try" in request:
        return vars(_try(Path(request["folder_to_try"])))
    declared = DeclaredInput(**request["task"].pop("declared"))
    task = Task(**request["task"], declared=declared)
    if task.kind == "tflite":
        from scene_model.model_store import prepare_litert

        return prepare_litert.prepare_classifier(task).as_fields()
    try:
        from scene_model.model_store import prepare_onnx, prepare_pair
    except ImportError as error:
        raise ModelRefused(
            'ONNX files need another package. Run pip install "scene-gallery[onnx]".',
            code="model_package_missing",
        ) from error
    if task.kind == "pair":
        return prepare_pair.prepare_pair(task).as_fields()
    return prepare_onnx.prepare_classifier(task).as_fields()


def limit_resources(more_bytes: int, seconds: int) -> None:
    """Limit memory and processor time of this process; only Linux can do both."""
    if not sys.platform.startswith("linux"):
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    held = pages * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_DATA, (held + more_bytes, held + more_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def _end_with_parent(requests: IO[bytes]) -> None:
    """End this process when the one that asked has ended, however it did."""

    def wait() -> None:
        requests.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _try(folder: Path) -> Trial:
    """Embed two pictures, and two sentences, by a finished bundle, as it will be used."""
    from scene_model.classifier.bundle import open_bundle
    from scene_model.classifier.engines.opened import open_engine

    before = _peak_bytes()
    try:
        bundle = open_bundle(folder)
        _try_sentences(bundle)
        engine = open_engine(bundle, 1)
        pictures = _pictures()
        embeddings = [engine.embed(picture) for picture in pictures]
        started = time.perf_counter()
        for _ in range(_TIMED_RUNS):
            engine.embed(pictures[0])
        seconds = (time.perf_counter() - started) / _TIMED_RUNS
    except BundleError as error:
        raise ModelRefused(error.message, code="model_trial_failed") from error
    if not all(np.isfinite(embedding).all() for embedding in embeddings):
        raise ModelRefused(
            "The network answers with numbers that are not finite. Check how pixels become its "
            "input (--scale, --mean, --deviation), or export it again in float32.",
            code="model_trial_failed",
        )
    if are_equal(embeddings[0], embeddings[1]):
        raise ModelRefused(
            "The network answers the same for different pictures. Check how pixels become its "
            "input (--scale, --mean, --deviation, --layout), or export it again.",
            code="model_trial_failed",
        )
    after = _peak_bytes()
    used = None if before is None or after is None else after - before
    return Trial(seconds, used)


def _try_sentences(bundle: "Bundle") -> None:
    """Encode two sentences by a bundle's text side, if it has one. Raises BundleError."""
    if bundle.description.text is None:
        return
    from scene_model.classifier.text.text_encoder import TextEncoder

    first, second = TextEncoder.open(bundle).encode(_SENTENCES)
    if are_equal(first, second):
        raise ModelRefused(
            "The text network answers the same for different sentences. Check that tokenizer.json "
            "is of the same model.",
            code="model_trial_failed",
        )


def _pictures() -> list[Any]:
    """A landscape of two colours, and coarse noise."""
    slope = np.linspace(0, 255, _WIDTH, dtype=np.uint8)
    landscape = np.stack([np.tile(slope, (_HEIGHT, 1))] * 3, axis=-1)
    landscape[: _HEIGHT // 2, :, 2] = 255
    blocks = np.random.default_rng(1).integers(0, 256, (_HEIGHT // 40, _WIDTH // 40, 3), np.uint8)
    return [landscape, blocks.repeat(40, axis=0).repeat(40, axis=1)]


def _peak_bytes() -> int | None:
    """Return the most memory that this process had; None where the system does not say."""
    if not sys.platform.startswith("linux"):
        return None
    # The figure of `getrusage` begins with that of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
