"""The real app, Streamlit included: it asks no other computer and obeys no frame."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scene_model.api.access.security_headers import script_hashes
from scene_model.config import PROJECT_DIR
from tests.conftest import ASSETS
from tests.security.visit import FOREIGN, OWN


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `visit` prints."""
    library: Path = tmp_path_factory.mktemp("visited") / "library"
    done = subprocess.run(
        [sys.executable, "-m", "tests.security.visit", str(ASSETS / "china.jpg")],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        env=os.environ | {"SCENE_LIBRARY": str(library), "SCENE_WORKERS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_no_other_computer_is_asked(answers: dict[str, Any]) -> None:
    assert answers["outward"] == []
    assert answers["health"] == answers["predict"] == 200


def test_a_socket_of_a_foreign_page_never_reaches_streamlit(answers: dict[str, Any]) -> None:
    assert answers["sockets"] == {FOREIGN: 4403, OWN: 0}


def test_no_frame_may_give_orders(answers: dict[str, Any]) -> None:
    assert answers["host_config"]["allowedOrigins"] == []


def test_pages_and_their_files_have_the_headers(answers: dict[str, Any]) -> None:
    hashes = script_hashes(answers["page"])
    assert hashes
    assert len(answers["headers"]) == 4
    for path, headers in answers["headers"].items():
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert all(value in headers["content-security-policy"] for value in hashes), path
