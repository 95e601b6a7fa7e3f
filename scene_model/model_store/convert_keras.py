"""Convert a Keras model to TFLite, in a process of its own: TensorFlow is never imported here."""

import subprocess
import sys
from pathlib import Path

from scene_model.config import PROJECT_DIR
from scene_model.errors import ModelRefused

_SECONDS = 600
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
        "-m",
        "training",
        "convert",
        str(source.absolute()),
        str(target.absolute()),
        "--limited",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter and our own module
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
