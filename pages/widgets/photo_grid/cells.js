// The photos of a grid as list items.
import { element, plainButton } from "../dom.js";

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
  open.append(image);
  // Outside the button, whose label has the same text: screen readers would read it twice.
  const time = element("span", "time");
  time.setAttribute("aria-hidden", "true");
  item.append(open, time, element("div", "caption"));
  return item;
})();
const pickTemplate = (() => {
  // A button, not an input: the one-letter keys of the page are off while an input has the focus.
  const pick = plainButton("pick");
  pick.setAttribute("role", "checkbox");
  pick.tabIndex = -1;
  return pick;
})();

function newCell(photo, isSelectable, isInSight) {
  const item = cellTemplate.cloneNode(true);
  item.dataset.id = photo.id;
  item.style.setProperty("--ratio", photo.ratio);
  item.querySelector(".open").tabIndex = -1;
  const image = item.querySelector("img");
  image.loading = isInSight ? "eager" : "lazy";
  image.fetchPriority = isInSight ? "high" : "low";
  image.src = thumbnailUrl(photo);
  if (isSelectable) item.append(pickTemplate.cloneNode(true));
  return item;
}

// Only texts are updated: the image of a photo id never changes.
function fillCell(item, photo) {
  const drawnPhoto = JSON.stringify(photo);
  if (item.drawnPhoto === drawnPhoto) return;
  item.drawnPhoto = drawnPhoto;
  item.querySelector(".open").setAttribute("aria-label", `Open ${photo.alt}`);
  item.querySelector("img").alt = photo.alt;
  item.querySelector(".pick")?.setAttribute("aria-label", `Select ${photo.name}`);
  item.querySelector(".time").textContent = photo.time;
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

// Takes up what is left of the last row, whose photos would be stretched otherwise.
function rowEnd() {
  const item = element("li", "row-end");
  item.setAttribute("role", "presentation");
  return item;
}

/** The cells with a heading before the first photo of each day. */
function withHeadings(cells, photos) {
  const nodes = cells.flatMap((cell, i) => {
    const { day } = photos[i];
    if (!day || day === photos[i - 1]?.day) return [cell];
    return i ? [rowEnd(), heading(day), cell] : [heading(day), cell];
  });
  return [...nodes, rowEnd()];
}

/**
 * Draw photos as the items of a list; items of photos already in the list are reused.
 * @returns {boolean} whether the list has other photos than before, or another order
 */
export function showPhotos(list, photos, isSelectable) {
  const cells = [...list.querySelectorAll(".cell")];
  const isSame =
    cells.length === photos.length &&
    cells.every((cell, i) => cell.dataset.id === photos[i].id && cell.drawnDay === photos[i].day);
  if (!isSame) {
    const existing = new Map(cells.map((cell) => [cell.dataset.id, cell]));
    const shown = photos.map(
      (photo, i) => existing.get(photo.id) ?? newCell(photo, isSelectable, i < IN_SIGHT),
    );
    list.replaceChildren(...withHeadings(shown, photos));
    cells.splice(0, cells.length, ...shown);
  }
  photos.forEach((photo, i) => {
    cells[i].drawnDay = photo.day;
    fillCell(cells[i], photo);
  });
  return !isSame;
}
