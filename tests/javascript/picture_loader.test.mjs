// Which pictures of a grid load, and in which order.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

/** @type {((entries: object[]) => void)[]} what the observers call: in sight, near */
let observers;
let frames;

// The module makes templates of elements while it is loaded.
const node = () => ({
  append() {},
  setAttribute() {},
  classList: { add() {} },
  style: {},
  dataset: {},
});
globalThis.document = { createElement: node };
globalThis.requestAnimationFrame = (callback) => frames.push(callback);
globalThis.IntersectionObserver = class {
  constructor(onEntries) {
    observers.push(onEntries);
  }
  observe() {}
  unobserve() {}
};
const { PictureLoader } = await import("../../pages/widgets/photo_grid/picture_loader.js");

function newCell(id) {
  const image = {
    src: "",
    complete: true,
    closest: () => cell,
    removeAttribute() {
      this.src = "";
    },
  };
  const cell = { dataset: { id }, image, querySelector: () => image };
  return cell;
}

describe("picture loader", () => {
  let cells;
  let inSight;
  let near;

  const loading = () => cells.filter(({ image }) => image.src && !image.complete);
  const entries = (some, isIntersecting) => some.map((target) => ({ target, isIntersecting }));
  /** Begin what was given an address, as a browser does. */
  const begin = () => {
    for (const { image } of cells) if (image.src && !image.isLoaded) image.complete = false;
  };
  const end = ({ image }) => {
    image.complete = true;
    image.isLoaded = true;
    image.onload();
    begin();
  };
  const tell = (observer, some, isIntersecting) => {
    observer(entries(some, isIntersecting));
    for (const callback of frames.splice(0)) callback();
    begin();
  };

  beforeEach(() => {
    observers = [];
    frames = [];
    const loader = new PictureLoader(null);
    [inSight, near] = observers;
    cells = Array.from({ length: 8 }, (_, i) => newCell(`photo-${i}`));
    for (const cell of cells) loader.add(cell);
  });

  test("those near the screen wait for those on it", () => {
    inSight(entries(cells.slice(0, 2), true));
    tell(near, cells, true);
    assert.deepEqual(loading(), cells.slice(0, 2));
    end(cells[0]);
    assert.deepEqual(loading(), [cells[1]]);
    end(cells[1]);
    assert.equal(cells[1].image.fetchPriority, "high");
    assert.deepEqual(loading(), cells.slice(2, 5));
    assert.equal(cells[2].image.fetchPriority, "low");
  });

  test("three near the screen load at a time, until all have come", () => {
    tell(near, cells, true);
    assert.equal(loading().length, 3);
    end(cells[1]);
    assert.deepEqual(loading(), [cells[0], cells[2], cells[3]]);
    while (loading().length) end(loading()[0]);
    assert.ok(cells.every(({ image }) => image.isLoaded));
  });

  test("one that goes away gives its place to another", () => {
    tell(near, cells, true);
    tell(near, cells.slice(0, 3), false);
    assert.deepEqual(loading(), cells.slice(3, 6));
    assert.equal(cells[0].image.src, "");
  });

  test("one that fails holds up no other", () => {
    tell(near, cells, true);
    cells[0].image.isLoaded = true;
    cells[0].image.complete = true;
    cells[0].image.onerror();
    begin();
    assert.deepEqual(loading(), cells.slice(1, 4));
  });
});
