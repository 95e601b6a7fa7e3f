"""Decode in the tests' own process, for tests that patch or forbid what a decoder needs."""

from typing import Any

from scene_model.photos.decode import MinimumSize, PhotoLimits, decode_photo, open_picture
from scene_model.photos.decoders.pool import DecodedFile, Decoders
from scene_model.photos.metadata import read_metadata

_USUAL = MinimumSize()


def decode_here(setter: Any = setattr) -> None:
    """Replace `Decoders.decode`; setter: `monkeypatch.setattr` where the test ends before others.

    A subprocess of its own needs no undoing.
    """

    def decode(
        decoders: Decoders,
        data: bytes,
        minimum: MinimumSize | None = _USUAL,
        limits: PhotoLimits | None = None,
    ) -> DecodedFile:
        photo = decode_photo(data, limits or decoders.limits, minimum)
        metadata = read_metadata(open_picture(data, limits or decoders.limits))
        return DecodedFile(photo, metadata)

    setter(Decoders, "decode", decode)
