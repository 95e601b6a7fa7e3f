"""Convert a Keras model to TFLite, in a process of its own: TensorFlow is never imported here."""

import subprocess
import sys
from pathlib import Path

from scene_model.config import PROJECT_DIR
from scene_model.errors import ModelRefused

_SECONDS = 600
# TensorFlow itself takes about 1 GB. A network is held as read and as converted, both more than
# once.
_MORE_BYTES, _COPIES = 4_000_000_000, 8
_PROGRAM = """
import runpy, sys
from scene_model.model_store.trial_process import limit_resources
limit_resources(int(sys.argv[1]), int(sys.argv[2]))
sys.argv[1:3] = []
runpy.run_module("training", run_name="__main__", alter_sys=True)
"""
_MAX_REASON = 400


def convert_keras(source: Path, target: Path, project_dir: Path = PROJECT_DIR) -> None:
    """Write a TFLite file of a ``.keras`` file or of a SavedModel's folder. Raises ModelRefused.

    project_dir: the checkout whose `training` converts.
    """
    how = f"`python -m training convert {source.name} network.tflite`, and add the file it writes."
    if not (project_dir / "training" / "convert.py").is_file():
        raise ModelRefused(
            "A Keras model is converted by a checkout of Scene Gallery with TensorFlow, which is "
            f"not here. In one, run {how}",
            code="model_package_missing",
        )
    arguments = [
        *("-c", _PROGRAM, str(_more_bytes(source)), str(_SECONDS)),
        *("convert", str(source.absolute()), str(target.absolute())),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter and the program above
            [sys.executable, *arguments],
            cwd=project_dir,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelRefused(
            f"Converting {source.name} takes longer than {_SECONDS} s. Convert it yourself: {how}",
            code="model_not_converted",
        ) from error
    if done.returncode or not target.is_file():
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1][:_MAX_REASON] if lines else "no reason was given"
        raise ModelRefused(
            f"{source.name} could not be converted: {reason}", code="model_not_converted"
        )


def _more_bytes(source: Path) -> int:
    """Return how much memory the conversion may take."""
    paths = source.rglob("*") if source.is_dir() else [source]
    size = sum(path.stat().st_size for path in paths if path.is_file())
    return _MORE_BYTES + _COPIES * size
