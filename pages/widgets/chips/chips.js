// Three rows of chips with counts: groups, classes and tags. One chip of each of the first two rows
// is chosen, any number of the third. The first chip of a row of classes stands for all of them; a
// newly chosen group starts with it.
// On a wide screen the rows stand side by side in one line, with the chips that fit; unfolded they
// stand below each other with all chips. On a phone they open as a sheet.
// Each row is one tab stop; the arrow keys move inside it, Enter or Space chooses.
//
// A click is drawn at once and sent to the grid, which may have the photos already. The server
// receives the complete choice with a number and returns the latest number it has received: data
// with a lower number is about an earlier choice and is not drawn.
import { PATIENCE_MS, whenConnected } from "../connection.js";
import { element, plainButton } from "../dom.js";
import { CHIP_CHOICE, shared } from "../shared.js";

const PHONE = "(max-width: 640px)";

class Row {
  constructor(onChoose) {
    this.node = document.createElement("div");
    this.node.className = "row";
    this.node.onclick = (event) => {
      const chip = event.target.closest("button");
      if (!chip) return;
      this.setTabStop(chip);
      onChoose(chip.dataset.value);
    };
    this.node.onkeydown = (event) => this.onKey(event);
  }

  get chips() {
    return [...this.node.children];
  }

  get visibleChips() {
    return this.chips.filter((chip) => chip.style.visibility !== "hidden");
  }

  /**
   * Hide the chips that do not fit in one line; a chosen one comes to the front instead.
   * @param {boolean} isFolded false shows all chips
   * @returns {boolean} whether any is hidden
   */
  fold(isFolded) {
    const { chips } = this;
    for (const chip of chips) chip.style.visibility = chip.style.order = "";
    if (!isFolded || !chips.length) return false;
    const lineTop = chips[0].offsetTop;
    for (const chip of chips) {
      const isChosen = chip.getAttribute("aria-checked") === "true";
      if (isChosen && chip.offsetTop > lineTop) chip.style.order = "-1";
    }
    const hidden = chips.filter((chip) => chip.offsetTop > lineTop);
    for (const chip of hidden) chip.style.visibility = "hidden";
    return hidden.length > 0;
  }

  get firstValue() {
    return this.chips[0]?.dataset.value;
  }

  show({ label, isMany, chips }) {
    this.node.hidden = !chips.length;
    this.node.setAttribute("role", isMany ? "group" : "radiogroup");
    this.node.setAttribute("aria-label", label);
    const existing = new Map(this.chips.map((chip) => [chip.dataset.value, chip]));
    const nodes = chips.map(({ value, text }) => {
      const chip = existing.get(value) ?? plainButton("");
      chip.dataset.value = value;
      chip.setAttribute("role", isMany ? "checkbox" : "radio");
      if (chip.textContent !== text) chip.textContent = text;
      return chip;
    });
    const isSame =
      nodes.length === this.chips.length && nodes.every((chip, i) => chip === this.chips[i]);
    if (!isSame) this.replace(nodes);
  }

  replace(nodes) {
    const focused = this.node.getRootNode().activeElement;
    const hadFocus = this.node.contains(focused);
    this.node.replaceChildren(...nodes);
    const isFocusedShown = nodes.includes(focused);
    const tabStop = nodes.find((chip) => chip.tabIndex === 0 && chip.isTabStop) ?? nodes[0];
    if (tabStop) this.setTabStop(isFocusedShown ? focused : tabStop);
    if (hadFocus) (isFocusedShown ? focused : tabStop)?.focus();
  }

  mark(chosenValues) {
    for (const chip of this.chips) {
      chip.setAttribute("aria-checked", String(chosenValues.includes(chip.dataset.value)));
    }
  }

  setTabStop(tabStop) {
    for (const chip of this.chips) {
      chip.isTabStop = chip === tabStop;
      chip.tabIndex = chip.isTabStop ? 0 : -1;
    }
  }

  onKey(event) {
    const chips = this.visibleChips;
    const index = chips.indexOf(event.target);
    const targets = {
      ArrowRight: index + 1,
      ArrowDown: index + 1,
      ArrowLeft: index - 1,
      ArrowUp: index - 1,
      Home: 0,
      End: chips.length - 1,
    };
    if (index < 0 || !(event.key in targets)) return;
    event.preventDefault();
    const target = chips[targets[event.key]];
    if (!target) return;
    this.setTabStop(target);
    target.focus();
  }
}

class Chips {
  constructor(root) {
    this.group = new Row((value) => {
      if (value !== this.chosen.group) this.choose({ group: value, one: this.single.firstValue });
    });
    this.single = new Row((value) => value !== this.chosen.one && this.choose({ one: value }));
    this.multiple = new Row((value) => {
      const { many } = this.chosen;
      const isOn = many.includes(value);
      this.choose({ many: isOn ? many.filter((item) => item !== value) : [...many, value] });
    });
    this.number = 0;
    this.isUnfolded = false;
    this.phone = matchMedia(PHONE);
    this.rows = element("div", "rows");
    this.rows.append(this.group.node, this.single.node, this.multiple.node);
    this.toggle = plainButton("toggle");
    this.toggle.onclick = () => (this.phone.matches ? this.sheet.showModal() : this.unfold());
    this.sheet = this.newSheet();
    const bar = element("div", "bar");
    bar.append(this.rows, this.toggle, this.sheet);
    root.append(bar);
    this.phone.onchange = () => this.place();
    new ResizeObserver(() => this.fold()).observe(this.rows);
  }

  newSheet() {
    const sheet = element("dialog", "sheet");
    sheet.setAttribute("aria-label", "Filters");
    const done = plainButton("done", "Done");
    done.onclick = () => sheet.close();
    // A tap beside the sheet, on the backdrop, is one on the dialog itself.
    sheet.onclick = (event) => event.target === sheet && sheet.close();
    this.sheetBody = element("div", "sheet-body");
    // The first chips only are sent; this asks for the others.
    this.moreInSheet = plainButton("toggle", "Show more");
    this.moreInSheet.onclick = () => this.unfold();
    this.sheetBody.append(this.moreInSheet, done);
    sheet.append(this.sheetBody);
    return sheet;
  }

  /** Put the rows where the screen has room for them: in the page, or in the sheet. */
  place() {
    if (this.phone.matches) this.sheetBody.prepend(this.rows);
    else {
      this.sheet.close();
      this.toggle.before(this.rows);
    }
    this.fold();
  }

  unfold() {
    this.isUnfolded = !this.isUnfolded;
    this.fold();
    whenConnected(() => this.setTriggerValue("unfolded", { isUnfolded: this.isUnfolded }));
  }

  fold() {
    const isPhone = this.phone.matches;
    const isFolded = !isPhone && !this.isUnfolded;
    this.rows.classList.toggle("folded", isFolded);
    const rows = [this.group, this.single, this.multiple];
    const isAnyHidden = rows.map((row) => row.fold(isFolded)).includes(true);
    this.toggle.hidden = !isPhone && isFolded && !isAnyHidden && !this.hasMore;
    this.moreInSheet.hidden = !this.hasMore;
    this.toggle.setAttribute("aria-expanded", String(!isPhone && this.isUnfolded));
    this.toggle.textContent = isPhone ? this.phoneText() : isFolded ? "More filters" : "Show less";
  }

  phoneText() {
    const { group, one, many } = this.chosen;
    const isChosen = [group !== this.group.firstValue, one !== this.single.firstValue];
    const count = isChosen.filter(Boolean).length + many.length;
    return count ? `Filters · ${count}` : "Filters";
  }

  update({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    if (this.hasMore === undefined) this.isUnfolded = data.unfolded;
    this.hasMore = data.has_more;
    this.group.show(data.group);
    this.single.show(data.one);
    this.multiple.show(data.many);
    const isLate = performance.now() - this.chosenAt > PATIENCE_MS;
    if (data.heard >= this.number || isLate || !this.chosen) {
      this.number = Math.max(this.number, data.heard);
      this.chosen = data.chosen;
    }
    this.mark();
    this.place();
  }

  mark() {
    this.group.mark([this.chosen.group]);
    this.single.mark([this.chosen.one]);
    this.multiple.mark(this.chosen.many);
  }

  choose(change) {
    this.number += 1;
    this.chosenAt = performance.now();
    this.chosen = { ...this.chosen, ...change };
    this.mark();
    if (this.phone.matches) this.toggle.textContent = this.phoneText();
    const choice = { ...this.chosen, number: this.number };
    shared.events.dispatchEvent(new CustomEvent(CHIP_CHOICE, { detail: choice }));
    whenConnected(() => this.setTriggerValue("asked", choice));
  }
}

const instances = new WeakMap();

/** Draw the chips of one component; its state outlives the runs of the page. */
export default function (component) {
  const { parentElement } = component;
  if (!instances.has(parentElement)) instances.set(parentElement, new Chips(parentElement));
  instances.get(parentElement).update(component);
}
