// Fingers and mouse on the stage: taps, swipes, pans and pinches; no DOM.

const DOUBLE_TAP_MS = 300;
const DOUBLE_TAP_PX = 40;
/** A pointer that moved less than this has not moved. */
const STILL_PX = 8;
const SWIPE_PX_PER_MS = 0.4;
/** Part of the width of the stage. */
const SWIPE_DISTANCE = 0.22;
const CLOSE_PX = 110;

/**
 * @typedef {object} Pointer
 * @property {number} id
 * @property {string} type "mouse", "touch" or "pen"
 * @property {number} x from the centre of the stage
 * @property {number} y
 * @property {number} time in milliseconds
 */

/**
 * @typedef {object} GestureHandlers
 * @property {() => boolean} isZoomed
 * @property {() => number} width width of the stage
 * @property {(dx: number, dy: number) => void} pan the zoomed picture was dragged
 * @property {(factor: number, point: {x: number, y: number}) => void} pinch
 * @property {(dx: number, dy: number) => void} drag the whole picture follows a finger
 * @property {(result: "next" | "previous" | "close" | null) => void} release the finger left
 * @property {(point: {x: number, y: number, type: string}) => void} tap
 * @property {(point: {x: number, y: number}) => void} doubleTap
 */

const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);

/** What a finger that dragged the whole picture wants. */
export function swipeResult({ dx, dy, ms, width }) {
  if (Math.abs(dx) > Math.abs(dy)) {
    const isFast = Math.abs(dx) / Math.max(1, ms) > SWIPE_PX_PER_MS && Math.abs(dx) > 30;
    if (!isFast && Math.abs(dx) < width * SWIPE_DISTANCE) return null;
    return dx < 0 ? "next" : "previous";
  }
  return dy > CLOSE_PX ? "close" : null;
}

/** Tells gestures apart from the pointers of a stage. */
export class Gestures {
  /** @param {GestureHandlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.pointers = new Map();
    this.lastTap = null;
  }

  /** @param {Pointer} pointer */
  down(pointer) {
    this.pointers.set(pointer.id, pointer);
    if (this.pointers.size === 1) {
      this.start = pointer;
      this.hasMoved = false;
    } else {
      if (this.isDragging) this.handlers.release(null);
      this.hasMoved = true;
      this.isPinching = true;
    }
    this.isDragging = false;
  }

  /** @param {Pointer} pointer */
  move(pointer) {
    const before = this.pointers.get(pointer.id);
    if (!before) return;
    if (this.pointers.size >= 2) this.movePinch(before, pointer);
    else if (!this.isPinching) this.moveOne(before, pointer);
    this.pointers.set(pointer.id, pointer);
  }

  movePinch(before, pointer) {
    const [other] = [...this.pointers.values()].filter(({ id }) => id !== pointer.id);
    const [from, to] = [middle(before, other), middle(pointer, other)];
    this.handlers.pinch(distance(pointer, other) / Math.max(1, distance(before, other)), to);
    this.handlers.pan(to.x - from.x, to.y - from.y);
  }

  moveOne(before, pointer) {
    if (!this.hasMoved && distance(this.start, pointer) < STILL_PX) return;
    this.hasMoved = true;
    if (this.handlers.isZoomed()) {
      this.handlers.pan(pointer.x - before.x, pointer.y - before.y);
    } else if (pointer.type !== "mouse") {
      this.isDragging = true;
      this.handlers.drag(pointer.x - this.start.x, pointer.y - this.start.y);
    }
  }

  /** @param {Pointer} pointer */
  up(pointer) {
    if (!this.pointers.delete(pointer.id) || this.pointers.size) return;
    this.isPinching = false;
    if (this.isDragging) {
      this.isDragging = false;
      const { x, y, time } = this.start;
      const [dx, dy, ms] = [pointer.x - x, pointer.y - y, pointer.time - time];
      this.handlers.release(swipeResult({ dx, dy, ms, width: this.handlers.width() }));
    } else if (!this.hasMoved) {
      this.tap(pointer);
    }
  }

  cancel() {
    this.pointers.clear();
    this.isPinching = false;
    if (this.isDragging) this.handlers.release(null);
    this.isDragging = false;
  }

  tap(pointer) {
    const last = this.lastTap;
    const isSecond =
      last && pointer.time - last.time < DOUBLE_TAP_MS && distance(last, pointer) < DOUBLE_TAP_PX;
    this.lastTap = isSecond ? null : pointer;
    if (isSecond) this.handlers.doubleTap(pointer);
    else this.handlers.tap(pointer);
  }
}
