// Uploads files one by one. There is one engine per browser tab; it continues while the visitor is
// on other pages and has no access to the DOM.
const MAX_PARALLEL = 4;
const MAX_ATTEMPTS = 4;
// Larger files are sent in parts, so that a lost connection costs one part.
export const PART_BYTES = 64 * 1024 * 1024;
// Read as exports of other programs, all of an upload together; see archives/members.py.
const ARCHIVE_NAMES = /\.(zip|tgz|tar\.gz|tar)$/i;
const MAX_FILES_PER_UPLOAD = 20000; // more files are split into several uploads
const STATUS_INTERVAL_MS = 1000;
const MAX_SAMPLES = 21;
const IGNORED_NAMES = /^(\.|thumbs\.db$|desktop\.ini$|__macosx$)/i;

/** A failed request. status: the HTTP status, 0 without a response, -1 if it was aborted. */
export class UploadError extends Error {
  /**
   * @param {number} status
   * @param {string} message text for the visitor
   */
  constructor(status, message) {
    super(message);
    this.name = "UploadError";
    this.status = status;
  }
}

/** Whether a request that failed with a status may succeed later. */
export function isTemporary(status) {
  return status === 0 || status === 408 || status === 429 || (status >= 500 && status !== 507);
}

/**
 * A chosen file. path: relative path in the dropped folder, or the file name.
 * @typedef {{file: File, path: string}} ChosenFile
 */

/**
 * A file of the current upload. number: its number in the upload on the server. received: how many
 * of its bytes have arrived, if it is sent in parts.
 * @typedef {{file: File, path: string, number: number, arrived: boolean, received: number}} Entry
 */

/**
 * An upload as returned by the server. missing: only in responses that list the files.
 * @typedef {object} ServerUpload
 * @property {string} id
 * @property {string} state "running" until it has ended
 * @property {number} total number of files
 * @property {number} arrived
 * @property {number} done
 * @property {number} skipped
 * @property {{number: number, path: string, size: number, received: number}[]} [missing]
 * @property {string} [next] the upload that adds the photos of the archives of this one
 */

/**
 * Access to the server; see transport.js.
 * @typedef {object} Transport
 * @property {(method: string, path: string, body?: object) => Promise<object>} request
 * @property {(path: string, file: Blob, options: {onProgress: (sentBytes: number) => void,
 *   signal: AbortSignal}) => Promise<void>} put
 * @property {(ms: number) => Promise<void>} pause
 */

/**
 * Uploads files, one upload at a time.
 *
 * state: "idle" (no upload), "announcing" (the list of files is sent), "sending", "stalled" (an
 * error stopped it, see problem), "failed" (some files were refused, see failed), "tagging" (all
 * files arrived), "cancelled" or "over".
 */
export class UploadEngine {
  /** @param {Transport} transport */
  constructor({ request, put, pause }) {
    this.request = request;
    this.put = put;
    this.pause = pause;
    /** @type {ChosenFile[]} files chosen while an upload is running */
    this.waiting = [];
    /** @type {Set<() => void>} called after every change */
    this.listeners = new Set();
    this.round = 0;
    this.watchedId = null;
    this.clear();
  }

  clear() {
    this.id = null;
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Entry[]} */
    this.queue = [];
    /** @type {Map<Entry, {sentBytes: number, controller: AbortController}>} */
    this.sending = new Map();
    /** @type {ServerUpload | null} */
    this.server = null;
    this.state = "idle";
    this.problem = "";
    /** The status of the error that stopped the upload; see UploadError. */
    this.problemStatus = 0;
    this.doneBytes = 0;
    /** @type {[number, number, number][]} time in ms, bytes sent, photos done */
    this.samples = [];
    /** @type {{entry: Entry, message: string}[]} */
    this.failed = [];
  }

  notify() {
    for (const listener of this.listeners) listener();
  }

  get isBusy() {
    return this.state !== "idle" && this.state !== "over";
  }

  get totalBytes() {
    return this.entries.reduce((sum, entry) => sum + entry.file.size, 0);
  }

  /**
   * Upload files, after the current upload if there is one. Files of the system are left out.
   * @param {ChosenFile[]} files
   */
  add(files) {
    const accepted = files.filter(({ path }) => !IGNORED_NAMES.test(path.split("/").pop()));
    if (!accepted.length) return;
    this.waiting.push(...accepted);
    if (!this.isBusy) this.startNext();
    else this.notify();
  }

  startNext() {
    if (!this.waiting.length) return;
    this.clear();
    // Archives are an upload of their own, after the photos.
    const isArchive = ({ path }) => ARCHIVE_NAMES.test(path);
    const photos = this.waiting.filter((file) => !isArchive(file));
    const files = (photos.length ? photos : this.waiting).slice(0, MAX_FILES_PER_UPLOAD);
    const chosen = new Set(files);
    this.waiting = this.waiting.filter((file) => !chosen.has(file));
    this.entries = files.map((file) => ({ ...file, arrived: false, received: 0 }));
    this.announce();
  }

  async announce() {
    this.state = "announcing";
    this.notify();
    try {
      const files = this.entries.map(({ path, file }) => ({ path, size: file.size }));
      const server = await this.request("POST", "", { files });
      this.id = server.id;
      this.server = server;
      this.entries.forEach((entry, number) => {
        entry.number = number;
      });
      this.sendMissing(server);
    } catch (error) {
      this.stall(error);
    }
  }

  /** Send the files that the server lists as missing. */
  sendMissing(server) {
    const missing = new Map(server.missing.map((item) => [item.number, item.received ?? 0]));
    // Not missing: files that have arrived, and files that are no photos by their names.
    for (const entry of this.entries) {
      entry.arrived = !missing.has(entry.number);
      entry.received = missing.get(entry.number) ?? 0;
    }
    this.queue = this.entries.filter((entry) => !entry.arrived);
    const remainingBytes = this.queue.reduce((sum, entry) => sum + entry.file.size, 0);
    this.doneBytes = this.totalBytes - remainingBytes;
    this.state = "sending";
    this.problem = "";
    this.samples = [];
    this.failed = [];
    this.round += 1; // stops workers of an earlier round that still wait to try again
    this.watch();
    for (let i = 0; i < MAX_PARALLEL; i += 1) this.work();
    this.checkAllSent();
  }

  async work() {
    const { round } = this;
    while (this.isCurrent(round) && this.queue.length) {
      const entry = this.queue.shift();
      this.sending.set(entry, { sentBytes: 0, controller: new AbortController() });
      try {
        await this.send(entry);
        entry.arrived = true;
        this.doneBytes += entry.file.size;
      } catch (error) {
        if (this.isCurrent(round)) this.handleFailure(entry, error);
      }
      this.sending.delete(entry);
      this.notify();
    }
    this.checkAllSent();
  }

  isCurrent(round) {
    return this.state === "sending" && this.round === round;
  }

  async send(entry) {
    const { round } = this;
    const progress = this.sending.get(entry);
    const path = `/${this.id}/files/${entry.number}`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.sendParts(path, entry, progress);
        return;
      } catch (error) {
        progress.sentBytes = entry.received;
        // A part arrived whose answer was lost.
        const isBehind = error.status === 409;
        const canRetry = attempt < MAX_ATTEMPTS && (isBehind || isTemporary(error.status));
        if (!canRetry || !this.isCurrent(round)) throw error;
        await this.pause(400 * 2 ** attempt);
        if (!this.isCurrent(round)) throw error;
        if (isBehind && (await this.hasArrived(entry))) return;
      }
    }
  }

  /** Ask the server how much of a file has arrived, and whether all of it has. */
  async hasArrived(entry) {
    const server = await this.request("GET", `/${this.id}?files=true`);
    const item = server.missing.find(({ number }) => number === entry.number);
    entry.received = item?.received ?? entry.file.size;
    return item === undefined;
  }

  /** Send a file, a large one part by part from where it was cut off. */
  async sendParts(path, entry, progress) {
    const { file } = entry;
    const { signal } = progress.controller;
    const onProgress = (sentBytes) => {
      progress.sentBytes = entry.received + sentBytes;
    };
    if (file.size <= PART_BYTES && !entry.received) {
      await this.put(path, file, { onProgress, signal });
      return;
    }
    while (entry.received < file.size) {
      const end = Math.min(entry.received + PART_BYTES, file.size);
      const part = file.slice(entry.received, end);
      await this.put(`${path}?offset=${entry.received}`, part, { onProgress, signal });
      entry.received = end;
    }
  }

  handleFailure(entry, error) {
    const concernsOnlyThisFile = error.status === 400 || error.status === 404;
    if (concernsOnlyThisFile) this.failed.push({ entry, message: error.message });
    else this.stall(error);
  }

  stall({ message, status }) {
    this.state = "stalled";
    this.problem = message;
    this.problemStatus = status;
    this.abortRequests();
    this.notify();
  }

  abortRequests() {
    for (const { controller } of this.sending.values()) controller.abort();
  }

  checkAllSent() {
    if (this.state !== "sending" || this.queue.length || this.sending.size) return;
    this.state = this.failed.length ? "failed" : "tagging";
    this.notify();
  }

  /** Continue a stalled upload or retry refused files: send what the server lists as missing. */
  async continueUpload() {
    if (this.id === null) return this.announce();
    this.state = "announcing";
    this.notify();
    try {
      const server = await this.request("GET", `/${this.id}?files=true`);
      if (server.state === "running") return this.sendMissing(server);
    } catch (error) {
      if (error.status !== 404) return this.stall(error);
    }
    // The server has ended the upload after its timeout: the missing files become a new upload.
    this.entries = this.entries.filter((entry) => !entry.arrived);
    return this.announce();
  }

  /**
   * Resume an upload of an earlier visit with files that were chosen again. Files are matched with
   * the missing files by path and size; other files are ignored.
   * @param {ServerUpload} server with its missing files
   * @param {ChosenFile[]} files
   * @returns {number} how many files match; with 0 nothing changes
   */
  resumeUpload(server, files) {
    const numbersByKey = new Map();
    for (const item of server.missing) {
      const key = `${item.path}\n${item.size}`;
      numbersByKey.set(key, [...(numbersByKey.get(key) || []), item.number]);
    }
    const matched = [];
    for (const chosen of files) {
      const number = numbersByKey.get(`${chosen.path}\n${chosen.file.size}`)?.shift();
      if (number !== undefined) matched.push({ ...chosen, number, arrived: false, received: 0 });
    }
    if (!matched.length) return 0;
    this.clear();
    this.id = server.id;
    this.server = server;
    this.entries = matched;
    this.sendMissing(server);
    return matched.length;
  }

  /** Cancel the current upload and drop all waiting files. */
  async cancel() {
    const { id } = this;
    this.waiting = [];
    this.state = "cancelled";
    this.abortRequests();
    this.notify();
    if (id !== null) await this.request("DELETE", `/${id}`).catch(() => {});
    this.finish();
  }

  /** End the upload without the files that were refused. */
  async endWithoutFailed() {
    if (this.id !== null) await this.request("POST", `/${this.id}/end`).catch(() => {});
    this.failed = [];
    this.state = "tagging";
    this.watch();
  }

  /** End the upload, and those waiting, without the files that have not arrived. */
  async endNow() {
    this.waiting = [];
    this.queue = [];
    this.round += 1; // stops the workers
    this.abortRequests();
    if (this.id === null) this.finish();
    else await this.endWithoutFailed();
  }

  finish() {
    this.state = "over";
    this.notify();
    this.startNext();
  }

  /** Request the state of the upload every second until it has ended. */
  async watch() {
    const { id } = this;
    if (this.watchedId === id) return;
    this.watchedId = id;
    while (this.id === id && this.isBusy) {
      try {
        this.server = await this.request("GET", `/${id}?files=${this.state === "stalled"}`);
        if (this.server.state !== "running") break;
      } catch {
        // If the server is down, sending the next file reports it.
      }
      this.addSample();
      this.notify();
      await this.pause(STATUS_INTERVAL_MS);
    }
    this.watchedId = null;
    if (this.id === id && this.isBusy && this.server?.next) {
      this.follow(this.server.next);
      return;
    }
    if (this.id === id && this.isBusy && this.state !== "cancelled") this.finish();
  }

  /** Show the upload that adds the photos of the archives that were sent. */
  follow(id) {
    this.id = id;
    this.samples = [];
    this.state = "tagging";
    this.notify();
    this.watch();
  }

  addSample() {
    const sendingBytes = [...this.sending.values()].reduce(
      (sum, { sentBytes }) => sum + sentBytes,
      0,
    );
    const sample = [performance.now(), this.doneBytes + sendingBytes, this.server?.done ?? 0];
    this.samples = [...this.samples.slice(1 - MAX_SAMPLES), sample];
  }

  rate(column) {
    if (this.samples.length < 2) return 0;
    const first = this.samples[0];
    const last = this.samples.at(-1);
    return ((last[column] - first[column]) * 1000) / (last[0] - first[0]);
  }

  /** Bytes sent per second, over the last 20 intervals. */
  get bytesPerSecond() {
    return this.rate(1);
  }

  /** Photos tagged per second, over the last 20 intervals. */
  get photosPerSecond() {
    return this.rate(2);
  }
}
