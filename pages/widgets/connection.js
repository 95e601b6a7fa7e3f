/**
 * How long the browser shows its own result before the server confirms it, in milliseconds.
 *
 * A restarted server counts actions from zero again, so it may never confirm an action sent before
 * the restart. After this time, the state sent by the server replaces the state of the browser.
 */
export const PATIENCE_MS = 5000;

/**
 * Call a function as soon as the page is connected to the server; at once if it is connected.
 *
 * While the server restarts, Streamlit would lose the message of a click.
 * @param {() => void} callback
 */
export function whenConnected(callback) {
  const app = document.querySelector("[data-test-connection-state]");
  const isConnected = () => !app || app.dataset.testConnectionState === "CONNECTED";
  if (isConnected()) {
    callback();
    return;
  }
  const observer = new MutationObserver(() => {
    if (!isConnected()) return;
    observer.disconnect();
    setTimeout(callback, 500);
  });
  observer.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });
}
