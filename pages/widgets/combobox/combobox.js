// A field for a label with a list of options: the ARIA combobox pattern with a list box.
// Enter takes the option that begins as typed. Text that no option begins with is sent to the server,
// which answers with a question before anything new is made.
//
// Every act has a number, and the server returns the number of the latest act it has applied. Acts
// are sent again with the next one until then: two quick ones may arrive in one run.
import { PATIENCE_MS, whenConnected } from "../connection.js";
import { element, plainButton } from "../dom.js";
import { matching } from "./matches.js";
import { Popup } from "./popup.js";

class Combobox {
  constructor(root) {
    this.acts = [];
    this.number = 0;
    this.isDirty = false;
    this.asked = 0;
    this.input = this.newInput();
    this.label = element("label");
    this.label.htmlFor = this.input.id;
    this.chosen = element("ul", "chosen");
    this.chosen.onclick = (event) => this.remove(event.target.closest("button"));
    this.arrow = plainButton("arrow", "▼");
    this.arrow.tabIndex = -1;
    this.arrow.onclick = () => this.toggle();
    this.box = element("div", "box");
    this.box.append(this.chosen, this.input, this.arrow);
    this.popup = new Popup(this.input, this.box, (choice) => this.take(choice));
    this.question = element("div", "question");
    this.question.setAttribute("role", "group");
    this.question.hidden = true;
    this.hint = element("p", "hint");
    this.hint.id = "hint";
    this.status = element("div", "status");
    this.status.setAttribute("role", "status");
    const field = element("div", "field");
    field.append(this.label, this.box, this.popup.node, this.question, this.hint, this.status);
    // The page's keyboard shortcuts would take letters and digits for theirs: to the page, what has
    // the focus is the component, not a text field.
    field.onkeydown = (event) => this.onKey(event);
    root.append(field);
  }

  newInput() {
    const input = element("input");
    input.id = "input";
    input.type = "text";
    input.autocomplete = "off";
    input.setAttribute("autocapitalize", "off");
    input.spellcheck = false;
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-expanded", "false"],
      ["aria-controls", "list"],
      ["aria-describedby", "hint"],
    ])
      input.setAttribute(name, value);
    input.oninput = () => {
      this.isDirty = true;
      this.open();
    };
    input.onmousedown = (event) => {
      // A click into text that is selected would end the selection after `onclick`.
      const isSelected =
        input.value && input.selectionEnd - input.selectionStart === input.value.length;
      if (isSelected && input.matches(":focus") && !this.popup.isOpen) event.preventDefault();
    };
    input.onclick = () => {
      if (this.popup.isOpen) return;
      input.select();
      this.open(true);
    };
    input.onblur = () => this.leave();
    return input;
  }

  /** @param {boolean} [isAll] whether all options are shown, not only those that begin as typed */
  open(isAll = false) {
    const typed = isAll ? "" : this.input.value.trim();
    const found = matching(this.data.options, typed);
    this.popup.open(found, typed, this.data.add);
    const count = found.shown.length;
    const best = found.best ? `. Enter takes ${found.best.text}` : "";
    this.status.textContent = typed ? `${count === 1 ? "1 match" : `${count} matches`}${best}` : "";
  }

  toggle() {
    if (this.popup.isOpen) this.popup.close();
    else {
      this.input.focus();
      this.open(true);
    }
  }

  leave() {
    this.popup.close();
    this.status.textContent = "";
    if (this.isDirty) this.restore();
  }

  /** Show the value that holds, instead of what was typed. */
  restore() {
    this.isDirty = false;
    this.input.value = this.data.value_text;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation();
    if (event.key === "Escape") this.onEscape(event);
    if (event.composedPath()[0] !== this.input) return;
    const { isOpen } = this.popup;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen) this.popup.move(event.key === "ArrowDown" ? 1 : -1);
      else this.open(!this.isDirty);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const typed = this.input.value.trim();
      if (isOpen && this.popup.activeChoice) this.take(this.popup.activeChoice);
      else if (this.isDirty && typed) this.take({ typed });
    } else if (event.key === "Backspace" && !this.input.value) {
      this.remove(this.chosen.lastChild?.querySelector("button"));
    }
  }

  /** Close what is open; only with nothing open does Escape reach the dialog around the field. */
  onEscape(event) {
    if (!this.popup.isOpen && !this.isDirty && this.question.hidden) return;
    event.stopPropagation();
    event.preventDefault();
    if (!this.question.hidden) this.answer({ kind: "cancel" });
    this.popup.close();
    this.restore();
    this.input.select();
  }

  take(choice) {
    this.popup.close();
    this.isDirty = false;
    if ("typed" in choice) {
      this.input.value = choice.typed;
      this.act({ kind: "typed", text: choice.typed });
      return;
    }
    const option = this.data.options.find(({ value }) => value === choice.value);
    this.input.value = this.data.chosen ? "" : option.text;
    this.input.select();
    this.act({ kind: "choose", text: option.value });
  }

  remove(button) {
    if (!button) return;
    this.input.focus();
    button.closest("li").remove();
    this.act({ kind: "remove", text: button.dataset.value });
  }

  answer(act) {
    this.question.hidden = true;
    this.input.focus();
    this.act(act);
    if (act.kind === "cancel") this.restore();
    else if (this.data.chosen) this.input.value = "";
  }

  act(act) {
    this.number += 1;
    this.acts.push({ ...act, number: this.number, at: performance.now() });
    const acts = this.acts.map(({ kind, text, number }) => ({ kind, text: text ?? "", number }));
    whenConnected(() => this.setTriggerValue("acts", acts));
  }

  update({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    this.data = data;
    const now = performance.now();
    this.number = Math.max(this.number, data.heard);
    this.acts = this.acts.filter(({ number, at }) => number > data.heard && now - at < PATIENCE_MS);
    this.label.textContent = data.label;
    this.popup.node.setAttribute("aria-label", data.label);
    this.arrow.setAttribute("aria-label", `Show the options of ${data.label}`);
    this.hint.textContent = data.help;
    this.hint.hidden = !data.help;
    this.input.placeholder = data.placeholder;
    if (!this.acts.length) {
      this.showChosen();
      this.showQuestion();
      if (!this.isDirty && this.question.hidden) this.input.value = data.value_text;
    }
    if (this.popup.isOpen && this.isDirty) this.open();
  }

  showChosen() {
    const items = (this.data.chosen ?? []).map(({ value, text }) => {
      const item = element("li", "", text);
      const button = plainButton("", "×");
      button.dataset.value = value;
      button.setAttribute("aria-label", `Remove ${text}`);
      item.append(button);
      return item;
    });
    this.chosen.hidden = !items.length;
    this.chosen.replaceChildren(...items);
  }

  showQuestion() {
    const { question } = this.data;
    this.question.hidden = !question;
    if (!question || question.number === this.asked) return;
    this.asked = question.number;
    const text = element("p", "", question.text);
    text.id = "question";
    this.question.setAttribute("aria-labelledby", text.id);
    const buttons = question.answers.map((answer) => {
      const button = plainButton("", answer.text);
      button.onclick = () => this.answer({ kind: answer.kind, text: answer.value });
      return button;
    });
    const cancel = plainButton("", "Cancel");
    cancel.onclick = () => this.answer({ kind: "cancel" });
    this.question.replaceChildren(text, ...buttons, cancel);
    buttons[0].focus();
  }
}

const instances = new WeakMap();

/** Draw the field of one component; what is typed outlives the runs of the page. */
export default function (component) {
  const { parentElement } = component;
  if (!instances.has(parentElement)) instances.set(parentElement, new Combobox(parentElement));
  instances.get(parentElement).update(component);
}
