// Trips as cards by year. A card stays the same element while its trip is shown, so that its cover
// does not flicker and the focus stays.
import { whenConnected } from "../connection.js";
import { element, plainButton } from "../dom.js";

class Card {
  /** @param {(act: string, id: number) => void} ask */
  constructor(ask, id) {
    this.node = element("li", "card");
    this.open = plainButton("open");
    this.title = element("strong", "title");
    this.line = element("span", "line");
    this.open.append(this.title, this.line);
    this.reasons = element("p", "reasons");
    this.choice = element("div", "choice");
    this.accept = plainButton("accept", "Accept");
    this.hide = plainButton("hide", "Hide");
    this.choice.append(this.accept, this.hide);
    for (const act of ["open", "accept", "hide"]) this[act].onclick = () => ask(act, id);
  }

  show({ title, line, cover, reasons }) {
    this.title.textContent = title;
    this.line.textContent = line;
    this.showCover(cover, title);
    const hadFocus = this.choice.matches(":focus-within");
    if (reasons === null) {
      this.reasons.remove();
      this.choice.remove();
      if (hadFocus) this.open.focus();
      return;
    }
    this.reasons.replaceChildren(element("strong", "", "Proposed:"), ` ${reasons}`);
    this.accept.title = `Keep “${title}”: new photos of these days join it, and its title stays`;
    this.hide.title = `“${title}” is no trip to you. Its photos stay in the library.`;
    if (this.choice.parentNode !== this.node) this.node.append(this.reasons, this.choice);
  }

  showCover(cover, title) {
    if (!this.cover || cover !== this.coverId) {
      this.coverId = cover;
      this.cover?.remove();
      this.cover = cover ? element("img", "cover") : element("div", "cover none", "No photos");
      if (cover) {
        this.cover.loading = "lazy";
        this.cover.src = `/api/photos/${encodeURIComponent(cover)}/thumbnail`;
      }
      this.node.replaceChildren(this.cover, this.open);
    }
    if (cover) this.cover.alt = `Cover of ${title}`;
  }
}

class TripCards {
  constructor(root) {
    this.root = element("div", "trips");
    root.append(this.root);
    /** @type {Map<number, Card>} */
    this.cards = new Map();
  }

  update({ data, setTriggerValue }) {
    this.setTriggerValue = setTriggerValue;
    const before = this.cards;
    this.cards = new Map();
    const focused = this.focusedId(before);
    const years = [];
    for (const trip of data.cards) {
      if (years.at(-1)?.year !== trip.year) years.push({ year: trip.year, nodes: [] });
      const card = before.get(trip.id) ?? new Card((act, id) => this.ask(act, id), trip.id);
      card.show(trip);
      this.cards.set(trip.id, card);
      years.at(-1).nodes.push(card.node);
    }
    this.draw(years);
    this.keepFocus(focused, [...before.keys()]);
  }

  draw(years) {
    const sections = new Map([...this.root.children].map((node) => [node.dataset.year, node]));
    const shown = years.map(({ year, nodes }) => {
      const section = sections.get(String(year)) ?? newYear(year);
      const list = section.lastChild;
      // Moving an element takes its focus: only what changed is put in again.
      if (!isSame(list.children, nodes)) list.replaceChildren(...nodes);
      return section;
    });
    if (!isSame(this.root.children, shown)) this.root.replaceChildren(...shown);
  }

  /** Which trip has the focus, and in which of its buttons. */
  focusedId(cards) {
    for (const [id, card] of cards) {
      const active = card.node.getRootNode().activeElement;
      if (active && card.node.contains(active)) return { id, button: active };
    }
    return null;
  }

  /** Give the focus back to the same button; to the next card if the trip is not shown any more. */
  keepFocus(focused, order) {
    if (focused === null || this.focusedId(this.cards)) return;
    if (this.cards.has(focused.id)) {
      const { open } = this.cards.get(focused.id);
      (focused.button.isConnected ? focused.button : open).focus();
      return;
    }
    const after = order.slice(order.indexOf(focused.id)).find((id) => this.cards.has(id));
    (this.cards.get(after) ?? [...this.cards.values()].at(-1))?.open.focus();
  }

  ask(act, id) {
    whenConnected(() => this.setTriggerValue("asked", { act, id }));
  }
}

function newYear(year) {
  const section = element("section", "year");
  section.dataset.year = year;
  const list = element("ul", "cards");
  list.setAttribute("aria-label", `Trips of ${year}`);
  section.append(element("h2", "", String(year)), list);
  return section;
}

function isSame(children, nodes) {
  return children.length === nodes.length && nodes.every((node, i) => node === children[i]);
}

const instances = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  if (!instances.has(parentElement)) instances.set(parentElement, new TripCards(parentElement));
  instances.get(parentElement).update(component);
}
