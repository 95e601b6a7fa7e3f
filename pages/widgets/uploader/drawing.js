// The state of an upload as elements.
import { element, plainButton } from "../dom.js";
import { request } from "./transport.js";

const MAX_LISTED = 500;
const numbers = new Intl.NumberFormat("en-US");

function formatBytes(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function formatFileCount(count) {
  return `${numbers.format(count)} ${count === 1 ? "file" : "files"}`;
}

function formatDuration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** Create a button with a click handler. */
export function actionButton(text, className, onClick) {
  const button = plainButton(className, text);
  button.onclick = onClick;
  return button;
}

/** Create a warning. */
export function warning(text) {
  return element("p", "warn", text);
}

function progressBar(arrivedShare, doneShare) {
  const bar = element("div", "bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Upload");
  bar.setAttribute("aria-valuenow", String(Math.round(doneShare * 100)));
  const arrived = element("i", "arrived");
  const tagged = element("i", "tagged");
  arrived.style.width = `${arrivedShare * 100}%`;
  tagged.style.width = `${doneShare * 100}%`;
  bar.append(arrived, tagged);
  return bar;
}

function drawProgress(engine, box) {
  const { total, arrived, done, skipped } = engine.server || {
    total: engine.entries.length,
    arrived: 0,
    done: 0,
    skipped: 0,
  };
  const parts = [
    `${numbers.format(arrived)} of ${numbers.format(total)} files uploaded`,
    `${numbers.format(done - skipped)} tagged`,
  ];
  if (skipped) parts.push(`${numbers.format(skipped)} skipped`);
  const { bytesPerSecond, photosPerSecond } = engine;
  if (engine.state === "sending" && bytesPerSecond > 0) {
    parts.push(`${formatBytes(bytesPerSecond)} a second`);
  }
  if (photosPerSecond > 0) {
    parts.push(`${photosPerSecond.toFixed(1)} photos a second`);
    parts.push(`${formatDuration((total - done) / photosPerSecond)} left`);
  }
  const bar = total ? progressBar(arrived / total, done / total) : progressBar(0, 0);
  box.append(element("p", "count", parts.join(" · ")), bar);
}

function drawList(box, title, lines) {
  const details = element("details");
  details.append(element("summary", "", title));
  const list = element("ul");
  for (const line of lines.slice(0, MAX_LISTED)) list.append(element("li", "", line));
  if (lines.length > MAX_LISTED) {
    list.append(element("li", "", `… and ${numbers.format(lines.length - MAX_LISTED)} more`));
  }
  details.append(list);
  box.append(details);
}

function cancelButton(engine) {
  return actionButton("Cancel", "", () => engine.cancel());
}

// The list of files was not accepted: too many, too large, or no response.
function drawRefused(engine, box) {
  box.append(warning(`Nothing was sent. ${engine.problem}`));
  const row = element("div", "row");
  row.append(
    actionButton("Try again", "main", () => engine.continueUpload()),
    cancelButton(engine),
  );
  box.append(row);
}

function drawStalled(engine, box, row) {
  box.append(warning(`The upload has stopped: ${engine.problem} What arrived is kept.`));
  const missing = engine.entries.filter((entry) => !entry.arrived).map((entry) => entry.path);
  const verb = missing.length === 1 ? "is" : "are";
  drawList(box, `${formatFileCount(missing.length)} ${verb} still to come`, missing);
  row.append(actionButton("Continue", "main", () => engine.continueUpload()));
}

function drawFailed(engine, box, row) {
  box.append(warning(`${formatFileCount(engine.failed.length)} did not arrive.`));
  const lines = engine.failed.map(({ entry, message }) => `${entry.path}: ${message}`);
  drawList(box, "Skipped files and reasons", lines);
  row.append(
    actionButton("Try them again", "main", () => engine.continueUpload()),
    actionButton("Finish without these files", "", () => engine.endWithoutFailed()),
  );
}

function hintText(engine) {
  const count = engine.waiting.length;
  if (count === 1) return "1 more file is waiting.";
  if (count) return `${numbers.format(count)} more files are waiting.`;
  if (engine.state === "tagging") {
    return "All files are uploaded. You can close this window; tagging continues.";
  }
  return "You can go to another page meanwhile; keep this window open.";
}

/**
 * Draw the running upload.
 * @param {import("./engine.js").UploadEngine} engine
 * @param {HTMLElement} box
 */
export function drawEngine(engine, box) {
  if (engine.state === "stalled" && engine.id === null) {
    drawRefused(engine, box);
    return;
  }
  drawProgress(engine, box);
  const row = element("div", "row");
  if (engine.state === "stalled") drawStalled(engine, box, row);
  else if (engine.state === "failed") drawFailed(engine, box, row);
  row.append(cancelButton(engine), element("span", "hint", hintText(engine)));
  box.append(row);
}

/**
 * Draw an interrupted upload that can be resumed.
 * @param {import("./engine.js").ServerUpload} upload
 * @param {HTMLElement} box
 * @param {() => void} onEnded called after the upload was ended or cancelled
 */
export function drawInterrupted(upload, box, onEnded) {
  const missing = numbers.format(upload.total - upload.arrived);
  box.append(
    warning(
      `An upload is not complete: ${missing} of ${numbers.format(upload.total)} files have not ` +
        "arrived. Drop the same files or folder here to continue it; what has arrived is not " +
        "sent again. If another window is still sending, let it.",
    ),
  );
  if (upload.missing) {
    const paths = upload.missing.map((item) => item.path);
    drawList(box, "Which files are missing", paths);
  }
  const end = () => request("POST", `/${upload.id}/end`).then(onEnded, onEnded);
  const cancel = () => request("DELETE", `/${upload.id}`).then(onEnded, onEnded);
  const row = element("div", "row");
  row.dataset.upload = upload.id;
  row.append(
    actionButton("Finish without these files", "", end),
    actionButton("Cancel", "", cancel),
  );
  box.append(row);
}

/**
 * Change the children of a node to those of another, with as few replaced elements as possible.
 *
 * A button that was replaced between the press and the release of the mouse would lose the click,
 * and the focus.
 * @param {Node} current
 * @param {Node} target
 */
export function updateChildren(current, target) {
  const oldNodes = [...current.childNodes];
  const newNodes = [...target.childNodes];
  newNodes.forEach((node, i) => {
    const old = oldNodes[i];
    const isReplaced =
      old?.nodeName !== node.nodeName ||
      (node.nodeName === "BUTTON" && old.textContent !== node.textContent);
    if (!old) current.append(node);
    else if (isReplaced) old.replaceWith(node);
    else if (node.nodeType !== Node.TEXT_NODE) updateElement(old, node);
    else if (old.data !== node.data) old.data = node.data;
  });
  for (const old of oldNodes.slice(newNodes.length)) old.remove();
}

function updateElement(current, target) {
  for (const name of current.getAttributeNames()) {
    // "open": the visitor opened these details.
    if (name !== "open" && !target.hasAttribute(name)) current.removeAttribute(name);
  }
  for (const { name, value } of target.attributes) {
    if (current.getAttribute(name) !== value) current.setAttribute(name, value);
  }
  current.onclick = target.onclick;
  updateChildren(current, target);
}
