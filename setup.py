"""Lays the pages and the default bundle into the built package; pyproject.toml holds the rest."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_ROOT = Path(__file__).resolve().parent
_BUNDLE = "scene_mobilenet_v2"


class BuildPackage(build_py):
    """Build ``scene_model`` with ``_site/`` (pages) and ``_models/`` (default bundle) inside.

    Never directly in ``scene_model/``: a page's folder becomes ``sys.path[0]``, so that modules
    beside it would hide standard ones. An editable install uses the checkout's own folders.
    """

    def run(self) -> None:
        """Build from scratch: a kept ``build/`` must not leak files that are gone by now."""
        if self.editable_mode:
            super().run()
            return
        package = Path(self.build_lib) / "scene_model"
        shutil.rmtree(package, ignore_errors=True)
        super().run()
        site = package / "_site"
        shutil.copytree(
            _ROOT / "pages", site / "pages", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
        shutil.copy(_ROOT / "app.py", site)
        # Streamlit's options only: secrets.toml beside them stays here.
        (site / ".streamlit").mkdir()
        shutil.copy(_ROOT / ".streamlit" / "config.toml", site / ".streamlit")
        # The float weights are for training alone.
        shutil.copytree(
            _ROOT / "models" / _BUNDLE,
            package / "_models" / _BUNDLE,
            ignore=shutil.ignore_patterns("float_weights*"),
        )


setup(cmdclass={"build_py": BuildPackage})
