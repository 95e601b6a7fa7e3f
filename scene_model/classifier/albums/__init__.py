"""Albums by rules over a photo's tags and EXIF."""
