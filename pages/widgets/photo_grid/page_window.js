// The pages of a long list that are near the screen; spacers stand for all others, so that the
// scroll bar is right and at most 300 photos are drawn.
import { element } from "../dom.js";
import { layOutRows, showPhotos } from "./cells.js";
import { PageHeights } from "./page_heights.js";
import { PictureLoader } from "./picture_loader.js";

// Pages drawn before and after the one in sight.
const AROUND = 2;
// The page in sight is the one at this part of the screen's height.
const LINE = 0.35;
// What the header covers.
const TOP_PX = 120;
const HEADING_GAP_PX = 12;

/** Scroll container of an element, also outside its shadow root. */
function scrollerOf(node) {
  for (let at = node; at; at = at.parentElement ?? at.getRootNode().host) {
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  }
  return document.scrollingElement;
}

/** The heading right above the row of a photo. */
function headingAbove(cell) {
  let node = cell;
  while (node && !node.matches(".day")) node = node.previousElementSibling;
  const gap = cell.getBoundingClientRect().top - (node?.getBoundingClientRect().bottom ?? 0);
  return gap < HEADING_GAP_PX ? node : null;
}

/** Draws pages around one; tells which page is in sight. */
export class PageWindow {
  /** @param {(page: number) => void} onSight called after scrolling, also in a spacer */
  constructor(onSight) {
    this.onSight = onSight;
    this.node = element("div", "grid");
    this.before = element("div", "spacer");
    this.after = element("div", "spacer");
    this.node.append(this.before, this.after);
    /** @type {Map<number, HTMLElement>} the drawn pages, in order */
    this.blocks = new Map();
    this.heights = new PageHeights();
    this.onScroll = () => {
      this.frame ??= requestAnimationFrame(() => {
        this.frame = undefined;
        this.tellPage();
      });
    };
    this.onInput = () => {
      this.isUsed = true;
    };
    new ResizeObserver(() => this.resize()).observe(this.node);
  }

  /** The photos of all drawn pages, in order. */
  get cells() {
    return [...this.blocks.values()].flatMap((block) => block.cells);
  }

  /** Forget all pages: those of another question follow. */
  clear() {
    for (const block of this.blocks.values()) this.removeBlock(block);
    this.blocks.clear();
    this.heights.clear(1, 1);
  }

  /**
   * Draw the pages around one, as far as they have come.
   * @param {number} page
   * @param {Map<number, object>} pages
   * @param {{pageCount: number, pageSize: number, isSelectable: boolean}} list
   * @returns {boolean} whether the page itself is drawn
   */
  draw(page, pages, list) {
    if (!pages.has(page)) return this.blocks.has(page);
    this.attach();
    this.readSize();
    if (!this.blocks.size) this.heights.clear(list.pageCount, this.estimate(list.pageSize));
    this.heights.count = list.pageCount;
    const anchor = this.anchor();
    const numbers = this.numbersAround(page, pages);
    for (const [number, block] of this.blocks) {
      if (numbers.includes(number)) continue;
      this.removeBlock(block);
      this.blocks.delete(number);
    }
    const blocks = new Map();
    for (const number of numbers) {
      const block = this.blocks.get(number) ?? this.newBlock(number);
      blocks.set(number, block);
      this.fill(block, pages.get(number), list.isSelectable);
    }
    this.blocks = blocks;
    const drawn = [...this.node.children].slice(1, -1);
    const nodes = [...blocks.values()];
    if (drawn.length !== nodes.length || nodes.some((node, i) => node !== drawn[i])) {
      let previous = this.before;
      for (const node of nodes) {
        if (previous.nextSibling !== node) previous.after(node);
        previous = node;
      }
    }
    this.measure();
    this.keep(anchor);
    return true;
  }

  newBlock(number) {
    const block = element("ul", "page");
    // Some screen readers do not treat a list without bullets as a list, unless it has this role.
    block.setAttribute("role", "list");
    block.dataset.page = number;
    block.cells = [];
    return block;
  }

  fill(block, content, isSelectable) {
    const before = new Set(block.cells);
    if (!showPhotos(block, content, isSelectable)) return;
    layOutRows(block, content, this.size);
    for (const cell of block.cells) {
      if (!before.delete(cell)) this.pictures.add(cell);
    }
    for (const cell of before) this.pictures.remove(cell);
  }

  removeBlock(block) {
    block.remove();
    for (const cell of block.cells) this.pictures.remove(cell);
  }

  numbersAround(page, pages) {
    const numbers = [page];
    for (let n = page - 1; n >= page - AROUND && pages.has(n); n -= 1) numbers.unshift(n);
    for (let n = page + 1; n <= page + AROUND && pages.has(n); n += 1) numbers.push(n);
    return numbers;
  }

  attach() {
    if (this.scroller?.isConnected) return;
    this.scroller = scrollerOf(this.node);
    const isDocument = this.scroller === document.scrollingElement;
    const target = isDocument ? document : this.scroller;
    this.pictures = new PictureLoader(isDocument ? null : this.scroller);
    for (const cell of this.cells) this.pictures.add(cell);
    target.addEventListener("scroll", this.onScroll, { passive: true });
    for (const input of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      target.addEventListener(input, this.onInput, { passive: true, capture: true });
    }
  }

  readSize() {
    const px = (length) => {
      const root = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      return Number.parseFloat(length) * (length.includes("rem") ? root : 1);
    };
    const style = getComputedStyle(this.node);
    this.size = {
      width: this.node.clientWidth,
      row: px(style.getPropertyValue("--row")),
      gap: px(style.getPropertyValue("--gap")),
    };
  }

  estimate(photos) {
    const { width, row, gap } = this.size;
    return Math.ceil((photos * 1.4 * row) / Math.max(width, row)) * (row + gap);
  }

  measure() {
    for (const [number, block] of this.blocks) this.heights.set(number, block.offsetHeight);
    const numbers = [...this.blocks.keys()];
    this.before.style.height = `${this.heights.between(1, numbers[0] - 1)}px`;
    this.after.style.height = `${this.heights.between(numbers.at(-1) + 1, this.heights.count)}px`;
  }

  /** The first photo in sight and where it is: it stays there while pages come and go. */
  anchor() {
    if (!this.blocks.size) return null;
    const top = this.scroller.getBoundingClientRect().top;
    // What is at the start of the list stays there.
    if (this.node.getBoundingClientRect().top >= top) return null;
    for (const block of this.blocks.values()) {
      const box = block.getBoundingClientRect();
      if (box.bottom <= top || box.top >= top + this.scroller.clientHeight) continue;
      const cell = block.cells.find((each) => each.getBoundingClientRect().bottom > top);
      const node = cell ?? block;
      return { node, top: node.getBoundingClientRect().top };
    }
    return null;
  }

  keep(anchor) {
    if (!anchor?.node.isConnected) return;
    const moved = anchor.node.getBoundingClientRect().top - anchor.top;
    if (Math.abs(moved) >= 1) this.scroller.scrollTop += moved;
  }

  resize() {
    if (!this.blocks.size || !this.node.clientWidth) return;
    const { width, row } = this.size;
    this.readSize();
    if (this.size.width !== width || this.size.row !== row) this.layOut();
  }

  /** Divide all drawn pages into rows again. */
  layOut() {
    const anchor = this.anchor();
    this.heights.clear(this.heights.count, this.heights.average);
    for (const block of this.blocks.values()) layOutRows(block, block.content, this.size);
    this.measure();
    this.keep(anchor);
  }

  /** Scroll to a photo of a page, or to where the page will be. */
  goTo(page, index) {
    const block = this.blocks.get(page);
    if (block) {
      const cell = block.cells[Math.min(index, block.cells.length - 1)];
      (headingAbove(cell) ?? cell).scrollIntoView({ block: "start" });
    } else {
      const start =
        this.node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
      this.scroller.scrollTop += start + this.heights.between(1, page - 1);
    }
    this.notePlace();
    this.loadInSight();
  }

  /** Load the pictures on the screen now: an observer would tell of them some frames later. */
  loadInSight() {
    const { top } = this.scroller.getBoundingClientRect();
    const bottom = top + this.scroller.clientHeight;
    for (const cell of this.cells) {
      const box = cell.getBoundingClientRect();
      if (box.bottom > top && box.top < bottom) this.pictures.show(cell);
    }
  }

  notePlace() {
    this.placedAt = this.scroller.scrollTop;
    this.isUsed = false;
  }

  /** Scroll back to the first photo, unless it is in sight. */
  scrollToStart() {
    if (this.node.getBoundingClientRect().top < 0) this.node.scrollIntoView();
    if (this.scroller) this.notePlace();
  }

  tellPage() {
    if (!this.node.isConnected || !this.blocks.size) return;
    // Where `goTo` scrolled to, the page is known, also when what is above changes its height.
    const moved = Math.abs(this.scroller.scrollTop - this.placedAt);
    if (moved < (this.isUsed ? 2 : this.scroller.clientHeight / 2)) return;
    this.placedAt = undefined;
    this.onSight(this.pageInSight());
  }

  /** Index of the first photo in sight on a page. */
  firstInSight(page) {
    const top = this.scroller.getBoundingClientRect().top + TOP_PX;
    const { cells } = this.blocks.get(page);
    return Math.max(
      0,
      cells.findIndex((cell) => cell.getBoundingClientRect().bottom > top),
    );
  }

  pageInSight() {
    const { top } = this.scroller.getBoundingClientRect();
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (scrollTop + clientHeight >= scrollHeight - 2) return this.heights.count;
    const line = top + LINE * clientHeight;
    for (const [number, block] of this.blocks) {
      const box = block.getBoundingClientRect();
      if (box.top <= line && line < box.bottom) return number;
    }
    return this.heights.pageAt(line - this.node.getBoundingClientRect().top);
  }
}
