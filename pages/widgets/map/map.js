// A map of the photos: outlines and names on a canvas, clusters as buttons over it. It asks the server
// for the clusters of what is on the screen, and tells the page which area that is.
import { whenConnected } from "../connection.js";
import { element, plainButton } from "../dom.js";
import { ClusterList, closerView } from "./clusters.js";
import { Gestures } from "./gestures.js";
import { Ground } from "./ground.js";
import { areaBetween, areaOf, fitted, limited, moved, scaleBar, zoomed } from "./mercator.js";
import { clusterName, counted } from "./places.js";

const ASK_AFTER_MS = 150;
const TELL_AFTER_MS = 500;
const ZOOM_MS = 220;
// The server counts a little more than the screen, so that no cluster is cut at the edge.
const MARGIN_PX = 80;
// Between two zooms, clusters are counted for the wider one where they would overlap otherwise.
const SPARSER = 0.25;
const SCALE_PX = 120;
// The first view goes no closer than a region.
const FIRST_ZOOM = 11;
const WORLD = [-60, -180, 80, 180];

class PhotoMap {
  constructor(root) {
    this.node = element("div", "map");
    this.ground = new Ground(() => this.nameClusters());
    this.clusters = new ClusterList(
      (cluster) => this.open(cluster),
      () => this.surface.focus({ preventScroll: true }),
    );
    this.rectangle = element("div", "rectangle");
    this.rectangle.hidden = true;
    this.scale = element("div", "scale");
    this.scale.append(element("span"), element("div", "bar"));
    this.credit = element("p", "credit", "Natural Earth · GeoNames (CC BY 4.0)");
    this.notice = element("p", "notice");
    this.notice.hidden = true;
    this.status = element("p", "unseen");
    this.status.setAttribute("role", "status");
    this.surface = element("div", "surface");
    this.surface.tabIndex = 0;
    this.surface.setAttribute("role", "group");
    this.surface.append(this.ground.node);
    this.tools = this.newTools();
    this.node.append(this.surface, this.rectangle, this.clusters.node, this.tools);
    this.node.append(this.scale, this.credit, this.notice, this.status);
    root.append(this.node);
    this.gestures = new Gestures(this.surface, this.node, this.moves());
    // A cluster is no obstacle to a drag or the wheel.
    this.clusters.node.addEventListener("wheel", (event) => this.gestures.onWheel(event), {
      passive: false,
    });
    new ResizeObserver(() => this.resize()).observe(this.node);
  }

  newTools() {
    const tools = element("div", "tools");
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", "Map tools");
    const add = (text, label, onclick) => {
      const button = plainButton("tool", text);
      button.setAttribute("aria-label", label);
      button.title = label;
      button.onclick = onclick;
      tools.append(button);
      return button;
    };
    add("+", "Zoom in", () => this.zoomBy(1));
    add("−", "Zoom out", () => this.zoomBy(-1));
    add("All", "Show all photos", () => this.showAll());
    this.areaButton = add("Select area", "Select area", () => this.chooseAreas(!this.isChoosing));
    this.areaButton.setAttribute("aria-pressed", "false");
    this.searchButton = add("Search here", "Search here", () => this.sendArea(areaOf(this.view)));
    return tools;
  }

  moves() {
    return {
      move: (right, down, isSmooth) => this.go(moved(this.target, right, down), isSmooth),
      zoom: (by, at, isSmooth) =>
        this.go(zoomed(this.target, this.target.zoom + by, ...(at ?? [])), isSmooth),
      showArea: (from, to) => this.drawRectangle(from, to),
      chooseArea: (from, to) => this.chooseArea(from, to),
      isChoosingArea: () => this.isChoosing,
      cancelArea: () => this.chooseAreas(false),
      needsKey: () => this.data.embedded,
    };
  }

  update({ data, setStateValue, setTriggerValue }) {
    const isFirst = !this.data;
    const { data: last } = this;
    Object.assign(this, { data, setStateValue, setTriggerValue });
    this.surface.setAttribute("aria-label", data.label);
    this.node.style.setProperty("--height", data.height);
    this.node.classList.toggle("dark", data.dark);
    this.node.classList.toggle("embedded", data.embedded);
    this.ground.readStyle();
    this.ground.load(data.version).catch(() => {
      this.failure = "The map could not be loaded. Reload the page to try again.";
      this.notify("");
    });
    if (isFirst) return;
    if (data.move !== last.move) this.jump();
    else if (data.stamp !== last.stamp || data.query !== last.query) this.ask();
    else this.draw();
  }

  /** Name the clusters that came before the cities. */
  nameClusters() {
    this.clusters.show(this.clusters.clusters, this.ground.cities);
    this.draw();
  }

  /** Show a line on the map; an empty one leaves what stays true. */
  notify(text) {
    this.notice.textContent = text || this.failure || "";
    this.notice.hidden = !this.notice.textContent;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.node;
    if (!width || !height) return;
    this.ground.resize(width, height);
    if (!this.view) this.jump();
    else {
      this.view = this.target = limited({ ...this.view, width, height });
      this.settle();
    }
  }

  /** Show the area that the page asks for. */
  jump() {
    const { clientWidth: width, clientHeight: height } = this.node;
    if (!width || !height) return;
    const { area, is_exact: isExact } = this.data;
    const blank = { x: 0.5, y: 0.5, zoom: 0, width, height };
    this.view = isExact
      ? fitted(blank, area)
      : fitted(blank, area ?? WORLD, area ? MARGIN_PX : 0, FIRST_ZOOM);
    this.target = this.view;
    this.settle();
  }

  showAll() {
    const area = this.data.all;
    this.go(fitted(this.view, area ?? WORLD, area ? MARGIN_PX : 0, FIRST_ZOOM), true);
  }

  zoomBy(by) {
    this.go(zoomed(this.target, Math.round(this.target.zoom + by)), true);
  }

  /** Go to a view; a smooth change takes a moment, unless people asked for less motion. */
  go(target, isSmooth = false) {
    this.target = target;
    const isStill = !isSmooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!isStill && !this.isAnimating) this.animate();
    if (isStill && !this.isAnimating) {
      this.view = target;
      this.settle();
    }
  }

  animate() {
    this.isAnimating = true;
    const start = performance.now();
    const from = this.view;
    const step = (now) => {
      const part = Math.min(1, (now - start) / ZOOM_MS);
      const eased = 1 - (1 - part) ** 3;
      const { target } = this;
      const east = target.x - from.x - Math.round(target.x - from.x);
      const mixed = {
        ...target,
        zoom: from.zoom + (target.zoom - from.zoom) * eased,
        x: from.x + east * eased,
        y: from.y + (target.y - from.y) * eased,
      };
      this.view = part < 1 ? limited(mixed) : target;
      if (part < 1) {
        this.draw();
        requestAnimationFrame(step);
      } else {
        this.isAnimating = false;
        this.settle();
      }
    };
    requestAnimationFrame(step);
  }

  /** Draw the view; ask for its clusters and tell the page as soon as it stays. */
  settle() {
    this.draw();
    clearTimeout(this.askTimer);
    this.askTimer = setTimeout(() => this.ask(), ASK_AFTER_MS);
    clearTimeout(this.tellTimer);
    this.tellTimer = setTimeout(() => this.tell(), TELL_AFTER_MS);
  }

  draw() {
    if (!this.view || this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.paint();
    });
  }

  paint() {
    const { view } = this;
    const panels = [this.tools, this.scale, this.credit].map(panelBox);
    this.ground.paint(view, [...panels, ...this.clusters.boxes(view)]);
    this.clusters.place(view);
    const { text, width } = scaleBar(view, SCALE_PX);
    this.scale.firstChild.textContent = text;
    this.scale.lastChild.style.width = `${width}px`;
  }

  async ask() {
    if (!this.view || !this.node.isConnected) return;
    this.asking?.abort();
    this.asking = new AbortController();
    const parameters = new URLSearchParams({
      within: areaOf(this.view, MARGIN_PX).join(),
      zoom: String(Math.max(0, Math.round(this.view.zoom - SPARSER))),
      q: this.data.query,
    });
    try {
      const { signal } = this.asking;
      const response = await fetch(`/api/map/clusters?${parameters}`, { signal });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      this.receive(answer.clusters);
    } catch (error) {
      if (error.name !== "AbortError") this.notify(`No photos were counted: ${error.message}`);
    }
  }

  receive(clusters) {
    if (!this.isChoosing) this.notify("");
    this.clusters.show(clusters, this.ground.cities);
    this.paint();
    const { shownItems } = this.clusters;
    const photos = shownItems.reduce((sum, { cluster }) => sum + cluster.photos, 0);
    const [photoCount, placeCount] = [
      counted(photos, "photo"),
      counted(shownItems.length, "place"),
    ];
    this.status.textContent = `${photoCount} in ${placeCount}`;
    if (this.awaitsFocus) {
      this.awaitsFocus = false;
      (shownItems[0]?.firstChild ?? this.surface).focus({ preventScroll: true });
    }
  }

  tell() {
    const within = areaOf(this.view);
    // On another page the address is not the map's any more.
    if (!this.node.isConnected || String(within) === this.told) return;
    this.told = String(within);
    if (!this.data.embedded) writeAddress(within);
    whenConnected(() => this.setStateValue("area", within));
  }

  /** Show the photos of a cluster, closer by or in the page. */
  open(cluster) {
    const closer = closerView(cluster, this.view);
    if (closer) {
      this.awaitsFocus = this.clusters.focused === cluster;
      this.go(closer, true);
      return;
    }
    const { photos, photo_id, within } = cluster;
    const name = clusterName(cluster, this.ground.cities);
    whenConnected(() => this.setTriggerValue("opened", { photos, photo_id, within, name }));
  }

  chooseAreas(isChoosing) {
    this.isChoosing = isChoosing;
    this.rectangle.hidden = true;
    this.areaButton.setAttribute("aria-pressed", String(isChoosing));
    this.node.classList.toggle("choosing", isChoosing);
    this.notify(isChoosing ? "Drag over the map to select an area. Escape ends it." : "");
  }

  drawRectangle(from, to) {
    const { left, top, right, bottom } = corners(from, to);
    this.rectangle.hidden = false;
    Object.assign(this.rectangle.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${right - left}px`,
      height: `${bottom - top}px`,
    });
  }

  chooseArea(from, to) {
    const { left, top, right, bottom } = corners(from, to);
    this.chooseAreas(false);
    this.sendArea(areaBetween(this.view, [left, top], [right, bottom]));
  }

  sendArea(within) {
    whenConnected(() => this.setTriggerValue("chosen", within));
  }
}

/** @returns {number[]} the box of a panel on the map */
function panelBox({ offsetLeft, offsetTop, offsetWidth, offsetHeight }) {
  return [offsetLeft, offsetTop, offsetLeft + offsetWidth, offsetTop + offsetHeight];
}

function corners([x0, y0], [x1, y1]) {
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  return { left, right, top: Math.min(y0, y1), bottom: Math.max(y0, y1) };
}

/** Write the area into the address, without an entry in the history; the page does the same. */
function writeAddress(within) {
  const address = new URL(location.href);
  address.searchParams.set("within", within.join());
  history.replaceState(history.state, "", address);
}

const instances = new WeakMap();

/** Draw the map of one component; its state outlives the runs of the page. */
export default function (component) {
  const { parentElement } = component;
  if (!instances.has(parentElement)) instances.set(parentElement, new PhotoMap(parentElement));
  instances.get(parentElement).update(component);
}
