// Photos as tiles. All text is set as text, never as HTML: file names are whatever a stranger chose.

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function plainButton(className) {
  const made = element("button", className);
  made.type = "button";
  return made;
}

function address(photo) {
  return `/api/photos/${photo.id}/thumbnail`;
}

// Made once and copied: a page is drawn in one go, between two frames.
const mould = (() => {
  const item = element("li", "cell");
  const open = plainButton("open");
  const image = element("img");
  image.decoding = "async";
  open.append(image);
  // Beside the button, whose name says the same in words: it is not read out twice.
  item.append(open, element("div", "said"));
  return item;
})();
const pickMould = (() => {
  // A button, no input: the page's one-letter keys rest while an input has the focus.
  const pick = plainButton("pick");
  pick.setAttribute("role", "checkbox");
  pick.tabIndex = -1;
  return pick;
})();

function newCell(photo, isSelectable, isInSight) {
  const item = mould.cloneNode(true);
  item.dataset.id = photo.id;
  item.querySelector(".open").tabIndex = -1;
  const image = item.querySelector("img");
  image.loading = isInSight ? "eager" : "lazy";
  image.fetchPriority = isInSight ? "high" : "low";
  image.src = address(photo);
  if (isSelectable) item.append(pickMould.cloneNode(true));
  return item;
}

// Words change by an edit, the picture of an id never does.
function fill(item, photo) {
  const words = JSON.stringify(photo);
  if (item.words === words) return;
  item.words = words;
  item.querySelector(".open").setAttribute("aria-label", `Open ${photo.alt}`);
  item.querySelector("img").alt = photo.alt;
  item.querySelector(".pick")?.setAttribute("aria-label", `Select ${photo.name}`);
  const lines = photo.lines.map((line) => {
    const span = element("span", "", line);
    span.title = line;
    return span;
  });
  item.querySelector(".said").replaceChildren(element("b", "", photo.title), ...lines);
}

function mark(item, isChosen) {
  item.classList.toggle("selected", isChosen);
  item.querySelector(".pick")?.setAttribute("aria-checked", String(isChosen));
}

// Makes a list show photos, in place where it shows them already; tells whether others came.
function show(list, photos, isSelectable) {
  const items = [...list.children];
  const isSame = items.length === photos.length
    && items.every((item, i) => item.dataset.id === photos[i].id);
  if (!isSame) {
    const there = new Map(items.map((item) => [item.dataset.id, item]));
    list.replaceChildren(...photos.map((photo, i) =>
      there.get(photo.id) ?? newCell(photo, isSelectable, i < IN_SIGHT)));
  }
  photos.forEach((photo, i) => fill(list.children[i], photo));
  return !isSame;
}

// What a large screen shows at once of small pictures.
const IN_SIGHT = 36;

// Fetches pictures of pages that may come next, when nothing else is to be done.
class Warmer {
  constructor() {
    this.done = new Set();
    this.held = [];
  }

  // likely: gives the photos that may come, the likeliest first, when it is time to fetch them.
  warm(likely) {
    clearTimeout(this.timer);
    const turn = this.turn = (this.turn ?? 0) + 1;
    let wanted;
    const next = () => {
      if (turn !== this.turn) return;
      wanted ??= likely().filter((photo) => !this.done.has(photo.id));
      const photo = wanted.shift();
      if (!photo) return;
      this.done.add(photo.id);
      const image = new Image();
      image.fetchPriority = "low";
      image.onload = image.onerror = () => { this.timer = setTimeout(next); };
      image.src = address(photo);
      // The browser keeps what is held; some pages of it.
      this.held = [...this.held.slice(-12 * IN_SIGHT), image];
    };
    this.timer = setTimeout(next, 500);
  }
}
