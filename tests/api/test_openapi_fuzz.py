"""The OpenAPI document holds for generated requests."""

from pathlib import Path

from benchmarks.api_fuzz import fuzz
from tests.api.conftest import Server


def test_responses_match_the_document(server: Server, tmp_path: Path) -> None:
    """`python -m benchmarks.api_fuzz` asks 5,000 times and more."""
    cases, report = fuzz(server.url, 3, tmp_path)
    assert cases > 200, report
