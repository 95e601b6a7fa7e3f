"""Frames of HDR videos as pictures of a normal screen (SDR).

Read as if they were SDR, they look pale: PQ and HLG encode light in another way. Each value is
converted to light (ITU-R BT.2100), compressed above a knee, and encoded as sRGB. Paper white is
203 cd/m² (ITU-R BT.2408); brighter light, up to 1,000 cd/m², shares the range above the knee, so
that highlights keep their form instead of being cut off.
"""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from scene_model.photos.colours import Pixels

if TYPE_CHECKING:
    import numpy.typing as npt
    from av.video.frame import VideoFrame

    _Floats = npt.NDArray[np.float32]

# Numbers of ITU-T H.273.
_PQ, _HLG, _BT2020 = 16, 18, 9
_WHITE_NITS, _PEAK_NITS, _PQ_NITS = 203.0, 1_000.0, 10_000.0
# Light below it, relative to white, stays as it is.
_KNEE = 0.6
_HLG_GAMMA = 1.2
_LUMINANCE = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
# From the primaries of BT.2020 to those of sRGB (ITU-R BT.2087).
_TO_SRGB = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)


def is_hdr(frame: "VideoFrame") -> bool:
    """Whether a frame is encoded with PQ or HLG."""
    return frame.color_trc in (_PQ, _HLG)


def tone_mapped(frame: "VideoFrame", width: int, height: int) -> Pixels:
    """Scale a frame of an HDR video, and return it as sRGB; width, height: of the result."""
    scaled = frame.reformat(width=width, height=height, format="rgb48le")
    values = scaled.to_ndarray()
    if frame.color_trc == _PQ:
        light = _pq_light()[values]
    else:
        light = _hlg_light()[values]
        # The brighter a pixel as a whole, the more its light is raised: BT.2100's OOTF.
        luminance = np.maximum(cv2.transform(light, _LUMINANCE), 1e-6)[..., None]
        light *= luminance ** (_HLG_GAMMA - 1) * (_PEAK_NITS / _WHITE_NITS)
    if frame.color_primaries == _BT2020:
        light = np.maximum(cv2.transform(light, _TO_SRGB), 0)
    return _srgb(_compressed(light))


def _pq_light() -> "_Floats":
    """Light relative to white for each of 65,536 values, by SMPTE ST 2084."""
    powered = _values() ** (1 / 78.84375)
    numerator = np.maximum(powered - 0.8359375, 0)
    light = (numerator / (18.8515625 - 18.6875 * powered)) ** (1 / 0.1593017578125)
    return (light * (_PQ_NITS / _WHITE_NITS)).astype(np.float32)


def _hlg_light() -> "_Floats":
    """Light of the scene in [0, 1] for each of 65,536 values, by ARIB STD-B67."""
    values = _values()
    high = (np.exp((values - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return np.where(values <= 0.5, values**2 / 3, high).astype(np.float32)


def _values() -> "npt.NDArray[np.float64]":
    return np.arange(65_536) / 65_535


def _compressed(light: "_Floats") -> "_Floats":
    """Bring light up to the peak into [0, 1], by the strongest channel, so that hues stay."""
    peak = _PEAK_NITS / _WHITE_NITS
    red, green, blue = cv2.split(light)
    strongest = np.maximum(cv2.max(cv2.max(red, green), blue), np.float32(1e-6))[..., None]
    part = np.clip((strongest - np.float32(_KNEE)) / np.float32(peak - _KNEE), 0, 1)
    # A hyperbola that leaves the knee with the slope 1 and ends at 1.
    bend = np.float32((1 - _KNEE) / (peak - 1))
    above = _KNEE + (1 - _KNEE) * part * (1 + bend) / (part + bend)
    mapped = np.where(strongest > _KNEE, above, strongest)
    return np.minimum(light * (mapped / strongest), np.float32(1))


def _srgb(light: "_Floats") -> Pixels:
    """Encode light in [0, 1], through a table: it is computed once for each of 65,536 values."""
    values = _values()
    encoded = np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)
    table = np.round(255 * encoded).astype(np.uint8)
    return table[(light * np.float32(65_535) + np.float32(0.5)).astype(np.uint16)]
