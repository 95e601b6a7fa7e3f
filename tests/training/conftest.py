"""Small labelled folders of drawn pictures."""

from pathlib import Path

import pytest

from tests.pictures import write_class_folders


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three class folders of forty pictures, 64×64."""
    return write_class_folders(tmp_path_factory.mktemp("photos"), 40)
