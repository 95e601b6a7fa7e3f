// The list of options below a field. It is in the browser's top layer, so that no dialog cuts it off.
import { element } from "../dom.js";
import { foundBy } from "./matches.js";

const MAX_SHOWN = 60;
const MARGIN_PX = 8;
const MAX_HEIGHT_PX = 340;

export class Popup {
  /**
   * @param {HTMLInputElement} input the field that keeps the focus
   * @param {HTMLElement} box the frame of the field, whose width the list has
   * @param {(choice: {value: string} | {typed: string}) => void} onChoose
   */
  constructor(input, box, onChoose) {
    this.input = input;
    this.box = box;
    this.node = element("div", "list");
    this.node.id = "list";
    this.node.hidden = true;
    this.node.setAttribute("role", "listbox");
    if (this.node.showPopover) this.node.popover = "manual";
    // The field keeps the focus, and with it a phone its keyboard.
    this.node.onmousedown = (event) => event.preventDefault();
    this.node.onclick = (event) => {
      const row = event.target.closest("[role=option]");
      if (row) onChoose(this.choices[this.rows.indexOf(row)]);
    };
    this.place = this.place.bind(this);
    this.choices = [];
    this.active = -1;
  }

  get isOpen() {
    return !this.node.hidden;
  }

  get rows() {
    return [...this.node.children];
  }

  get activeChoice() {
    return this.choices[this.active] ?? null;
  }

  /**
   * Show options, and last the offer to add what was typed.
   * @param {{shown: object[], best: object | null, isKnown: boolean}} found see matching()
   */
  open(found, typed, addText) {
    const shown = found.shown.slice(0, MAX_SHOWN);
    this.choices = shown.map(({ value }) => ({ value }));
    const rows = shown.map((option) => optionRow(option, typed));
    if (!found.isKnown) {
      this.choices.push({ typed });
      const row = element("div", "add", `${addText}: ${typed}`);
      row.setAttribute("role", "option");
      rows.push(row);
    }
    for (const [index, row] of rows.entries()) row.id = `option-${index}`;
    this.node.replaceChildren(...rows);
    if (!rows.length) {
      this.close();
      return;
    }
    this.show();
    this.activate(found.best ? 0 : shown.length || !typed ? -1 : 0);
  }

  show() {
    if (!this.isOpen) {
      this.node.hidden = false;
      this.node.showPopover?.();
      for (const target of [window, window.visualViewport]) {
        target?.addEventListener("scroll", this.place, true);
        target?.addEventListener("resize", this.place);
      }
    }
    this.input.setAttribute("aria-expanded", "true");
    this.place();
  }

  /** Place the list below the field, or above it where there is more room. */
  place() {
    const box = this.box.getBoundingClientRect();
    const height = window.visualViewport?.height ?? window.innerHeight;
    const below = height - box.bottom - MARGIN_PX;
    const above = box.top - MARGIN_PX;
    const isBelow = below >= Math.min(MAX_HEIGHT_PX, this.node.scrollHeight) || below >= above;
    const style = this.node.style;
    style.left = `${box.left}px`;
    style.width = `${box.width}px`;
    style.boxSizing = "border-box";
    style.maxHeight = `${Math.min(MAX_HEIGHT_PX, isBelow ? below : above)}px`;
    style.top = isBelow ? `${box.bottom + 2}px` : "auto";
    style.bottom = isBelow ? "auto" : `${window.innerHeight - box.top + 2}px`;
  }

  close() {
    if (!this.isOpen) return;
    this.node.hidePopover?.();
    this.node.hidden = true;
    this.activate(-1);
    this.input.setAttribute("aria-expanded", "false");
    for (const target of [window, window.visualViewport]) {
      target?.removeEventListener("scroll", this.place, true);
      target?.removeEventListener("resize", this.place);
    }
  }

  /** Move to the next or the previous option; from an end to the other. */
  move(step) {
    const { length } = this.choices;
    if (!length) return;
    const from = this.active < 0 && step < 0 ? length : this.active;
    this.activate((from + step + length) % length);
  }

  activate(index) {
    this.active = index;
    for (const [i, row] of this.rows.entries()) {
      row.setAttribute("aria-selected", String(i === index));
    }
    const row = this.rows[index];
    if (row) {
      this.input.setAttribute("aria-activedescendant", row.id);
      row.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }
}

function optionRow(option, typed) {
  const row = element("div");
  row.setAttribute("role", "option");
  const word = foundBy(option, typed);
  row.append(element("span", "", word ? `${option.text} (${word})` : option.text));
  if (option.count) {
    const photos = option.count === 1 ? "photo" : "photos";
    row.append(element("span", "count", `${option.count.toLocaleString()} ${photos}`));
  }
  return row;
}
