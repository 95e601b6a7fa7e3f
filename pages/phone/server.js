// Requests to the computer, with the code's token.
import { UploadError } from "./engine.js";

const DEFAULT_MESSAGE = "The computer refused it.";
const NO_ANSWER = "The computer does not answer.";
// A connection that dies while the phone sleeps may never report it.
const REQUEST_TIMEOUT_MS = 30_000;
const SILENCE_MS = 60_000;

function detailOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function errorOf(status, text) {
  const { detail, type } = detailOf(text);
  const error = new UploadError(status, detail || DEFAULT_MESSAGE);
  error.code = String(type ?? "")
    .split(":")
    .at(-1);
  return error;
}

/** The routes for phones. */
export class Server {
  /** @param {string} token */
  constructor(token) {
    this.authorization = `Bearer ${token}`;
    /** @type {(file: File, hash: string | null, path: string) => void} when a file has arrived */
    this.onArrived = () => {};
  }

  /** @returns {Promise<{ends_at: number, library: string}>} */
  session() {
    return this.fetch("GET", "session");
  }

  /** A request of the upload engine. */
  request = (method, path, body) => this.fetch(method, `uploads${path}`, body);

  async fetch(method, path, body) {
    const options = {
      method,
      headers: { Authorization: this.authorization },
      cache: "no-store",
      signal: AbortSignal.timeout?.(REQUEST_TIMEOUT_MS),
    };
    if (body !== undefined) {
      options.body = JSON.stringify(body);
      options.headers["Content-Type"] = "application/json";
    }
    let response;
    let text;
    try {
      response = await fetch(path, options);
      text = await response.text();
    } catch {
      throw new UploadError(0, NO_ANSWER);
    }
    if (!response.ok) throw errorOf(response.status, text);
    return detailOf(text);
  }

  /** Send a file; see the transport of the upload engine. */
  put = (path, file, { onProgress, signal }) =>
    new Promise((resolve, reject) => {
      const xhr = new XMLHttpRequest();
      let timer;
      const restartTimer = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          reject(new UploadError(0, NO_ANSWER));
          xhr.abort();
        }, SILENCE_MS);
      };
      xhr.open("PUT", `uploads${path}`);
      xhr.setRequestHeader("Authorization", this.authorization);
      xhr.setRequestHeader("Content-Type", "application/octet-stream");
      xhr.upload.onprogress = (event) => {
        restartTimer();
        onProgress(event.loaded);
      };
      xhr.onload = () => {
        if (xhr.status >= 300) {
          reject(errorOf(xhr.status, xhr.responseText));
          return;
        }
        this.onArrived(file, detailOf(xhr.responseText).sha256 ?? null, path);
        resolve();
      };
      xhr.onerror = () => reject(new UploadError(0, "The connection was lost."));
      xhr.onabort = () => reject(new UploadError(-1, "Stopped."));
      xhr.onloadend = () => clearTimeout(timer);
      signal.addEventListener("abort", () => xhr.abort());
      restartTimer();
      xhr.send(file);
    });

  pause = (ms) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
}
