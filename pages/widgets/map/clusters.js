// Clusters of photos as buttons on the map.
import { element, plainButton } from "../dom.js";
import { fitted, MAX_ZOOM, pixelOf, pixelsOfArea } from "./mercator.js";
import { clusterName } from "./places.js";

// Photos so close to each other at the deepest zoom cannot be told apart.
const SAME_SPOT_PX = 64;
const CLOSER_MARGIN_PX = 90;
const CLUSTER_PX = 56;

/**
 * @typedef {object} Cluster
 * @property {number} photos
 * @property {number} latitude
 * @property {number} longitude
 * @property {[number, number, number, number]} within the area of its photos
 * @property {string} photo_id
 */

/**
 * Return where a click on a cluster leads: to a closer view, or null to show its photos.
 * @param {Cluster} cluster
 * @param {import("./mercator.js").View} view
 */
export function closerView({ photos, within }, view) {
  if (photos === 1 || view.zoom >= MAX_ZOOM) return null;
  if (Math.max(...pixelsOfArea(within, MAX_ZOOM)) < SAME_SPOT_PX) return null;
  const target = fitted(view, within, CLOSER_MARGIN_PX);
  return target.zoom >= view.zoom + 1 ? target : { ...target, zoom: view.zoom + 1 };
}

/** The buttons of the clusters, in the order of the tab key: from the west to the east. */
export class ClusterList {
  /**
   * @param {(cluster: Cluster) => void} onOpen
   * @param {() => void} onFocusLost the button with the focus is not shown any more
   */
  constructor(onOpen, onFocusLost) {
    this.onFocusLost = onFocusLost;
    this.node = element("ul", "clusters");
    this.node.setAttribute("role", "list");
    this.node.setAttribute("aria-label", "Photos by place");
    this.clusters = [];
    this.items = new Map();
    this.node.onclick = (event) => {
      const item = event.target.closest("li");
      if (item) onOpen(item.cluster);
    };
  }

  /**
   * Replace the clusters; a button of the same photo and count stays, and with it the focus.
   * @param {Cluster[]} clusters
   * @param {import("./places.js").City[]} cities
   */
  show(clusters, cities) {
    this.clusters = clusters;
    const sorted = [...clusters].sort(
      (a, b) => a.longitude - b.longitude || a.latitude - b.latitude,
    );
    const items = new Map();
    for (const cluster of sorted) {
      const key = `${cluster.photo_id} ${cluster.photos}`;
      const item = this.items.get(key) ?? newItem(cluster);
      item.cluster = cluster;
      const name = clusterName(cluster, cities);
      item.firstChild.setAttribute("aria-label", name);
      item.firstChild.title = name;
      items.set(key, item);
    }
    const isSame =
      items.size === this.items.size && [...items.keys()].every((k) => this.items.has(k));
    this.items = items;
    if (isSame) return;
    const { focusedItem } = this;
    this.draw();
    if (focusedItem?.isConnected) focusedItem.firstChild.focus({ preventScroll: true });
    else if (focusedItem) this.onFocusLost();
  }

  /** Leave the buttons that stay where they are: one that is moved forgets a click in work. */
  draw() {
    const items = new Set(this.items.values());
    for (const item of [...this.node.children]) if (!items.has(item)) item.remove();
    let next = this.node.firstChild;
    for (const item of items) {
      if (item === next) next = next.nextSibling;
      else this.node.insertBefore(item, next);
    }
  }

  /** Put the buttons where their photos are; those outside the screen leave the tab order. */
  place(view) {
    const { focusedItem } = this;
    for (const item of this.items.values()) {
      const [left, top] = pixelOf(view, item.cluster.latitude, item.cluster.longitude);
      item.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
      item.hidden = left < 0 || top < 0 || left > view.width || top > view.height;
    }
    if (focusedItem?.hidden) this.onFocusLost();
  }

  /** @returns {number[][]} the boxes of the buttons on the screen */
  boxes(view) {
    const half = CLUSTER_PX / 2;
    return this.clusters.map(({ latitude, longitude }) => {
      const [left, top] = pixelOf(view, latitude, longitude);
      return [left - half, top - half, left + half, top + half];
    });
  }

  /** @returns {Cluster | undefined} the cluster whose button has the focus */
  get focused() {
    return this.focusedItem?.cluster;
  }

  get focusedItem() {
    const { activeElement } = this.node.getRootNode();
    return this.node.contains(activeElement) ? activeElement.closest("li") : null;
  }

  /** @returns {HTMLLIElement[]} the items on the screen */
  get shownItems() {
    return [...this.items.values()].filter((item) => !item.hidden);
  }
}

function newItem({ photos, photo_id }) {
  const item = element("li", photos === 1 ? "cluster single" : "cluster");
  const button = plainButton("photo");
  const image = element("img");
  image.src = `/api/photos/${photo_id}/thumbnail`;
  image.alt = "";
  image.decoding = "async";
  image.draggable = false;
  button.append(image);
  if (photos > 1) button.append(element("span", "count", shortCount(photos)));
  item.append(button);
  return item;
}

/** Return a count in at most four characters: 999, 1.2k, 12k. */
export function shortCount(count) {
  if (count < 1000) return String(count);
  const thousands = count / 1000;
  return `${thousands < 9.95 ? thousands.toFixed(1).replace(".0", "") : Math.round(thousands)}k`;
}
