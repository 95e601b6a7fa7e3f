// The photo in the address of the page: ?photo=ID.

const PARAMETER = "photo";
const MARK = "openedPhoto";

function addressWith(id) {
  const url = new URL(window.location.href);
  if (id) url.searchParams.set(PARAMETER, id);
  else url.searchParams.delete(PARAMETER);
  return url;
}

/** The photo that the address names; null without one. */
export function photoInAddress() {
  return new URL(window.location.href).searchParams.get(PARAMETER);
}

/** Name a photo; the first one is a new entry of the history, so that Back closes it. */
export function namePhoto(id) {
  const named = photoInAddress();
  if (named === id) return;
  if (named === null) window.history.pushState({ [MARK]: true }, "", addressWith(id));
  else window.history.replaceState(window.history.state, "", addressWith(id));
}

/** Name no photo, in the same entry of the history. */
export function dropPhoto() {
  if (photoInAddress() === null) return;
  window.history.replaceState(window.history.state, "", addressWith(null));
  // Streamlit sends the address that it read last with every click, until it hears this event.
  window.dispatchEvent(new PopStateEvent("popstate", { state: window.history.state }));
}

/**
 * Go back in the history, where it was a photo that made the entry shown; popstate follows.
 * @returns {boolean} whether it was
 */
export function leavePhoto() {
  if (photoInAddress() === null || !window.history.state?.[MARK]) return false;
  window.history.back();
  return true;
}
