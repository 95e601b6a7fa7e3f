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
  item.append(open, element("div", "caption"));
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

/**
 * Draw photos as the items of a list; items of photos already in the list are reused.
 * @returns {boolean} whether the list has other photos than before, or another order
 */
export function showPhotos(list, photos, isSelectable) {
  const items = [...list.children];
  const isSame =
    items.length === photos.length && items.every((item, i) => item.dataset.id === photos[i].id);
  if (!isSame) {
    const existing = new Map(items.map((item) => [item.dataset.id, item]));
    list.replaceChildren(
      ...photos.map(
        (photo, i) => existing.get(photo.id) ?? newCell(photo, isSelectable, i < IN_SIGHT),
      ),
    );
  }
  photos.forEach((photo, i) => {
    fillCell(list.children[i], photo);
  });
  return !isSame;
}
