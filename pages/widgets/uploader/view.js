// What is drawn. All text is set as text, never as HTML: file names are whatever anybody chose.
const number = new Intl.NumberFormat("en-US");
const megabytes = (bytes) => bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB`
  : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
const files = (n) => `${number.format(n)} ${n === 1 ? "file" : "files"}`;
const span = (s) => s < 90 ? `${Math.max(1, Math.round(s))} s` : `${Math.round(s / 60)} min`;

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
function button(text, className, onclick) {
  const element = make("button", className, text);
  element.type = "button";
  element.onclick = onclick;
  return element;
}

// Folders come as entries to be walked; a folder gives its children a hundred at a time.
async function walk(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((take, fail) => entry.file(take, fail)).catch(() => null);
    if (file) found.push({ file, path: path + entry.name });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((take, fail) => reader.readEntries(take, fail)).catch(() => []);
    if (!some.length) return;
    for (const child of some) await walk(child, `${path}${entry.name}/`, found);
  }
}
async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  if (!entries.length) return files.map((file) => ({ file, path: file.name }));
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}
function choose(isFolder, take) {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = isFolder;
  input.onchange = () =>
    take([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
  input.click();
}

function drawBar(engine, box) {
  const server = engine.server || { total: engine.entries.length, arrived: 0, done: 0, skipped: 0 };
  const share = server.total ? server.done / server.total : 0;
  const arrived = server.total ? server.arrived / server.total : 0;
  const bar = make("div", "bar");
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Upload");
  bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  const there = make("i", "arrived"), tagged = make("i", "tagged");
  there.style.width = `${arrived * 100}%`;
  tagged.style.width = `${share * 100}%`;
  bar.append(there, tagged);
  const parts = [`${number.format(server.arrived)} of ${number.format(server.total)} files here`,
    `${number.format(server.done - server.skipped)} tagged`];
  if (server.skipped) parts.push(`${number.format(server.skipped)} skipped`);
  const bytes = engine.rate(1), photos = engine.rate(2);
  if (engine.state === "sending" && bytes > 0) parts.push(`${megabytes(bytes)} a second`);
  if (photos > 0) {
    parts.push(`${photos.toFixed(1)} photos a second`);
    parts.push(`${span((server.total - server.done) / photos)} left`);
  }
  box.append(make("p", "count", parts.join(" · ")), bar);
}
function drawList(box, title, lines) {
  const details = make("details");
  details.append(make("summary", "", title));
  const list = make("ul");
  for (const line of lines.slice(0, 500)) list.append(make("li", "", line));
  if (lines.length > 500) list.append(make("li", "", `… and ${number.format(lines.length - 500)} more`));
  details.append(list);
  box.append(details);
}
// Too many, too large, or nobody answers: known before the first byte.
function drawRefused(engine, box) {
  box.append(make("p", "warn", `Nothing was sent. ${engine.problem}`));
  const row = make("div", "row");
  row.append(button("Try again", "main", () => engine.goOn()),
    button("Cancel", "", () => engine.cancel()));
  box.append(row);
}
function drawEngine(engine, box) {
  if (engine.state === "stalled" && engine.id === null) return drawRefused(engine, box);
  drawBar(engine, box);
  const row = make("div", "row");
  if (engine.state === "stalled") {
    box.append(make("p", "warn", `The upload has stopped: ${engine.problem} What arrived is kept.`));
    const missing = engine.entries.filter((entry) => !entry.arrived).map((entry) => entry.path);
    drawList(box, `${files(missing.length)} ${missing.length === 1 ? "is" : "are"} still to come`, missing);
    row.append(button("Continue", "main", () => engine.goOn()));
  } else if (engine.state === "failed") {
    box.append(make("p", "warn", `${files(engine.failed.length)} did not arrive.`));
    drawList(box, "Which, and why", engine.failed.map(({ entry, message }) => `${entry.path}: ${message}`));
    row.append(button("Try them again", "main", () => engine.goOn()),
      button("Finish without them", "", () => engine.endWithout()));
  }
  row.append(button("Cancel", "", () => engine.cancel()));
  const say = engine.waiting.length
    ? engine.waiting.length === 1 ? "One more file waits its turn."
      : `${number.format(engine.waiting.length)} more files wait their turn.`
    : engine.state === "tagging"
      ? "Everything has arrived: you may close this window, the work goes on."
      : "You can go to another page meanwhile; keep this window open.";
  row.append(make("span", "hint", say));
  box.append(row);
}
function drawCut(cut, engine, box, forget) {
  const missing = cut.total - cut.arrived;
  box.append(make("p", "warn", `An upload is not complete: ${number.format(missing)} of `
    + `${number.format(cut.total)} files have not arrived. Drop the same files or folder here to `
    + "continue it; what has arrived is not sent again. If another window is still sending, let it."));
  if (cut.missing) drawList(box, "Which files are missing", cut.missing.map((item) => item.path));
  const row = make("div", "row");
  row.dataset.upload = cut.id;
  row.append(button("Finish without them", "", () => ask("POST", `/${cut.id}/end`).then(forget, forget)),
    button("Cancel", "", () => ask("DELETE", `/${cut.id}`).then(forget, forget)));
  box.append(row);
}

// What stays is the very node it was: a button that was replaced between the press and the release
// of a click would lose it, and the focus with it.
function redraw(there, wanted) {
  const before = [...there.childNodes], after = [...wanted.childNodes];
  after.forEach((node, i) => {
    const old = before[i];
    const isOther = old?.nodeName !== node.nodeName
      || (node.nodeName === "BUTTON" && old.textContent !== node.textContent);
    if (!old) there.append(node);
    else if (isOther) old.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (old.data !== node.data) old.data = node.data;
    } else {
      for (const name of old.getAttributeNames()) {
        if (name !== "open" && !node.hasAttribute(name)) old.removeAttribute(name);
      }
      for (const { name, value } of node.attributes) {
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
      }
      old.onclick = node.onclick;
      redraw(old, node);
    }
  });
  for (const old of before.slice(after.length)) old.remove();
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  // The tab's own engine: this function runs anew with every visit of the page.
  const engine = (globalThis.sceneGalleryUploads ??= new Engine());
  let box = parentElement.querySelector(".uploader");
  if (!box) {
    box = make("section", "uploader");
    const zone = make("div", "zone");
    zone.append(make("b", "", "Drop photos or whole folders here"),
      make("span", "hint", data.hint), make("div", "row"));
    box.append(zone, make("div", "state"));
    box.querySelector(".state").setAttribute("aria-live", "polite");
    parentElement.append(box);
  }
  const zone = box.querySelector(".zone"), state = box.querySelector(".state");
  zone.querySelector(".hint").textContent = data.hint;
  const take = async (found) => {
    if (!engine.isBusy && box.cut) {
      const server = await ask("GET", `/${box.cut.id}?files=true`).catch(() => null);
      if (server?.missing?.length && engine.takeUp(server, found)) return;
    }
    engine.add(found);
  };
  zone.querySelector(".row").replaceChildren(
    button("Choose photos", "main", () => choose(false, take)),
    button("Choose a folder", "", () => choose(true, take)));
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over"); };
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(await dropped(event.dataTransfer));
  };
  box.trigger = setTriggerValue; // that of the latest run, also for buttons that stay
  const draw = () => {
    const fresh = make("div");
    if (engine.isBusy) drawEngine(engine, fresh);
    else if (engine.problem && engine.state !== "over") fresh.append(make("p", "warn", engine.problem));
    else if (box.cut) drawCut(box.cut, engine, fresh, () => { box.cut = null; box.trigger("ended", "cut"); });
    const focused = state.contains(parentElement.activeElement) ? parentElement.activeElement : null;
    redraw(state, fresh);
    if (focused && !focused.isConnected) {
      const buttons = [...state.querySelectorAll("button")];
      buttons.find((one) => one.textContent === focused.textContent)?.focus();
    }
    // Python shows the tags while it runs, and the result when it is over.
    if (engine.isBusy && engine.id && box.told !== engine.id) {
      box.told = engine.id;
      setTriggerValue("started", engine.id);
    } else if (engine.state === "over" && box.told && box.ended !== engine.id) {
      box.ended = engine.id;
      setTriggerValue("ended", engine.id);
    }
  };
  if (data.streaming !== engine.id) box.told = null;
  box.cut = null;
  if (data.cut && data.cut !== engine.id) {
    ask("GET", `/${data.cut}?files=true`).then((server) => {
      if (server.missing.length) { box.cut = server; draw(); }
    }, () => {});
  }
  engine.listeners.clear();
  engine.listeners.add(draw);
  draw();
  return () => engine.listeners.delete(draw);
}
