// The logic of the lightbox: order of photos, zoom, gestures, keys, slideshow, files.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PATIENCE_MS } from "../../pages/widgets/connection.js";
import { Gestures, swipeResult } from "../../pages/widgets/lightbox/gestures.js";
import { keyAction } from "../../pages/widgets/lightbox/keys.js";
import { PhotoSequence } from "../../pages/widgets/lightbox/sequence.js";
import { INTERVALS_S, Slideshow } from "../../pages/widgets/lightbox/slideshow.js";
import { filmUrl, needsWhole, wholeSource } from "../../pages/widgets/lightbox/sources.js";
import { Viewport } from "../../pages/widgets/lightbox/viewport.js";

const photo = (id, index) => ({ id, index, name: `${id}.jpg`, favourite: false, rating: 0 });
const PHOTOS = ["a", "b", "c", "d"].map((id, i) => photo(id, i));

function serverData(changes = {}) {
  return { opening: "one", heard: 0, id: "b", count: 1157, photos: PHOTOS, ...changes };
}

function newSequence() {
  const sent = [];
  const clock = { ms: 1000 };
  const sequence = new PhotoSequence(
    (message) => sent.push(structuredClone(message)),
    () => clock.ms,
  );
  sequence.receive(serverData());
  return { sequence, sent, clock };
}

describe("PhotoSequence", () => {
  test("shows the next photo before the server does", () => {
    const { sequence, sent } = newSequence();
    assert.equal(sequence.place, "2 of 1,157");
    assert.equal(sequence.step(1), true);
    assert.equal(sequence.photo.id, "c");
    assert.equal(sequence.isAhead, true);
    assert.equal(sequence.spoken, "Photo 3 of 1,157: c.jpg");
    assert.deepEqual(sent.at(-1), {
      opening: "one",
      actions: [{ kind: "show", id: "c", index: 2, number: 1 }],
    });
    sequence.receive(serverData()); // another answer, made before
    assert.equal(sequence.photo.id, "c");
    sequence.receive(serverData({ heard: 1, id: "c" }));
    assert.equal(sequence.isAhead, false);
  });

  test("sends only the latest photo, and every edit", () => {
    const { sequence, sent } = newSequence();
    sequence.mark("rating", 4);
    sequence.step(1);
    sequence.step(1);
    sequence.mark("favourite", true);
    const kinds = sent.at(-1).actions.map(({ kind, id, value }) => [kind, id, value]);
    assert.deepEqual(kinds, [
      ["rating", "b", 4],
      ["show", "d", undefined],
      ["favourite", "d", true],
    ]);
    assert.deepEqual(sequence.marks, { favourite: true, rating: 0 });
    sequence.step(-1);
    sequence.step(-1);
    assert.deepEqual(sequence.marks, { favourite: false, rating: 4 });
  });

  test("ends at the photos that were sent", () => {
    const { sequence, sent } = newSequence();
    sequence.step(-1);
    assert.equal(sequence.step(-1), false);
    assert.equal(sequence.photo.id, "a");
    assert.equal(sent.length, 1);
  });

  test("shows another photo of a stack in its place, and goes on from there", () => {
    const { sequence, sent } = newSequence();
    assert.equal(sequence.switchTo(), false, "in no stack");
    const stack = [photo("b", 1), photo("raw", 1), photo("film", 1)];
    const photos = PHOTOS.map((each) => (each.id === "b" ? { ...each, stack } : each));
    sequence.receive(serverData({ photos }));
    assert.equal(sequence.switchTo(), true);
    assert.equal(sequence.photo.id, "raw");
    assert.equal(sequence.place, "2 of 1,157");
    assert.deepEqual(sent.at(-1).actions, [{ kind: "show", id: "raw", index: 1, number: 1 }]);
    assert.equal(sequence.switchTo("raw"), false, "shown already");
    assert.equal(sequence.switchTo("film"), true);
    sequence.switchTo();
    assert.equal(sequence.photo.id, "b", "the next of the last is the first");
    sequence.switchTo();
    sequence.step(1);
    assert.equal(sequence.photo.id, "c");
    sequence.step(-1);
    assert.equal(sequence.photo.id, "b");
  });

  test("follows the server when a photo was moved to the trash", () => {
    const { sequence } = newSequence();
    sequence.receive(serverData({ id: "c", photos: [PHOTOS[0], PHOTOS[2]] }));
    assert.equal(sequence.photo.id, "c");
  });

  test("stays closed until the photo is opened again", () => {
    const { sequence } = newSequence();
    sequence.close();
    assert.equal(sequence.receive(serverData()), false);
    assert.equal(sequence.isClosed, true);
    assert.equal(sequence.receive(serverData({ opening: "two" })), true);
    assert.equal(sequence.isClosed, false);
  });

  test("shows a photo that the server is still to open, and sends later what was done", () => {
    const { sequence, sent } = newSequence();
    sequence.close();
    sent.length = 0;
    sequence.expect("two", PHOTOS[3]);
    assert.equal(sequence.spoken, "Photo d.jpg");
    assert.equal(sequence.isClosed, false);
    for (const opening of ["one", null]) {
      assert.equal(sequence.receive(serverData({ opening })), false); // sent before
      assert.equal(sequence.photo.id, "d");
    }
    sequence.mark("favourite", true);
    assert.equal(sequence.marks.favourite, true);
    assert.deepEqual(sent, []);
    assert.equal(sequence.receive(serverData({ opening: "two", id: "d" })), false);
    assert.equal(sequence.place, "4 of 1,157");
    const action = { kind: "favourite", id: "d", value: true, number: 1 };
    assert.deepEqual(sent, [{ opening: "two", actions: [action] }]);
  });

  test("closed before the server opened it, it stays closed", () => {
    const { sequence, sent } = newSequence();
    sequence.expect("two", PHOTOS[3]);
    sequence.close();
    assert.equal(sequence.receive(serverData({ opening: "two", id: "d" })), false);
    assert.equal(sequence.isClosed, true);
    assert.deepEqual(sent.at(-1).actions, [{ kind: "close", number: 1 }]);
  });

  test("follows a server that opened another photo, or closed", () => {
    const { sequence } = newSequence();
    sequence.expect("two", PHOTOS[3]);
    assert.equal(sequence.receive(serverData({ opening: "three", id: "a" })), true);
    assert.equal(sequence.photo.id, "a");
    assert.equal(sequence.receive(serverData({ opening: null, id: null, photos: [] })), false);
    assert.equal(sequence.isClosed, true);
  });

  test("counts on where an earlier element of the same opening ended", () => {
    const sent = [];
    const sequence = new PhotoSequence((message) => sent.push(message));
    sequence.receive(serverData({ heard: 7 }));
    sequence.step(1);
    assert.equal(sent[0].actions[0].number, 8);
  });

  test("sends an action again that the server does not confirm", () => {
    const { sequence, sent, clock } = newSequence();
    sequence.step(1);
    sequence.receive(serverData());
    assert.equal(sent.length, 1);
    clock.ms += PATIENCE_MS + 1;
    sequence.receive(serverData());
    assert.equal(sequence.photo.id, "c");
    assert.equal(sent.length, 2);
    assert.deepEqual(sent[1], sent[0]);
  });

  test("knows a photo without results, and none at all", () => {
    const { sequence } = newSequence();
    sequence.receive(serverData({ count: 0, photos: [PHOTOS[1]] }));
    assert.equal(sequence.place, "");
    assert.equal(sequence.spoken, "Photo b.jpg");
    sequence.receive(serverData({ id: null, photos: [] }));
    assert.equal(sequence.photo, null);
    assert.equal(sequence.at(1), null);
    assert.equal(sequence.spoken, "Photo");
  });
});

describe("Viewport", () => {
  function newViewport() {
    const viewport = new Viewport();
    viewport.setSizes({ width: 1000, height: 800 }, { width: 4000, height: 2000 });
    return viewport;
  }

  test("fits a photo on the stage and enlarges small ones only so far", () => {
    const viewport = newViewport();
    assert.deepEqual(viewport.fit, { width: 1000, height: 500 });
    viewport.setSizes({ width: 1000, height: 800 }, { width: 100, height: 100 });
    assert.deepEqual(viewport.fit, { width: 300, height: 300 });
  });

  test("zooms around a point, within limits", () => {
    const viewport = newViewport();
    viewport.zoomTo(2, { x: 100, y: 0 });
    assert.equal(viewport.x, -100);
    viewport.zoomTo(1000);
    assert.equal(viewport.zoom, viewport.maxZoom);
    viewport.zoomTo(0.1);
    assert.equal(viewport.zoom, 1);
    assert.ok(viewport.x === 0 && viewport.y === 0);
  });

  test("keeps the picture on the stage", () => {
    const viewport = newViewport();
    viewport.zoomTo(2);
    viewport.panBy(9999, 9999);
    assert.equal(viewport.x, 500);
    assert.equal(viewport.y, 100);
  });

  test("a double tap shows pixels, a second one the whole photo", () => {
    const viewport = newViewport();
    viewport.toggle({ x: 0, y: 0 });
    assert.equal(viewport.zoom, 4);
    viewport.toggle({ x: 0, y: 0 });
    assert.equal(viewport.isZoomed, false);
  });
});

describe("Gestures", () => {
  function newGestures(isZoomed = false) {
    const calls = [];
    const note =
      (name) =>
      (...values) =>
        calls.push([name, ...values]);
    const names = ["pan", "pinch", "drag", "release", "tap", "doubleTap"];
    const handlers = Object.fromEntries(names.map((name) => [name, note(name)]));
    const gestures = new Gestures({ ...handlers, isZoomed: () => isZoomed, width: () => 400 });
    const at = (x, y, time = 0, id = 1, type = "touch") => ({ x, y, time, id, type });
    return { gestures, calls, at };
  }

  test("a finger to the left asks for the next photo", () => {
    const { gestures, calls, at } = newGestures();
    gestures.down(at(100, 0));
    gestures.move(at(20, 5, 100));
    gestures.up(at(-80, 5, 200));
    assert.deepEqual(calls, [
      ["drag", -80, 5],
      ["release", "next"],
    ]);
  });

  test("swipes by distance, by speed, down, and not far enough", () => {
    const width = 400;
    assert.equal(swipeResult({ dx: 150, dy: 0, ms: 5000, width }), "previous");
    assert.equal(swipeResult({ dx: -45, dy: 0, ms: 60, width }), "next");
    assert.equal(swipeResult({ dx: -45, dy: 0, ms: 600, width }), null);
    assert.equal(swipeResult({ dx: 10, dy: 150, ms: 600, width }), "close");
    assert.equal(swipeResult({ dx: 10, dy: -150, ms: 600, width }), null);
  });

  test("a drag moves the zoomed picture, with the mouse only then", () => {
    const zoomed = newGestures(true);
    zoomed.gestures.down(zoomed.at(0, 0, 0, 1, "mouse"));
    zoomed.gestures.move(zoomed.at(30, 10, 0, 1, "mouse"));
    assert.deepEqual(zoomed.calls, [["pan", 30, 10]]);
    const whole = newGestures();
    whole.gestures.down(whole.at(0, 0, 0, 1, "mouse"));
    whole.gestures.move(whole.at(30, 10, 0, 1, "mouse"));
    whole.gestures.up(whole.at(30, 10, 0, 1, "mouse"));
    assert.deepEqual(whole.calls, []);
  });

  test("two fingers pinch and never swipe", () => {
    const { gestures, calls, at } = newGestures();
    gestures.down(at(-50, 0, 0, 1));
    gestures.down(at(50, 0, 0, 2));
    gestures.move(at(150, 0, 0, 2));
    assert.deepEqual(calls[0], ["pinch", 2, { x: 50, y: 0 }]);
    gestures.up(at(150, 0, 0, 2));
    gestures.move(at(200, 0, 0, 1));
    gestures.up(at(200, 0, 0, 1));
    assert.ok(!calls.some(([name]) => name === "release" || name === "tap"));
  });

  test("two taps at one place are a double tap", () => {
    const { gestures, calls, at } = newGestures();
    for (const time of [0, 200, 2000]) {
      gestures.down(at(5, 5, time));
      gestures.up(at(5, 5, time));
    }
    assert.deepEqual(
      calls.map(([name]) => name),
      ["tap", "doubleTap", "tap"],
    );
  });
});

describe("keyAction", () => {
  const action = (key, context = {}, event = {}) => keyAction({ key, ...event }, context);

  test("Escape closes, also while something is typed", () => {
    assert.equal(action("Escape"), "close");
    assert.equal(action("Escape", { isTyping: true }), "close");
    assert.equal(action("Escape", { isTyping: true, ownsEscape: true }), null);
    assert.equal(action("Escape", { isPlaying: true }), "stop");
  });

  test("0 ends the zoom, and otherwise the rating", () => {
    assert.equal(action("0", { isZoomed: true }), "zoom-reset");
    assert.equal(action("0"), "rating-0");
    assert.equal(action("5"), "rating-5");
    assert.equal(action("6"), null);
  });

  test("keys for typing and for the browser do nothing else", () => {
    assert.equal(action("f", { isTyping: true }), null);
    assert.equal(action("ArrowRight", { isTyping: true }), null);
    assert.equal(action("f", {}, { ctrlKey: true }), null);
    assert.equal(action(" ", { ownsSpace: true }), null);
    assert.equal(action("ArrowLeft", { ownsArrows: true }), null);
  });

  test("Space plays a video, and stops a slideshow that shows one", () => {
    assert.equal(action(" "), "slideshow");
    assert.equal(action(" ", { isVideo: true }), "play");
    assert.equal(action(" ", { isVideo: true, isPlaying: true }), "slideshow");
  });

  test("letters move the picture only when it is zoomed", () => {
    assert.equal(action("d"), null);
    assert.equal(action("D", { isZoomed: true }), "right");
    assert.equal(action("F"), "favourite");
    assert.equal(action(" "), "slideshow");
  });
});

describe("Slideshow", () => {
  function newSlideshow(advance) {
    const timers = { due: null };
    timers.set = (callback, ms) => {
      timers.due = { callback, ms };
      return timers.due;
    };
    timers.clear = () => {
      timers.due = null;
    };
    return { slideshow: new Slideshow(advance, () => {}, timers), timers };
  }

  test("counts from the moment a picture is shown, and ends at the last photo", () => {
    const results = [true, false];
    const { slideshow, timers } = newSlideshow(() => results.shift());
    slideshow.wait();
    assert.equal(timers.due, null);
    slideshow.start();
    assert.equal(timers.due.ms, slideshow.seconds * 1000);
    timers.due.callback();
    assert.equal(slideshow.isPlaying, true);
    slideshow.wait();
    timers.due.callback();
    assert.equal(slideshow.isPlaying, false);
  });

  test("stops, and takes every interval in turn", () => {
    const { slideshow, timers } = newSlideshow(() => true);
    slideshow.start();
    const seen = INTERVALS_S.map(() => {
      slideshow.changeInterval();
      return timers.due.ms / 1000;
    });
    assert.deepEqual(new Set(seen), new Set(INTERVALS_S));
    slideshow.stop();
    assert.equal(timers.due, null);
  });
});

test("the whole photo is loaded only where it shows more than the preview", () => {
  const large = { width: 4000, height: 3000 };
  assert.equal(needsWhole(large, 3000), true);
  assert.equal(needsWhole(large, 1300), false);
  assert.equal(needsWhole({ width: 900, height: 600 }, 3000), false);
});

test("the whole photo is the original, or a JPEG where browsers cannot show that", () => {
  const source = (format) => wholeSource({ id: "a1", format });
  assert.deepEqual(source("PNG"), { url: "/api/photos/a1/original", type: "image/png" });
  for (const format of ["CR3", "DNG", "HEIF", "JXL", "NEF", "TIFF"])
    assert.deepEqual(source(format), { url: "/api/photos/a1/full", type: "image/jpeg" });
});

test("the film of a picture is a part of its file, or the video of its stack", () => {
  const [picture, film] = [{ id: "a" }, { id: "b", is_video: true }];
  picture.stack = film.stack = [picture, film];
  assert.equal(filmUrl(picture), "/api/photos/b/video");
  assert.equal(filmUrl(film), undefined);
  assert.equal(filmUrl({ id: "c" }), undefined);
  assert.equal(filmUrl({ id: "d", film: true, stack: [] }), "/api/photos/d/film");
});
