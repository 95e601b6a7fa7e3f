// A grid of photos: click or Enter opens one, a check box or Space selects, arrow keys walk.
// All text is set as text, never as HTML: file names are whatever a stranger chose.
// One photo of the grid is in the tab order; the arrow keys move which one it is.

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function cell(photo, selectable) {
  const item = element("li", "cell");
  item.dataset.id = photo.id;
  const open = element("button", "open");
  open.type = "button";
  open.tabIndex = -1;
  open.setAttribute("aria-label", `Open ${photo.alt}`);
  const image = element("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = photo.alt;
  image.src = `/api/photos/${photo.id}/thumbnail`;
  const said = element("div", "said");
  said.append(element("b", "", photo.title));
  for (const line of photo.lines) {
    const span = element("span", "", line);
    span.title = line;
    said.append(span);
  }
  open.append(image);
  // Beside the button, whose name says the same in words: it is not read out twice.
  item.append(open, said);
  if (selectable) {
    // A button, no input: the page's one-letter keys rest while an input has the focus.
    const pick = element("button", "pick");
    pick.type = "button";
    pick.tabIndex = -1;
    pick.setAttribute("role", "checkbox");
    pick.setAttribute("aria-label", `Select ${photo.name}`);
    item.append(pick);
  }
  return item;
}

function mark(item, isChosen) {
  item.classList.toggle("selected", isChosen);
  item.querySelector(".pick")?.setAttribute("aria-checked", String(isChosen));
}

function isChosen(item) {
  return item.classList.contains("selected");
}

function columns(list) {
  return getComputedStyle(list).gridTemplateColumns.split(" ").length;
}

function moveTo(list, index) {
  const items = [...list.children];
  const at = Math.max(0, Math.min(index, items.length - 1));
  items.forEach((item, i) => {
    item.querySelector(".open").tabIndex = i === at ? 0 : -1;
  });
  return items[at];
}

function focusOn(list, index) {
  moveTo(list, index)?.querySelector(".open").focus();
}

// Rebuilt only when the photos or their words change, so that nothing flickers on a rerun.
function rebuild(list, data) {
  const shown = JSON.stringify([data.photos, data.selectable]);
  if (list.dataset.shown === shown) return false;
  const focused = list.getRootNode().activeElement?.closest?.(".cell");
  const before = focused ? [...list.children].indexOf(focused) : -1;
  const tabbed = [...list.children].findIndex((item) => item.querySelector(".open").tabIndex === 0);
  const anchor = list.anchor;
  list.replaceChildren(...data.photos.map((photo) => cell(photo, data.selectable)));
  list.dataset.shown = shown;
  list.anchor = data.photos.some((photo) => photo.id === anchor) ? anchor : null;
  const same = data.photos.findIndex((photo) => photo.id === focused?.dataset.id);
  const isOtherPage = list.dataset.page !== String(data.page);
  list.dataset.page = String(data.page);
  const to = isOtherPage ? (list.enters === "last" ? data.photos.length - 1 : 0) : same;
  const goes = before >= 0 || list.enters;
  list.enters = null;
  if (goes) focusOn(list, to >= 0 ? to : before);
  else moveTo(list, isOtherPage ? 0 : Math.max(0, tabbed));
  return true;
}

export default function (component) {
  const { parentElement, data, setTriggerValue, setStateValue } = component;
  let list = parentElement.querySelector(".grid");
  if (!list) {
    list = element("ul", "grid");
    // Without its bullets a list is no list any more to some screen readers, unless it says so.
    list.setAttribute("role", "list");
    const said = element("p", "unseen");
    said.setAttribute("role", "status");
    parentElement.append(list, said);
  }
  const status = parentElement.querySelector(".unseen");
  list.setAttribute("aria-label", data.label);
  list.style.setProperty("--cell", data.cell);
  const isRebuilt = rebuild(list, data);
  // The boxes belong to the visitor: an answer to the first click must not undo the second.
  // The server's word counts only where it changed the selection itself (a new revision).
  const say = () => {
    const count = [...list.children].filter(isChosen).length;
    status.textContent = `${count} of ${list.children.length} selected on this page`;
  };
  if (isRebuilt || list.dataset.revision !== String(data.revision)) {
    const isOurs = list.dataset.revision !== undefined;
    list.dataset.revision = String(data.revision);
    const chosen = new Set(data.selected);
    for (const item of list.children) mark(item, chosen.has(item.dataset.id));
    if (isOurs && data.selectable) say();
  }

  const tell = () => {
    const ids = [...list.children].filter(isChosen).map((item) => item.dataset.id);
    list.clicks = (list.clicks ?? 0) + 1;
    say();
    setStateValue("selected", { ids, shown: data.photos.map((photo) => photo.id), clicks: list.clicks });
  };
  const select = (item, isRange) => {
    const items = [...list.children];
    const from = items.findIndex((other) => other.dataset.id === list.anchor);
    const to = items.indexOf(item);
    if (isRange && from >= 0) {
      const ends = [Math.min(from, to), Math.max(from, to) + 1];
      for (const other of items.slice(...ends)) mark(other, true);
    } else {
      mark(item, !isChosen(item));
      list.anchor = item.dataset.id;
    }
    tell();
  };
  const ask = (what) => setTriggerValue("asked", what);
  const turn = (what) => {
    list.enters = what === "previous" ? "last" : "first";
    ask(what);
  };
  const walk = (event, at) => {
    const wide = columns(list);
    const last = list.children.length - 1;
    const goals = {
      ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + wide, ArrowUp: at - wide,
      Home: 0, End: last,
    };
    if (!(event.key in goals)) return false;
    const goal = goals[event.key];
    if (goal >= 0 && goal <= last) {
      if (event.shiftKey && data.selectable) {
        list.anchor ??= list.children[at].dataset.id;
        select(list.children[goal], true);
      }
      focusOn(list, goal);
    } else if (event.key === "ArrowRight" && data.more.next) turn("next");
    else if (event.key === "ArrowLeft" && data.more.previous) turn("previous");
    return true;
  };

  list.onclick = (event) => {
    const item = event.target.closest(".cell");
    if (!item) return;
    moveTo(list, [...list.children].indexOf(item));
    const isPick = event.target.closest(".pick");
    const isMany = data.selectable && (event.shiftKey || event.ctrlKey || event.metaKey);
    if (isPick || isMany) select(item, event.shiftKey);
    else whenConnected(() => setTriggerValue("opened", item.dataset.id));
  };
  // With the shift key a click would mark the text in between, too.
  list.onmousedown = (event) => {
    if (event.shiftKey) event.preventDefault();
  };
  list.onkeydown = (event) => {
    const at = [...list.children].indexOf(event.target.closest(".cell"));
    if (at < 0 || event.altKey) return;
    const isCommand = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    let isDone = true;
    if (!isCommand && walk(event, at)) isDone = true;
    else if (event.key === " " && data.selectable) select(list.children[at], event.shiftKey);
    else if (event.key === "PageDown" && data.more.next) turn("next");
    else if (event.key === "PageUp" && data.more.previous) turn("previous");
    else if (isCommand && key === "a" && data.selectable) {
      for (const item of list.children) mark(item, true);
      tell();
    } else if (isCommand && key === "z" && data.selectable) ask(event.shiftKey ? "redo" : "undo");
    else isDone = false;
    if (isDone) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
}

// While the server starts again, a click would be lost: it waits until the page is connected.
function whenConnected(act) {
  const app = document.querySelector("[data-test-connection-state]");
  const isThere = () => !app || app.dataset.testConnectionState === "CONNECTED";
  if (isThere()) return act();
  const watch = new MutationObserver(() => {
    if (!isThere()) return;
    watch.disconnect();
    setTimeout(act, 500);
  });
  watch.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });
}
