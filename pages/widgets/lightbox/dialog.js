// The element of the page that holds picture and drawer, as a modal dialog.

const LIGHTBOX = ".st-key-lightbox";
const DRAWER = ".st-key-lightbox_drawer";
// A field for a class or tag that asks about a new one.
const OPEN_QUESTION = ".field:has(.question:not([hidden]))";
const TABBABLE =
  'button, a[href], input, select, textarea, summary, video, [tabindex]:not([tabindex="-1"])';
const MEMORY = "lightboxInfo";
const WIDE = "(min-width: 900px)";

/** The focus, also inside components. */
function deepActive() {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active;
}

function isTabbable(node) {
  return node.matches(TABBABLE) && !node.disabled && node.tabIndex >= 0 && node.checkVisibility();
}

/** Where the Tab key stops in a part of the page, also inside components. */
function tabStops(part) {
  return [...part.querySelectorAll("*")].flatMap((node) => [
    ...(isTabbable(node) ? [node] : []),
    ...(node.shadowRoot ? tabStops(node.shadowRoot) : []),
  ]);
}

/** Whether a part of the page holds a node, also inside components. */
function holds(part, node) {
  for (let each = node; each; each = each.parentNode ?? each.host) if (each === part) return true;
  return false;
}

/** What the control with the focus needs of the keyboard; see KeyContext. */
export function focusContext() {
  const active = deepActive();
  const is = (selector) => Boolean(active?.closest(selector));
  const isTyping = is('input:not([type="checkbox"], [type="radio"]), textarea, [contenteditable]');
  return {
    isTyping,
    ownsEscape: is('input[aria-expanded="true"]') || is(OPEN_QUESTION),
    ownsSpace: is("button, a, summary, input, video, [role=tab], [role=option]"),
    ownsArrows: is("[role=tab], [role=radio], [role=option], [role=slider], select, video"),
  };
}

/** Whether the page shows a lightbox. */
export function isLightboxShown() {
  return document.querySelector(`${LIGHTBOX}[data-state="open"]`) !== null;
}

/** Shows, hides and names the dialog; keeps the focus in it. */
export class Dialog {
  /** @param {ShadowRoot | HTMLElement} root where the component draws */
  constructor(root) {
    this.root = root;
    const remembered = sessionStorage.getItem(MEMORY);
    this.isInfoOpen = remembered ? remembered === "open" : window.matchMedia(WIDE).matches;
  }

  get host() {
    return this.root.host ?? this.root;
  }

  get node() {
    return this.host.closest(LIGHTBOX);
  }

  get drawer() {
    return this.node?.querySelector(DRAWER);
  }

  /** @param {{name: string, isBehind: boolean, isClosed: boolean}} state isBehind: of the drawer */
  show({ name, isBehind, isClosed }) {
    const { node, drawer } = this;
    if (!node) return;
    node.setAttribute("role", "dialog");
    node.setAttribute("aria-modal", "true");
    node.setAttribute("aria-label", name);
    node.dataset.info = this.isInfoOpen ? "open" : "closed";
    node.dataset.state = isClosed ? "closed" : "open";
    if (!drawer) return;
    drawer.setAttribute("role", "region");
    drawer.setAttribute("aria-label", "Photo info");
    // It shows another photo, which is not the one to edit.
    drawer.inert = isBehind;
  }

  toggleInfo() {
    this.isInfoOpen = !this.isInfoOpen;
    sessionStorage.setItem(MEMORY, this.isInfoOpen ? "open" : "closed");
    if (!this.isInfoOpen && this.drawer?.contains(document.activeElement)) this.takeFocus();
  }

  /** The element that has the focus when no control has it. */
  takeFocus() {
    this.root.querySelector(".stage").focus({ preventScroll: true });
  }

  /** Move the focus on a Tab key from the last control to the first, and back. */
  wrapFocus(event) {
    const drawer = this.isInfoOpen && this.drawer ? [this.drawer] : [];
    const controls = [this.root, ...drawer].flatMap(tabStops);
    const active = deepActive();
    const isInside = holds(this.node, active);
    const end = event.shiftKey ? controls.at(0) : controls.at(-1);
    const isAtEnd = active === end || (event.shiftKey && active?.matches(".stage"));
    if (isInside && !isAtEnd) return;
    event.preventDefault();
    (event.shiftKey ? controls.at(-1) : controls.at(0))?.focus();
  }
}

/** Give the focus back to a photo in the grid of the page; to any photo if it is not there. */
export function focusInGrid(id) {
  const roots = [...document.querySelectorAll("*")]
    .map((node) => node.shadowRoot)
    .filter((root) => root?.querySelector(".grid"));
  for (const selector of [`.cell[data-id="${id}"] .open`, '.cell .open[tabindex="0"]']) {
    for (const root of roots) {
      const target = root.querySelector(selector);
      if (!target) continue;
      target.focus();
      return;
    }
  }
}
