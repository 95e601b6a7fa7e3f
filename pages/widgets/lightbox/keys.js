// What a key does in the lightbox; no DOM.

const ANYWHERE = {
  ArrowLeft: "previous",
  ArrowRight: "next",
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  _: "zoom-out",
  i: "info",
  f: "favourite",
  v: "version",
  p: "film",
};
const WHEN_ZOOMED = { w: "up", a: "left", s: "down", d: "right", 0: "zoom-reset" };

/**
 * @typedef {object} KeyContext
 * @property {boolean} isTyping the focus is in a text field
 * @property {boolean} ownsEscape the focus is on a control that has something open, which Escape closes
 * @property {boolean} ownsSpace the focus is on a control that Space operates
 * @property {boolean} ownsArrows the focus is on a control that the arrow keys operate
 * @property {boolean} isZoomed
 * @property {boolean} isPlaying whether the slideshow plays
 * @property {boolean} isVideo whether the photo shown is a video
 */

/**
 * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean}} event
 * @param {KeyContext} context
 * @returns {string | null} the action; null leaves the key to the control with the focus
 */
export function keyAction(event, context) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.key === "Escape") {
    if (context.ownsEscape) return null;
    return context.isPlaying ? "stop" : "close";
  }
  if (context.isTyping) return null;
  if (event.key === " ") {
    if (context.ownsSpace) return null;
    return context.isVideo && !context.isPlaying ? "play" : "slideshow";
  }
  if (event.key.startsWith("Arrow") && context.ownsArrows) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (context.isZoomed && key in WHEN_ZOOMED) return WHEN_ZOOMED[key];
  if (/^[0-5]$/.test(key)) return `rating-${key}`;
  return ANYWHERE[key] ?? null;
}
