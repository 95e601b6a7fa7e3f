// Controls whose text is hard to read: contrast below a limit, whatever the size of the text.
// axe-core allows large text less, and leaves out what it is not sure about.
(limit) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const CONTROLS =
    "a[href], button, summary, [role=button], [role=tab], [role=radio], [role=checkbox]," +
    "[role=option], [role=menuitem], [data-tag], input:not([type=range]), textarea, select";

  /** Red, green and blue from 0 to 255, alpha from 0 to 1. */
  function rgba(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  const over = ([r, g, b, alpha], below) =>
    [r, g, b].map((value, i) => value * alpha + below[i] * (1 - alpha));

  function luminance(colour) {
    const [r, g, b] = colour.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  const parent = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;

  function ancestors(node) {
    const found = [];
    for (let next = node; next; next = parent(next)) found.push(next);
    return found;
  }

  /** The contrast of an element's text; null over a picture. */
  function contrast(node) {
    const layers = ancestors(node).map((each) => getComputedStyle(each));
    const opaque = layers.findIndex((style) => rgba(style.backgroundColor)[3] === 1);
    const own = layers.slice(0, opaque + 1);
    if (opaque < 0 || own.some((style) => style.backgroundImage !== "none")) return null;
    const background = own.reduceRight(
      (below, style) => over(rgba(style.backgroundColor), below),
      [255, 255, 255],
    );
    const opacity = layers.reduce((product, style) => product * Number(style.opacity), 1);
    const [r, g, b, alpha] = rgba(layers[0].color);
    const text = over([r, g, b, alpha * opacity], background);
    const [light, dark] = [luminance(text), luminance(background)].sort((x, y) => y - x);
    return opacity < 0.1 ? null : (light + 0.05) / (dark + 0.05);
  }

  function* textsOf(control) {
    for (const node of [control, ...control.querySelectorAll("*")]) {
      const isText = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
      if (isText || node.value) yield node;
    }
  }

  function* roots(root) {
    yield root;
    for (const node of root.querySelectorAll("*")) if (node.shadowRoot) yield* roots(node.shadowRoot);
  }

  const hard = [];
  for (const root of roots(document)) {
    for (const control of root.querySelectorAll(CONTROLS)) {
      if (control.closest(":disabled, [aria-disabled=true]")) continue;
      for (const node of textsOf(control)) {
        const isSeen = node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
        const value = isSeen && node.getClientRects().length ? contrast(node) : null;
        if (value === null || value >= limit) continue;
        const text = (node.textContent || node.value).trim().slice(0, 40);
        hard.push(`contrast ${value.toFixed(2)}: ${control.tagName} ${text}`);
      }
    }
  }
  return [...new Set(hard)];
}
