"""Small labelled folders that stand in for the real photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.pictures import encode, textured

CLASSES = ("Beach", "Forest", "Old Town")


def write_class_folders(root: Path, photos: int, side: int = 64) -> Path:
    """Make three classes of drawings: told apart by any network that learns at all."""
    for index, name in enumerate(CLASSES):
        folder = root / name
        folder.mkdir(parents=True)
        for number in range(photos):
            picture = _drawing(name, side, seed=1000 * index + number)
            (folder / f"{number:02d}.png").write_bytes(encode(picture, "PNG"))
    return root


def _drawing(name: str, side: int, seed: int) -> Image.Image:
    """A bright disc, dark upright bars, or a coloured chequerboard, over a texture."""
    rng = np.random.default_rng(seed)
    picture = textured(side, side, seed)
    draw = ImageDraw.Draw(picture)
    step = side // 8
    if name == "Beach":
        x, y = (int(v) for v in rng.integers(0, side // 3, 2))
        draw.ellipse((x, y, x + side // 2, y + side // 2), fill=(250, 240, 140))
    elif name == "Forest":
        for x in range(int(rng.integers(0, step)), side, 2 * step):
            draw.rectangle((x, 0, x + step - 1, side), fill=(20, 45, 20))
    else:
        colour = tuple(int(v) for v in rng.integers(80, 255, 3))
        for x in range(0, side, 2 * step):
            for y in range(0, side, 2 * step):
                draw.rectangle((x, y, x + step, y + step), fill=colour)
    return picture


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three class folders of forty pictures, 64×64."""
    return write_class_folders(tmp_path_factory.mktemp("photos"), 40)
