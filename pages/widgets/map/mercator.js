// The Web Mercator projection, and views of it. The world is a square with sides of 1: x grows to the
// east from 180° W, y to the south from 85.05° N. An area is [south, west, north, east] in degrees;
// west is greater than east where it crosses the date line.

/**
 * What is on the screen.
 * @typedef {object} View
 * @property {number} x the middle in the world, 0 to 1
 * @property {number} y
 * @property {number} zoom the world is 256 pixels wide at zoom 0 and twice as wide at each next one
 * @property {number} width in CSS pixels
 * @property {number} height
 */

export const MAX_ZOOM = 18;
const WORLD_PX = 256;
const MAX_LATITUDE = 85.0511;
// Metres around the equator, WGS 84.
const EQUATOR_M = 40075017;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const turned = (x) => x - Math.floor(x);

/** @returns {number} pixels that the world is wide */
export const worldSize = (view) => WORLD_PX * 2 ** view.zoom;
export const worldX = (longitude) => (longitude + 180) / 360;
export const longitudeOf = (x) => x * 360 - 180;

export function worldY(latitude) {
  const limited = (clamp(latitude, -MAX_LATITUDE, MAX_LATITUDE) * Math.PI) / 180;
  return 0.5 - Math.asinh(Math.tan(limited)) / (2 * Math.PI);
}

export function latitudeOf(y) {
  return (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;
}

/** The smallest zoom: the world is as wide as the screen. */
export function minZoom({ width }) {
  return Math.max(0, Math.log2(width / WORLD_PX));
}

/** Return the nearest view that shows no more than the world. */
export function limited(view) {
  const zoom = clamp(view.zoom, minZoom(view), MAX_ZOOM);
  const half = view.height / 2 / (WORLD_PX * 2 ** zoom);
  const y = half >= 0.5 ? 0.5 : clamp(view.y, half, 1 - half);
  return { ...view, zoom, x: turned(view.x), y };
}

/** Return the pixel of a place, of its copies in the east and west the one nearest to the middle. */
export function pixelOf(view, latitude, longitude) {
  const size = worldSize(view);
  const east = turned(worldX(longitude) - view.x + 0.5) - 0.5;
  return [view.width / 2 + east * size, view.height / 2 + (worldY(latitude) - view.y) * size];
}

/** @returns {[number, number]} latitude and longitude of a pixel */
export function placeOf(view, left, top) {
  const size = worldSize(view);
  const x = turned(view.x + (left - view.width / 2) / size);
  return [latitudeOf(clamp(view.y + (top - view.height / 2) / size, 0, 1)), longitudeOf(x)];
}

/** Move what is on the screen by some pixels. */
export function moved(view, right, down) {
  const size = worldSize(view);
  return limited({ ...view, x: view.x - right / size, y: view.y - down / size });
}

/** Zoom, and keep the place at a pixel where it is; by default the middle. */
export function zoomed(view, zoom, left = view.width / 2, top = view.height / 2) {
  const target = clamp(zoom, minZoom(view), MAX_ZOOM);
  const [before, after] = [worldSize(view), WORLD_PX * 2 ** target];
  const shift = (pixels) => pixels / before - pixels / after;
  return limited({
    ...view,
    zoom: target,
    x: view.x + shift(left - view.width / 2),
    y: view.y + shift(top - view.height / 2),
  });
}

const rounded = (degrees) => Math.round(degrees * 1e5) / 1e5;

/** Return the area between two pixels; all latitudes beyond the edge of the projection belong to it. */
export function areaBetween(view, [left, top], [right, bottom]) {
  const size = worldSize(view);
  const [y0, y1] = [top, bottom].map((pixel) => view.y + (pixel - view.height / 2) / size);
  const latitudes = [
    y1 >= 1 ? -90 : rounded(latitudeOf(y1)),
    y0 <= 0 ? 90 : rounded(latitudeOf(y0)),
  ];
  if (right - left >= size - 1) return [latitudes[0], -180, latitudes[1], 180];
  const [west, east] = [left, right].map((pixel) => rounded(placeOf(view, pixel, 0)[1]));
  return [latitudes[0], west, latitudes[1], east];
}

/** Return the area on the screen. marginPx: how much more on each side. */
export function areaOf(view, marginPx = 0) {
  return areaBetween(view, [-marginPx, -marginPx], [view.width + marginPx, view.height + marginPx]);
}

/** @returns {[number, number]} width and height of an area in pixels */
export function pixelsOfArea([south, west, north, east], zoom) {
  const size = WORLD_PX * 2 ** zoom;
  const width = worldX(east) - worldX(west) + (east < west ? 1 : 0);
  return [width * size, (worldY(south) - worldY(north)) * size];
}

/** Return the view that shows an area as large as possible. marginPx: kept free on each side. */
export function fitted(view, [south, west, north, east], marginPx = 0, maxZoom = MAX_ZOOM) {
  const [width, height] = pixelsOfArea([south, west, north, east], 0);
  const room = (pixels) => Math.max(1, pixels - 2 * marginPx);
  const zooms = [Math.log2(room(view.width) / width), Math.log2(room(view.height) / height)];
  const x = worldX(west) + width / WORLD_PX / 2;
  const y = worldY(north) + height / WORLD_PX / 2;
  return limited({ ...view, zoom: Math.min(maxZoom, ...zooms), x, y });
}

const LENGTHS = [1, 2, 5];

/** Return the longest round distance that fits: its text and its width in pixels. */
export function scaleBar(view, mostPx) {
  const metresPerPx =
    (EQUATOR_M * Math.cos((latitudeOf(view.y) * Math.PI) / 180)) / worldSize(view);
  const power = 10 ** Math.floor(Math.log10(mostPx * metresPerPx));
  const metres = Math.max(
    ...LENGTHS.map((n) => n * power).filter((m) => m <= mostPx * metresPerPx),
  );
  const text = metres >= 1000 ? `${(metres / 1000).toLocaleString("en")} km` : `${metres} m`;
  return { text, width: metres / metresPerPx };
}
