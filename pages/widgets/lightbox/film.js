// A video on the stage, played by the browser from our own server; nothing is converted.
import { element } from "../dom.js";
import { pictureUrl } from "./sources.js";

/** Height of the controls that browsers draw at the lower edge of a video. */
const CONTROLS_PX = 72;
const UNPLAYABLE = "This browser cannot play the video. Download the original to watch it.";

/** Draws one video in place of its picture. */
export class Film {
  /**
   * @param {HTMLElement} slide
   * @param {HTMLImageElement} image shown where the video cannot be played
   */
  constructor(slide, image, photo) {
    this.image = image;
    this.video = element("video");
    this.video.controls = true;
    this.video.playsInline = true;
    this.video.preload = "metadata";
    this.video.tabIndex = 0;
    this.video.poster = pictureUrl(photo, "preview");
    this.video.setAttribute("aria-label", photo.alt);
    this.video.onerror = () => this.fail(slide);
    this.video.src = pictureUrl(photo, "video");
    slide.append(this.video);
    image.hidden = true;
  }

  fail(slide) {
    this.note = element("p", "unplayable", UNPLAYABLE);
    this.note.setAttribute("role", "status");
    this.video.remove();
    this.image.hidden = false;
    slide.append(this.note);
  }

  resize(width, height) {
    this.video.style.width = `${width}px`;
    this.video.style.height = `${height}px`;
  }

  async toggle() {
    if (!this.video.paused) {
      this.video.pause();
      return;
    }
    try {
      await this.video.play();
    } catch {
      // Paused again before it began, or not playable, which its event says.
    }
  }

  dispose() {
    this.video.onerror = null;
    this.video.pause();
    // Without this, the browser goes on loading.
    this.video.removeAttribute("src");
    this.video.load();
    this.video.remove();
    this.note?.remove();
    this.image.hidden = false;
  }
}

/** Whether a pointer is on the controls that the browser draws over a video. */
export function isOnVideoControls(event) {
  const [target] = event.composedPath();
  if (target.tagName !== "VIDEO") return false;
  return event.clientY > target.getBoundingClientRect().bottom - CONTROLS_PX;
}
