// The canvas of the map: sea, land, borders and names.
import { element } from "../dom.js";
import { loadCities, loadOutlines } from "./files.js";
import { LabelPainter, labelCandidates } from "./labels.js";
import { drawOutlines } from "./outlines.js";

const FINE_FROM_ZOOM = 5.5;
const COLOURS = ["sea", "land", "border", "coast", "country", "city", "halo"];

export class Ground {
  /** @param {() => void} onLoaded there is more to draw */
  constructor(onLoaded) {
    this.node = element("canvas");
    this.node.setAttribute("aria-hidden", "true");
    this.context = this.node.getContext("2d");
    this.onLoaded = onLoaded;
    /** @type {import("./places.js").City[]} */
    this.cities = [];
    this.coarse = this.fine = null;
    this.isFineAsked = false;
  }

  /** Load what is missing; rejects when a file cannot be loaded. */
  async load(version) {
    this.version = version;
    if (this.coarse && this.cities.length) return;
    const outlines = loadOutlines("coarse", version).then((coarse) => {
      this.coarse = coarse;
      this.onLoaded();
    });
    const cities = loadCities(version).then((loaded) => {
      this.cities = loaded;
      this.onLoaded();
    });
    await Promise.all([outlines, cities]);
  }

  /** Use the colours and the font of the map. */
  readStyle() {
    const style = getComputedStyle(this.node);
    this.colours = Object.fromEntries(
      COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
    this.painter ??= new LabelPainter(style.fontFamily);
  }

  resize(width, height) {
    const ratio = devicePixelRatio;
    Object.assign(this.node, { width: width * ratio, height: height * ratio });
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  /**
   * Draw a view.
   * @param {import("./mercator.js").View} view
   * @param {number[][]} obstacles boxes without names
   */
  paint(view, obstacles) {
    const { context, colours } = this;
    drawOutlines(context, this.outlinesFor(view), view, colours);
    const labels = labelCandidates(this.coarse?.countries ?? [], this.cities, view);
    this.painter.draw(context, labels, colours, obstacles);
  }

  /** Return the outlines for a zoom; the coarse ones as long as there are no finer ones. */
  outlinesFor({ zoom }) {
    if (zoom < FINE_FROM_ZOOM) return this.coarse;
    if (!this.isFineAsked) {
      this.isFineAsked = true;
      loadOutlines("fine", this.version).then(
        (fine) => {
          this.fine = fine;
          this.onLoaded();
        },
        () => {}, // the coarse ones stay
      );
    }
    return this.fine ?? this.coarse;
  }
}
