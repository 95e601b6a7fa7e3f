// The pages of a whole: to the one before, to the one after, and to some by number.

const thousands = new Intl.NumberFormat("en-US");

function numbersAround(page, count) {
  const near = [1, page - 1, page, page + 1, count].filter((n) => n >= 1 && n <= count);
  return [...new Set(near)].sort((a, b) => a - b);
}

class Pager {
  constructor(turn) {
    this.nav = element("nav", "pager");
    this.nav.setAttribute("aria-label", "Pages of photos");
    this.before = this.arrow("Previous page", "‹");
    this.after = this.arrow("Next page", "›");
    this.numbers = element("span", "numbers");
    this.nav.append(this.before, this.numbers, this.after);
    this.nav.onclick = (event) => {
      const page = Number(event.target.closest("button")?.dataset.page);
      if (page) turn(page);
    };
  }

  arrow(name, sign) {
    const made = plainButton("arrow");
    made.setAttribute("aria-label", name);
    made.append(element("span", "", sign));
    return made;
  }

  show(page, count) {
    this.nav.hidden = count < 2;
    const hadFocus = this.numbers.contains(this.nav.getRootNode().activeElement);
    // Not `disabled`: the focus would be lost on the last page.
    for (const [arrow, goal] of [[this.before, page - 1], [this.after, page + 1]]) {
      const isThere = goal >= 1 && goal <= count;
      arrow.dataset.page = isThere ? goal : "";
      arrow.setAttribute("aria-disabled", String(!isThere));
    }
    const made = [];
    for (const number of numbersAround(page, count)) {
      if (number > (made.at(-1)?.number ?? 0) + 1) made.push({ node: element("i", "gap", "…") });
      const node = plainButton("number");
      node.textContent = thousands.format(number);
      node.dataset.page = number;
      node.setAttribute("aria-label", `Page ${thousands.format(number)}`);
      if (number === page) node.setAttribute("aria-current", "page");
      made.push({ node, number });
    }
    this.numbers.replaceChildren(...made.map(({ node }) => node));
    if (hadFocus) this.numbers.querySelector("[aria-current]")?.focus();
  }
}
