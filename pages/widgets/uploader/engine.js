// Sends files one by one to our own routes. One engine for the whole tab: it goes on while the
// visitor looks at other pages, and knows nothing of what is drawn.
const IN_FLIGHT = 4;
const TRIES = 4;
const MOST_FILES = 20000; // a list; more go in several
const IGNORED = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i;

async function ask(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(`/api/uploads${path}`, options);
  } catch {
    throw { status: 0, message: "The server does not answer." };
  }
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw { status: response.status, message: said.detail || "It failed." };
  return said;
}

// XMLHttpRequest, because fetch does not tell how much has been sent.
function put(url, file, onSent, holder) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    holder.request = request;
    request.open("PUT", url);
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status < 300) return resolve();
      let message = "It failed.";
      try { message = JSON.parse(request.responseText).detail || message; } catch { /* no words */ }
      reject({ status: request.status, message });
    };
    request.onerror = () => reject({ status: 0, message: "The connection was cut." });
    request.onabort = () => reject({ status: -1, message: "Cancelled." });
    request.send(file);
  });
}

const pause = (ms) => new Promise((go) => setTimeout(go, ms));
const passes = (status) => status === 0 || status === 408 || status === 429 || status >= 500;

class Engine {
  constructor() {
    this.waiting = []; // entries of later drops
    this.listeners = new Set();
    this.round = 0;
    this.clear();
  }
  clear() {
    Object.assign(this, { id: null, entries: [], queue: [], sending: new Map(), server: null,
      state: "idle", problem: "", doneBytes: 0, moved: [], failed: [] });
  }
  tell() { for (const listener of this.listeners) listener(); }
  get isBusy() { return this.state !== "idle" && this.state !== "over"; }
  get totalBytes() { return this.entries.reduce((sum, entry) => sum + entry.file.size, 0); }

  add(found) {
    const entries = found.filter(({ path }) => !IGNORED.test(path.split("/").pop()));
    if (!entries.length) return;
    this.waiting.push(...entries);
    if (!this.isBusy) this.next();
    else this.tell();
  }
  next() {
    if (!this.waiting.length) return;
    this.clear();
    this.entries = this.waiting.splice(0, MOST_FILES).map((one) => ({ ...one, arrived: false }));
    this.announce();
  }
  async announce() {
    this.state = "announcing";
    this.tell();
    try {
      const files = this.entries.map(({ path, file }) => ({ path, size: file.size }));
      this.begin(await ask("POST", "", { files }));
    } catch (error) {
      this.stall(error.message);
    }
  }
  begin(server) {
    this.id = server.id;
    this.server = server;
    this.entries.forEach((entry, number) => { entry.number = number; });
    this.resume(server);
  }
  resume(server) {
    const missing = new Set(server.missing.map((item) => item.number));
    // Here already, or no photo by its name: neither is to be sent.
    for (const entry of this.entries) entry.arrived = !missing.has(entry.number);
    this.queue = this.entries.filter((entry) => !entry.arrived);
    const left = this.queue.reduce((sum, entry) => sum + entry.file.size, 0);
    this.doneBytes = this.totalBytes - left;
    Object.assign(this, { state: "sending", problem: "", moved: [], failed: [] });
    this.round += 1; // what still tries from before lets go
    this.watch();
    for (let i = 0; i < IN_FLIGHT; i += 1) this.work();
    this.settle();
  }
  async work() {
    const round = this.round;
    while (this.isCurrent(round) && this.queue.length) {
      const entry = this.queue.shift();
      this.sending.set(entry, { sent: 0 });
      try {
        await this.send(entry);
        entry.arrived = true;
        this.doneBytes += entry.file.size;
      } catch (error) {
        if (this.isCurrent(round)) this.fail(entry, error);
      }
      this.sending.delete(entry);
      this.tell();
    }
    this.settle();
  }
  isCurrent(round) { return this.state === "sending" && this.round === round; }
  async send(entry) {
    const round = this.round;
    const holder = this.sending.get(entry);
    const url = `/api/uploads/${this.id}/files/${entry.number}`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await put(url, entry.file, (sent) => { holder.sent = sent; }, holder);
      } catch (error) {
        holder.sent = 0;
        if (attempt >= TRIES || !passes(error.status) || !this.isCurrent(round)) throw error;
        if (error.status === 507) throw error;
        await pause(400 * 2 ** attempt);
        if (!this.isCurrent(round)) throw error;
      }
    }
  }
  fail(entry, error) {
    if (error.status === 400 || error.status === 404) {
      this.failed.push({ entry, message: error.message }); // this file's own fault
    } else {
      this.stall(error.message); // everybody's: the server, the room, the upload itself
    }
  }
  stall(message) {
    Object.assign(this, { state: "stalled", problem: message });
    for (const holder of this.sending.values()) holder.request?.abort();
    this.tell();
  }
  settle() {
    if (this.state !== "sending" || this.queue.length || this.sending.size) return;
    this.state = this.failed.length ? "failed" : "tagging";
    this.tell();
  }
  // "Continue" and "try again": ask what is missing, and send that.
  async goOn() {
    if (this.id === null) return this.announce();
    this.state = "announcing";
    this.tell();
    try {
      const server = await ask("GET", `/${this.id}?files=true`);
      if (server.state === "running") return this.resume(server);
    } catch (error) {
      if (error.status !== 404) return this.stall(error.message);
    }
    // The server waited long enough and ended it: the rest becomes an upload of its own.
    this.entries = this.entries.filter((entry) => !entry.arrived);
    this.announce();
  }
  // The visitor came back after a refresh and chose the files again.
  takeUp(server, found) {
    const byFile = new Map();
    for (const item of server.missing) {
      const key = `${item.path}\n${item.size}`;
      byFile.set(key, [...(byFile.get(key) || []), item.number]);
    }
    const matched = [], others = [];
    for (const one of found) {
      const number = byFile.get(`${one.path}\n${one.file.size}`)?.shift();
      if (number === undefined) others.push(one);
      else matched.push({ ...one, number, arrived: false });
    }
    if (!matched.length) return 0;
    this.clear();
    this.id = server.id;
    this.server = server;
    this.entries = matched;
    this.resume(server);
    return matched.length;
  }
  async cancel() {
    const id = this.id;
    this.waiting = [];
    this.state = "cancelled";
    for (const holder of this.sending.values()) holder.request?.abort();
    this.tell();
    if (id !== null) await ask("DELETE", `/${id}`).catch(() => {});
    this.finish();
  }
  async endWithout() {
    if (this.id !== null) await ask("POST", `/${this.id}/end`).catch(() => {});
    this.failed = [];
    this.state = "tagging";
    this.watch();
  }
  finish() {
    this.state = "over";
    this.tell();
    this.next();
  }
  async watch() {
    const id = this.id;
    if (this.watching === id) return;
    this.watching = id;
    while (this.id === id && this.isBusy) {
      try {
        this.server = await ask("GET", `/${id}?files=${this.state === "stalled"}`);
        if (this.server.state !== "running") break;
      } catch { /* the next file will tell */ }
      const sent = [...this.sending.values()].reduce((sum, one) => sum + one.sent, 0);
      this.moved = [...this.moved.slice(-20), [performance.now(), this.doneBytes + sent,
        this.server?.done ?? 0]];
      this.tell();
      await pause(1000);
    }
    this.watching = null;
    if (this.id === id && this.isBusy && this.state !== "cancelled") this.finish();
  }
  // Bytes and photos a second, over the last twenty looks.
  rate(column) {
    if (this.moved.length < 2) return 0;
    const first = this.moved[0], last = this.moved.at(-1);
    return ((last[column] - first[column]) * 1000) / (last[0] - first[0]);
  }
}
