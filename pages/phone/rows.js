// The chosen files with what became of them, and their elements in the list.

const MAX_LISTED = 1_000;
const STATE_TEXTS = {
  checking: "…",
  passed: "Sent before",
  waiting: "Waiting",
  sending: "Sending",
  arrived: "Sent",
  done: "Sent",
  added: "Added",
  known: "Already there",
  refused: "Refused",
  failed: "Not sent",
};

export function formatBytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e5) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

export function counted(count, noun) {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * One chosen file.
 *
 * state: a key of STATE_TEXTS. sentBytes: of the transfer that is running. lack: see traces.js.
 */
export class Row {
  /** @param {File} file */
  constructor(file) {
    this.file = file;
    this.state = "checking";
    this.message = "";
    this.sentBytes = 0;
    this.lack = null;
    /** What is drawn, to change the element only when it differs. */
    this.drawn = "";
    this.element = null;
  }

  /** Whether nothing more happens to the file. */
  get isOver() {
    return ["passed", "done", "added", "known", "refused", "failed"].includes(this.state);
  }

  get hasArrived() {
    return ["arrived", "done", "added", "known"].includes(this.state);
  }

  set(state, message = "") {
    this.state = state;
    this.message = message;
  }
}

function textElement(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function drawRow(row) {
  const { file, state, sentBytes, message } = row;
  const isSending = state === "sending";
  const percent = file.size ? Math.floor((100 * sentBytes) / file.size) : 0;
  const text = isSending ? `${percent}%` : STATE_TEXTS[state];
  const drawn = `${state} ${text} ${message}`;
  if (drawn === row.drawn) return;
  row.drawn = drawn;
  row.element.className = state;
  const size = state === "waiting" ? `${formatBytes(file.size)} · ` : "";
  row.element.replaceChildren(
    textElement("span", "name", file.name),
    textElement("span", "state", `${size}${text}`),
  );
  if (isSending) {
    const bar = document.createElement("progress");
    bar.max = 100;
    bar.value = percent;
    bar.setAttribute("aria-label", file.name);
    row.element.append(bar);
  }
  if (message) row.element.append(textElement("span", "reason", message));
}

/**
 * Draw the rows into a list; each has its place for good.
 * @param {HTMLElement} list
 * @param {Row[]} rows
 */
export function drawRows(list, rows) {
  for (const row of rows.slice(0, MAX_LISTED)) {
    if (!row.element) {
      row.element = document.createElement("li");
      list.append(row.element);
    }
    drawRow(row);
  }
  const more = rows.length - MAX_LISTED;
  if (more > 0) {
    let last = list.querySelector(".more");
    if (!last) {
      last = textElement("li", "more", "");
      list.append(last);
    }
    last.textContent = `… and ${counted(more, "more file")}`;
  }
}

/** How many rows are in each state. */
export function countStates(rows) {
  const counts = Object.fromEntries(Object.keys(STATE_TEXTS).map((state) => [state, 0]));
  for (const row of rows) counts[row.state] += 1;
  return counts;
}
