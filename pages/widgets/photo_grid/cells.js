// The photos of a grid as list items.
import { element, plainButton } from "../dom.js";
import { divideIntoRows } from "./rows.js";

/** How many small photos a large screen shows at once. */
export const IN_SIGHT = 36;

/** URL of the thumbnail of a photo. */
export function thumbnailUrl(photo) {
  return `/api/photos/${photo.id}/thumbnail`;
}

// Created once and cloned: a page must be drawn between two frames.
const cellTemplate = (() => {
  const item = element("li", "cell");
  const open = plainButton("open");
  const image = element("img");
  image.decoding = "async";
  // A finger that stays on a picture would drag it.
  image.draggable = false;
  open.append(image);
  const time = element("span", "time");
  // Outside the button, whose label has the same text: screen readers would read it twice.
  const stack = element("span", "stack");
  stack.setAttribute("aria-hidden", "true");
  const marks = element("span", "marks");
  marks.setAttribute("aria-hidden", "true");
  item.append(open, time, stack, marks, element("div", "caption"));
  return item;
})();
const pickTemplate = (() => {
  // A button, not an input: the one-letter keys of the page are off while an input has the focus.
  const pick = plainButton("pick");
  pick.setAttribute("role", "checkbox");
  pick.tabIndex = -1;
  return pick;
})();

function newCell(photo, isSelectable) {
  const item = cellTemplate.cloneNode(true);
  item.dataset.id = photo.id;
  item.style.setProperty("--ratio", photo.ratio);
  item.querySelector(".open").tabIndex = -1;
  if (isSelectable) item.append(pickTemplate.cloneNode(true));
  return item;
}

/** URL of the four frames of a video, side by side in one picture. */
function framesUrl(photo) {
  return `/api/photos/${photo.id}/frames`;
}

// Over the picture; the frames show and load while the video is pointed at or has the focus.
function showVideo(open, photo) {
  open.querySelector(".film")?.remove();
  open.querySelector(".frames")?.remove();
  if (!photo.is_video) return;
  const film = element("span", "film", photo.duration);
  film.setAttribute("aria-hidden", "true");
  const frames = element("span", "frames");
  frames.style.backgroundImage = `url("${framesUrl(photo)}")`;
  open.append(frames, film);
}

// Only texts are updated: the picture of a photo never changes; see picture_loader.js.
function fillCell(item, photo) {
  const drawnPhoto = JSON.stringify(photo);
  if (item.drawnPhoto === drawnPhoto) return;
  item.drawnPhoto = drawnPhoto;
  item.querySelector(".open").setAttribute("aria-label", `Open ${photo.alt}`);
  item.querySelector("img").alt = photo.alt;
  showVideo(item.querySelector(".open"), photo);
  item.querySelector(".pick")?.setAttribute("aria-label", `Select ${photo.name}`);
  item.querySelector(".time").textContent = photo.time;
  const stack = item.querySelector(".stack");
  stack.textContent = photo.stack_mark?.short ?? "";
  stack.title = photo.stack_mark?.text ?? "";
  item.querySelector(".marks").textContent = photo.marks;
  const lines = photo.lines.map((line) => {
    const span = element("span", "", line);
    span.title = line;
    return span;
  });
  item.querySelector(".caption").replaceChildren(element("b", "", photo.title), ...lines);
}

/** Draw whether a photo is selected. */
export function markSelected(item, isSelected) {
  item.classList.toggle("selected", isSelected);
  item.querySelector(".pick")?.setAttribute("aria-checked", String(isSelected));
}

function heading(day) {
  const item = element("li", "day");
  item.append(element("h2", "", day));
  return item;
}

/** The photos of a page with a heading before the first of each day or month. */
function withHeadings(cells, { photos, begun }) {
  return cells.flatMap((cell, i) => {
    const { day } = photos[i];
    const isSameDay = i ? day === photos[i - 1].day : begun;
    return !day || isSameDay ? [cell] : [heading(day), cell];
  });
}

/**
 * Draw the photos of a page as the items of a list; items of photos already in it are reused.
 * @param {HTMLElement} list
 * @param {{label: string, photos: object[], begun: boolean}} content
 * @returns {boolean} whether the list has other photos than before, or another order
 */
export function showPhotos(list, content, isSelectable) {
  const { photos, begun, label } = content;
  const isSame =
    list.content?.begun === begun &&
    list.content.goes_on === content.goes_on &&
    list.cells.length === photos.length &&
    list.cells.every(
      (cell, i) =>
        cell.dataset.id === photos[i].id &&
        cell.drawnDay === photos[i].day &&
        cell.drawnRatio === photos[i].ratio,
    );
  list.content = content;
  if (!isSame) {
    const existing = new Map(list.cells.map((cell) => [cell.dataset.id, cell]));
    list.cells = photos.map((photo) => existing.get(photo.id) ?? newCell(photo, isSelectable));
    list.replaceChildren(...withHeadings(list.cells, content));
  }
  if (list.getAttribute("aria-label") !== label) list.setAttribute("aria-label", label);
  photos.forEach((photo, i) => {
    list.cells[i].drawnDay = photo.day;
    list.cells[i].drawnRatio = photo.ratio;
    fillCell(list.cells[i], photo);
  });
  return !isSame;
}

function rowBreak() {
  const item = element("li", "break");
  item.setAttribute("role", "presentation");
  return item;
}

/**
 * Divide the photos of a list into rows that fill its width, those of each day on their own.
 * @param {HTMLElement} list
 * @param {{goes_on: boolean}} content goes_on: whether the last day goes on after this page
 * @param {{width: number, row: number, gap: number}} size
 */
export function layOutRows(list, content, size) {
  for (const node of list.querySelectorAll(".break")) node.remove();
  const days = [[]];
  for (const node of list.children) {
    if (node.matches(".day")) days.push([]);
    else days.at(-1).push(node);
  }
  days.forEach((cells, i) => {
    const ratios = cells.map((cell) => Number(cell.style.getPropertyValue("--ratio")));
    const goesOn = content.goes_on && i === days.length - 1;
    let start = 0;
    for (const { end, isFilled } of divideIntoRows(ratios, size, goesOn)) {
      for (const cell of cells.slice(start, end)) cell.classList.toggle("natural", !isFilled);
      cells[end - 1].after(rowBreak());
      start = end;
    }
  });
}
