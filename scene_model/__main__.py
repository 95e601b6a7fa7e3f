"""``python -m scene_model``, and the command ``scene-gallery``."""

import gc
import signal
import sys
from pathlib import Path
from types import FrameType

from scene_model.errors import EXIT_FAILED, EXIT_INTERRUPTED

_PACKAGE_DIR = Path(__file__).resolve().parent
# Objects between two searches for garbage. With Python's 700, the searches take a tenth of a start,
# in which modules make hundreds of thousands of objects and no garbage.
_GARBAGE_THRESHOLD = 10_000


def command() -> int:
    """Run ``scene-gallery``; without arguments it serves and opens the browser."""
    return _run(["serve", "--open"] if len(sys.argv) == 1 else None, "scene-gallery")


def _run(arguments: list[str] | None, program: str) -> int:
    gc.set_threshold(_GARBAGE_THRESHOLD)
    # systemd and Kubernetes end a command by this signal: as by Ctrl-C, finished work is kept.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        # Imported here: it takes a second, and an interruption in it deserves no traceback either.
        from scene_model.cli.main import main

        return main(arguments, program)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "scene_model":
            raise
        print(_missing(error.name), file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what there was to interrupt is over


def _interrupt(_: int, __: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not cut off the end
    raise KeyboardInterrupt


def _missing(module: str) -> str:
    """Say what to do about a dependency that this Python does not have."""
    if (_PACKAGE_DIR / "_site").is_dir():
        return f"The Python package {module!r} is missing. Install Scene Gallery again."
    return (
        f"The Python package {module!r} is missing in {sys.executable}. "
        "Run `make run` first, or use .venv/bin/scene-gallery."
    )


if __name__ == "__main__":
    sys.exit(_run(None, "python -m scene_model"))
