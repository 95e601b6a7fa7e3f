// One photo on the whole screen. The browser shows the next photo at once; the server follows with
// the drawer. Streamlit draws the drawer beside the element of this component.
import { whenConnected } from "../connection.js";
import { element, whenRemoved } from "../dom.js";
import { PHOTO_CLOSED, PHOTO_OPENED, shared } from "../shared.js";
import { dropPhoto, leavePhoto, namePhoto, photoInAddress } from "./address.js";
import { Controls } from "./controls.js";
import { Dialog, focusContext, focusInGrid, isLightboxShown } from "./dialog.js";
import { isOnVideoControls } from "./film.js";
import { Gestures } from "./gestures.js";
import { keyAction } from "./keys.js";
import { PhotoSequence } from "./sequence.js";
import { Slides } from "./slides.js";
import { Slideshow } from "./slideshow.js";
import { Viewport } from "./viewport.js";

const ZOOM_STEP = 1.5;
const PAN_STEP_PX = 80;
const REST_MS = 2500;
// A browser goes back in a few milliseconds.
const LONGEST_BACK_MS = 1000;
const PANS = { up: [0, 1], down: [0, -1], left: [1, 0], right: [-1, 0] };

class Lightbox {
  constructor(root) {
    this.stage = element("div", "stage");
    this.stage.tabIndex = -1;
    this.dialog = new Dialog(root);
    this.viewport = new Viewport();
    this.sequence = new PhotoSequence((message) => {
      whenConnected(() => this.setStateValue("acts", message));
    });
    this.controls = new Controls((action) => this.act(action));
    this.slides = new Slides(() => this.slideshow.wait());
    this.slideshow = new Slideshow(
      () => this.walk(1),
      () => {
        this.draw();
        this.wake();
      },
      { set: (callback, ms) => setTimeout(callback, ms), clear: (timer) => clearTimeout(timer) },
    );
    this.stage.append(this.slides.node);
    root.append(this.stage, ...this.controls.nodes);
    this.gestures = this.newGestures();
    this.listen();
  }

  /** Size of the stage in CSS pixels. */
  get size() {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }

  /** Whether the photo shown is a video: it is played, not enlarged. */
  get isVideo() {
    return Boolean(this.sequence.photo?.is_video);
  }

  /** Play or pause; the arrow keys stay those of the lightbox. */
  tapVideo() {
    this.slides.togglePlay();
    this.dialog.takeFocus();
  }

  newGestures() {
    return new Gestures({
      isZoomed: () => this.viewport.isZoomed,
      width: () => this.size.width,
      pan: (dx, dy) => this.changeView(() => this.viewport.panBy(dx, dy)),
      pinch: (factor, point) => this.zoomBy(factor, point),
      drag: (dx, dy) => this.slides.drag(dx, dy),
      release: (result) => this.release(result),
      tap: ({ type }) => {
        if (this.isVideo) this.tapVideo();
        else if (type !== "mouse") this.dialog.host.toggleAttribute("data-bare");
      },
      doubleTap: (point) => {
        if (this.isVideo) this.tapVideo();
        else this.changeView(() => this.viewport.toggle(point));
      },
    });
  }

  listen() {
    const { stage } = this;
    const pointer = (event) => ({
      id: event.pointerId,
      type: event.pointerType,
      time: event.timeStamp,
      ...this.pointOf(event),
    });
    stage.onpointerdown = (event) => {
      if (event.button !== 0 || isOnVideoControls(event)) return;
      stage.setPointerCapture(event.pointerId);
      this.gestures.down(pointer(event));
    };
    stage.onpointermove = (event) => {
      this.gestures.move(pointer(event));
      if (this.slideshow.isPlaying && event.pointerType === "mouse") this.wake();
    };
    stage.onpointerup = (event) => this.gestures.up(pointer(event));
    stage.onpointercancel = () => this.gestures.cancel();
    stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    new ResizeObserver(() => this.draw()).observe(stage);
    this.heard = {
      keydown: (event) => this.onKey(event),
      popstate: () => this.onHistory(),
    };
    this.onOpened = ({ detail }) => this.expect(detail);
    shared.events.addEventListener(PHOTO_OPENED, this.onOpened);
    // Before all others, so that no control and no dialog keeps a key to itself.
    for (const [name, listener] of Object.entries(this.heard)) {
      window.addEventListener(name, listener, { capture: true });
    }
  }

  /** @returns {boolean} whether the lightbox covers the page */
  get isOpen() {
    return this.stage.isConnected && !this.sequence.isClosed;
  }

  pointOf({ clientX, clientY }) {
    const box = this.stage.getBoundingClientRect();
    return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
  }

  /** Show a photo at once; the server follows with the photos around it. */
  expect({ opening, photo }) {
    if (!this.stage.isConnected) return;
    this.pendingStep = 0;
    this.sequence.expect(opening, { favourite: false, rating: 0, ...photo });
    this.appear();
  }

  update({ data, setStateValue }) {
    this.setStateValue = setStateValue;
    const wasOpen = this.isOpen;
    const isOpening = this.sequence.receive(data);
    // Closed on another page, and the server was not told.
    if (isOpening && shared.closed.has(data.opening)) this.sequence.close();
    if (this.sequence.isClosed) {
      this.dialog.show(this.dialogState);
      if (wasOpen) this.closedByServer();
      return;
    }
    if (isOpening) this.pendingStep = 0;
    else if (this.pendingStep && this.sequence.step(this.pendingStep)) this.pendingStep = 0;
    if (data.error) this.dialog.isInfoOpen = true;
    if (isOpening) this.appear();
    else this.draw();
  }

  appear() {
    this.dialog.show(this.dialogState);
    this.draw();
    this.dialog.takeFocus();
  }

  /** The last photo is gone, or Back was pressed. */
  closedByServer() {
    this.slideshow.stop();
    this.slides.clear();
    dropPhoto();
    focusInGrid(this.drawnId);
    this.drawnId = undefined;
  }

  get dialogState() {
    const { spoken, isAhead, isClosed } = this.sequence;
    return { name: spoken, isBehind: isAhead, isClosed };
  }

  draw() {
    if (!this.isOpen) return;
    const { photo } = this.sequence;
    const isOther = photo?.id !== this.drawnId;
    this.drawnId = photo?.id;
    if (isOther) {
      this.viewport.reset();
      this.controls.showFilm("still");
    }
    this.dialog.show(this.dialogState);
    this.slides.show(this.sequence, this.size);
    this.controls.showPhoto(this.sequence);
    this.controls.showInfo(this.dialog.isInfoOpen && !this.slideshow.isPlaying);
    this.changeView(() => this.viewport.setSizes(this.size, photo ?? { width: 0, height: 0 }));
    this.drawSlideshow();
    if (photo) namePhoto(photo.id);
    if (isOther && this.slides.current?.isLoaded) this.slideshow.wait();
  }

  drawSlideshow() {
    this.controls.showSlideshow(this.slideshow, Boolean(this.sequence.at(1)));
    this.dialog.node?.toggleAttribute("data-playing", this.slideshow.isPlaying);
  }

  /** Show the controls; they hide while a slideshow plays and the mouse rests. */
  wake() {
    const { host } = this.dialog;
    host.removeAttribute("data-bare");
    clearTimeout(this.restTimer);
    if (!this.slideshow.isPlaying) return;
    this.restTimer = setTimeout(() => host.setAttribute("data-bare", ""), REST_MS);
  }

  changeView(change) {
    change();
    this.slides.zoom(this.viewport);
    this.controls.showZoom(this.viewport);
    this.stage.classList.toggle("zoomed", this.viewport.isZoomed);
  }

  zoomBy(factor, point) {
    if (this.isVideo) return;
    this.changeView(() => this.viewport.zoomTo(this.viewport.zoom * factor, point));
  }

  /** @returns {boolean} whether there was a photo in that direction */
  walk(step) {
    // Beyond the photos that were sent, it comes with the next ones.
    this.pendingStep = this.sequence.step(step) ? 0 : step;
    if (this.pendingStep) return false;
    this.draw();
    return true;
  }

  async release(result) {
    const step = { next: 1, previous: -1 }[result] ?? 0;
    if (result === "close") {
      this.close();
      return;
    }
    const hasPhoto = step !== 0 && this.sequence.at(step);
    await this.slides.settle(hasPhoto ? step : 0, this.size);
    if (hasPhoto) this.walk(step);
  }

  act(action) {
    if (this.leaving) return;
    const [kind, value] = action.split("-");
    if (action === "close") this.close();
    else if (action === "next") this.walk(1);
    else if (action === "previous") this.walk(-1);
    else if (action === "play") this.slides.togglePlay();
    else if (action === "zoom-in") this.zoomBy(ZOOM_STEP);
    else if (action === "zoom-out") this.zoomBy(1 / ZOOM_STEP);
    else if (action === "zoom-reset") this.changeView(() => this.viewport.reset());
    else if (action === "info") this.toggleInfo();
    else if (action === "slideshow") this.toggleSlideshow();
    else if (action === "stop") this.slideshow.stop();
    else if (action === "interval") this.slideshow.changeInterval();
    else if (action === "favourite") this.mark("favourite", !this.sequence.marks.favourite);
    else if (action === "film") this.slides.toggleMotion((state) => this.controls.showFilm(state));
    else if (action === "version" || kind === "member") this.switchTo(value);
    else if (kind === "rating") this.mark("rating", Number(value));
    else this.changeView(() => this.viewport.panBy(...PANS[action].map((n) => n * PAN_STEP_PX)));
  }

  /** Show another photo of the stack; the next one where none is named. */
  switchTo(id) {
    if (this.sequence.switchTo(id)) this.draw();
  }

  mark(kind, value) {
    this.sequence.mark(kind, value);
    this.controls.showMarks(this.sequence.marks);
  }

  toggleInfo() {
    const wasHidden = this.slideshow.isPlaying;
    this.slideshow.stop();
    if (!wasHidden || !this.dialog.isInfoOpen) this.dialog.toggleInfo();
    this.draw();
  }

  toggleSlideshow() {
    if (this.slideshow.isPlaying) this.slideshow.stop();
    else if (this.sequence.at(1)) this.slideshow.start();
  }

  /**
   * Close the photo as Back does. It covers the page until the browser is back: the way to another
   * page that a click begins before that would end here again.
   */
  close() {
    if (this.leaving) return;
    this.slideshow.stop();
    if (leavePhoto()) this.leaving = setTimeout(() => this.finishClosing(), LONGEST_BACK_MS);
    else this.finishClosing();
  }

  /** Close at once; the server follows. */
  finishClosing() {
    clearTimeout(this.leaving);
    this.leaving = undefined;
    const { id, index } = this.sequence.photo ?? {};
    this.slideshow.stop();
    shared.closed.add(this.sequence.data.opening);
    this.sequence.close();
    this.dialog.show(this.dialogState);
    this.slides.clear();
    this.drawnId = undefined;
    focusInGrid(id);
    shared.events.dispatchEvent(new CustomEvent(PHOTO_CLOSED, { detail: { id, index } }));
    dropPhoto();
  }

  onKey(event) {
    if (!this.isOpen) return;
    if (event.key === "Tab") {
      this.dialog.wrapFocus(event);
      return;
    }
    const action = keyAction(event, {
      ...focusContext(),
      isZoomed: this.viewport.isZoomed,
      isPlaying: this.slideshow.isPlaying,
      isVideo: this.isVideo,
    });
    if (action === null || (!this.sequence.photo && action !== "close")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.act(action);
  }

  onWheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    // Touchpads report a pinch as a wheel with the control key, in small steps.
    this.zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), this.pointOf(event));
  }

  onHistory() {
    if (this.isOpen && photoInAddress() === null) this.finishClosing();
  }

  /** The server took the lightbox away: it shows another page. */
  leave() {
    this.dispose();
    if (this.sequence.isClosed || isLightboxShown()) return;
    dropPhoto();
    focusInGrid(this.drawnId);
  }

  dispose() {
    for (const [name, listener] of Object.entries(this.heard)) {
      window.removeEventListener(name, listener, { capture: true });
    }
    shared.events.removeEventListener(PHOTO_OPENED, this.onOpened);
    clearTimeout(this.restTimer);
    clearTimeout(this.leaving);
    this.slideshow.stop();
    this.slides.clear();
  }
}

const lightboxes = new WeakMap();

/** Draw the lightbox; its state outlives the runs of the page. */
export default function (component) {
  const { parentElement } = component;
  if (!lightboxes.has(parentElement)) lightboxes.set(parentElement, new Lightbox(parentElement));
  const lightbox = lightboxes.get(parentElement);
  lightbox.update(component);
  return whenRemoved(parentElement, () => lightbox.leave());
}
