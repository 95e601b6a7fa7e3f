// Requests of the uploader to the upload routes of the API.
import { UploadError } from "./engine.js";

const BASE_URL = "/api/uploads";
const DEFAULT_MESSAGE = "The upload failed.";

/**
 * Send a request and return the JSON of the response.
 * @param {string} method
 * @param {string} path below /api/uploads
 * @param {object} [body] sent as JSON
 * @returns {Promise<object>}
 * @throws {UploadError} with status 0 without a response, otherwise the HTTP status
 */
export async function request(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(`${BASE_URL}${path}`, options);
  } catch {
    throw new UploadError(0, "The server does not answer.");
  }
  const content = await response.json().catch(() => ({}));
  if (!response.ok) throw new UploadError(response.status, content.detail || DEFAULT_MESSAGE);
  return content;
}

/**
 * Send a file. XMLHttpRequest, because fetch does not report how much has been sent.
 * @param {string} path below /api/uploads
 * @param {Blob} file
 * @param {{onProgress: (sentBytes: number) => void, signal: AbortSignal}} options
 * @returns {Promise<void>}
 * @throws {UploadError} with status 0 if the connection breaks, -1 if the signal aborts
 */
export function put(path, file, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("PUT", `${BASE_URL}${path}`);
    xhr.upload.onprogress = (event) => onProgress(event.loaded);
    xhr.onload = () => {
      if (xhr.status < 300) resolve();
      else reject(new UploadError(xhr.status, errorDetail(xhr.responseText)));
    };
    xhr.onerror = () => reject(new UploadError(0, "The connection was lost."));
    xhr.onabort = () => reject(new UploadError(-1, "Cancelled."));
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(file);
  });
}

function errorDetail(responseText) {
  try {
    return JSON.parse(responseText).detail || DEFAULT_MESSAGE;
  } catch {
    return DEFAULT_MESSAGE;
  }
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
