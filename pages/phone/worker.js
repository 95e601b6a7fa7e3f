// Service worker: takes photos that another app shares with the installed page. It stores nothing:
// no photo, no page and no answer of the computer is cached.

const KEPT_MS = 60_000;

/** @type {Promise<FormData> | null} what was shared and the page has not taken yet */
let shared = null;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "POST" || !new URL(url).pathname.endsWith("/share")) return;
  shared = event.request.formData();
  event.respondWith(Response.redirect("./?shared=here", 303));
  // The browser ends an idle worker, and what it holds in memory.
  event.waitUntil(new Promise((resolve) => setTimeout(resolve, KEPT_MS)));
});

self.addEventListener("message", (event) => {
  if (event.data !== "shared?") return;
  const form = shared ?? Promise.resolve(new FormData());
  shared = null;
  const handOver = async () => {
    const files = (await form.catch(() => new FormData())).getAll("photos");
    event.source.postMessage({ shared: files });
  };
  event.waitUntil(handOver());
});
