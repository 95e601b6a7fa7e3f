// Loads the thumbnails of photos: those on the screen at once, then those near it. The lazy loading
// of browsers begins several screens ahead, so that after a jump hundreds would come first.
import { thumbnailUrl } from "./cells.js";

// How far beyond the screen pictures are loaded, as a part of its height: all that the next page
// shows.
const AHEAD = "125%";
// Pictures near the screen that load at a time.
const AT_ONCE = 3;

/** Gives the pictures of cells their address when they come near, takes it when they go away. */
export class PictureLoader {
  /** @param {Element | null} root what scrolls; null for the whole page */
  constructor(root) {
    this.inSight = new IntersectionObserver((entries) => this.onSight(entries), { root });
    this.near = new IntersectionObserver((entries) => this.onNear(entries), {
      root,
      rootMargin: `${AHEAD} 0px`,
    });
    /** @type {Set<HTMLImageElement>} pictures on the screen that are loading */
    this.urgent = new Set();
    /** @type {Set<HTMLImageElement>} pictures near the screen that wait for those on it */
    this.waiting = new Set();
    /** @type {Set<HTMLImageElement>} pictures near the screen that are loading */
    this.ahead = new Set();
  }

  /** @param {HTMLElement} cell */
  add(cell) {
    const image = cell.querySelector("img");
    const onEnd = () => {
      this.urgent.delete(image);
      this.ahead.delete(image);
      this.loadNext();
    };
    image.onload = onEnd;
    image.onerror = onEnd;
    this.inSight.observe(cell);
    this.near.observe(cell);
  }

  /** @param {HTMLElement} cell */
  remove(cell) {
    this.inSight.unobserve(cell);
    this.near.unobserve(cell);
    this.cancel(cell.querySelector("img"));
  }

  /** Load the picture of a cell on the screen. @param {HTMLElement} cell */
  show(cell) {
    const image = cell.querySelector("img");
    // A picture without an address is complete.
    if (image.src && image.complete) return;
    this.ahead.delete(image);
    this.urgent.add(image);
    this.load(image, "high");
  }

  onSight(entries) {
    for (const { target, isIntersecting } of entries) if (isIntersecting) this.show(target);
  }

  onNear(entries) {
    for (const { target, isIntersecting } of entries) {
      const image = target.querySelector("img");
      if (!isIntersecting) this.cancel(image);
      else if (!image.src) this.waiting.add(image);
    }
    // The observer of what is in sight may report after this one.
    requestAnimationFrame(() => this.loadNext());
  }

  loadNext() {
    if (this.urgent.size) return;
    for (const image of this.waiting) {
      if (this.ahead.size >= AT_ONCE) return;
      this.ahead.add(image);
      this.load(image, "low");
    }
  }

  load(image, priority) {
    this.waiting.delete(image);
    image.fetchPriority = priority;
    image.src ||= thumbnailUrl({ id: image.closest(".cell").dataset.id });
  }

  /** Give up a picture that has not come yet. */
  cancel(image) {
    this.urgent.delete(image);
    this.waiting.delete(image);
    this.ahead.delete(image);
    if (image.src && !image.complete) image.removeAttribute("src");
  }
}
