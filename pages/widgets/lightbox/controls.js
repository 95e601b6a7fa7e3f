// The buttons and texts over the picture.
import { element, plainButton } from "../dom.js";
import { icon } from "./icons.js";
import { filmUrl } from "./sources.js";
import { StackStrip } from "./stack_strip.js";

function iconButton(action, name, key, iconName = action) {
  const button = plainButton("control");
  button.dataset.action = action;
  button.setAttribute("aria-label", name);
  button.title = `${name} (${key})`;
  button.append(icon(iconName));
  return button;
}

/** Buttons for every action of the lightbox, the name of the photo and its place. */
export class Controls {
  /** @param {(action: string) => void} onAction */
  constructor(onAction) {
    this.top = element("div", "bar");
    this.title = element("div", "title");
    this.place = element("span", "place");
    this.marks = element("span", "marks");
    this.marks.setAttribute("role", "img");
    this.zoomOut = iconButton("zoom-out", "Zoom out", "-");
    this.zoomIn = iconButton("zoom-in", "Zoom in", "+");
    this.interval = plainButton("control interval");
    this.interval.dataset.action = "interval";
    this.play = iconButton("slideshow", "Slideshow", "Space", "play");
    this.film = iconButton("film", "Play film", "P");
    this.info = iconButton("info", "Info", "I");
    const tools = element("div", "tools");
    tools.append(this.marks, this.film, this.zoomOut, this.zoomIn);
    tools.append(this.interval, this.play, this.info);
    this.top.append(iconButton("close", "Close", "Esc"), this.title, tools);
    this.previous = iconButton("previous", "Previous", "Left arrow");
    this.next = iconButton("next", "Next", "Right arrow");
    this.previous.classList.add("walk", "back");
    this.next.classList.add("walk", "forth");
    // For screen readers: which photo is shown.
    this.status = element("p", "unseen");
    this.status.setAttribute("role", "status");
    this.strip = new StackStrip();
    this.note = element("p", "note");
    this.note.setAttribute("role", "status");
    this.nodes = [this.top, this.previous, this.next, this.strip.node, this.note, this.status];
    for (const node of this.nodes) {
      node.onclick = ({ target }) => {
        const button = target.closest("[data-action]");
        if (button && button.ariaDisabled !== "true") onAction(button.dataset.action);
      };
    }
  }

  /** @param {import("./sequence.js").PhotoSequence} sequence */
  showPhoto(sequence) {
    const { photo } = sequence;
    this.place.textContent = sequence.place;
    this.title.replaceChildren(photo?.name ?? "", this.place);
    this.title.title = photo?.name ?? "";
    if (this.status.textContent !== sequence.spoken) this.status.textContent = sequence.spoken;
    const hasWalk = Boolean(sequence.place);
    // Not `disabled`: the focus would be lost on the last photo.
    for (const [button, step] of [
      [this.previous, -1],
      [this.next, 1],
    ]) {
      button.hidden = !hasWalk;
      button.ariaDisabled = String(!sequence.at(step));
    }
    this.play.hidden = !hasWalk;
    this.zoomIn.hidden = Boolean(photo?.is_video);
    this.zoomOut.hidden = Boolean(photo?.is_video);
    this.strip.show(photo);
    this.film.hidden = !(photo && filmUrl(photo));
    this.showMarks(photo ? sequence.marks : { favourite: false, rating: 0 });
  }

  showMarks({ favourite, rating }) {
    const texts = [];
    if (favourite) texts.push("Favourite");
    if (rating) texts.push(`${rating} of 5 stars`);
    this.marks.hidden = !texts.length;
    this.marks.textContent = `${favourite ? "♥ " : ""}${"★".repeat(rating)}`;
    this.marks.setAttribute("aria-label", texts.join(", "));
  }

  /** @param {import("./viewport.js").Viewport} viewport */
  showZoom(viewport) {
    this.zoomOut.ariaDisabled = String(!viewport.isZoomed);
    this.zoomIn.ariaDisabled = String(viewport.zoom >= viewport.maxZoom);
  }

  /**
   * @param {import("./slideshow.js").Slideshow} slideshow
   * @param {boolean} hasNext whether there is a photo after the one shown
   */
  showSlideshow({ isPlaying, seconds }, hasNext) {
    const name = isPlaying ? "Stop slideshow" : "Slideshow";
    this.play.setAttribute("aria-label", name);
    this.play.title = `${name} (Space)`;
    this.play.replaceChildren(icon(isPlaying ? "pause" : "play"));
    this.play.ariaDisabled = String(!isPlaying && !hasNext);
    this.interval.hidden = !isPlaying;
    this.interval.textContent = `${seconds} s`;
    this.interval.setAttribute("aria-label", `${seconds} seconds per photo; change`);
  }

  /** @param {"still" | "playing" | "failed"} state of the film of the photo shown */
  showFilm(state) {
    const names = {
      still: "Play film",
      playing: "Stop film",
      failed: "This browser cannot play the film. Download the original to watch it.",
    };
    this.film.setAttribute("aria-label", names[state]);
    this.film.title = `${names[state]} (P)`;
    this.film.ariaDisabled = String(state === "failed");
    this.note.textContent = state === "failed" ? names.failed : "";
  }

  showInfo(isOpen) {
    this.info.setAttribute("aria-expanded", String(isOpen));
  }
}
