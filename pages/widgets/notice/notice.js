// The notice of an edit: its text, a button that undoes it, and a button that closes it.

import { element, plainButton } from "../dom.js";

const SHOWN_MS = 8000;
const PLACE_MS = 250;
// Lies at the lower edge of the screen too.
const BAR = ".st-key-selection_bar";

class Notice {
  constructor(root) {
    this.box = element("div", "notice empty");
    this.status = element("span", "text");
    this.status.setAttribute("role", "status");
    this.undo = plainButton("undo", "Undo");
    this.close = plainButton("close", "×");
    this.close.setAttribute("aria-label", "Close the notice");
    this.box.append(this.status, this.undo, this.close);
    this.box.addEventListener("pointerenter", () => this.stay());
    this.box.addEventListener("pointerleave", () => this.leaveLater());
    this.box.addEventListener("focusin", ({ relatedTarget }) => {
      if (!this.box.contains(relatedTarget)) this.before = relatedTarget;
      this.stay();
    });
    this.box.addEventListener("focusout", () => this.leaveLater());
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.hide();
    });
    this.close.addEventListener("click", () => this.hide());
    this.undo.addEventListener("click", () => {
      this.hide();
      this.setTriggerValue("undo", this.number);
    });
    root.append(this.box);
  }

  update({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    this.undo.hidden = !data.can_undo;
    // Of a notice that was there before this component, only the age says whether it was shown.
    const isNew = this.number === undefined ? data.is_fresh : this.number !== data.number;
    this.number = data.number;
    if (isNew) this.show(data.text);
  }

  show(text) {
    this.status.textContent = text;
    this.box.classList.remove("empty");
    this.place();
    clearInterval(this.placing);
    this.placing = setInterval(() => this.place(), PLACE_MS);
    this.leaveLater();
  }

  hide() {
    const hadFocus = this.box.matches(":focus-within");
    this.stay();
    clearInterval(this.placing);
    this.status.textContent = "";
    this.box.classList.add("empty");
    if (hadFocus && this.before?.isConnected) this.before.focus();
  }

  stay() {
    clearTimeout(this.leaving);
  }

  leaveLater() {
    this.stay();
    this.leaving = setTimeout(() => this.hide(), SHOWN_MS);
  }

  /** Stay above the tools of the selection where both would lie on the same place. */
  place() {
    this.box.style.bottom = "";
    const bar = document.querySelector(BAR)?.getBoundingClientRect();
    const box = this.box.getBoundingClientRect();
    if (bar && bar.left < box.right && bar.top < box.bottom) {
      this.box.style.bottom = `${window.innerHeight - bar.top + 16}px`;
    }
  }
}

const notices = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  if (!notices.has(parentElement)) notices.set(parentElement, new Notice(parentElement));
  notices.get(parentElement).update(component);
}
