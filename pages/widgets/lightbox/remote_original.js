// The original of a photo at a URL: the server fetches it when the photo is shown, not before.
import { element } from "../dom.js";
import { pictureUrl } from "./sources.js";

/** Sooner, a line of text would only flicker. */
const NOTE_AFTER_MS = 400;
const FETCHING = "Fetching the original …";
const NO_SERVER = "The original could not be fetched: the server does not respond.";

/** Fetches the preview of one photo, and says on its slide what goes on, or why it failed. */
export class RemoteOriginal {
  /** @param {{photo: {id: string}, node: HTMLElement, showFetched: (b: Blob) => Promise<void>}} slide */
  constructor(slide) {
    this.note = element("p", "unplayable", FETCHING);
    this.note.setAttribute("role", "status");
    this.stop = new AbortController();
    this.timer = setTimeout(() => slide.node.append(this.note), NOTE_AFTER_MS);
    this.fetch(slide);
  }

  async fetch(slide) {
    try {
      const url = pictureUrl(slide.photo, "preview");
      const response = await fetch(url, { signal: this.stop.signal });
      if (!response.ok) {
        this.fail(slide, (await response.json()).detail);
        return;
      }
      await slide.showFetched(await response.blob());
      this.dispose();
    } catch {
      if (!this.stop.signal.aborted) this.fail(slide, NO_SERVER);
    }
  }

  /** The thumbnail stays, with the reason over it. */
  fail(slide, reason) {
    clearTimeout(this.timer);
    this.note.textContent = reason;
    slide.node.append(this.note);
  }

  dispose() {
    clearTimeout(this.timer);
    this.stop.abort();
    this.note.remove();
  }
}
