// What a phone has taken out of a photo before it gave it to this page: its name, its place.

/** How much of a file is read: metadata stand at the start. */
export const HEAD_BYTES = 262_144;

// iOS: image.jpg. Android's photo picker: 1000012345.jpg. Both: a random id.
const REPLACED_NAMES = [
  /^image( ?\(?\d{1,4}\)?)?\.(jpe?g|heic|png)$/i,
  /^\d{7,}\.\w{3,4}$/,
  /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\.\w{3,4}$/i,
];
const APP1 = 0xffe1;
const START_OF_SCAN = 0xffda;
const CAMERA_TAGS = new Set([0x010f, 0x0110]); // Make, Model
const GPS_IFD = 0x8825;
const GPS_LATITUDE = 0x0002;

/** Whether a name is not the camera's. */
export function isReplacedName(name) {
  return REPLACED_NAMES.some((pattern) => pattern.test(name));
}

/** Find the TIFF structure with the EXIF values of a JPEG; null if there is none. */
function findExif(view) {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null;
  let at = 2;
  while (at + 10 < view.byteLength) {
    const marker = view.getUint16(at);
    const length = view.getUint16(at + 2);
    if (marker < 0xff01 || marker === START_OF_SCAN || length < 2) return null;
    if (marker === APP1 && view.getUint32(at + 4) === 0x45786966) {
      const start = view.byteOffset + at + 10;
      const end = Math.min(view.byteOffset + view.byteLength, view.byteOffset + at + 2 + length);
      return start < end ? new DataView(view.buffer, start, end - start) : null;
    }
    at += 2 + length;
  }
  return null;
}

/** Read a directory of a TIFF structure: the offsets of its entries by tag. */
function readDirectory(tiff, offset, isLittle) {
  const entries = new Map();
  const count = tiff.getUint16(offset, isLittle);
  for (let i = 0; i < count; i += 1) {
    const at = offset + 2 + 12 * i;
    entries.set(tiff.getUint16(at, isLittle), at);
  }
  return entries;
}

/** Whether a latitude is there and was not overwritten with zeros, as Android does. */
function hasLatitude(tiff, gpsOffset, isLittle) {
  const at = readDirectory(tiff, gpsOffset, isLittle).get(GPS_LATITUDE);
  if (at === undefined) return false;
  const valueAt = tiff.getUint32(at + 8, isLittle);
  for (let i = 0; i < 24; i += 1) if (tiff.getUint8(valueAt + i)) return true;
  return false;
}

/**
 * Read from the start of a JPEG whether a camera wrote its metadata, and whether they have a place.
 * @param {ArrayBuffer} head
 * @returns {{isOfCamera: boolean, hasPlace: boolean} | null} null for other files, or unreadable ones
 */
export function readTraces(head) {
  try {
    const tiff = findExif(new DataView(head));
    if (!tiff) return null;
    const isLittle = tiff.getUint16(0) === 0x4949;
    const entries = readDirectory(tiff, tiff.getUint32(4, isLittle), isLittle);
    const isOfCamera = [...entries.keys()].some((tag) => CAMERA_TAGS.has(tag));
    const gpsAt = entries.get(GPS_IFD);
    const hasPlace =
      gpsAt !== undefined && hasLatitude(tiff, tiff.getUint32(gpsAt + 8, isLittle), isLittle);
    return { isOfCamera, hasPlace };
  } catch {
    return null; // a structure that ends too early
  }
}

/**
 * Read what the phone may have taken out of a photo.
 * @param {File} file
 * @returns {Promise<{lacksName: boolean, lacksPlace: boolean}>}
 */
export async function lackOf(file) {
  const lacksName = isReplacedName(file.name);
  const head = await file
    .slice(0, HEAD_BYTES)
    .arrayBuffer()
    .catch(() => new ArrayBuffer(0));
  const traces = readTraces(head);
  return { lacksName, lacksPlace: Boolean(traces?.isOfCamera) && !traces.hasPlace };
}
