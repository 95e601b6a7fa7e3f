// Where each page of a long list is on the screen, of which only some pages are drawn; no DOM.

/** Heights of pages: as drawn where known, else the average of those, else a first estimate. */
export class PageHeights {
  constructor() {
    this.clear(1, 1);
  }

  /**
   * Forget all heights.
   * @param {number} count number of pages
   * @param {number} estimate height of a page of which none was drawn yet
   */
  clear(count, estimate) {
    this.count = count;
    this.estimate = estimate;
    /** @type {Map<number, number>} */
    this.known = new Map();
    this.sum = 0;
  }

  /** @param {number} page number, from 1 */
  set(page, height) {
    this.sum += height - (this.known.get(page) ?? 0);
    this.known.set(page, height);
  }

  get average() {
    return this.known.size ? this.sum / this.known.size : this.estimate;
  }

  /** Height of all pages from `first` to `last`; 0 if there are none. */
  between(first, last) {
    if (last < first) return 0;
    let height = (last - first + 1) * this.average;
    for (const [page, known] of this.known) {
      if (page >= first && page <= last) height += known - this.average;
    }
    return height;
  }

  /**
   * The page at a distance from the start of the list.
   * @param {number} distance
   * @returns {number}
   */
  pageAt(distance) {
    let low = 1;
    let high = this.count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.between(1, middle) > distance) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
