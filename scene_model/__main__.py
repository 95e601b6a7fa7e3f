"""``python -m scene_model``: the command line."""

import sys

from scene_model.cli.main import main

sys.exit(main())
