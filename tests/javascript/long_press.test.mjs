// A finger that stays on a photo, and fingers that do something else.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LONG_PRESS_MS, LongPress } from "../../pages/widgets/photo_grid/long_press.js";

function newList(context, isUseful = true) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const list = new EventTarget();
  const pressed = [];
  const longPress = new LongPress(list, (target) => {
    pressed.push(target);
    return isUseful;
  });
  const clicks = [];
  list.addEventListener("click", (event) => clicks.push(longPress.isTap(event)));
  const send = (type, fields = {}) => {
    const event = new Event(type, { cancelable: true });
    const finger = { pointerId: 1, pointerType: "touch", isPrimary: true, clientX: 0, clientY: 0 };
    list.dispatchEvent(Object.assign(event, finger, { detail: 1 }, fields));
    return event;
  };
  return { pressed, clicks, send, wait: (ms) => context.mock.timers.tick(ms) };
}

describe("LongPress", () => {
  test("presses once, without a click and without the menu of the browser", (context) => {
    const { pressed, clicks, send, wait } = newList(context);
    send("pointerdown");
    wait(LONG_PRESS_MS - 1);
    assert.equal(pressed.length, 0);
    wait(1);
    assert.equal(pressed.length, 1);
    assert.equal(send("contextmenu").defaultPrevented, true);
    send("pointerup");
    send("click");
    assert.deepEqual(clicks, []);
    assert.equal(pressed.length, 1);
    send("pointerdown");
    send("pointerup");
    send("click");
    assert.deepEqual(clicks, [true]);
  });

  test("presses as soon as the browser wants to show its menu", (context) => {
    const { pressed, send, wait } = newList(context);
    send("pointerdown");
    wait(LONG_PRESS_MS / 2);
    assert.equal(send("contextmenu").defaultPrevented, true);
    wait(LONG_PRESS_MS);
    assert.equal(pressed.length, 1);
  });

  test("leaves scrolling, pinches, the mouse and other lists alone", (context) => {
    const { pressed, clicks, send, wait } = newList(context);
    const others = [
      () => send("pointermove", { clientY: 11 }),
      () => send("pointercancel"),
      () => send("pointerup"),
      () => send("pointerdown", { pointerId: 2, isPrimary: false }),
    ];
    for (const other of others) {
      send("pointerdown");
      other();
      wait(LONG_PRESS_MS);
    }
    send("pointerdown", { pointerType: "mouse" });
    wait(LONG_PRESS_MS);
    assert.equal(send("contextmenu").defaultPrevented, false);
    send("click");
    assert.deepEqual([pressed, clicks], [[], [false]]);
  });

  test("does not take the menu where a long press does nothing", (context) => {
    const { clicks, send, wait } = newList(context, false);
    send("pointerdown");
    wait(LONG_PRESS_MS);
    assert.equal(send("contextmenu").defaultPrevented, false);
    send("click");
    assert.deepEqual(clicks, [true]);
  });

  test("a finger may tremble, and a key is no tap", (context) => {
    const { pressed, clicks, send, wait } = newList(context);
    send("pointerdown");
    send("pointermove", { clientX: 6, clientY: 6 });
    wait(LONG_PRESS_MS);
    assert.equal(pressed.length, 1);
    send("pointerdown");
    send("click", { detail: 0 });
    assert.deepEqual(clicks, [false]);
  });
});
