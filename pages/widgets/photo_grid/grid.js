// A grid of photos: click or Enter opens a photo, a check box or Space selects it. One photo is in
// the tab order; the arrow keys move which one. Clicks are drawn before the server responds; see
// optimistic_state.js.
import { PATIENCE_MS, whenConnected } from "../connection.js";
import { element } from "../dom.js";
import { CHIP_CHOICE, shared } from "../shared.js";
import { IN_SIGHT, markSelected, showPhotos } from "./cells.js";
import { OptimisticState } from "./optimistic_state.js";
import { Pager } from "./pager.js";
import { ThumbnailPrefetcher } from "./thumbnail_prefetcher.js";

class Grid {
  constructor(root) {
    this.list = element("ul", "grid");
    // Some screen readers do not treat a list without bullets as a list, unless it has this role.
    this.list.setAttribute("role", "list");
    this.status = element("p", "unseen");
    this.status.setAttribute("role", "status");
    this.pager = new Pager((page) => this.turn(page));
    this.thumbnails = new ThumbnailPrefetcher();
    this.state = new OptimisticState((actions) => this.setStateValue("acts", actions));
    root.append(this.list, this.pager.nav, this.status);
    this.list.onclick = (event) => this.onClick(event);
    this.list.onkeydown = (event) => this.onKey(event);
    const onChipChoice = ({ detail }) => {
      if (this.list.isConnected) this.chooseChip(detail);
      else shared.events.removeEventListener(CHIP_CHOICE, onChipChoice);
    };
    shared.events.addEventListener(CHIP_CHOICE, onChipChoice);
    // The mouse button selects no text, drags no image and moves no focus: a click with the shift
    // key would also select the text in between.
    this.list.onmousedown = (event) => event.preventDefault();
  }

  /** The prefetched pages of this grid. */
  get prefetched() {
    const { prefetched } = shared;
    const isOwn = prefetched && prefetched.grid === this.state.data?.name;
    return isOwn ? prefetched : { tags: [], first: [] };
  }

  get items() {
    return [...this.list.querySelectorAll(".cell")];
  }

  get shownIds() {
    return this.items.map((item) => item.dataset.id);
  }

  update(component) {
    const { data, setStateValue, setTriggerValue } = component;
    Object.assign(this, { setStateValue, setTriggerValue });
    const page = this.state.receive(data);
    if (page === null) {
      this.unappliedUpdate = component;
      return;
    }
    this.unappliedUpdate = null;
    this.list.style.setProperty("--row", data.row);
    this.list.classList.toggle("captioned", data.captions);
    this.draw(page);
    this.postponed?.();
    this.postponed = null;
  }

  // For actions that only the server can do correctly: they wait until it has included the latest
  // chip choice.
  whenChoiceIncluded(callback) {
    if (this.state.isAwaitingChoice) this.postponed = callback;
    else callback();
  }

  chooseChip(choice) {
    clearTimeout(this.choiceTimer);
    this.postponed = null;
    if (!this.state.chooseChip(choice, this.prefetched)) return;
    this.choiceTimer = setTimeout(() => {
      this.state.awaitedChoice = null;
      this.postponed = null;
      if (this.unappliedUpdate) this.update(this.unappliedUpdate);
    }, PATIENCE_MS);
    this.draw(1);
  }

  draw(page) {
    const isTurned = this.page !== undefined && this.page !== page;
    const { pages, data } = this.state;
    this.pager.show(page, data.page_count);
    const content = pages.get(page);
    this.list.setAttribute("aria-busy", String(!content));
    if (!content) return;
    this.page = page;
    const focused = this.list.getRootNode().activeElement?.closest?.(".cell");
    const focusedIndex = focused ? this.items.indexOf(focused) : -1;
    const tabStop = this.items.findIndex((item) => item.querySelector(".open").tabIndex === 0);
    this.list.setAttribute("aria-label", content.label);
    if (showPhotos(this.list, content.photos, data.selectable)) {
      const samePhoto = content.photos.findIndex((photo) => photo.id === focused?.dataset.id);
      const entry = this.entersAt === "last" ? content.photos.length - 1 : 0;
      const target = isTurned ? entry : samePhoto;
      if (focusedIndex >= 0 || this.entersAt) this.focusOn(target >= 0 ? target : focusedIndex);
      else this.setTabStop(isTurned ? 0 : Math.max(0, tabStop));
      this.entersAt = null;
      if (isTurned) this.status.textContent = `Page ${page} of ${data.page_count}`;
    }
    this.drawSelection();
    this.thumbnails.start(() => [
      ...[page + 1, page - 1].flatMap((n) => this.state.pages.get(n)?.photos ?? []),
      ...this.prefetched.first.flatMap(({ page: { photos } }) => photos.slice(0, IN_SIGHT)),
    ]);
  }

  drawSelection() {
    const { selectedIds, data } = this.state;
    const previousCount = this.list.querySelectorAll(".selected").length;
    for (const item of this.items) markSelected(item, selectedIds.has(item.dataset.id));
    this.list.classList.toggle("selecting", selectedIds.size + data.selected_elsewhere > 0);
    const count = this.list.querySelectorAll(".selected").length;
    if (count === previousCount || !data.selectable) return;
    this.status.textContent = `${count} of ${this.items.length} selected on this page`;
  }

  select(item, isRange) {
    this.state.select(item.dataset.id, { isRange, page: this.page, shownIds: this.shownIds });
    this.drawSelection();
  }

  selectAll() {
    const { shownIds } = this;
    this.state.changeSelection(shownIds, (selectedIds) => {
      for (const id of shownIds) selectedIds.add(id);
    });
    this.drawSelection();
  }

  turn(page, entersAt = null) {
    if (page < 1 || page > this.state.data.page_count) return;
    this.whenChoiceIncluded(() => {
      this.entersAt = entersAt;
      this.state.act({ page });
      this.draw(page);
      // The pager is below the photos: scroll to the start of the new page.
      if (this.list.getBoundingClientRect().top < 0) this.list.scrollIntoView();
    });
  }

  open(id) {
    this.whenChoiceIncluded(() => whenConnected(() => this.setTriggerValue("opened", id)));
  }

  setTabStop(index) {
    const tabStop = Math.max(0, Math.min(index, this.items.length - 1));
    this.items.forEach((item, i) => {
      item.querySelector(".open").tabIndex = i === tabStop ? 0 : -1;
    });
    return this.items[tabStop];
  }

  focusOn(index) {
    this.setTabStop(index)?.querySelector(".open").focus();
  }

  onClick(event) {
    const item = event.target.closest(".cell");
    if (!item) return;
    this.setTabStop(this.items.indexOf(item));
    const isPick = event.target.closest(".pick");
    const hasModifier = event.shiftKey || event.ctrlKey || event.metaKey;
    if (isPick || (this.state.data.selectable && hasModifier)) this.select(item, event.shiftKey);
    else this.open(item.dataset.id);
  }

  onKey(event) {
    const index = this.items.indexOf(event.target.closest(".cell"));
    if (index < 0 || event.altKey) return;
    if (!this.handleKey(event, index)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @returns {boolean} whether the key does something in the grid */
  handleKey(event, index) {
    const isCommand = event.ctrlKey || event.metaKey;
    const { selectable } = this.state.data;
    const key = event.key.toLowerCase();
    if (!isCommand && this.moveByKey(event, index)) return true;
    if (event.key === " " && selectable) this.select(this.items[index], event.shiftKey);
    else if (event.key === "PageDown") this.turn(this.page + 1, "first");
    else if (event.key === "PageUp") this.turn(this.page - 1, "last");
    else if (isCommand && key === "a" && selectable) this.selectAll();
    else if (isCommand && key === "z" && selectable) {
      this.setTriggerValue("asked", event.shiftKey ? "redo" : "undo");
    } else return false;
    return true;
  }

  /**
   * @param {number} index
   * @param {1 | -1} direction
   * @returns {number} the photo of the row below or above whose middle is nearest; -1 for no row
   */
  indexInNextRow(index, direction) {
    const boxes = this.items.map((item) => item.getBoundingClientRect());
    const middle = (box) => box.left + box.width / 2;
    let nearest = -1;
    let rowTop;
    for (let i = index + direction; boxes[i]; i += direction) {
      const { top } = boxes[i];
      if (top === boxes[index].top) continue;
      rowTop ??= top;
      if (top !== rowTop) break;
      const distance = (box) => Math.abs(middle(box) - middle(boxes[index]));
      if (nearest < 0 || distance(boxes[i]) < distance(boxes[nearest])) nearest = i;
    }
    return nearest;
  }

  /** @returns {boolean} whether the key moves the focus */
  moveByKey(event, index) {
    const last = this.items.length - 1;
    const targets = {
      ArrowRight: index + 1,
      ArrowLeft: index - 1,
      ArrowDown: this.indexInNextRow(index, 1),
      ArrowUp: this.indexInNextRow(index, -1),
      Home: 0,
      End: last,
    };
    if (!(event.key in targets)) return false;
    const target = targets[event.key];
    if (target >= 0 && target <= last) {
      if (event.shiftKey && this.state.data.selectable) {
        this.state.anchor ??= { id: this.items[index].dataset.id, page: this.page };
        this.select(this.items[target], true);
      }
      this.focusOn(target);
    } else if (event.key === "ArrowRight") this.turn(this.page + 1, "first");
    else if (event.key === "ArrowLeft") this.turn(this.page - 1, "last");
    return true;
  }
}

const instances = new WeakMap();

/** Draw the grid of one component; its state outlives the runs of the page. */
export default function (component) {
  const { parentElement } = component;
  if (!instances.has(parentElement)) instances.set(parentElement, new Grid(parentElement));
  instances.get(parentElement).update(component);
}
