// A grid of photos: click, tap or Enter opens a photo; a check box, Space or a long press selects
// it, and taps after it select more. One photo is in the tab order; the arrow keys move which one.
// Scrolling goes on over all pages. Clicks are drawn before the server responds; see
// optimistic_state.js.
import { PATIENCE_MS, whenConnected } from "../connection.js";
import { element } from "../dom.js";
import { CHIP_CHOICE, PHOTO_CLOSED, PHOTO_OPENED, shared } from "../shared.js";
import { IN_SIGHT, markSelected } from "./cells.js";
import { LongPress } from "./long_press.js";
import { OptimisticState } from "./optimistic_state.js";
import { PageWindow } from "./page_window.js";
import { Pager } from "./pager.js";
import { Scrubber } from "./scrubber.js";
import { ThumbnailPrefetcher } from "./thumbnail_prefetcher.js";

/** Page number of a photo. */
const pageOf = (item) => Number(item.parentElement.dataset.page);

/** Ids of all photos on the page of a photo. */
const idsBeside = (item) => item.parentElement.cells.map((cell) => cell.dataset.id);

/** Write the page into the address, without an entry of the history for each page scrolled over. */
function writePage(page) {
  const address = new URL(window.location.href);
  if (page > 1) address.searchParams.set("page", String(page));
  else address.searchParams.delete("page");
  window.history.replaceState(window.history.state, "", address);
}

// A page that comes into sight is reported to the server at most this often.
const REPORT_MS = 80;

class Grid {
  constructor(root) {
    this.window = new PageWindow((page) => this.onSight(page));
    this.list = this.window.node;
    this.status = element("p", "unseen");
    this.status.setAttribute("role", "status");
    this.pager = new Pager((page) => this.turn(page));
    this.scrubber = new Scrubber((photo) => this.goToPhoto(photo));
    this.thumbnails = new ThumbnailPrefetcher();
    this.state = new OptimisticState((actions) => this.setStateValue("acts", actions));
    const list = element("div", "list");
    list.append(this.list, this.scrubber.node);
    root.append(list, this.pager.nav, this.status);
    this.list.onclick = (event) => this.onClick(event);
    this.list.onkeydown = (event) => this.onKey(event);
    this.longPress = new LongPress(this.list, (target) => this.onLongPress(target));
    const onChipChoice = ({ detail }) => {
      if (this.list.isConnected) this.chooseChip(detail);
      else shared.events.removeEventListener(CHIP_CHOICE, onChipChoice);
    };
    shared.events.addEventListener(CHIP_CHOICE, onChipChoice);
    const onPhotoClosed = ({ detail }) => {
      if (this.list.isConnected) this.returnTo(detail);
      else shared.events.removeEventListener(PHOTO_CLOSED, onPhotoClosed);
    };
    shared.events.addEventListener(PHOTO_CLOSED, onPhotoClosed);
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
    return this.window.cells;
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
    const isCaptioned = this.list.classList.contains("captioned");
    this.list.style.setProperty("--row", data.row);
    this.list.classList.toggle("captioned", data.captions);
    this.scrubber.show(data.months);
    this.show(page);
    if (isCaptioned !== data.captions && this.window.blocks.size) this.window.layOut();
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
    this.scrubber.show([]);
    this.show(1);
  }

  /**
   * Draw what the server or a chip choice asks for. The page in sight stays in sight, unless the
   * question is another one, the server is on a page that it was not told, or it names a photo.
   */
  show(page) {
    const { question, data } = this.state;
    const isFirst = this.question === undefined;
    if (question !== this.question) {
      this.question = question;
      this.chosenPhoto = undefined;
      this.window.clear();
      this.page = page;
      this.target = page > 1 || !isFirst ? { page, index: 0 } : null;
    } else if (page !== this.reported && page !== this.page) {
      this.page = page;
      this.target = { page, index: 0 };
      this.chosenPhoto = undefined;
    }
    const { number, index } = data.target ?? {};
    // What a grid that was left scrolled to is no target of a new one.
    if (number !== undefined && number !== this.targetNumber && !isFirst) {
      this.target = { page, index };
    }
    this.targetNumber = number;
    this.reported = page;
    this.page = Math.min(this.page, data.page_count);
    this.draw();
    this.report();
  }

  draw() {
    const { pages, data } = this.state;
    const page = this.target?.page ?? this.page;
    this.pager.show(page, data.page_count);
    const focused = this.list.getRootNode().activeElement?.closest?.(".cell");
    const focusedBlock = focused?.parentElement;
    const focusedIndex = focusedBlock?.cells.indexOf(focused) ?? -1;
    const list = {
      pageCount: data.page_count,
      pageSize: data.page_size,
      isSelectable: data.selectable,
    };
    const isDrawn = this.window.draw(page, pages, list);
    this.list.setAttribute("aria-busy", String(!isDrawn));
    if (!isDrawn) return;
    this.page = page;
    this.goToTarget();
    this.keepFocus(focused, focusedBlock, focusedIndex);
    this.drawSelection();
    this.drawPlace();
    this.thumbnails.start(() =>
      this.prefetched.first.flatMap(({ page: { photos } }) => photos.slice(0, IN_SIGHT)),
    );
  }

  goToTarget() {
    const { target } = this;
    if (!target) return;
    this.target = null;
    if (target.index || target.page > 1) this.window.goTo(target.page, target.index);
    else this.window.scrollToStart();
    this.status.textContent = `Page ${target.page} of ${this.state.data.page_count}`;
    const { cells } = this.window.blocks.get(target.page);
    const cell = cells[Math.min(target.index, cells.length - 1)];
    if (target.takesFocus) this.focusOn(this.items.indexOf(cell));
    else this.setTabStop(this.items.indexOf(cell));
  }

  /** Keep the focus on a photo that was drawn anew, or on the one that took its place. */
  keepFocus(focused, block, index) {
    const tabStop = this.items.findIndex((item) => item.querySelector(".open").tabIndex === 0);
    if (tabStop < 0)
      this.setTabStop(this.items.indexOf(this.window.blocks.get(this.page).cells[0]));
    const hasFocus = this.list.getRootNode().activeElement?.closest?.(".cell");
    if (!focused || hasFocus || !block.isConnected) return;
    const cell = focused.isConnected
      ? focused
      : block.cells[Math.min(index, block.cells.length - 1)];
    this.setTabStop(this.items.indexOf(cell))
      ?.querySelector(".open")
      .focus({ preventScroll: true });
  }

  /** Whether a photo of the list is selected, on any page. */
  get isSelecting() {
    const { selectedIds, data } = this.state;
    return selectedIds.size + data.selected_elsewhere > 0;
  }

  drawSelection() {
    const { selectedIds, data } = this.state;
    const previousCount = this.list.querySelectorAll(".selected").length;
    for (const item of this.items) markSelected(item, selectedIds.has(item.dataset.id));
    this.list.classList.toggle("selecting", this.isSelecting);
    const count = this.list.querySelectorAll(".selected").length;
    if (count === previousCount || !data.selectable) return;
    const cells = this.window.blocks.get(this.page)?.cells ?? [];
    const onPage = cells.filter((cell) => selectedIds.has(cell.dataset.id)).length;
    this.status.textContent = `${onPage} of ${cells.length} selected on this page`;
  }

  /** Show the page and the month in sight. */
  drawPlace() {
    const { page_count: pageCount, page_size: pageSize } = this.state.data;
    this.pager.show(this.page, pageCount);
    this.pager.nav.classList.toggle("end", this.page === pageCount);
    for (const [number, block] of this.window.blocks) {
      block.classList.toggle("current", number === this.page);
    }
    const first = (this.page - 1) * pageSize + this.window.firstInSight(this.page);
    // Near the end of the list, the month that was chosen may be in sight below others.
    this.scrubber.place(this.chosenPhoto ?? first);
  }

  onSight(page) {
    if (this.target || this.state.isAwaitingChoice) return;
    this.chosenPhoto = undefined;
    this.follow(page);
    if (this.window.blocks.has(this.page)) this.drawPlace();
  }

  /** Make another page the one that people look at. */
  follow(page) {
    if (page === this.page) return;
    this.page = page;
    this.draw();
    this.report();
  }

  /** Tell the server which page is in sight, so that it sends the pages around. */
  report() {
    if (this.page === this.reported || this.reportTimer) return;
    this.reportTimer = setTimeout(() => {
      this.reportTimer = undefined;
      const { actions } = this.state;
      if (this.page === this.reported || this.state.isAwaitingChoice) return;
      // One at a time: each run of the page that a new one interrupts is lost. `show` comes back.
      if (actions.some((action) => action.page)) return;
      this.reported = this.page;
      writePage(this.page);
      this.state.act({ page: this.page, scrolled: true });
    }, REPORT_MS);
  }

  select(item, isRange) {
    const context = { isRange, page: pageOf(item), shownIds: idsBeside(item) };
    this.state.select(item.dataset.id, context);
    this.drawSelection();
  }

  /** Select all photos of the page of a photo. */
  selectAll(item) {
    const shownIds = idsBeside(item);
    this.state.changeSelection(shownIds, (selectedIds) => {
      for (const id of shownIds) selectedIds.add(id);
    });
    this.drawSelection();
  }

  /** Show the start of a page. entersAt: whether its "first" or "last" photo takes the focus. */
  turn(page, entersAt = null) {
    const { page_count: pageCount, page_size: pageSize } = this.state.data;
    if (page < 1 || page > pageCount) return;
    this.goTo({
      page,
      index: entersAt === "last" ? pageSize - 1 : 0,
      takesFocus: entersAt !== null,
    });
  }

  /** Show a photo by its index in the whole list. */
  goToPhoto(photo) {
    const { page_size: pageSize } = this.state.data;
    this.goTo({ page: Math.floor(photo / pageSize) + 1, index: photo % pageSize, photo });
  }

  goTo(target) {
    this.whenChoiceIncluded(() => {
      this.target = target;
      this.chosenPhoto = target.photo;
      if (target.page !== this.reported) {
        this.reported = target.page;
        this.state.act({ page: target.page });
      }
      if (!this.state.pages.has(target.page)) this.window.goTo(target.page, 0);
      this.draw();
    });
  }

  open(item) {
    const { id } = item.dataset;
    const opening = `${Date.now()}-${Math.random()}`;
    this.hasOpened = true;
    this.whenChoiceIncluded(() => {
      whenConnected(() => this.setTriggerValue("opened", { id, opening }));
      if (!this.state.data.opens_photos) return;
      const detail = { opening, photo: JSON.parse(item.drawnPhoto) };
      shared.events.dispatchEvent(new CustomEvent(PHOTO_OPENED, { detail }));
    });
  }

  /** Show the photo on which the lightbox was closed, if this grid had opened it. */
  returnTo({ id, index }) {
    const isOwn = this.hasOpened && index !== undefined && this.state.data.page_count > 1;
    this.hasOpened = false;
    if (!isOwn || this.items.some((item) => item.dataset.id === id)) return;
    const { page_size: pageSize } = this.state.data;
    this.goTo({
      page: Math.floor(index / pageSize) + 1,
      index: index % pageSize,
      takesFocus: true,
    });
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
    const isMore = this.isSelecting && this.longPress.isTap(event);
    const isSelection = isPick || hasModifier || isMore;
    if (this.state.data.selectable && isSelection) this.select(item, event.shiftKey);
    else this.open(item);
  }

  /** @returns {boolean} whether a photo was selected, or no longer is */
  onLongPress(target) {
    const item = target.closest(".cell");
    if (!item || !this.state.data.selectable) return false;
    this.setTabStop(this.items.indexOf(item));
    this.select(item, false);
    return true;
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
    else if (isCommand && key === "a" && selectable) this.selectAll(this.items[index]);
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
    const { cells } = this.items[index].parentElement;
    const targets = {
      ArrowRight: index + 1,
      ArrowLeft: index - 1,
      ArrowDown: this.indexInNextRow(index, 1),
      ArrowUp: this.indexInNextRow(index, -1),
      Home: this.items.indexOf(cells[0]),
      End: this.items.indexOf(cells.at(-1)),
    };
    if (!(event.key in targets)) return false;
    const target = targets[event.key];
    if (target >= 0 && target <= last) {
      if (event.shiftKey && this.state.data.selectable) {
        this.state.anchor ??= { id: this.items[index].dataset.id, page: pageOf(this.items[index]) };
        this.select(this.items[target], true);
      }
      this.focusOn(target);
      this.chosenPhoto = undefined;
      this.follow(pageOf(this.items[target]));
      // The focus says which page is meant, wherever its photo is on the screen.
      this.window.notePlace();
    } else if (event.key === "ArrowRight") this.turn(pageOf(this.items[index]) + 1, "first");
    else if (event.key === "ArrowLeft") this.turn(pageOf(this.items[index]) - 1, "last");
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
