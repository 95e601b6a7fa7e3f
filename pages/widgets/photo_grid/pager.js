import { element, plainButton } from "../dom.js";

const thousands = new Intl.NumberFormat("en-US");

function nearbyPages(page, count) {
  const near = [1, page - 1, page, page + 1, count].filter((n) => n >= 1 && n <= count);
  return [...new Set(near)].sort((a, b) => a - b);
}

/** Links to the previous page, the next page and some pages by number. */
export class Pager {
  /** @param {(page: number) => void} onTurn */
  constructor(onTurn) {
    this.nav = element("nav", "pager");
    this.nav.setAttribute("aria-label", "Pages of photos");
    this.previous = this.arrow("Previous page", "‹");
    this.next = this.arrow("Next page", "›");
    this.numbers = element("span", "numbers");
    this.nav.append(this.previous, this.numbers, this.next);
    this.nav.onclick = (event) => {
      const page = Number(event.target.closest("button")?.dataset.page);
      if (page) onTurn(page);
    };
  }

  arrow(name, sign) {
    const button = plainButton("arrow");
    button.setAttribute("aria-label", name);
    button.append(element("span", "", sign));
    return button;
  }

  /**
   * @param {number} page current page, from 1
   * @param {number} count number of pages
   */
  show(page, count) {
    this.nav.hidden = count < 2;
    const hadFocus = this.numbers.contains(this.nav.getRootNode().activeElement);
    // Not `disabled`: the focus would be lost on the last page.
    for (const [arrow, target] of [
      [this.previous, page - 1],
      [this.next, page + 1],
    ]) {
      const exists = target >= 1 && target <= count;
      arrow.dataset.page = exists ? target : "";
      arrow.setAttribute("aria-disabled", String(!exists));
    }
    const entries = [];
    for (const number of nearbyPages(page, count)) {
      if (number > (entries.at(-1)?.number ?? 0) + 1) {
        entries.push({ node: element("i", "gap", "…") });
      }
      const node = plainButton("number", thousands.format(number));
      node.dataset.page = number;
      node.setAttribute("aria-label", `Page ${thousands.format(number)}`);
      if (number === page) node.setAttribute("aria-current", "page");
      entries.push({ node, number });
    }
    this.numbers.replaceChildren(...entries.map(({ node }) => node));
    if (hadFocus) this.numbers.querySelector("[aria-current]")?.focus();
  }
}
