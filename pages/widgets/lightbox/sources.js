// Which file of a photo is shown at which size; no DOM.

/** The longer side of a preview; scene_model/library/photo_files.py makes it. */
export const PREVIEW_LONG_SIDE = 1280;
/** A preview is enlarged this far before the original is loaded. */
const MAX_STRETCH = 1.3;

const MEDIA_TYPES = {
  JPEG: "image/jpeg",
  MPO: "image/jpeg",
  PNG: "image/png",
  WEBP: "image/webp",
  GIF: "image/gif",
  AVIF: "image/avif",
  BMP: "image/bmp",
};

/** URL of a picture of a photo: "thumbnail", "preview" or "original". */
export function pictureUrl(photo, size) {
  return `/api/photos/${photo.id}/${size}`;
}

/** Media type of the original; undefined if browsers cannot show it (HEIC, JPEG XL, TIFF, RAW). */
export function originalMediaType(photo) {
  return MEDIA_TYPES[photo.format];
}

/**
 * Whether the original shows more than the preview.
 * @param {{format: string, width: number, height: number}} photo
 * @param {number} longSide longer side of the picture on the screen, in pixels of the screen
 */
export function needsOriginal(photo, longSide) {
  const isLarger = Math.max(photo.width, photo.height) > PREVIEW_LONG_SIDE;
  return (
    isLarger && longSide > PREVIEW_LONG_SIDE * MAX_STRETCH && Boolean(originalMediaType(photo))
  );
}
