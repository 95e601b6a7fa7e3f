// Moves and zooms of a map by mouse, touch and keyboard.

const KEY_STEP_PX = 90;
const CLICK_PX = 6;
const DOUBLE_MS = 350;
const WHEEL_PER_ZOOM = 240;
const KEY_MOVES = {
  ArrowLeft: [KEY_STEP_PX, 0],
  ArrowRight: [-KEY_STEP_PX, 0],
  ArrowUp: [0, KEY_STEP_PX],
  ArrowDown: [0, -KEY_STEP_PX],
};
const KEY_ZOOMS = { "+": 1, "=": 1, "-": -1, _: -1 };

/**
 * What a map does when it is told to; pixels are those of the map.
 * @typedef {object} Moves
 * @property {(right: number, down: number) => void} move
 * @property {(by: number, at?: [number, number], isSmooth?: boolean) => void} zoom
 * @property {(from: [number, number], to: [number, number]) => void} showArea while it is drawn
 * @property {(from: [number, number], to: [number, number]) => void} chooseArea
 * @property {() => boolean} isChoosingArea whether a drag draws an area also without Shift
 * @property {() => void} cancelArea
 * @property {() => boolean} needsKey whether the wheel zooms only with Ctrl or Command
 */

export class Gestures {
  /**
   * @param {HTMLElement} surface where people drag
   * @param {HTMLElement} keys what has the focus for the keys
   * @param {Moves} moves
   */
  constructor(surface, keys, moves) {
    this.surface = surface;
    this.moves = moves;
    this.pointers = new Map();
    this.area = null;
    surface.onpointerdown = (event) => this.onDown(event);
    surface.onpointermove = (event) => this.onMove(event);
    surface.onpointerup = (event) => this.onUp(event);
    surface.onpointercancel = (event) => this.onUp(event, true);
    surface.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    keys.onkeydown = (event) => this.onKey(event);
  }

  pixel(event) {
    const box = this.surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  onDown(event) {
    if (event.button > 0) return;
    this.surface.setPointerCapture(event.pointerId);
    const at = this.pixel(event);
    this.pointers.set(event.pointerId, at);
    this.downAt = at;
    this.isDrag = false;
    if (this.pointers.size > 1) this.dropArea();
    else if (event.shiftKey || this.moves.isChoosingArea()) this.area = at;
  }

  onMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const at = this.pixel(event);
    this.isDrag ||= Math.hypot(at[0] - this.downAt[0], at[1] - this.downAt[1]) > CLICK_PX;
    if (this.area) this.moves.showArea(this.area, at);
    else if (this.pointers.size === 2) this.pinch(event.pointerId, before, at);
    else if (this.isDrag) this.moves.move(at[0] - before[0], at[1] - before[1]);
    if (this.isDrag || this.pointers.size > 1) this.pointers.set(event.pointerId, at);
  }

  pinch(id, before, at) {
    const other = [...this.pointers].find(([pointer]) => pointer !== id)[1];
    const distance = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    const middle = (point) => [(point[0] + other[0]) / 2, (point[1] + other[1]) / 2];
    const [from, to] = [middle(before), middle(at)];
    this.isDrag = true;
    this.moves.move(to[0] - from[0], to[1] - from[1]);
    this.moves.zoom(Math.log2(distance(at) / distance(before)), to);
  }

  onUp(event, isCancelled = false) {
    if (!this.pointers.delete(event.pointerId)) return;
    const at = this.pixel(event);
    const from = this.area;
    if (from) {
      this.area = null;
      if (!isCancelled && this.isDrag) this.moves.chooseArea(from, at);
      else this.moves.cancelArea();
    } else if (!this.isDrag && !isCancelled) this.click(event, at);
  }

  /** The second of two clicks or taps zooms in. */
  click(event, at) {
    const isDouble = event.timeStamp - (this.clickedAt ?? Number.NEGATIVE_INFINITY) < DOUBLE_MS;
    this.clickedAt = isDouble ? undefined : event.timeStamp;
    if (isDouble) this.moves.zoom(event.shiftKey ? -1 : 1, at, true);
  }

  dropArea() {
    if (this.area) this.moves.cancelArea();
    this.area = null;
  }

  onWheel(event) {
    const hasKey = event.ctrlKey || event.metaKey;
    if (this.moves.needsKey() && !hasKey) return;
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY;
    // A trackpad's pinch comes as small wheel steps with the Ctrl key.
    const by = -pixels / (hasKey && Math.abs(pixels) < 50 ? WHEEL_PER_ZOOM / 4 : WHEEL_PER_ZOOM);
    this.moves.zoom(Math.max(-1, Math.min(1, by)), this.pixel(event));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      this.dropArea();
      this.moves.cancelArea();
    } else if (event.key in KEY_MOVES) this.moves.move(...KEY_MOVES[event.key], true);
    else if (event.key in KEY_ZOOMS) this.moves.zoom(KEY_ZOOMS[event.key], undefined, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
