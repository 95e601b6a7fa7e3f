"""Made films, pictures of Live Photos and motion photos: their containers, without real frames."""

import struct

from PIL import Image

from tests.pictures import encode, textured


def box(name: bytes, content: bytes = b"") -> bytes:
    """One box of an ISO base media file."""
    return struct.pack(">I4s", 8 + len(content), name) + content


def live_film() -> bytes:
    """The boxes of a QuickTime film, without a track."""
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"mdat", bytes(5000)) + box(b"moov", bytes(108))


def maker_note(content_id: str, order: str = ">", field: int = 0x0011) -> bytes:
    """The note of Apple's phones: a header, a TIFF directory, and texts."""
    text = content_id.encode() + b"\0"
    at = 14 + 2 + 2 * 12 + 4
    fields = struct.pack(f"{order}HHIi", 1, 9, 1, 14)
    fields += struct.pack(f"{order}HHII", field, 2, len(text), at)
    head = b"Apple iOS\0\0\1" + (b"MM" if order == ">" else b"II")
    return head + struct.pack(f"{order}H", 2) + fields + bytes(4) + text


def live_picture(content_id: str, format_name: str = "JPEG") -> bytes:
    """A picture whose EXIF has the identifier of a Live Photo."""
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2024:07:15 12:00:00", 0x927C: maker_note(content_id)})
    return encode(textured(160, 120), format_name, exif=exif.tobytes())


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
    'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" {about}</rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)


def motion_xmp(film_bytes: int, version: int) -> bytes:
    """What Google's phones say of the film: its distance from the end, or an item of the file."""
    if version == 1:
        about = f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{film_bytes}">'
    else:
        about = (
            'GCamera:MotionPhoto="1"><Container:Directory><rdf:Seq>'
            '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" '
            'Item:Semantic="Primary" Item:Length="0" Item:Padding="0"/></rdf:li>'
            '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="video/mp4" '
            f'Item:Semantic="MotionPhoto" Item:Length="{film_bytes}" Item:Padding="0"/></rdf:li>'
            "</rdf:Seq></Container:Directory>"
        )
    return XMP.format(about=about).encode()


def google_motion_photo(film: bytes, version: int = 2) -> bytes:
    """A JPEG with a film behind it."""
    return encode(textured(160, 120), xmp=motion_xmp(len(film), version)) + film


def samsung_motion_photo(film: bytes) -> bytes:
    """A JPEG with a film and Samsung's trailer behind it."""
    mark = b"\0\0\x30\x0a" + struct.pack("<I", 16) + b"MotionPhoto_Data"
    trailer = b"SEFH" + bytes(20) + struct.pack("<I", 24) + b"SEFT"
    return encode(textured(160, 120)) + mark + film + trailer


def heif_motion_photo(film: bytes) -> bytes:
    """A HEIC with a film in a box of its own."""
    return encode(textured(160, 120), "HEIF") + box(b"mpvd", film)
