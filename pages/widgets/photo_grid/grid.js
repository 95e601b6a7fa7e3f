// A grid of photos: click or Enter opens one, a check box or Space selects, arrow keys walk.
// One photo of the grid is in the tab order; the arrow keys move which one it is.
//
// A click is answered at once, out of what is known here: the boxes, and the pages beside the one
// shown. The server hears of it in a list of numbered acts, says with every answer up to which one
// it has heard, and has the last word: what it says is drawn, and on top of it what it has not
// heard yet.

class Grid {
  constructor(root) {
    this.list = element("ul", "grid");
    // Without its bullets a list is no list any more to some screen readers, unless it says so.
    this.list.setAttribute("role", "list");
    this.status = element("p", "unseen");
    this.status.setAttribute("role", "status");
    this.pager = new Pager((page) => this.turn(page));
    this.warmer = new Warmer();
    this.known = new Map();
    this.chosen = new Set();
    this.acts = [];
    this.number = 0;
    root.append(this.list, this.pager.nav, this.status);
    this.list.onclick = (event) => this.onClick(event);
    this.list.onkeydown = (event) => this.onKey(event);
    const narrow = ({ detail }) => {
      if (this.list.isConnected) this.narrow(detail);
      else document.removeEventListener("scene-gallery-choice", narrow);
    };
    document.addEventListener("scene-gallery-choice", narrow);
    // With the shift key a click would mark the text in between, too.
    this.list.onmousedown = (event) => event.shiftKey && event.preventDefault();
  }

  // First pages of what chips of one row would narrow to, by chip, beside those chosen of the other.
  get ahead() {
    const ahead = document.sceneGalleryAhead;
    return ahead && ahead.grid === this.data?.name ? ahead : { tags: [], first: {} };
  }

  get items() {
    return [...this.list.children];
  }

  hear(component) {
    const { data, setStateValue, setTriggerValue } = component;
    Object.assign(this, { setStateValue, setTriggerValue });
    if (this.awaited > data.choice) {
      this.unheard = component;
      return;
    }
    this.awaited = this.unheard = null;
    this.data = data;
    if (this.question !== data.question) this.forgetTurns();
    const isLate = performance.now() - this.actedAt > PATIENCE_MS;
    this.acts = this.acts.filter((act) => act.number > data.heard && !isLate);
    this.number = Math.max(this.number, data.heard);
    const turned = this.acts.findLast((act) => act.page);
    const pages = Object.entries(data.pages).map(([page, one]) => [Number(page), one]);
    const isSameQuestion = this.question === data.question;
    this.known = new Map([...(turned && isSameQuestion ? this.known : []), ...pages]);
    this.question = data.question;
    this.chosen = new Set(data.selected);
    for (const act of this.acts) this.applyChoice(act);
    this.list.style.setProperty("--cell", data.cell);
    this.draw(turned?.page ?? data.page);
    this.postponed?.();
    this.postponed = null;
  }

  // What only the server can do right: while it has not answered the latest choice, it waits.
  whenAnswered(act) {
    if (this.awaited) this.postponed = act;
    else act();
  }

  // What a chip shows first is drawn before the server says so, where that is known here, and
  // which of it is selected. What the server says about an earlier choice is left out meanwhile.
  narrow({ one, many, number }) {
    const { tags, first } = this.ahead;
    const isChoiceKnown = !this.data.selected_elsewhere && !this.acts.some((act) => act.to);
    const isAhead = JSON.stringify(tags) === JSON.stringify(many) && Object.hasOwn(first, one);
    clearTimeout(this.waiting);
    this.postponed = null;
    this.awaited = isChoiceKnown && isAhead ? number : null;
    if (!this.awaited) return;
    const known = first[one];
    this.waiting = setTimeout(() => {
      this.awaited = null;
      this.postponed = null;
      if (this.unheard) this.hear(this.unheard);
    }, PATIENCE_MS);
    this.forgetTurns();
    this.question = known.question;
    this.data = { ...this.data, question: known.question, page: 1, page_count: known.pageCount };
    this.known = new Map([[1, known.page]]);
    this.draw(1);
  }

  // Turns of another question's pages, and where a range of its photos begins.
  forgetTurns() {
    this.acts = this.acts.filter((act) => !act.page);
    this.anchor = null;
  }

  draw(page) {
    const isOther = this.page !== undefined && this.page !== page;
    const count = this.data.page_count;
    this.pager.show(page, count);
    const one = this.known.get(page);
    this.list.setAttribute("aria-busy", String(!one));
    if (!one) return;
    this.page = page;
    const focused = this.list.getRootNode().activeElement?.closest?.(".cell");
    const before = focused ? this.items.indexOf(focused) : -1;
    const tabbed = this.items.findIndex((item) => item.querySelector(".open").tabIndex === 0);
    this.list.setAttribute("aria-label", one.label);
    if (show(this.list, one.photos, this.data.selectable)) {
      const same = one.photos.findIndex((photo) => photo.id === focused?.dataset.id);
      const to = isOther ? (this.enters === "last" ? one.photos.length - 1 : 0) : same;
      if (before >= 0 || this.enters) this.focusOn(to >= 0 ? to : before);
      else this.moveTo(isOther ? 0 : Math.max(0, tabbed));
      this.enters = null;
      if (isOther) this.status.textContent = `Page ${page} of ${count}`;
    }
    this.showChoice();
    this.warmer.warm(() => [
      ...[page + 1, page - 1].flatMap((n) => this.known.get(n)?.photos ?? []),
      ...Object.values(this.ahead.first).flatMap(({ page: { photos } }) => photos.slice(0, IN_SIGHT)),
    ]);
  }

  showChoice() {
    const before = this.list.querySelectorAll(".selected").length;
    for (const item of this.items) mark(item, this.chosen.has(item.dataset.id));
    const count = this.list.querySelectorAll(".selected").length;
    if (count === before || !this.data.selectable) return;
    this.status.textContent = `${count} of ${this.items.length} selected on this page`;
  }

  // What the visitor did: told to the server, and kept until it has heard.
  tell(act) {
    this.number += 1;
    this.actedAt = performance.now();
    const made = { ...act, number: this.number, question: this.question };
    const isSamePage = (other) => act.shown && other.shown?.join() === act.shown.join();
    this.acts = [...this.acts.filter((other) => !isSamePage(other)), made];
    this.setStateValue("acts", this.acts);
    this.applyChoice(made);
  }

  applyChoice(act) {
    if (act.shown) {
      for (const id of act.shown) this.chosen.delete(id);
      for (const id of act.ids) this.chosen.add(id);
    } else if (act.to) {
      const pages = [...this.known].sort(([a], [b]) => a - b);
      const ids = pages.flatMap(([, one]) => one.photos.map((photo) => photo.id));
      const at = ids.indexOf(act.to);
      if (at < 0) return;
      // A photo of no page known here lies before or behind all that are.
      const from = ids.includes(act.from) ? ids.indexOf(act.from) : act.isForward ? 0 : ids.length;
      for (const id of ids.slice(Math.min(from, at), Math.max(from, at) + 1)) this.chosen.add(id);
    }
  }

  choose(change) {
    const shown = this.items.map((item) => item.dataset.id);
    const wanted = new Set(this.chosen);
    change(wanted, shown);
    this.tell({ ids: shown.filter((id) => wanted.has(id)), shown });
    this.showChoice();
  }

  select(item, isRange) {
    const id = item.dataset.id;
    const anchor = isRange ? this.anchor : null;
    if (!anchor) {
      this.anchor = { id, page: this.page };
      this.choose((wanted) => wanted.delete(id) || wanted.add(id));
    } else if (anchor.page !== this.page) {
      this.tell({ from: anchor.id, to: id, isForward: anchor.page < this.page });
      this.showChoice();
    } else {
      this.choose((wanted, shown) => {
        const ends = [shown.indexOf(anchor.id), shown.indexOf(id)].sort((a, b) => a - b);
        for (const between of shown.slice(Math.max(0, ends[0]), ends[1] + 1)) wanted.add(between);
      });
    }
  }

  turn(page, enters = null) {
    if (page < 1 || page > this.data.page_count) return;
    this.whenAnswered(() => {
      this.enters = enters;
      this.tell({ page });
      this.draw(page);
      // From the pager below, a new page is read from its beginning.
      if (this.list.getBoundingClientRect().top < 0) this.list.scrollIntoView();
    });
  }

  open(id) {
    this.whenAnswered(() => whenConnected(() => this.setTriggerValue("opened", id)));
  }

  moveTo(index) {
    const at = Math.max(0, Math.min(index, this.items.length - 1));
    this.items.forEach((item, i) => {
      item.querySelector(".open").tabIndex = i === at ? 0 : -1;
    });
    return this.items[at];
  }

  focusOn(index) {
    this.moveTo(index)?.querySelector(".open").focus();
  }

  onClick(event) {
    const item = event.target.closest(".cell");
    if (!item) return;
    this.moveTo(this.items.indexOf(item));
    const isPick = event.target.closest(".pick");
    const isMany = this.data.selectable && (event.shiftKey || event.ctrlKey || event.metaKey);
    if (isPick || isMany) this.select(item, event.shiftKey);
    else this.open(item.dataset.id);
  }

  onKey(event) {
    const at = this.items.indexOf(event.target.closest(".cell"));
    if (at < 0 || event.altKey) return;
    const isCommand = event.ctrlKey || event.metaKey;
    const { selectable } = this.data;
    const key = event.key.toLowerCase();
    let isDone = true;
    if (!isCommand && this.walk(event, at)) isDone = true;
    else if (event.key === " " && selectable) this.select(this.items[at], event.shiftKey);
    else if (event.key === "PageDown") this.turn(this.page + 1, "first");
    else if (event.key === "PageUp") this.turn(this.page - 1, "last");
    else if (isCommand && key === "a" && selectable) {
      this.choose((wanted, shown) => shown.forEach((id) => wanted.add(id)));
    } else if (isCommand && key === "z" && selectable) {
      this.setTriggerValue("asked", event.shiftKey ? "redo" : "undo");
    } else isDone = false;
    if (isDone) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  walk(event, at) {
    const wide = getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
    const last = this.items.length - 1;
    const goals = {
      ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + wide, ArrowUp: at - wide,
      Home: 0, End: last,
    };
    if (!(event.key in goals)) return false;
    const goal = goals[event.key];
    if (goal >= 0 && goal <= last) {
      if (event.shiftKey && this.data.selectable) {
        this.anchor ??= { id: this.items[at].dataset.id, page: this.page };
        this.select(this.items[goal], true);
      }
      this.focusOn(goal);
    } else if (event.key === "ArrowRight") this.turn(this.page + 1, "first");
    else if (event.key === "ArrowLeft") this.turn(this.page - 1, "last");
    return true;
  }
}

const grids = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  if (!grids.has(parentElement)) grids.set(parentElement, new Grid(parentElement));
  grids.get(parentElement).hear(component);
}
