// Fingers on a list of photos: one that stays on a photo selects it. One that scrolls, a second one
// and one that leaves early do not.

/** How long a finger stays: as long as in the apps of phones. */
export const LONG_PRESS_MS = 500;
/** A finger that moved less than this has not moved. */
const STILL_PX = 10;

export class LongPress {
  /**
   * @param {EventTarget} list what is pressed
   * @param {(target: Element) => boolean} onPress called with what a finger stays on, after
   *   LONG_PRESS_MS; returns whether it did something. If not, the browser does what it would do.
   */
  constructor(list, onPress) {
    this.onPress = onPress;
    /** The finger that may become a long press: {id, x, y, target}. */
    this.finger = null;
    /** Whether the latest touch was a long press: no click follows it. */
    this.wasLong = false;
    /** Whether the latest pointer was a finger or a pen. */
    this.isFinger = false;
    list.addEventListener("pointerdown", (event) => this.onDown(event));
    list.addEventListener("pointermove", (event) => this.onMove(event));
    list.addEventListener("pointerup", () => this.forget());
    // The browser scrolls.
    list.addEventListener("pointercancel", () => this.forget());
    list.addEventListener("contextmenu", (event) => this.onMenu(event));
    list.addEventListener("click", (event) => this.onClick(event), true);
  }

  /** Whether a click is a tap, not one of the mouse or of a key. */
  isTap(click) {
    return this.isFinger && click.detail > 0;
  }

  onDown({ pointerId, pointerType, isPrimary, clientX, clientY, target }) {
    this.forget();
    this.isFinger = pointerType !== "mouse";
    this.wasLong = false;
    if (!this.isFinger || !isPrimary) return;
    this.finger = { id: pointerId, x: clientX, y: clientY, target };
    this.timer = setTimeout(() => this.press(), LONG_PRESS_MS);
  }

  onMove({ pointerId, clientX, clientY }) {
    if (pointerId !== this.finger?.id) return;
    const { x, y } = this.finger;
    if (Math.hypot(clientX - x, clientY - y) > STILL_PX) this.forget();
  }

  // The menu of a phone comes after a time of the phone's own.
  onMenu(event) {
    if (this.finger) this.press();
    if (this.wasLong) event.preventDefault();
  }

  // Some browsers send a click when the finger leaves.
  onClick(event) {
    if (!this.wasLong) return;
    this.wasLong = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  press() {
    const { target } = this.finger;
    this.forget();
    this.wasLong = this.onPress(target);
  }

  forget() {
    clearTimeout(this.timer);
    this.finger = null;
  }
}
