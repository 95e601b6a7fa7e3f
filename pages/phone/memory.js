// What this phone has sent, so that the same photos chosen again are passed over. Kept in the
// browser (IndexedDB): names, sizes, times and hashes, no photos.
import { sha256 } from "./sha256.js";

const STORE = "sent";
const BY_SIZE = "bySize";

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
  };
  return result(request);
}

/** The files sent to one library. Without storage, as in private windows, nothing is remembered. */
export class SentFiles {
  /** @param {string} library the computer's name for the library */
  constructor(library) {
    this.library = library;
    this.database = openDatabase().catch(() => null);
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
    try {
      const database = await this.database;
      if (!database) return false;
      const store = database.transaction(STORE).objectStore(STORE);
      const [same, ofSize] = await Promise.all([
        result(store.get(this.idOf(file))),
        result(store.index(BY_SIZE).getAll(this.sizeKeyOf(file))),
      ]);
      if (same) return true;
      const hashes = new Set(ofSize.map((row) => row.sha256).filter(Boolean));
      // Only where one of the same size was sent: reading a whole file takes a while.
      return hashes.size > 0 && hashes.has(await sha256(file));
    } catch {
      return false;
    }
  }

  /**
   * Remember a file that has arrived.
   * @param {File} file
   * @param {string | null} hash its SHA-256, if the computer has told it
   */
  async add(file, hash) {
    try {
      const database = await this.database;
      const row = { id: this.idOf(file), sizeKey: this.sizeKeyOf(file), sha256: hash };
      const transaction = database?.transaction(STORE, "readwrite");
      if (transaction) await result(transaction.objectStore(STORE).put(row));
    } catch {
      // The storage is full: the file is sent again next time, and the computer has it already.
    }
  }
  /**
   * Forget a file that the computer refused after it had arrived.
   * @param {File} file
   */
  async remove(file) {
    try {
      const transaction = (await this.database)?.transaction(STORE, "readwrite");
      if (transaction) await result(transaction.objectStore(STORE).delete(this.idOf(file)));
    } catch {
      // It is then passed over next time, and can be sent again by a button.
    }
  }
}
