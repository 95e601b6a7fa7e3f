"""``python -m scene_model``."""

import signal
import sys

from scene_model.errors import EXIT_INTERRUPTED


def _run() -> int:
    try:
        # Here, as it takes a second: an interruption in it deserves no traceback either.
        from scene_model.cli.main import main

        return main()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what there was to interrupt is over


if __name__ == "__main__":
    sys.exit(_run())
