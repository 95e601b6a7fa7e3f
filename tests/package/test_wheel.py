"""The built wheel in an empty environment, outside the checkout, without a network.

After the install every Python process of the environment refuses, by an audit hook, to look up
or connect to any address but this computer's; a refusal is written to a file, so that one which
was caught is seen too. What libraries do in C without Python's sockets is not covered. The
browser reports every request it makes.
"""

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scene_model import __version__
from scene_model.config import PROJECT_DIR
from tests.pictures import write_class_folders

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.tools, pytest.mark.slow]

# Found by every Python that starts with its folder in PYTHONPATH.
_NO_NETWORK = """
import os, sys
from outward import outside_host

def refuse(event, arguments):
    host = outside_host(event, arguments)
    if host is not None:
        with open(os.environ["REFUSED"], "a") as log:
            print(event, host, file=log)
        raise PermissionError(f"no network in this test: {host}")

sys.addaudithook(refuse)
"""


@dataclass(frozen=True)
class Installed:
    """The environment the wheel is installed in, a working folder and a home of its own."""

    wheel: Path
    python: Path
    site_packages: Path
    home: Path
    refused: Path
    files: frozenset[str]

    @property
    def command(self) -> Path:
        return self.python.parent / "scene-gallery"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SCENE_", "STREAMLIT_"))}
        return kept | {
            "HOME": str(self.home),
            "XDG_DATA_HOME": str(self.home / "data"),
            "PYTHONPATH": str(self.home / "no_network"),
            "REFUSED": str(self.refused),
        }

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *arguments],
            capture_output=True,
            text=True,
            cwd=self.home,
            env=self.environment,
            timeout=180,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    work = tmp_path_factory.mktemp("package")
    _run(sys.executable, "-m", "build", "--outdir", work / "dist", PROJECT_DIR)
    (wheel,) = (work / "dist").glob("*.whl")
    assert len(list((work / "dist").glob("*.tar.gz"))) == 1
    _run(sys.executable, "-m", "venv", "--without-pip", work / "environment")
    python = work / "environment" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile")
    _run(*pip, "-c", PROJECT_DIR / "requirements.txt", wheel)
    (site_packages,) = (work / "environment").glob("lib/python*/site-packages")
    home = work / "home"
    (home / "no_network").mkdir(parents=True)
    (home / "no_network" / "sitecustomize.py").write_text(_NO_NETWORK, encoding="utf-8")
    shutil.copy(PROJECT_DIR / "tests" / "outward.py", home / "no_network")
    # The options of somebody else's project: where one starts the command must not matter.
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "config.toml").write_text(
        "[browser]\ngatherUsageStats = true\n[client]\ntoolbarMode = 'developer'\n"
    )
    made = Installed(
        wheel, python, site_packages, home, work / "refused.txt", _files(site_packages)
    )
    yield made
    assert not made.refused.exists(), made.refused.read_text()
    assert _files(site_packages) == made.files, "something was written into site-packages"


def test_the_wheel_holds_one_module_with_pages_and_bundle(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {
        "scene_model",
        f"scene_gallery-{__version__}.dist-info",
    }
    inside = {name.split("/", 1)[1] for name in names if name.startswith("scene_model/")}
    for needed in (
        *("py.typed", "_site/app.py", "_site/pages/navigation.py", "_site/.streamlit/config.toml"),
        *(f"_site/pages/widgets/map/data/{f}" for f in ("cities.tsv.gz", "outlines_fine.bin.gz")),
        *(f"_models/scene_mobilenet_v2/{f}" for f in ("bundle.json", "backbone.tflite")),
    ):
        assert needed in inside
    assert not [n for n in inside if "float_weights" in n or "secrets" in n or "__pycache__" in n]
    # A page's folder becomes sys.path[0]: beside the package's modules it would hide standard ones.
    assert not {"app.py", "pages", "navigation.py"} & {name.split("/")[0] for name in inside}


def test_site_packages_gained_no_other_module(installed: Installed) -> None:
    others = set()
    for record in installed.site_packages.glob("*.dist-info/RECORD"):
        if not record.parent.name.startswith("scene_gallery-"):
            lines = record.read_text(encoding="utf-8").splitlines()
            others |= {row[0].split("/")[0] for row in csv.reader(lines)}
    here = {path.name for path in installed.site_packages.iterdir()} - {"__pycache__"}
    assert here - others == {"scene_model", f"scene_gallery-{__version__}.dist-info"}
    assert not {"app", "pages", "training", "tests", "tensorflow", "keras"} & {
        name.removesuffix(".py") for name in here
    }


def test_version(installed: Installed) -> None:
    done = installed.run("--version")
    assert (done.returncode, done.stdout.strip()) == (0, __version__), done.stderr


def test_classify(installed: Installed, temple: bytes) -> None:
    photo = installed.home / "temple.jpg"
    photo.write_bytes(temple)
    done = installed.run("classify", photo, "--jsonl")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert (json.loads(line)["label"], json.loads(line)["error"]) == ("buildings", None)


def test_fit_publishes_outside_the_package(installed: Installed) -> None:
    photos = write_class_folders(installed.home / "photos", 10)
    done = installed.run("fit", photos, "--name", "holiday")
    assert done.returncode == 0, done.stderr
    bundle = installed.home / "data" / "scene-gallery" / "models" / "holiday"
    assert f"published {bundle}" in done.stdout
    assert (bundle / "bundle.json").is_file()


def test_serve_answers_and_draws_the_first_page(installed: Installed, browser: "Browser") -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log = installed.home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [installed.command, "serve", "--port", str(port)],
            cwd=installed.home,
            env=installed.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        health = _health(url, server, log)
        assert (health["status"], health["version"]) == ("ok", __version__)
        foreign = _visit(browser, url)
        assert foreign == [], "the page asked another server for something"
        taken = installed.run("serve", "--port", str(port))
        assert taken.returncode == 1
        assert f"Port {port} of 127.0.0.1 is in use" in taken.stderr
    finally:
        server.terminate()
        server.wait(30)


def _visit(browser: "Browser", url: str) -> list[str]:
    """Open the first page until it is drawn; returns what it asked other servers for."""
    from playwright.sync_api import expect

    foreign: list[str] = []
    ours = (url, url.replace("http", "ws"), "data:", "blob:")
    page = browser.new_page()
    page.on("request", lambda r: None if r.url.startswith(ours) else foreign.append(r.url))
    page.goto(url)
    expect(page.locator("h1")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=60_000
    )
    assert page.get_by_test_id("stException").count() == 0
    page.close()
    return foreign


def _health(url: str, server: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/api/health", timeout=5) as answer:  # noqa: S310
                return dict(json.load(answer))
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log.read_text()}")


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _files(folder: Path) -> frozenset[str]:
    """All files but the byte code that Python keeps beside its modules."""
    return frozenset(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
