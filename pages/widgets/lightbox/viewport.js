// Where a picture lies on the stage: its zoom and its offset; no DOM.

/**
 * @typedef {object} Size
 * @property {number} width
 * @property {number} height
 */

/** How far a picture smaller than the screen is enlarged to fill it. */
const MAX_ENLARGEMENT = 3;
/** Zoomed in at most to this many screen pixels per pixel of the photo. */
const MAX_PIXEL_SIZE = 3;
const MIN_MAX_ZOOM = 4;
const EMPTY = { width: 0, height: 0 };

/** The largest size in the shape of a photo that fits on the stage. */
export function fittedSize(stage, photo) {
  if (!photo.width || !photo.height) return EMPTY;
  const scale = Math.min(stage.width / photo.width, stage.height / photo.height, MAX_ENLARGEMENT);
  return { width: photo.width * scale, height: photo.height * scale };
}

/** Zoom (1: the whole photo) and offset of the photo's centre from the centre of the stage. */
export class Viewport {
  constructor() {
    this.stage = EMPTY;
    this.photo = EMPTY;
    this.fit = EMPTY;
    this.reset();
  }

  reset() {
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
  }

  /**
   * @param {Size} stage in CSS pixels
   * @param {Size} photo in its own pixels
   */
  setSizes(stage, photo) {
    this.stage = stage;
    this.photo = photo;
    this.fit = fittedSize(stage, photo);
    this.zoomTo(this.zoom);
  }

  get isZoomed() {
    return this.zoom > 1;
  }

  get maxZoom() {
    const wholePixels = this.fit.width ? this.photo.width / this.fit.width : 1;
    return Math.max(MIN_MAX_ZOOM, wholePixels * MAX_PIXEL_SIZE);
  }

  /**
   * @param {number} zoom
   * @param {{x: number, y: number}} [point] stays where it is, from the centre of the stage
   */
  zoomTo(zoom, point = { x: 0, y: 0 }) {
    const limited = Math.min(this.maxZoom, Math.max(1, zoom));
    const ratio = limited / this.zoom;
    this.zoom = limited;
    this.x = point.x - (point.x - this.x) * ratio;
    this.y = point.y - (point.y - this.y) * ratio;
    this.panBy(0, 0);
  }

  /** Between the whole photo and a close look. */
  toggle(point) {
    this.zoomTo(this.isZoomed ? 1 : Math.max(2.5, this.maxZoom / MAX_PIXEL_SIZE), point);
  }

  /** Move the picture; its edges never leave the edges of the stage. */
  panBy(dx, dy) {
    const limit = (fit, stage) => Math.max(0, (fit * this.zoom - stage) / 2);
    const maxX = limit(this.fit.width, this.stage.width);
    const maxY = limit(this.fit.height, this.stage.height);
    this.x = Math.min(maxX, Math.max(-maxX, this.x + dx));
    this.y = Math.min(maxY, Math.max(-maxY, this.y + dy));
  }

  /** The longer side of the picture as shown, in CSS pixels. */
  get shownLongSide() {
    return Math.max(this.fit.width, this.fit.height) * this.zoom;
  }
}
