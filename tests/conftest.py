"""What the tests share: real photographs, made pictures, a wired-up app on a temporary library."""

import functools
import importlib.util
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from PIL import Image

from scene_model import config, model_files
from scene_model.classifier import classify, encoder
from scene_model.classifier.classify import Classifier
from scene_model.config import DEFAULT_BUNDLE_DIR, Settings
from scene_model.library import store
from scene_model.photos.decode import PhotoLimits
from scene_model.photos.decoders.pool import Decoders
from scene_model.services import Services, open_services
from tests.bundles import copy_shipped
from tests.pictures import encode, textured
from tests.shared import SharedDecoders, open_bundle_once

if TYPE_CHECKING:
    from playwright.sync_api import Browser

TESTS = Path(__file__).parent

# A busy machine may take long for a case; cases are no clock.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")

# A shell that starts the tests in the background has Ctrl-C ignored, also by what they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker a core; twice as many with browser tests, which wait much of their time."""
    ignored = config.getoption("ignore") or []
    cores = os.cpu_count() or 1
    return cores if any(Path(path).name == "browser" for path in ignored) else 2 * cores


# Their tests run whole programs: a server, a command, a page. All of them are slow.
_SLOW_FOLDERS = tuple(TESTS / name for name in ("api", "cli", "pages", "security"))


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Begin with the long files, so that no worker is left with one of them in the end."""
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in _SLOW_FOLDERS):
            item.add_marker(pytest.mark.slow)
        has_browser = "browser" in getattr(item, "fixturenames", ())
        if has_browser or item.path.is_relative_to(TESTS / "pages"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    long_tests = Counter(
        item.path
        for item in items
        if item.get_closest_marker("slow") or item.get_closest_marker("tools")
    )
    items.sort(key=lambda item: -long_tests[item.path])
    _deselect_tensorflow(session, items)


def pytest_runtest_teardown() -> None:
    """Let go of the app of a test: FastAPI remembers what it knows of each route's function.

    One app holds a model and a library, 25 MB, and the tests of the API make hundreds.
    """
    if "fastapi" in sys.modules:
        for clear in _clear_functions_of_fastapi():
            clear()


@functools.cache
def _clear_functions_of_fastapi() -> list[Callable[[], None]]:
    modules = [module for name, module in sys.modules.items() if name.startswith("fastapi.")]
    values = [value for module in modules for value in list(vars(module).values())]
    return list({value.cache_clear for value in values if hasattr(value, "cache_clear")})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the first failure of each test that had a second try: it may be a defect."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"failed at the first try: {report.nodeid}")
        terminalreporter.line(report.longreprtext)
        for name, text in report.sections:
            terminalreporter.line(f"{name}:\n{text}")


def _deselect_tensorflow(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Deselect what needs TensorFlow where it is not installed; the summary counts it."""
    if importlib.util.find_spec("tensorflow") is not None:
        return
    needing = [item for item in items if item.get_closest_marker("tensorflow")]
    if needing:
        items[:] = [item for item in items if item not in needing]
        session.config.hook.pytest_deselected(items=needing)


ASSETS = TESTS / "assets"
# Photographs that may not be committed; tests that want them say so when they are not there.
SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
SHARED = SHARED_PHOTOS.parent


@pytest.fixture(scope="session")
def temple() -> bytes:
    """A photograph of buildings, JPEG, 640×427."""
    return (ASSETS / "china.jpg").read_bytes()


@pytest.fixture(scope="session")
def flower() -> bytes:
    """A photograph of a flower, JPEG, 640×427."""
    return (ASSETS / "flower.jpg").read_bytes()


@pytest.fixture(scope="session")
def shared_photos() -> Path:
    """The folder of real photographs that are not part of the repository."""
    if not SHARED_PHOTOS.is_dir():
        pytest.skip("the photographs of ../shared/photos are not here")
    return SHARED_PHOTOS


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Chromium; one for all tests of a process."""
    # `make test` does not install Playwright.
    from tests.chromium import chromium

    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def decoders() -> Iterator[Decoders]:
    """The processes that decode photos; one pair for all tests of a process."""
    opened = Decoders(PhotoLimits(), processes=2)
    yield opened
    opened.close()


_OPENING_DECODERS = (model_files, encoder, store)


@pytest.fixture(scope="session", autouse=True)
def _libraries_open_quickly() -> Iterator[None]:
    """Let services share the processes that decode, and the shipped bundle.

    Starting and reading them takes longer than most tests.
    """
    shared = SharedDecoders()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classify, "open_bundle", open_bundle_once)
        for module in _OPENING_DECODERS:
            patch.setattr(module, "Decoders", shared)
        yield
    shared.close()


@pytest.fixture
def own_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let services start decoders of their own, and end them, as they do outside of tests."""
    for module in _OPENING_DECODERS:
        monkeypatch.setattr(module, "Decoders", Decoders)


@pytest.fixture(scope="session")
def classifier(decoders: Decoders) -> Classifier:
    """The shipped bundle."""
    return Classifier.open(DEFAULT_BUNDLE_DIR, PhotoLimits(), interpreters=2, decoders=decoders)


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models to choose from, with a copy of the shipped one as the program's own."""
    folder = tmp_path / "models"
    monkeypatch.setattr(config, "DEFAULT_BUNDLE_DIR", copy_shipped(folder))
    return folder


@pytest.fixture
def services(tmp_path: Path, decoders: Decoders) -> Iterator[Services]:
    """The whole app on an empty library."""
    settings = Settings(library=tmp_path / "library", workers=2)
    opened = open_services(settings, decoders=decoders)
    yield opened
    opened.close()


@pytest.fixture
def add_photos(services: Services) -> Callable[[list[tuple[str, bytes]]], list[str]]:
    """Put photos into the library as an upload would; returns their ids, in order of names."""

    def add(files: list[tuple[str, bytes]]) -> list[str]:
        job = services.jobs.submit(files)
        assert job.wait(120)
        progress = job.progress()
        assert not progress.skipped, progress.skipped
        by_name = {r.name: r.id for r in services.library.records(progress.photo_ids)}
        return [by_name[name] for name, _ in files]

    return add


@pytest.fixture(scope="session")
def made_photos() -> list[tuple[str, bytes]]:
    """Twelve different small JPEGs."""
    return [(f"made_{i:02d}.jpg", encode(textured(160, 120, seed=i))) for i in range(12)]


@pytest.fixture(scope="session")
def large_photo(temple: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A 12-megapixel JPEG with real texture."""
    import io

    return encode(Image.open(io.BytesIO(temple)).resize((4000, 3000)))
