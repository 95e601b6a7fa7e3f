"""What file names say of bursts."""

import pytest

from scene_model.duplicates.sequence_names import Order, order_of, sequence_name


@pytest.mark.parametrize(
    ("name", "burst", "is_cover"),
    [
        ("00000IMG_00000_BURST20240715123456789_COVER.jpg", "20240715123456789", True),
        ("00003IMG_00003_BURST20240715123456789.jpg", "20240715123456789", False),
        ("IMG_20240715_123456_BURST001_COVER.jpg", "img_20240715_123456", True),
        ("IMG_20240715_123456_BURST2.jpg", "img_20240715_123456", False),
        ("20240715_123456_003.jpg", "20240715_123456", False),
        ("DSC_0003.JPG", None, False),
        ("starburst_2.jpg", None, False),
        ("burst.jpg", None, False),
        ("20240715_123456.jpg", None, False),
    ],
)
def test_bursts_are_named(name: str, burst: str | None, is_cover: bool) -> None:
    parts = sequence_name(name)
    assert (parts.burst, parts.is_cover) == (burst, is_cover)


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [
        ("DSC_0041.JPG", "DSC_0042.JPG", Order.FOLLOWS),
        ("DSC_9999.JPG", "DSC_0001.JPG", Order.FOLLOWS),
        ("100CANON_0041.JPG", "100CANON_0042.JPG", Order.FOLLOWS),
        ("DSC_0041.JPG", "DSC_0061.JPG", Order.SILENT),
        ("DSC_0041.JPG", "DSC_4200.JPG", Order.FAR),
        ("DSC_0041.JPG", "DSC_0041 (1).JPG", Order.SILENT),
        ("DSC_0041.JPG", "IMG_0042.JPG", Order.FAR),
        ("IMG_20240715_123456.jpg", "IMG_20240715_123457.jpg", Order.FOLLOWS),
        ("IMG_20240715_123456.jpg", "PXL_20240715_123457.jpg", Order.FAR),
        ("IMG_20240715_123456_BURST1.jpg", "IMG_20240715_123456_BURST2.jpg", Order.FOLLOWS),
        ("IMG_20240715_123456_BURST1.jpg", "IMG_20240715_123459_BURST1.jpg", Order.FAR),
        ("holiday.jpg", "beach.jpg", Order.SILENT),
    ],
)
def test_names_follow_each_other(first: str, second: str, order: Order) -> None:
    parts = sequence_name(first), sequence_name(second)
    assert order_of(*parts) is order
    assert order_of(*reversed(parts)) is order
