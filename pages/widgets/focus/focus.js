// Gives the focus to something where an action has taken it from a button that is gone or disabled.

const TRIES = 15;
const WAIT_MS = 100;

/** The first element of a selector; "outer >>> inner" looks in the components inside of outer. */
function find(selector) {
  const [outer, inner] = selector.split(" >>> ");
  const node = document.querySelector(outer);
  if (!inner || !node) return node;
  const hosts = [node, ...node.querySelectorAll("*")].filter((host) => host.shadowRoot);
  return hosts.map((host) => host.shadowRoot.querySelector(inner)).find(Boolean);
}

function isLost() {
  const { activeElement } = document;
  return !activeElement || activeElement === document.body || activeElement.disabled;
}

/** The page draws its parts one after the other: try until one is there and the focus is lost. */
function giveFocus(selectors, tries) {
  const target = isLost() && selectors.map(find).find(Boolean);
  if (target) target.focus();
  else if (tries > 1) setTimeout(() => giveFocus(selectors, tries - 1), WAIT_MS);
}

const numbers = new WeakMap();

export default function ({ data, parentElement }) {
  const last = numbers.get(parentElement);
  numbers.set(parentElement, data.number);
  // A page that is opened again still has the number of an earlier action.
  if (last !== undefined && last !== data.number) giveFocus(data.selectors, TRIES);
}
