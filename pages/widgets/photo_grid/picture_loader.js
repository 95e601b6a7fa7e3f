// Loads the thumbnails of photos on and near the screen. The lazy loading of browsers begins several
// screens ahead: after a jump, hundreds of pictures would come before those in sight.
import { thumbnailUrl } from "./cells.js";

// How far beyond the screen pictures are loaded, as a part of its height.
const AHEAD = "75%";

/** Gives the pictures of cells their address when they come near, takes it when they go away. */
export class PictureLoader {
  /** @param {Element | null} scroller what scrolls; null for the whole page */
  constructor(scroller) {
    this.observer = new IntersectionObserver((entries) => this.onMove(entries), {
      root: scroller,
      rootMargin: `${AHEAD} 0px`,
    });
  }

  /** @param {HTMLElement} cell */
  add(cell) {
    this.observer.observe(cell);
  }

  /** @param {HTMLElement} cell */
  remove(cell) {
    this.observer.unobserve(cell);
    cancel(cell.querySelector("img"));
  }

  onMove(entries) {
    for (const { target, isIntersecting, boundingClientRect: box } of entries) {
      const image = target.querySelector("img");
      if (!isIntersecting) {
        cancel(image);
      } else if (!image.src) {
        const isInSight = box.bottom > 0 && box.top < window.innerHeight;
        image.fetchPriority = isInSight ? "high" : "low";
        image.src = thumbnailUrl({ id: target.dataset.id });
      }
    }
  }
}

/** Give up a picture that has not come yet. */
function cancel(image) {
  if (image.src && !image.complete) image.removeAttribute("src");
}
