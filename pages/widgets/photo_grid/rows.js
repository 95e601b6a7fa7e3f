// Rows of photos that fill the width; no DOM.

// A row whose photos would be higher than this many times the wished height is not filled.
const MOST_STRETCHED = 1.6;

/**
 * @typedef {object} Row
 * @property {number} end index after its last photo
 * @property {boolean} isFilled whether its photos grow to the full width
 */

/**
 * Divide photos into rows as near to a height as possible (Knuth and Plass, as for lines of text).
 * @param {number[]} ratios width divided by height of each photo
 * @param {{width: number, row: number, gap: number}} size of the rows: in one unit
 * @param {boolean} goesOn whether photos of another page follow, so that the last row is filled
 * @returns {Row[]}
 */
export function divideIntoRows(ratios, { width, row, gap }, goesOn) {
  const count = ratios.length;
  /** Height of a row of the photos from `start` to before `end`, relative to the wished one. */
  const height = (start, end, sum) => (width - gap * (end - start - 1)) / sum / row;
  const best = [{ cost: 0, start: 0 }];
  for (let end = 1; end <= count; end += 1) {
    best[end] = { cost: Number.POSITIVE_INFINITY, start: end - 1 };
    let sum = 0;
    for (let start = end - 1; start >= 0; start -= 1) {
      sum += ratios[start];
      const relative = height(start, end, sum);
      const isOpen = end === count && !goesOn && relative > 1;
      const cost = best[start].cost + (isOpen ? 0 : Math.log(Math.max(relative, 0.01)) ** 2);
      if (cost < best[end].cost) best[end] = { cost, start };
      if (relative < 0.4) break;
    }
  }
  const rows = [];
  for (let end = count; end > 0; end = best[end].start) {
    const { start } = best[end];
    const sum = ratios.slice(start, end).reduce((total, ratio) => total + ratio, 0);
    const relative = height(start, end, sum);
    const isOpen = end === count && !goesOn && relative > 1;
    rows.unshift({ end, isFilled: !isOpen && relative <= MOST_STRETCHED });
  }
  return rows;
}
