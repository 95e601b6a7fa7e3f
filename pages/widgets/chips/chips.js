// Rows of chips, each with a count: one of a row, or any number of it, is chosen.
// A row is one stop of the tab key; the arrow keys walk in it, Enter or Space chooses.
//
// A click is shown at once, and told to the grid, which may know what comes. The server hears of it as a whole, with a number, and says with every
// answer which one it has heard: what it says before that is about an earlier choice.

class Row {
  constructor(choose) {
    this.node = document.createElement("div");
    this.node.className = "row";
    this.node.onclick = (event) => {
      const chip = event.target.closest("button");
      if (!chip) return;
      this.moveTo(chip);
      choose(chip.dataset.value);
    };
    this.node.onkeydown = (event) => this.walk(event);
  }

  get chips() {
    return [...this.node.children];
  }

  show({ label, isMany, chips }) {
    this.node.hidden = !chips.length;
    this.node.setAttribute("role", isMany ? "group" : "radiogroup");
    this.node.setAttribute("aria-label", label);
    const there = new Map(this.chips.map((chip) => [chip.dataset.value, chip]));
    const wanted = chips.map(({ value, text }) => {
      const chip = there.get(value) ?? document.createElement("button");
      chip.type = "button";
      chip.dataset.value = value;
      chip.setAttribute("role", isMany ? "checkbox" : "radio");
      if (chip.textContent !== text) chip.textContent = text;
      return chip;
    });
    const isSame = wanted.length === this.chips.length
      && wanted.every((chip, i) => chip === this.chips[i]);
    if (!isSame) this.place(wanted);
  }

  place(wanted) {
    const focused = this.node.getRootNode().activeElement;
    const hadFocus = this.node.contains(focused);
    this.node.replaceChildren(...wanted);
    const isThere = wanted.includes(focused);
    const stop = wanted.find((chip) => chip.tabIndex === 0 && chip.isStop) ?? wanted[0];
    if (stop) this.moveTo(isThere ? focused : stop);
    if (hadFocus) (isThere ? focused : stop)?.focus();
  }

  mark(chosen) {
    for (const chip of this.chips) {
      chip.setAttribute("aria-checked", String(chosen.includes(chip.dataset.value)));
    }
  }

  moveTo(stop) {
    for (const chip of this.chips) {
      chip.isStop = chip === stop;
      chip.tabIndex = chip.isStop ? 0 : -1;
    }
  }

  walk(event) {
    const { chips } = this, at = chips.indexOf(event.target);
    const goals = {
      ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
      Home: 0, End: chips.length - 1,
    };
    if (at < 0 || !(event.key in goals)) return;
    event.preventDefault();
    const goal = chips[goals[event.key]];
    if (!goal) return;
    this.moveTo(goal);
    goal.focus();
  }
}

class Chips {
  constructor(root) {
    this.one = new Row((value) => value !== this.chosen.one && this.choose({ one: value }));
    this.many = new Row((value) => {
      const { many } = this.chosen;
      const isOn = many.includes(value);
      this.choose({ many: isOn ? many.filter((other) => other !== value) : [...many, value] });
    });
    this.number = 0;
    root.append(this.one.node, this.many.node);
  }

  hear({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    this.one.show(data.one);
    this.many.show(data.many);
    const isLate = performance.now() - this.actedAt > PATIENCE_MS;
    if (data.heard >= this.number || isLate || !this.chosen) {
      this.number = Math.max(this.number, data.heard);
      this.chosen = data.chosen;
    }
    this.mark();
  }

  mark() {
    this.one.mark([this.chosen.one]);
    this.many.mark(this.chosen.many);
  }

  choose(change) {
    this.number += 1;
    this.actedAt = performance.now();
    this.chosen = { ...this.chosen, ...change };
    this.mark();
    const told = { ...this.chosen, number: this.number };
    document.dispatchEvent(new CustomEvent("scene-gallery-choice", { detail: told }));
    whenConnected(() => this.setTriggerValue("asked", told));
  }
}

const drawn = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  if (!drawn.has(parentElement)) drawn.set(parentElement, new Chips(parentElement));
  drawn.get(parentElement).hear(component);
}
