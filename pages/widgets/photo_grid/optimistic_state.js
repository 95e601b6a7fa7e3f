// The state of a grid between a click and the response of the server; no DOM.
//
// Every action of the visitor has a number. The complete list of unconfirmed actions is sent each
// time; the server returns the number of the latest action it has applied. The state is the one
// sent by the server, with the unconfirmed actions applied to it again.
import { PATIENCE_MS } from "../connection.js";

/**
 * One action: a turned page (page), the selection of a page (shown, ids) or a range over several
 * pages (from, to, isForward).
 * @typedef {object} Action
 * @property {number} number increasing, from 1
 * @property {string} question identifies query, order and page size at the time of the action
 * @property {number} [page] page number in sight
 * @property {boolean} [scrolled] whether it was scrolled to
 * @property {string[]} [shown] ids of all photos of the page
 * @property {string[]} [ids] ids of its selected photos
 * @property {string} [from] photo at which the range starts
 * @property {string} [to] photo at which the range ends
 * @property {boolean} [isForward] whether the range runs towards later pages
 */

/** Pages, selection and unconfirmed actions of one grid. */
export class OptimisticState {
  /**
   * @param {(actions: Action[]) => void} send sends the unconfirmed actions to the server
   * @param {() => number} now the time in milliseconds
   */
  constructor(send, now = () => performance.now()) {
    this.send = send;
    this.now = now;
    /** @type {Map<number, {label: string, photos: object[]}>} */
    this.pages = new Map();
    /** @type {Set<string>} */
    this.selectedIds = new Set();
    /** @type {Action[]} */
    this.actions = [];
    this.number = 0;
    this.actedAt = undefined;
    this.data = undefined;
    this.question = undefined;
    /** Photo at which a range starts: {id, page}. */
    this.anchor = null;
    /** Number of the chip choice that the server has not included yet. */
    this.awaitedChoice = null;
  }

  /** Whether the grid shows a chip choice that the server has not included yet. */
  get isAwaitingChoice() {
    return Boolean(this.awaitedChoice);
  }

  /**
   * Apply the state sent by the server, then the unconfirmed actions.
   * @returns {number | null} the page to draw; null if the data is about an earlier chip choice,
   *   which changes nothing
   */
  receive(data) {
    if (this.awaitedChoice > data.choice) return null;
    this.awaitedChoice = null;
    this.data = data;
    const isSameQuestion = this.question === data.question;
    if (!isSameQuestion) this.forgetTurns();
    const isLate = this.now() - this.actedAt > PATIENCE_MS;
    this.actions = this.actions.filter((action) => action.number > data.heard && !isLate);
    this.number = Math.max(this.number, data.heard);
    const lastTurn = this.actions.findLast((action) => action.page);
    const pages = Object.entries(data.pages).map(([number, page]) => [Number(number), page]);
    this.pages = new Map([...(lastTurn && isSameQuestion ? this.pages : []), ...pages]);
    this.question = data.question;
    this.selectedIds = new Set(data.selected);
    for (const action of this.actions) this.applySelection(action);
    return lastTurn?.page ?? data.page;
  }

  /**
   * Show the prefetched page of a chip choice, until the server includes the choice.
   *
   * Not possible if the page was not prefetched, or if the browser cannot tell which of its photos
   * are selected: some are selected on pages not sent to the browser, or a range is unconfirmed.
   * @param {import("../shared.js").ChipChoice} choice
   * @param {import("../shared.js").Prefetched} prefetched
   * @returns {boolean} whether page 1 is to be drawn
   */
  chooseChip({ group, one, many, number }, { tags, first }) {
    const isSelectionKnown =
      !this.data.selected_elsewhere && !this.actions.some((action) => action.to);
    const chosen = first.find((prefetched) => prefetched.group === group && prefetched.one === one);
    const isPrefetched = JSON.stringify(tags) === JSON.stringify(many) && chosen !== undefined;
    this.awaitedChoice = isSelectionKnown && isPrefetched ? number : null;
    if (!this.isAwaitingChoice) return false;
    const { question, pageCount, page } = chosen;
    this.forgetTurns();
    this.question = question;
    this.data = { ...this.data, question, page: 1, page_count: pageCount };
    this.pages = new Map([[1, page]]);
    return true;
  }

  /** Drop page turns and the start of a range: they belong to another question. */
  forgetTurns() {
    this.actions = this.actions.filter((action) => !action.page);
    this.anchor = null;
  }

  /**
   * Number an action, send it and apply it. An earlier selection of the same page is replaced.
   * @param {Omit<Action, "number" | "question">} change
   */
  act(change) {
    this.number += 1;
    this.actedAt = this.now();
    const action = { ...change, number: this.number, question: this.question };
    const isReplaced = (earlier) => change.shown && earlier.shown?.join() === change.shown.join();
    this.actions = [...this.actions.filter((earlier) => !isReplaced(earlier)), action];
    this.send(this.actions);
    this.applySelection(action);
  }

  /** @param {Action} action */
  applySelection(action) {
    if (action.shown) {
      for (const id of action.shown) this.selectedIds.delete(id);
      for (const id of action.ids) this.selectedIds.add(id);
    } else if (action.to) {
      this.applyRange(action);
    }
  }

  applyRange({ from, to, isForward }) {
    const pages = [...this.pages].sort(([a], [b]) => a - b);
    const ids = pages.flatMap(([, page]) => page.photos.map((photo) => photo.id));
    const end = ids.indexOf(to);
    if (end < 0) return;
    // A start on a page not sent to the browser is before or after all pages that were sent.
    const outside = isForward ? 0 : ids.length;
    const start = ids.includes(from) ? ids.indexOf(from) : outside;
    const range = ids.slice(Math.min(start, end), Math.max(start, end) + 1);
    for (const id of range) this.selectedIds.add(id);
  }

  /**
   * Change the selection of one page.
   * @param {string[]} shownIds ids of all photos of the page
   * @param {(selectedIds: Set<string>) => void} change changes the given copy of the selection
   */
  changeSelection(shownIds, change) {
    const selectedIds = new Set(this.selectedIds);
    change(selectedIds);
    this.act({ ids: shownIds.filter((id) => selectedIds.has(id)), shown: shownIds });
  }

  /**
   * Select or deselect a photo; with isRange, select all photos from the last such photo to it.
   * @param {string} id
   * @param {{isRange: boolean, page: number, shownIds: string[]}} context page: its page number
   */
  select(id, { isRange, page, shownIds }) {
    const anchor = isRange ? this.anchor : null;
    if (!anchor) {
      this.anchor = { id, page };
      this.changeSelection(shownIds, (selectedIds) => {
        if (!selectedIds.delete(id)) selectedIds.add(id);
      });
    } else if (anchor.page !== page) {
      this.act({ from: anchor.id, to: id, isForward: anchor.page < page });
    } else {
      const ends = [shownIds.indexOf(anchor.id), shownIds.indexOf(id)].sort((a, b) => a - b);
      this.changeSelection(shownIds, (selectedIds) => {
        const range = shownIds.slice(Math.max(0, ends[0]), ends[1] + 1);
        for (const between of range) selectedIds.add(between);
      });
    }
  }
}
