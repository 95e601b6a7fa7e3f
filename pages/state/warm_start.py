"""What is done once, before the first visitor comes, so that no click has to wait for it."""

import gc
import importlib
import pkgutil

from pages import sections, state, widgets


def load_pages() -> None:
    """Import what the pages are made of, which takes a moment and lasts for good."""
    for package in (widgets, sections, state):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    settle()


def settle() -> None:
    """Take what is loaded by now out of the garbage collector's sight.

    Streamlit collects garbage after every run of a page. With all that modules and models hold
    this stopped every thread for 0.1 to 0.2 s: most of what a click took.
    """
    gc.collect()
    gc.freeze()
