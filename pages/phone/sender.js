// Sends chosen files and follows what becomes of them. Has no access to the DOM.
import { isTemporary, UploadEngine } from "./engine.js";
import { Row } from "./rows.js";
import { lackOf } from "./traces.js";

const POLL_MS = 1_000;
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 30_000;

export class Sender {
  /**
   * @param {import("./server.js").Server} server
   * @param {import("./memory.js").SentFiles} memory
   * @param {() => void} onChange
   */
  constructor(server, memory, onChange) {
    this.server = server;
    this.memory = memory;
    this.onChange = onChange;
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Map<File, Row>} */
    this.byFile = new Map();
    /** @type {Set<Row>} those of the running transfers */
    this.sending = new Set();
    /** An upload of an earlier visit that still expects files, as the computer describes it. */
    this.interrupted = null;
    /** @type {(id: string) => void} called when an upload has begun */
    this.onBegun = () => {};
    this.retryMs = FIRST_RETRY_MS;
    this.retryTimer = null;
    this.followedId = null;
    server.onArrived = (file, hash, path) => this.arrived(file, hash, path);
    this.engine = new UploadEngine(server);
    this.engine.listeners.add(() => this.engineChanged());
  }

  get isBusy() {
    return this.engine.isBusy || this.rows.some((row) => row.state === "checking");
  }

  /** Whether the upload has stopped and goes on by itself when the computer answers again. */
  get isWaitingToRetry() {
    const { state, problemStatus } = this.engine;
    return state === "stalled" && (isTemporary(problemStatus) || problemStatus === -1);
  }

  /** @param {File[]} files */
  async add(files) {
    const rows = files.map((file) => new Row(file));
    for (const row of rows) this.byFile.set(row.file, row);
    this.rows.push(...rows);
    this.onChange();
    for (const row of rows) row.set((await this.memory.has(row.file)) ? "passed" : "waiting");
    this.send(rows.filter((row) => row.state === "waiting"));
    for (const row of rows) row.lack = await lackOf(row.file);
    this.onChange();
  }

  /** Send the files that were passed over. */
  sendAgain() {
    const rows = this.rows.filter((row) => row.state === "passed");
    for (const row of rows) row.set("waiting");
    this.send(rows);
  }

  send(rows) {
    let chosen = rows.map(({ file }) => ({ file, path: file.name }));
    if (this.interrupted && !this.engine.isBusy) {
      const server = this.interrupted;
      this.interrupted = null;
      if (this.engine.resumeUpload(server, chosen)) {
        const resumed = new Set(this.engine.entries.map((entry) => entry.file));
        chosen = chosen.filter(({ file }) => !resumed.has(file));
      }
    }
    this.engine.add(chosen);
    this.onChange();
  }

  /** Continue a stopped upload now: the phone is awake again, or somebody asked for it. */
  retry() {
    clearTimeout(this.retryTimer);
    this.retryTimer = null;
    const { state } = this.engine;
    if (state === "stalled" || state === "failed") this.engine.continueUpload();
  }

  /** Send nothing more; what has arrived is added. */
  async stop() {
    clearTimeout(this.retryTimer);
    await this.engine.endNow();
    for (const row of this.rows) {
      if (row.state === "waiting" || row.state === "sending") row.set("failed", "Stopped.");
    }
    this.onChange();
  }

  arrived(file, hash, path) {
    const row = this.byFile.get(file);
    if (!row?.isOver) row?.set("arrived"); // its result may have come first
    this.retryMs = FIRST_RETRY_MS;
    const [, upload, , number] = path.split("/");
    this.memory.add(file, hash, upload, Number(number));
  }

  engineChanged() {
    const { engine } = this;
    const sending = new Set();
    for (const [{ file }, { sentBytes }] of engine.sending) {
      const row = this.byFile.get(file);
      if (!row || row.isOver || row.state === "arrived") continue;
      row.set("sending");
      row.sentBytes = sentBytes;
      sending.add(row);
    }
    for (const row of this.sending) {
      if (row.state === "sending" && !sending.has(row)) row.set("waiting");
    }
    this.sending = sending;
    for (const { entry, message } of engine.failed) {
      const row = this.byFile.get(entry.file);
      if (row && !row.hasArrived) row.set("waiting", message);
    }
    if (engine.id && engine.id !== this.followedId && engine.state === "sending") {
      this.follow(engine.id);
    }
    if (this.isWaitingToRetry) this.retryLater();
    this.onChange();
  }

  retryLater() {
    if (this.retryTimer !== null) return;
    this.retryTimer = setTimeout(() => this.retry(), this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, MAX_RETRY_MS);
  }

  /** Ask for the results of an upload until it has ended. */
  async follow(id) {
    this.followedId = id;
    this.onBegun(id);
    const rows = new Map(
      this.engine.entries.map((entry) => [entry.number, this.byFile.get(entry.file)]),
    );
    let count = 0;
    for (;;) {
      try {
        const upload = await this.server.request("GET", `/${id}?after=${count}`);
        for (const result of upload.results) this.settle(rows.get(result.number), result);
        count += upload.results.length;
        if (upload.state !== "running") {
          this.settleRest(rows, upload);
          break;
        }
        this.onChange();
      } catch (error) {
        if (!isTemporary(error.status)) break;
      }
      await this.server.pause(POLL_MS);
    }
    this.onChange();
  }

  settle(row, { state, code, message }) {
    // Those that did not arrive are sent in another upload, unless somebody stopped it.
    if (!row || code === "upload_incomplete") return;
    row.set(state, message);
    this.memory.settle(row.file, state !== "refused");
  }

  /** Settle what has arrived without a result: cancelled, or not kept over a restart. */
  settleRest(rows, { state, waiting }) {
    for (const row of rows.values()) {
      if (row?.state !== "arrived") continue;
      if (state === "cancelled") {
        row.set("failed", "Cancelled on the computer.");
        this.memory.settle(row.file, false);
      } else {
        row.set("done", waiting ? "The computer has stored it, and adds it later." : "");
      }
    }
  }
}
