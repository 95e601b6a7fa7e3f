// What the page says in whole sentences: a summary, and what the phone left out of photos.
import { counted, countStates } from "./rows.js";

const HOW_TO_KEEP_PLACES =
  "On an iPhone, tap Options when you choose photos, and turn on Location and All Photos Data. On " +
  "Android, use “Choose files” instead.";
const HOW_TO_KEEP_NAMES =
  "On Android, “Choose files” keeps the camera's names. On an iPhone, save the photos to Files " +
  "first, and choose them there.";

/**
 * What the page says beside the list. advice: what to do about it, if anything.
 * @typedef {{heading: string, text: string, advice?: string}} Notice
 */

/**
 * @param {import("./rows.js").Row[]} rows
 * @returns {string}
 */
export function summaryText(rows) {
  const counts = countStates(rows);
  const total = rows.length - counts.passed;
  if (!total) return `${counted(counts.passed, "file")} passed over: sent before.`;
  const arrived = rows.filter((row) => row.hasArrived).length;
  const results = [
    [counts.done, "sent"],
    [counts.added, "added"],
    [counts.known, "already there"],
    [counts.refused, "refused"],
    [counts.failed, "not sent"],
  ]
    .filter(([count]) => count)
    .map(([count, text]) => `${count.toLocaleString("en-US")} ${text}`);
  if (rows.every((row) => row.isOver)) return `Done: ${results.join(", ")}.`;
  return [`${arrived.toLocaleString("en-US")} of ${counted(total, "file")} sent`, ...results].join(
    " · ",
  );
}

/**
 * @param {import("./rows.js").Row[]} rows
 * @returns {Notice[]}
 */
export function noticesOf(rows) {
  const notices = [];
  const passed = rows.filter((row) => row.state === "passed").length;
  const sent = rows.filter((row) => row.state !== "passed");
  const placeless = sent.filter((row) => row.lack?.lacksPlace).length;
  const nameless = sent.filter((row) => row.lack?.lacksName).length;
  if (passed) {
    notices.push({
      heading: `${counted(passed, "file")} sent before`,
      text: "This phone sent them to this library, so they are passed over.",
    });
  }
  if (placeless) {
    notices.push({
      heading: `${counted(placeless, "photo")} without a place`,
      text: "Perhaps the camera stored none, perhaps the phone took it out.",
      advice: HOW_TO_KEEP_PLACES,
    });
  }
  if (nameless) {
    notices.push({
      heading: `${counted(nameless, "file")} renamed by the phone`,
      text: "They are sorted all the same.",
      advice: HOW_TO_KEEP_NAMES,
    });
  }
  return notices;
}
