// Months of photos in an order by date; no DOM.

/**
 * @typedef {object} Month
 * @property {string} name "July 2024", or "No date"
 * @property {string} year "2024"; empty without a date
 * @property {number} photos how many
 */

/** Maps photos of a list to their months, and both to a track from 0 to 1. */
export class Months {
  /** @param {Month[]} months in the order of the list */
  constructor(months) {
    this.months = months;
    this.firsts = [];
    this.total = 0;
    for (const { photos } of months) {
      this.firsts.push(this.total);
      this.total += photos;
    }
  }

  /** Index of the month of a photo. @param {number} photo index in the list, from 0 */
  monthOf(photo) {
    const after = this.firsts.findIndex((first) => first > photo);
    return (after < 0 ? this.months.length : Math.max(1, after)) - 1;
  }

  /** The photo at a place of the track. @param {number} part of the track, 0 to 1 */
  photoAt(part) {
    return Math.min(Math.max(0, Math.floor(part * this.total)), Math.max(0, this.total - 1));
  }

  /**
   * The years to write beside a track, without those that would touch one above.
   * @param {number} distance least distance of two years, as a part of the track
   * @returns {{year: string, part: number}[]}
   */
  years(distance) {
    const shown = [];
    this.months.forEach(({ year }, i) => {
      const part = this.firsts[i] / this.total;
      const last = shown.at(-1);
      if (!year || year === this.months[i - 1]?.year) return;
      if (!last || part - last.part >= distance) shown.push({ year, part });
    });
    return shown;
  }

  /**
   * The month that a key leads to.
   * @param {string} key
   * @param {number} month index
   * @returns {number | null} null for another key
   */
  step(key, month) {
    const last = this.months.length - 1;
    const otherYear = (direction) => {
      let i = month;
      while (this.months[i + direction] && this.months[i].year === this.months[month].year) {
        i += direction;
      }
      return i;
    };
    const targets = {
      ArrowDown: () => month + 1,
      ArrowRight: () => month + 1,
      ArrowUp: () => month - 1,
      ArrowLeft: () => month - 1,
      PageDown: () => otherYear(1),
      PageUp: () => otherYear(-1),
      Home: () => 0,
      End: () => last,
    };
    if (!(key in targets)) return null;
    return Math.min(Math.max(0, targets[key]()), last);
  }
}
