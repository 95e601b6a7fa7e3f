// Service worker: takes photos that another app shares with the installed page. It stores nothing:
// no photo, no page and no answer of the computer is cached.

const TIMEOUT_MS = 60_000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/**
 * Wait until the page asks for what was shared, and give it.
 * @param {Promise<FormData>} form
 */
async function handOver(form) {
  const client = await new Promise((resolve, reject) => {
    const listen = (event) => {
      if (event.data !== "shared?") return;
      self.removeEventListener("message", listen);
      resolve(event.source);
    };
    self.addEventListener("message", listen);
    setTimeout(() => reject(new Error("The page did not open.")), TIMEOUT_MS);
  });
  client.postMessage({ shared: (await form).getAll("photos") });
}

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "POST" || !new URL(url).pathname.endsWith("/share")) return;
  event.respondWith(Response.redirect("./?shared=here", 303));
  event.waitUntil(handOver(event.request.formData()));
});
