"""Ratings in XMP: read where they are sound, absent where they are not, never an error."""

from pathlib import Path
from typing import Any

import pytest
from PIL.PngImagePlugin import PngInfo

from scene_model.photos.decode import PhotoLimits, open_picture
from scene_model.photos.metadata import read_metadata
from scene_model.photos.xmp import rating_of, sidecar_rating
from tests.pictures import encode, quadrants

HEADER = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
)
FOOTER = "</rdf:RDF></x:xmpmeta>"


def as_attribute(rating: str) -> bytes:
    return f'{HEADER} xmp:Rating="{rating}"/>{FOOTER}'.encode()


def embedded(picture_format: str, packet: bytes) -> dict[str, Any]:
    """The options with which Pillow writes a packet."""
    if picture_format == "TIFF":
        return {"tiffinfo": {700: packet}}
    if picture_format == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        return {"pnginfo": info}
    return {"xmp": packet}


def as_element(rating: str) -> bytes:
    return f"{HEADER}><xmp:Rating>{rating}</xmp:Rating></rdf:Description>{FOOTER}".encode()


@pytest.mark.parametrize(
    ("text", "rating"),
    [("1", 1), ("5", 5), ("4.0", 4), (" 3 ", 3), ("0", 0), ("-1", 0)]
    + [("6", None), ("99", None), ("-2", None), ("nan", None), ("", None), ("five", None)],
)
def test_rating(text: str, rating: int | None) -> None:
    assert rating_of(as_attribute(text)) == rating
    assert rating_of(as_element(text)) == rating


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"Rating",
        as_attribute("4")[:-9],
        b"<!DOCTYPE x>" + as_attribute("4"),
        as_attribute("4") + b"<!--" + b" " * 10 + b"-->",
        as_attribute("4").decode().encode("utf-16"),
        as_element("4" + " " * (4 << 20)),
        as_attribute("4").replace(b"ns.adobe.com/xap", b"somebody.example/xap"),
        as_element("<xmp:Rating>4</xmp:Rating>"),
    ],
)
def test_a_packet_without_a_readable_rating(packet: bytes) -> None:
    assert rating_of(packet) is None


@pytest.mark.parametrize("picture_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
@pytest.mark.parametrize(("text", "rating"), [("4", 4), ("0", None), ("-1", None), ("x", None)])
def test_embedded(picture_format: str, text: str, rating: int | None) -> None:
    data = encode(quadrants(), picture_format, **embedded(picture_format, as_attribute(text)))
    assert read_metadata(open_picture(data, PhotoLimits())).rating == rating


def test_sidecar(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    assert sidecar_rating(photo) is None
    sidecar = tmp_path / "a.xmp"
    sidecar.write_bytes(as_attribute("-1"))
    assert sidecar_rating(photo) == 0
    sidecar.write_bytes(as_attribute("5"))
    assert sidecar_rating(photo) == 5
    sidecar.write_bytes(as_attribute("5") + b" " * (4 << 20))
    assert sidecar_rating(photo) is None, "too large"
    sidecar.unlink()
    sidecar.mkdir()
    assert sidecar_rating(photo) is None
