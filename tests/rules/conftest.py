"""Fixtures: an empty library, and the rules of it."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from scene_model.classifier.classify import Classifier
from scene_model.classifier.model import CurrentModel, Model
from scene_model.library.store import Library
from scene_model.rules.rule_runner import RuleRunner


@pytest.fixture(scope="session")
def model(classifier: Classifier) -> CurrentModel:
    return CurrentModel(Model.of(classifier))


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    # No power fails here, so that flushing would only cost time.
    monkeypatch.setattr("scene_model.library.database.connections.SYNCHRONOUS", "OFF")
    with Library(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def runner(library: Library, model: CurrentModel) -> RuleRunner:
    return RuleRunner(library, model, today=lambda: datetime.date(2024, 7, 15))
