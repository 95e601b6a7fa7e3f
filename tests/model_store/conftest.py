"""What the tests of added models share."""

from pathlib import Path

import pytest

from scene_model.config import Settings
from scene_model.errors import ModelRefused
from scene_model.model_store.add_model import AddedModel, AddOptions, add_model
from scene_model.model_store.declared_input import DeclaredInput
from scene_model.model_store.local_model import read_local
from scene_model.model_store.trial import TrialLimits


class Store:
    """A folder of models. left: the names of everything in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(bundles=folder / "bundles", library=folder / "library")
        self.labels = folder / "labels.txt"
        self.labels.write_text("reef\nice cave\nGolden Retriever\n", encoding="utf-8")

    def add(
        self,
        source: Path,
        name: str | None = None,
        labels: bool = False,
        output: str | None = None,
        limits: TrialLimits = TrialLimits(),  # noqa: B008 - frozen
        **declared: object,
    ) -> AddedModel:
        """Add a source; labels: whether with `labels`. declared: fields of `DeclaredInput`."""
        own = DeclaredInput(**declared)  # type: ignore[arg-type]
        options = AddOptions(name, self.labels if labels else None, None, output, own)
        return add_model(read_local(source), options, self.settings, limits)

    def refusal(self, source: Path, **options: object) -> ModelRefused:
        """Add a source that is refused; nothing may be left of it."""
        with pytest.raises(ModelRefused) as caught:
            self.add(source, **options)  # type: ignore[arg-type]
        assert self.left == []
        return caught.value

    @property
    def left(self) -> list[str]:
        bundles = self.settings.bundles
        return sorted(path.name for path in bundles.iterdir()) if bundles.is_dir() else []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)
