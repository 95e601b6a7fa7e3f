"""Work done once at start-up, so that the first page loads faster."""

import gc
import importlib
import pkgutil

from pages import sections, state, widgets


def load_pages() -> None:
    """Import all modules of the pages."""
    for package in (widgets, sections, state):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    freeze_garbage_collector()


def freeze_garbage_collector() -> None:
    """Exclude everything loaded so far from garbage collection.

    Streamlit collects garbage after every run of a page. With all modules and models included,
    this stopped every thread for 0.1 to 0.2 s: most of the time of a click.
    """
    gc.collect()
    gc.freeze()
