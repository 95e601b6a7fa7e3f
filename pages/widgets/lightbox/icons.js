// Icons of the lightbox, drawn as lines on a field of 24 by 24.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  close: "M6 6 18 18M18 6 6 18",
  previous: "M15 5 8 12l7 7",
  next: "M9 5l7 7-7 7",
  "zoom-in": "M11 4a7 7 0 1 1 0 14a7 7 0 1 1 0-14M16 16l5 5M8 11h6M11 8v6",
  "zoom-out": "M11 4a7 7 0 1 1 0 14a7 7 0 1 1 0-14M16 16l5 5M8 11h6",
  play: "M8 5v14l11-7z",
  pause: "M8 5v14M16 5v14",
  film: "M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18M10 8.5v7l5.5-3.5z",
  info: "M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18M12 11v6M12 7.5v.1",
};

/**
 * A decorative icon.
 * @param {keyof PATHS} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
