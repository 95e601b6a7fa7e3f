// Rows, heights of pages and months of a long list.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Months } from "../../pages/widgets/photo_grid/months.js";
import { PageHeights } from "../../pages/widgets/photo_grid/page_heights.js";
import { divideIntoRows } from "../../pages/widgets/photo_grid/rows.js";

const SIZE = { width: 1000, row: 200, gap: 10 };

/** Heights of the rows if their photos grow to the full width. */
function heights(ratios, rows) {
  let start = 0;
  return rows.map(({ end }) => {
    const row = ratios.slice(start, end);
    start = end;
    return (SIZE.width - SIZE.gap * (row.length - 1)) / row.reduce((sum, ratio) => sum + ratio, 0);
  });
}

describe("rows", () => {
  const mixed = Array.from({ length: 36 }, (_, i) => [1.5, 1.5, 0.67, 1.33, 2.4][(i * 7) % 5]);

  test("all rows are about as high as wished when photos follow", () => {
    const rows = divideIntoRows(mixed, SIZE, true);
    assert.equal(rows.at(-1).end, 36);
    assert.ok(rows.every((row) => row.isFilled));
    for (const height of heights(mixed, rows)) {
      assert.ok(height > 140 && height < 290, `a row is ${height} high`);
    }
  });

  test("the last row of all is not stretched", () => {
    const rows = divideIntoRows([1.5, 1.5, 1.5, 1.5], SIZE, false);
    assert.deepEqual(rows, [
      { end: 3, isFilled: true },
      { end: 4, isFilled: false },
    ]);
  });

  test("a few photos do not fill a row, also when more follow", () => {
    assert.deepEqual(divideIntoRows([1], SIZE, true), [{ end: 1, isFilled: false }]);
    assert.deepEqual(divideIntoRows([], SIZE, true), []);
  });

  test("a panorama gets a row of its own on a narrow screen if that is nearer to the height", () => {
    const rows = divideIntoRows([2.6, 2.6, 1], { width: 360, row: 112, gap: 4 }, true);
    assert.deepEqual(
      rows.map((row) => row.end),
      [1, 3],
    );
  });
});

describe("heights of pages", () => {
  test("unknown pages are as high as the known ones in the mean", () => {
    const pages = new PageHeights();
    pages.clear(10, 500);
    assert.equal(pages.between(1, 10), 5000);
    pages.set(1, 600);
    pages.set(2, 800);
    assert.equal(pages.between(1, 2), 1400);
    assert.equal(pages.between(3, 10), 8 * 700);
    pages.set(2, 1000);
    assert.equal(pages.between(1, 1), 600);
    assert.equal(pages.between(2, 1), 0);
    assert.equal(pages.average, 800);
  });

  test("a page is found at its distance from the start", () => {
    const pages = new PageHeights();
    pages.clear(100, 1000);
    pages.set(1, 500);
    assert.equal(pages.pageAt(-50), 1);
    assert.equal(pages.pageAt(499), 1);
    assert.equal(pages.pageAt(501), 2);
    assert.equal(pages.pageAt(1e9), 100);
  });
});

describe("months", () => {
  const months = new Months([
    { name: "May 2025", year: "2025", photos: 10 },
    { name: "March 2025", year: "2025", photos: 30 },
    { name: "July 2024", year: "2024", photos: 50 },
    { name: "No date", year: "", photos: 10 },
  ]);

  test("each photo has its month", () => {
    const names = [0, 9, 10, 39, 40, 89, 90, 99].map((photo) => months.monthOf(photo));
    assert.deepEqual(names, [0, 0, 1, 1, 2, 2, 3, 3]);
  });

  test("a place on the track is a photo", () => {
    assert.deepEqual(
      [-1, 0, 0.5, 0.999, 2].map((part) => months.photoAt(part)),
      [0, 0, 50, 99, 99],
    );
  });

  test("years stand where they begin, and do not touch", () => {
    assert.deepEqual(months.years(0.1), [
      { year: "2025", part: 0 },
      { year: "2024", part: 0.4 },
    ]);
    assert.deepEqual(months.years(0.5), [{ year: "2025", part: 0 }]);
  });

  test("keys go to months and years, and stop at the ends", () => {
    assert.equal(months.step("ArrowDown", 0), 1);
    assert.equal(months.step("ArrowUp", 0), 0);
    assert.equal(months.step("PageDown", 0), 2);
    assert.equal(months.step("PageUp", 2), 1);
    assert.equal(months.step("End", 0), 3);
    assert.equal(months.step("PageDown", 3), 3);
    assert.equal(months.step("a", 0), null);
  });
});
