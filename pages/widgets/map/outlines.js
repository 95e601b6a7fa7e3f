// Outlines of countries: the files of data/README.md, decoded and drawn.
import { worldSize, worldX, worldY } from "./mercator.js";

// Points closer to each other are drawn as one.
const SMALLEST_STEP_PX = 1.8;
const SMALLEST_LINE_PX = 1;

/** Return the numbers of a file's arcs as coordinates in the world, two a point. */
function decodeArcs(bytes, { scale, translate, points }) {
  let [at, x, y] = [0, 0, 0];
  const next = () => {
    let [number, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      number += (byte & 127) * factor;
      if (byte < 128) return number % 2 ? -(number + 1) / 2 : number / 2;
      factor *= 128;
    }
  };
  return points.map((count) => {
    const line = new Float64Array(2 * count);
    for (let i = 0; i < 2 * count; i += 2) {
      x += next();
      y += next();
      line[i] = worldX(x * scale[0] + translate[0]);
      line[i + 1] = worldY(y * scale[1] + translate[1]);
    }
    return line;
  });
}

function boxOf(line) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < line.length; i += 2) {
    box[0] = Math.min(box[0], line[i]);
    box[1] = Math.min(box[1], line[i + 1]);
    box[2] = Math.max(box[2], line[i]);
    box[3] = Math.max(box[3], line[i + 1]);
  }
  return box;
}

/** Continue a line across the date line instead of going back around the world. */
function unwrapped(points) {
  let turns = 0;
  for (let i = 2; i < points.length; i += 2) {
    const step = points[i] + turns - points[i - 2];
    if (Math.abs(step) > 0.5) turns -= Math.sign(step);
    points[i] += turns;
  }
  return points;
}

function ringOf(arcs, lines) {
  const points = [];
  for (const arc of arcs) {
    const line = lines[arc < 0 ? -1 - arc : arc];
    for (let i = 0; i < line.length; i += 2) {
      const j = arc < 0 ? line.length - 2 - i : i;
      points.push(line[j], line[j + 1]);
    }
  }
  unwrapped(points);
  // Antarctica lies around the pole, below the edge of the projection.
  if (Math.abs(points.at(-2) - points[0]) > 0.5) points.push(points.at(-2), 1.1, points[0], 1.1);
  return Float64Array.from(points);
}

/**
 * @typedef {object} Line
 * @property {Float64Array} points coordinates in the world, x before y
 * @property {number[]} box left, top, right and bottom
 */

/**
 * @typedef {object} Outlines
 * @property {Line[]} rings of all countries
 * @property {Line[]} coasts
 * @property {Line[]} borders between two countries
 * @property {{name: string, at: [number, number], width: number}[]} countries
 */

/**
 * Decode a file.
 * @param {Uint8Array} bytes not compressed
 * @returns {Outlines}
 */
export function decodeOutlines(bytes) {
  const start = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)));
  const lines = decodeArcs(bytes.subarray(start), header);
  const uses = new Uint8Array(lines.length);
  const rings = [];
  for (const { polygons } of header.countries) {
    for (const arcs of polygons.flat()) {
      for (const arc of arcs) uses[arc < 0 ? -1 - arc : arc] += 1;
      const points = ringOf(arcs, lines);
      rings.push({ points, box: boxOf(points) });
    }
  }
  const boxed = lines.map(unwrapped).map((points) => ({ points, box: boxOf(points) }));
  return {
    rings,
    coasts: boxed.filter((_, i) => uses[i] === 1),
    borders: boxed.filter((_, i) => uses[i] > 1),
    countries: header.countries,
  };
}

/** Return the copies of the world that are on the screen, by how far they are to the east. */
function copiesOf(view) {
  const half = view.width / 2 / worldSize(view);
  const copies = [];
  // Countries on the date line go beyond the edge of the world.
  for (let n = Math.floor(view.x - half) - 1; n <= Math.ceil(view.x + half); n++) copies.push(n);
  return copies;
}

/** Whether a line is large enough to be seen, and on the screen. */
function isSeen([left, top, right, bottom], view, copy) {
  const size = worldSize(view);
  if (Math.max(right - left, bottom - top) * size < SMALLEST_LINE_PX) return false;
  const [x, y] = [view.width / 2 / size, view.height / 2 / size];
  return (
    right + copy >= view.x - x &&
    left + copy <= view.x + x &&
    bottom >= view.y - y &&
    top <= view.y + y
  );
}

/** Add a line to the path of a canvas. */
function trace(context, points, view, copy, isRing) {
  const size = worldSize(view);
  const [left, top] = [view.width / 2 - (view.x - copy) * size, view.height / 2 - view.y * size];
  let [lastX, lastY] = [Infinity, Infinity];
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i] * size + left, points[i + 1] * size + top];
    const isLast = i === points.length - 2;
    const isStep = Math.abs(x - lastX) + Math.abs(y - lastY) >= SMALLEST_STEP_PX;
    if (!isStep && !isLast) continue;
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
    [lastX, lastY] = [x, y];
  }
  if (isRing) context.closePath();
}

function traceAll(context, lines, view, isRing) {
  context.beginPath();
  for (const copy of copiesOf(view)) {
    for (const { points, box } of lines) {
      if (isSeen(box, view, copy)) trace(context, points, view, copy, isRing);
    }
  }
}

/**
 * Draw sea, land, coasts and borders.
 * @param {CanvasRenderingContext2D} context scaled to CSS pixels
 * @param {Outlines | null} outlines null while they load
 * @param {import("./mercator.js").View} view
 * @param {Record<string, string>} colours
 */
export function drawOutlines(context, outlines, view, colours) {
  context.fillStyle = colours.sea;
  context.fillRect(0, 0, view.width, view.height);
  if (!outlines) return;
  context.fillStyle = colours.land;
  traceAll(context, outlines.rings, view, true);
  context.fill("evenodd");
  context.lineJoin = "round";
  for (const [lines, colour] of [
    [outlines.borders, colours.border],
    [outlines.coasts, colours.coast],
  ]) {
    context.strokeStyle = colour;
    context.lineWidth = 1;
    traceAll(context, lines, view, false);
    context.stroke();
  }
}
