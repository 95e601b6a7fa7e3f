import { IN_SIGHT, thumbnailUrl } from "./cells.js";

// Thumbnails referenced here stay in the browser's memory cache: 12 pages.
const MAX_IMAGES = 12 * IN_SIGHT;

/** Loads thumbnails of pages that may be shown next, one at a time, 500 ms after a page was drawn. */
export class ThumbnailPrefetcher {
  constructor() {
    this.requestedIds = new Set();
    this.images = [];
    this.generation = 0;
  }

  /**
   * Replaces the photos to prefetch.
   * @param {() => object[]} likelyPhotos returns the photos, most likely first; called when
   *   prefetching starts
   */
  start(likelyPhotos) {
    clearTimeout(this.timer);
    this.generation += 1;
    const generation = this.generation;
    let remaining;
    const loadNext = () => {
      if (generation !== this.generation) return;
      remaining ??= likelyPhotos().filter((photo) => !this.requestedIds.has(photo.id));
      const photo = remaining.shift();
      if (!photo) return;
      this.requestedIds.add(photo.id);
      const image = new Image();
      image.fetchPriority = "low";
      const onDone = () => {
        this.timer = setTimeout(loadNext);
      };
      image.onload = onDone;
      image.onerror = onDone;
      image.src = thumbnailUrl(photo);
      this.images = [...this.images.slice(-MAX_IMAGES), image];
    };
    this.timer = setTimeout(loadNext, 500);
  }
}
