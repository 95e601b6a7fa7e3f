"""Prepare and try networks in a process that can be killed, with limits on time and memory."""

import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scene_model.errors import ModelRefused
from scene_model.model_store.prepared import Prepared, Task, Trial

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_PROGRAM = """
import os, sys
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
sys.path.insert(0, sys.argv[1])
from scene_model.model_store.trial_process import main
main()
"""
# A graph is held as read, as its parts and as what the runtime makes of them.
_COPIES = 8
_BYTES_PER_SECOND = 10_000_000


@dataclass(frozen=True)
class TrialLimits:
    """bytes, seconds: for a small network; a larger one gets more by its size."""

    bytes: int = 1_000_000_000
    seconds: int = 120


def prepare(task: Task, file_bytes: int, limits: TrialLimits) -> Prepared:
    """Make a bundle's networks; file_bytes: size of the source's files. Raises ModelRefused."""
    fields = _ask({"task": dataclasses.asdict(task)}, file_bytes, limits)
    return Prepared.from_fields(fields)


def try_bundle(folder: Path, file_bytes: int, limits: TrialLimits) -> Trial:
    """Embed test pictures by a finished bundle. Raises ModelRefused."""
    return Trial(**_ask({"folder_to_try": str(folder)}, file_bytes, limits))


def _ask(request: dict[str, Any], file_bytes: int, limits: TrialLimits) -> dict[str, Any]:
    more_bytes = limits.bytes + _COPIES * file_bytes
    seconds = limits.seconds + file_bytes // _BYTES_PER_SECOND
    request |= {"more_bytes": more_bytes, "seconds": seconds}
    process = subprocess.Popen(  # noqa: S603 - this interpreter and the program above
        [sys.executable, "-P", "-c", _PROGRAM, str(_PACKAGE_PARENT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        reply = _reply(process, json.dumps(request).encode() + b"\n", seconds)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    if reply is None:
        raise ModelRefused(
            f"The network was stopped after {seconds:,} s. It may be too large for this computer, "
            "or made to keep it busy.",
            code="model_trial_failed",
        )
    return _fields(reply, more_bytes)


def _reply(process: "subprocess.Popen[bytes]", request: bytes, seconds: int) -> bytes | None:
    """Send the request, and wait for the answer; None when the time is over."""
    # The pipe stays open: when this process ends, the other one notices that it closed.
    if process.stdin is None or process.stdout is None:
        return b""
    process.stdin.write(request)
    process.stdin.flush()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    return process.stdout.read()


def _fields(reply: bytes, more_bytes: int) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = json.loads(reply)
    except ValueError:
        fields = {"memory": True}
    if "memory" in fields:
        raise ModelRefused(
            "The process that tried the network ended. The network is damaged, or needs more than "
            f"{more_bytes:,} bytes of memory or more time than it may take.",
            code="model_trial_failed",
        )
    if "error" in fields:
        code = fields["code"] if fields["code"] in ModelRefused.codes else None
        raise ModelRefused(str(fields["error"]), code)
    return fields
