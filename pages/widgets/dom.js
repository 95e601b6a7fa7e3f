/**
 * Create an element. The text is set as text, never as HTML: file names are untrusted.
 * @param {string} name
 * @param {string} [className]
 * @param {string} [text]
 */
export function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

/**
 * Create a button that submits no form.
 * @param {string} className
 * @param {string} [text]
 */
export function plainButton(className, text) {
  const node = element("button", className, text);
  node.type = "button";
  return node;
}

/**
 * Return what Streamlit is to call when it has removed a component.
 *
 * Streamlit calls it too early where new data arrive while the component loads: it stays then.
 * @param {{isConnected: boolean}} parentElement of the component
 * @param {() => void} callback
 */
export function whenRemoved(parentElement, callback) {
  return () => {
    if (!parentElement.isConnected) callback();
  };
}
