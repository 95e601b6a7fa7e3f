// A server that started anew counts acts from the beginning: what the browser shows before the
// server does gives way to what the server says after this time.
const PATIENCE_MS = 5000;

// While the server starts again, a click would be lost: it waits until the page is connected.
function whenConnected(act) {
  const app = document.querySelector("[data-test-connection-state]");
  const isThere = () => !app || app.dataset.testConnectionState === "CONNECTED";
  if (isThere()) return act();
  const watch = new MutationObserver(() => {
    if (!isThere()) return;
    watch.disconnect();
    setTimeout(act, 500);
  });
  watch.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });
}
