// What this phone has sent, so that the same photos chosen again are passed over. Kept in the
// browser (IndexedDB): names, sizes, times and hashes, no photos.
import { sha256 } from "./sha256.js";

const STORE = "sent";
const BY_SIZE = "bySize";
const BY_UPLOAD = "byUpload";

/**
 * A file that was sent. upload, number: as long as its result is not known.
 * @typedef {object} SentRow
 * @property {string} id
 * @property {string} sizeKey
 * @property {string | null} sha256
 * @property {string} [upload]
 * @property {number} [number]
 */

function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function openDatabase() {
  const request = indexedDB.open("scene-phone", 1);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore(STORE, { keyPath: "id" });
    store.createIndex(BY_SIZE, "sizeKey");
    store.createIndex(BY_UPLOAD, "upload");
  };
  return result(request);
}

/**
 * The files sent to one library. Without storage, as in private windows or on a full phone, nothing
 * is remembered: the files are sent again, and the computer has them already.
 */
export class SentFiles {
  /** @param {string} library the computer's name for the library */
  constructor(library) {
    this.library = library;
    this.database = openDatabase().catch(() => null);
    /** Ends when the results so far are stored. */
    this.settled = Promise.resolve();
  }

  /** Run an action on the stored rows; null where it fails. */
  async run(mode, action) {
    try {
      const database = await this.database;
      return database ? await action(database.transaction(STORE, mode).objectStore(STORE)) : null;
    } catch {
      return null;
    }
  }

  idOf({ name, size, lastModified }) {
    return `${this.library}|${size}|${lastModified}|${name}`;
  }

  sizeKeyOf({ size }) {
    return `${this.library}|${size}`;
  }

  /**
   * Whether a file was sent: by name, size and time, else by its content.
   * @param {File} file
   * @returns {Promise<boolean>}
   */
  async has(file) {
    await this.settled;
    const rows = await this.run("readonly", (store) =>
      result(store.index(BY_SIZE).getAll(this.sizeKeyOf(file))),
    );
    if (!rows?.length) return false;
    if (rows.some(({ id }) => id === this.idOf(file))) return true;
    // Only where one of the same size was sent: reading a whole file takes a while.
    const hash = await sha256(file).catch(() => null);
    return hash !== null && rows.some((row) => row.sha256 === hash);
  }

  /**
   * Remember a file that has arrived and has no result yet.
   * @param {File} file
   * @param {string | null} hash its SHA-256, if the computer has told it
   * @param {string} upload
   * @param {number} number
   */
  async add(file, hash, upload, number) {
    const row = { id: this.idOf(file), sizeKey: this.sizeKeyOf(file), sha256: hash };
    await this.run("readwrite", (store) => result(store.put({ ...row, upload, number })));
  }

  /**
   * Keep a file whose result is known, or forget it.
   * @param {File} file
   * @param {boolean} isKept
   */
  settle(file, isKept) {
    this.settled = this.settled.then(async () => {
      if (isKept) await this.completeRow(file);
      await this.settleRow(this.idOf(file), isKept);
    });
    return this.settled;
  }

  /** Hash a file here if the answer of the computer, which tells its hash, was lost. */
  async completeRow(file) {
    const id = this.idOf(file);
    const row = await this.run("readonly", (store) => result(store.get(id)));
    if (row?.sha256) return;
    const hash = await sha256(file).catch(() => null);
    const completed = { id, sizeKey: this.sizeKeyOf(file), ...row, sha256: hash };
    await this.run("readwrite", (store) => result(store.put(completed)));
  }

  async settleRow(id, isKept) {
    await this.run("readwrite", async (store) => {
      if (!isKept) return result(store.delete(id));
      const row = await result(store.get(id));
      if (!row?.upload) return null;
      const { upload: _, number: __, ...settled } = row;
      return result(store.put(settled));
    });
  }

  /**
   * Settle what an earlier visit has sent and got no results of. Files without a result of an upload
   * that is over, or of another code, are forgotten: they may have been cancelled.
   * @param {(upload: string) => Promise<object | null>} fetchUpload with its results
   */
  async settleEarlier(fetchUpload) {
    const all = await this.run("readonly", (store) => result(store.index(BY_UPLOAD).getAll()));
    const rows = (all ?? []).filter(({ id }) => id.startsWith(`${this.library}|`));
    for (const upload of new Set(rows.map((row) => row.upload))) {
      const answer = await fetchUpload(upload);
      const states = new Map(answer?.results.map(({ number, state }) => [number, state]));
      for (const row of rows.filter((other) => other.upload === upload)) {
        const state = states.get(row.number);
        if (state === undefined && answer?.state === "running") continue;
        await this.settleRow(row.id, state === "added" || state === "known");
      }
    }
  }
}
