// The photos of a stack as a strip of small pictures, to switch between them.
import { element, plainButton } from "../dom.js";
import { pictureUrl } from "./sources.js";

/** What a photo of a stack is called: its format, and the name of the file for screen readers. */
function memberButton(photo) {
  const button = plainButton("member");
  button.dataset.action = `member-${photo.id}`;
  button.setAttribute("aria-label", `${photo.format}: ${photo.name}`);
  button.title = `${photo.name} (V for the next)`;
  const image = element("img");
  image.alt = "";
  image.draggable = false;
  image.src = pictureUrl(photo, "thumbnail");
  button.append(image, element("span", "", photo.format));
  return button;
}

/** Draws the photos of a stack; hidden for a photo that is in none. */
export class StackStrip {
  constructor() {
    this.node = element("div", "strip");
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", "Photos of the stack");
    this.drawn = "";
  }

  /** @param {import("./sequence.js").Photo | null} photo the photo shown */
  show(photo) {
    const members = photo?.stack ?? [];
    this.node.hidden = members.length < 2;
    const ids = members.map(({ id }) => id).join(" ");
    if (ids !== this.drawn) this.node.replaceChildren(...members.map(memberButton));
    this.drawn = ids;
    for (const button of this.node.children) {
      const isShown = button.dataset.action === `member-${photo.id}`;
      button.setAttribute("aria-pressed", String(isShown));
    }
  }
}
