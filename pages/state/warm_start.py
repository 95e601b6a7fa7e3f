"""Work done once at start-up, so that the first page loads faster."""

import gc
import importlib
import logging
import pkgutil

from pages import sections, state, widgets
from pages.state.phones import get_phones
from pages.state.session import get_own_services, get_settings
from scene_model.errors import SceneError
from scene_model.ingest.inbox.inboxes import has_inboxes
from scene_model.ingest.phone.codes import CodeUse
from scene_model.ingest.watch.watched_folders import has_watched_folders

logger = logging.getLogger(__name__)


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


def watch_folders() -> None:
    """Open the library if it has watched folders: they are watched also when no page is open."""
    if not has_watched_folders(get_settings().library.expanduser()):
        return
    try:
        get_own_services()
    except SceneError as error:  # the first page shows it
        logger.warning("the watched folders are not watched: %s", error.message)


def open_inboxes() -> None:
    """Open the library if apps have put files into an inbox that may not be added yet."""
    if not has_inboxes(get_settings().library.expanduser()):
        return
    try:
        codes = get_phones().codes.active(use=CodeUse.INBOX)
        get_own_services().inboxes.start([code.id for code in codes])
    except SceneError as error:  # the first page shows it
        logger.warning("files of the inbox are not added: %s", error.message)
