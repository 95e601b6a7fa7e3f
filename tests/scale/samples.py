"""Tars of made-up samples, and the type of what runs a batch."""

import io
import tarfile
from collections.abc import Callable

from scene_model.scale.batch_run import BatchResult

Run = Callable[..., BatchResult]

# Members of a WebDataset: two pictures with a label, before and after it, and one sample of two.
SAMPLES = {
    "7.cls": b"sea\n",
    "7.jpg": b"J" * 700,
    "7.json": b"{}",
    "train/8.png": b"P" * 1500,
    "train/8.cls": b"3",
    "9.a.jpg": b"Q",
    "9.b.jpg": b"R",
}


def tar_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
