"""The OpenAPI document holds for requests that nobody thought of."""

from pathlib import Path

from benchmarks.api_fuzz import fuzz
from tests.api.conftest import Server


def test_answers_are_as_the_document_says(server: Server, tmp_path: Path) -> None:
    """`python -m benchmarks.api_fuzz` asks 5,000 times and more."""
    cases, report = fuzz(server.url, 3, tmp_path)
    assert cases > 200, report
