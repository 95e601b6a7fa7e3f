// Names of countries and cities, without two on top of each other.
import { pixelOf, worldSize } from "./mercator.js";

const COUNTRY = { size: 13, weight: 600, spacing: "0.04em" };
const CITY = { size: 12, weight: 400, spacing: "0px" };
const GAP_PX = 4;
const DOT_PX = 2;
const MOST = 120;
// At these zooms cities have names from so many thousands of people on.
const SMALLEST_CITY = [
  [3, Infinity],
  [4, 5000],
  [5, 3000],
  [6, 900],
  [7, 300],
  [8, 100],
];

// In a region, the names of such cities come before those of countries.
const [BEFORE_COUNTRIES, REGION_ZOOM] = [3000, 5];

/**
 * @typedef {object} Label
 * @property {string} text
 * @property {"country" | "city"} kind
 * @property {number} left pixel of its middle (a country) or of its dot (a city)
 * @property {number} top
 */

/**
 * Return the names that may be shown, the most important first.
 * @param {{name: string, at: [number, number], width: number}[]} countries
 * @param {{name: string, latitude: number, longitude: number, rank: number}[]} cities largest first
 * @param {import("./mercator.js").View} view
 * @returns {Label[]}
 */
export function labelCandidates(countries, cities, view) {
  const labels = [];
  const add = (kind, text, latitude, longitude) => {
    const [left, top] = pixelOf(view, latitude, longitude);
    if (left < 0 || top < 0 || left > view.width || top > view.height) return;
    labels.push({ kind, text, left, top });
  };
  const smallest = SMALLEST_CITY.find(([zoom]) => view.zoom < zoom)?.[1] ?? 0;
  const shown = cities.filter(({ rank }) => rank >= smallest);
  const isLarge = ({ rank }) => rank >= BEFORE_COUNTRIES && view.zoom >= REGION_ZOOM;
  const addCities = (some) => {
    for (const { name, latitude, longitude } of some) add("city", name, latitude, longitude);
  };
  addCities(shown.filter(isLarge));
  const pixelsPerDegree = worldSize(view) / 360;
  for (const { name, at, width } of countries) {
    const isRoomy = width * pixelsPerDegree > name.length * COUNTRY.size * 0.5;
    if (isRoomy && name !== "Antarctica") add("country", name, at[1], at[0]);
  }
  addCities(shown.filter((city) => !isLarge(city)));
  return labels;
}

/** @returns {number[]} left, top, right and bottom of a label with the gap around it */
function boxOfLabel({ kind, left, top }, width) {
  const height = kind === "country" ? COUNTRY.size : CITY.size;
  const start = kind === "country" ? left - width / 2 : left - DOT_PX;
  const end = kind === "country" ? left + width / 2 : left + DOT_PX + GAP_PX + width;
  return [start - GAP_PX, top - height / 2 - GAP_PX, end + GAP_PX, top + height / 2 + GAP_PX];
}

const overlaps = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/**
 * Return the labels that have room, in their order.
 * @param {Label[]} labels the most important first
 * @param {(label: Label) => number} widthOf of the text in pixels
 * @param {number[][]} obstacles boxes that stay free
 */
export function labelsWithRoom(labels, widthOf, obstacles = []) {
  const taken = [...obstacles];
  const placed = [];
  for (const label of labels) {
    if (placed.length >= MOST) break;
    const box = boxOfLabel(label, widthOf(label));
    if (taken.some((other) => overlaps(box, other))) continue;
    taken.push(box);
    placed.push(label);
  }
  return placed;
}

/** Draws labels; measures each text once. */
export class LabelPainter {
  constructor(font) {
    this.font = font;
    this.widths = new Map();
  }

  use(context, kind) {
    const { size, weight, spacing } = kind === "country" ? COUNTRY : CITY;
    context.font = `${weight} ${size}px ${this.font}`;
    context.letterSpacing = spacing;
  }

  width(context, { kind, text }) {
    const key = `${kind} ${text}`;
    if (!this.widths.has(key)) {
      this.use(context, kind);
      this.widths.set(key, context.measureText(text).width);
    }
    return this.widths.get(key);
  }

  draw(context, labels, colours, obstacles) {
    const placed = labelsWithRoom(labels, (label) => this.width(context, label), obstacles);
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 3;
    context.strokeStyle = colours.halo;
    for (const { kind, text, left, top } of placed) {
      this.use(context, kind);
      const isCity = kind === "city";
      context.textAlign = isCity ? "left" : "center";
      context.fillStyle = isCity ? colours.city : colours.country;
      if (isCity) {
        context.beginPath();
        context.arc(left, top, DOT_PX, 0, 2 * Math.PI);
        context.fill();
      }
      const start = isCity ? left + DOT_PX + GAP_PX : left;
      context.strokeText(text, start, top);
      context.fillText(text, start, top);
    }
  }
}
