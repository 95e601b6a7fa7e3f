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

/** URL of a picture of a photo: "thumbnail", "preview", "original", or "full" as JPEG. */
export function pictureUrl(photo, size) {
  return `/api/photos/${photo.id}/${size}`;
}

/**
 * URL of a film of the moment of a picture: a part of its file, or the video beside it in its stack;
 * undefined without one, and for videos.
 * @param {import("./sequence.js").Photo} photo
 */
export function filmUrl(photo) {
  if (photo.film) return pictureUrl(photo, "film");
  const video = photo.is_video ? undefined : photo.stack?.find((member) => member.is_video);
  return video && pictureUrl(video, "video");
}

/** Media type of the original; undefined if browsers cannot show it (HEIC, JPEG XL, TIFF, RAW). */
function originalMediaType(photo) {
  return MEDIA_TYPES[photo.format];
}

/**
 * The file that shows every pixel, and its media type: the original, or a JPEG made of it.
 * @param {{id: string, format: string}} photo
 */
export function wholeSource(photo) {
  const type = originalMediaType(photo);
  return type
    ? { url: pictureUrl(photo, "original"), type }
    : { url: pictureUrl(photo, "full"), type: "image/jpeg" };
}

/**
 * Whether the whole photo shows more than the preview.
 * @param {{width: number, height: number}} photo
 * @param {number} longSide longer side of the picture on the screen, in pixels of the screen
 */
export function needsWhole(photo, longSide) {
  const isLarger = Math.max(photo.width, photo.height) > PREVIEW_LONG_SIDE;
  return isLarger && longSide > PREVIEW_LONG_SIDE * MAX_STRETCH;
}
