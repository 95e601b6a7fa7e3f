// The upload page for phones: the code, the buttons, and what is drawn.
import { SentFiles } from "./memory.js";
import { noticesOf, summaryText } from "./notices.js";
import { drawRows, formatBytes } from "./rows.js";
import { Sender } from "./sender.js";
import { Server } from "./server.js";

const TOKEN_KEY = "scene-phone-token";
const UPLOAD_KEY = "scene-phone-upload";
const DRAW_MS = 200;
const RECONNECT_MS = 3_000;
const HOW_TO_BEGIN =
  "Open Classify on the computer, choose “From a phone”, and scan the code that is shown there " +
  "with this phone's camera.";
const LOST_SHARE =
  "The photos that you shared did not get here. Choose them with the button instead.";

/** @type {Record<string, any>} the elements of the page by id */
const $ = Object.fromEntries([...document.querySelectorAll("[id]")].map((e) => [e.id, e]));
let sender = null;
let wakeLock = null;
let isDrawnSoon = false;
let isOverNow = false;

/** Store a text in the browser; a browser that allows no storage forgets it with the page. */
function remember(key, text) {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {}
}

function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Take the token out of the address, so that no history and no picture of the screen shows it. */
function takeToken() {
  const token = location.hash.slice(1);
  if (!token) return recall(TOKEN_KEY);
  remember(TOKEN_KEY, token);
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  return token;
}

function showProblem(message) {
  $.problem.textContent = message;
  $.problem.hidden = !message;
}

function refuseCode(message) {
  remember(TOKEN_KEY, null);
  $.choose.hidden = true;
  showProblem(message);
}

function timeText(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

/** Ask for the code's end until the computer answers; null when it refuses the code. */
async function openSession(server) {
  for (;;) {
    try {
      const session = await server.session();
      showProblem("");
      return session;
    } catch (error) {
      if (error.status === 401) {
        refuseCode(error.message);
        return null;
      }
      showProblem(`${error.message} Is this phone in the same Wi-Fi? It is tried again.`);
      await server.pause(RECONNECT_MS);
    }
  }
}

function openFileDialog(accept) {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  if (accept) input.accept = accept;
  input.onchange = () => sender.add([...input.files]);
  input.click();
}

function noticeElement({ heading, text, advice }) {
  const notice = document.createElement("div");
  notice.className = "notice";
  const bold = document.createElement("b");
  bold.textContent = heading;
  const body = document.createElement("p");
  body.textContent = text;
  notice.append(bold, body);
  if (advice) {
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "What to do";
    details.append(summary, advice);
    notice.append(details);
  }
  return notice;
}

function drawNotices() {
  const notices = noticesOf(sender.rows);
  const headings = notices.map(({ heading }) => heading).join("\n");
  if ($.notices.dataset.drawn === headings) return;
  $.notices.dataset.drawn = headings;
  $.notices.replaceChildren(...notices.map(noticeElement));
}

function hintText({ problemStatus }) {
  return problemStatus === 0 ? " Perhaps its code was ended, or the phone left the Wi-Fi." : "";
}

function rateText(engine) {
  if (sender.isWaitingToRetry) return "What arrived is kept. It goes on by itself.";
  if (engine.state !== "sending" || !engine.bytesPerSecond) return "";
  return `${formatBytes(engine.bytesPerSecond)} a second. Keep this page open.`;
}

/** Say to a screen reader what has changed; not every file. */
function announce(isOver, summary) {
  if (isOver !== isOverNow) $.status.textContent = isOver ? summary : "Sending.";
  isOverNow = isOver;
}

function draw() {
  isDrawnSoon = false;
  const { engine, rows } = sender;
  const isOver = !sender.isBusy && rows.every((row) => row.isOver);
  $.progress.hidden = !rows.length;
  $.summary.textContent = summaryText(rows);
  const size = rows.reduce((sum, { state, file }) => sum + (state === "passed" ? 0 : file.size), 0);
  const sentBytes = rows.reduce(
    (sum, row) => sum + (row.hasArrived ? row.file.size : row.state === "sending" && row.sentBytes),
    0,
  );
  $.total.hidden = isOver;
  $.total.value = size ? sentBytes / size : 0;
  $.rate.textContent = rateText(engine);
  const isStopped = engine.state === "stalled" || engine.state === "failed";
  $.retry.hidden = !isStopped;
  $.stop.hidden = isOver || engine.state === "tagging";
  $["send-again"].hidden = !rows.some((row) => row.state === "passed");
  if (engine.state === "stalled") {
    if (engine.problemStatus === 401) refuseCode(engine.problem);
    else showProblem(`The upload has stopped. ${engine.problem}${hintText(engine)}`);
  } else if (!$.choose.hidden) {
    showProblem("");
  }
  drawRows($.files, rows);
  drawNotices();
  announce(isOver, $.summary.textContent);
  keepAwake(engine.state === "sending");
}

function drawSoon() {
  if (!isDrawnSoon) setTimeout(draw, DRAW_MS);
  isDrawnSoon = true;
}

/** Keep the screen on while photos are sent, where the browser allows it: on HTTPS only. */
async function keepAwake(isSending) {
  if (!isSending && wakeLock) {
    wakeLock.release();
    wakeLock = null;
  } else if (isSending && !wakeLock && navigator.wakeLock && !document.hidden) {
    wakeLock = await navigator.wakeLock.request("screen").catch(() => null);
    wakeLock?.addEventListener("release", () => {
      wakeLock = null;
    });
  }
}

/** Find an upload of an earlier visit that is not complete: the phone had closed this page. */
async function findInterrupted(server) {
  const id = recall(UPLOAD_KEY);
  const upload = id && (await server.request("GET", `/${id}?files=true`).catch(() => null));
  if (!upload?.missing?.length || upload.state !== "running") return;
  sender.interrupted = upload;
  const missing = `${upload.missing.length} of ${upload.total}`;
  $.about.textContent +=
    ` Of the last upload, ${missing} files have not arrived. Choose the same photos again; what ` +
    "arrived is not sent twice.";
}

/** Take the photos that another app shared with the installed page. */
function takeShared() {
  const shared = new URLSearchParams(location.search).get("shared");
  if (!shared) return;
  history.replaceState(null, "", location.pathname);
  if (shared !== "here" || !navigator.serviceWorker?.controller) {
    showProblem(LOST_SHARE);
    return;
  }
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data.shared?.length) sender.add(data.shared);
    else if (data.shared) showProblem(LOST_SHARE);
  });
  navigator.serviceWorker.controller.postMessage("shared?");
}

function listen() {
  $["choose-photos"].onclick = () => openFileDialog("image/*,image/heic,image/heif,video/*");
  $["choose-files"].onclick = () => openFileDialog("");
  $.retry.onclick = () => sender.retry();
  $.stop.onclick = () => sender.stop();
  $["send-again"].onclick = () => sender.sendAgain();
  const wake = () => {
    if (document.hidden) return;
    if (sender.isWaitingToRetry) sender.retry();
    drawSoon();
  };
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  addEventListener("beforeunload", (event) => {
    if (sender.engine.state === "sending") event.preventDefault();
  });
}

async function start() {
  $.encryption.hidden = isSecureContext;
  if (navigator.serviceWorker) {
    navigator.serviceWorker.register("worker.js").catch(() => {});
  }
  const token = takeToken();
  if (!token) {
    showProblem(HOW_TO_BEGIN);
    return;
  }
  const server = new Server(token);
  const session = await openSession(server);
  if (!session) return;
  sender = new Sender(server, new SentFiles(session.library), drawSoon);
  sender.onBegun = (id) => remember(UPLOAD_KEY, id);
  $.about.textContent =
    "This page can add photos, and sees nothing of the library. The code ends at " +
    `${timeText(session.ends_at)}.`;
  listen();
  const upload = (id) => server.request("GET", `/${id}?after=0`).catch(() => null);
  await sender.memory.settleEarlier(upload);
  await findInterrupted(server);
  $.choose.hidden = false;
  takeShared();
}

// Another code was scanned while the page was open.
addEventListener("hashchange", () => location.reload());
start();
