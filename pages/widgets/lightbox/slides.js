// The pictures on the stage: the photo shown, and its neighbours beside it.
import { element } from "../dom.js";
import { Film } from "./film.js";
import { RemoteOriginal } from "./remote_original.js";
import { filmUrl, needsWhole, pictureUrl, wholeSource } from "./sources.js";
import { fittedSize } from "./viewport.js";

/** Photos ahead and behind whose previews are loaded. */
const AHEAD = [1, -1, 2];
const GAP_PX = 24;
const SWIPE_MS = 220;
const WHOLE_AFTER_MS = 350;

/** One photo: thumbnail at once, then the preview, every pixel when it is enlarged. */
class Slide {
  constructor(photo, onShown) {
    this.photo = photo;
    this.node = element("div", "slide");
    this.image = element("img");
    this.image.draggable = false;
    this.image.src = pictureUrl(photo, "thumbnail");
    this.node.append(this.image);
    this.size = "thumbnail";
    this.onShown = onShown;
    if (!photo.remote) this.load("preview", pictureUrl(photo, "preview"));
  }

  /** Show a larger file as soon as it is decoded. */
  async load(size, url) {
    const image = new Image();
    image.src = url;
    try {
      await image.decode();
      this.image.src = url;
      this.size = size;
    } catch {
      // The smaller file stays.
    }
    this.isLoaded = true;
    this.onShown(this);
  }

  /** Only the video that is shown is loaded; only the photo that is shown is fetched from its URL. */
  setCurrent(isCurrent) {
    if (isCurrent && this.photo.remote) this.remote ??= new RemoteOriginal(this);
    if (isCurrent && this.photo.is_video && !this.photo.remote) this.startFilm();
    if (isCurrent || !this.film) return;
    this.film.dispose();
    this.film = undefined;
  }

  startFilm() {
    this.film ??= new Film(this.node, this.image, this.photo);
  }

  /** Show what was fetched from the URL of a photo. @param {Blob} preview */
  async showFetched(preview) {
    this.fetched = URL.createObjectURL(preview);
    await this.load("preview", this.fetched);
    if (this.photo.is_video && this.node.classList.contains("current")) this.startFilm();
  }

  resize(width, height) {
    this.image.style.width = `${width}px`;
    this.image.style.height = `${height}px`;
    this.film?.resize(width, height);
  }

  loadWhole() {
    if (this.whole) return;
    this.whole = new AbortController();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetchWhole(), WHOLE_AFTER_MS);
  }

  // The route serves originals as downloads, without the type that browsers ask of pictures.
  async fetchWhole() {
    try {
      const { url, type } = wholeSource(this.photo);
      const response = await fetch(url, { signal: this.whole.signal });
      if (!response.ok) return;
      this.url = URL.createObjectURL(new Blob([await response.blob()], { type }));
      await this.load("whole", this.url);
    } catch {
      // Left before it arrived, or not readable: the preview stays.
    }
  }

  /** Play the film of the moment over the picture, once. @param {(state: string) => void} tell */
  playMotion(tell) {
    const motion = element("video", "motion");
    motion.src = filmUrl(this.photo);
    motion.autoplay = true;
    motion.playsInline = true;
    motion.onplaying = () => tell("playing");
    motion.onended = () => this.stopMotion(tell);
    motion.onerror = () => {
      this.stopMotion(tell);
      tell("failed");
    };
    this.motion = motion;
    this.node.append(motion);
  }

  stopMotion(tell) {
    this.motion?.remove();
    this.motion = undefined;
    tell("still");
  }

  dispose() {
    clearTimeout(this.timer);
    this.motion?.remove();
    this.whole?.abort();
    this.film?.dispose();
    this.remote?.dispose();
    for (const url of [this.url, this.fetched]) if (url) URL.revokeObjectURL(url);
    this.node.remove();
  }
}

/** Draws the photo shown and its two neighbours. */
export class Slides {
  /** @param {() => void} onShown called when the picture of the photo shown is on the screen */
  constructor(onShown) {
    this.node = element("div", "slides");
    this.slides = new Map();
    this.preloaded = [];
    this.onShown = onShown;
  }

  get current() {
    return this.slides.get(this.currentId);
  }

  /**
   * @param {import("./sequence.js").PhotoSequence} sequence
   * @param {import("./viewport.js").Size} stage
   */
  show(sequence, stage) {
    const steps = [0, -1, 1].map((step) => [step, step ? sequence.at(step) : sequence.photo]);
    const wanted = new Map(steps.filter(([, photo]) => photo).map(([s, p]) => [p.id, [s, p]]));
    this.currentId = sequence.photo?.id;
    for (const [id, slide] of this.slides) {
      if (wanted.has(id)) continue;
      slide.dispose();
      this.slides.delete(id);
    }
    for (const [id, [step, photo]] of wanted) {
      if (!this.slides.has(id)) this.add(photo);
      this.place(this.slides.get(id), step, photo, stage);
    }
    this.preload(sequence);
  }

  /** Play the film of a motion photo or Live Photo, or stop it. @param {(state: string) => void} tell */
  toggleMotion(tell) {
    const slide = this.current;
    if (slide?.motion) slide.stopMotion(tell);
    else if (slide && filmUrl(slide.photo)) slide.playMotion(tell);
  }

  add(photo) {
    const slide = new Slide(photo, () => {
      if (slide === this.current) this.onShown();
    });
    this.slides.set(photo.id, slide);
    this.node.append(slide.node);
  }

  place(slide, step, photo, stage) {
    const isCurrent = step === 0;
    slide.photo = photo;
    slide.step = step;
    slide.node.classList.toggle("current", isCurrent);
    slide.node.ariaHidden = String(!isCurrent);
    slide.image.alt = isCurrent ? photo.alt : "";
    slide.setCurrent(isCurrent);
    const { width, height } = fittedSize(stage, photo);
    slide.resize(width, height);
    slide.node.style.translate = `${step * (stage.width + GAP_PX)}px 0`;
    if (!isCurrent) slide.image.style.transform = "";
  }

  /** @param {import("./viewport.js").Viewport} viewport */
  zoom({ x, y, zoom, shownLongSide }) {
    const slide = this.current;
    if (!slide || slide.photo.is_video) return;
    slide.image.style.transform = zoom === 1 ? "" : `translate(${x}px, ${y}px) scale(${zoom})`;
    if (needsWhole(slide.photo, shownLongSide * window.devicePixelRatio)) slide.loadWhole();
  }

  /** Play or pause the video shown. */
  togglePlay() {
    this.current?.film?.toggle();
  }

  /** Let the pictures follow a finger. */
  drag(dx, dy) {
    this.node.style.transition = "none";
    const isVertical = Math.abs(dy) > Math.abs(dx);
    this.node.style.transform = isVertical
      ? `translateY(${Math.max(0, dy)}px) scale(${1 - Math.max(0, dy) / 2000})`
      : `translateX(${dx}px)`;
  }

  /** Move on from where the finger left the pictures, to the photo some steps away. */
  async settle(step, stage) {
    const isStill = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!isStill) {
      this.node.style.transition = `transform ${SWIPE_MS}ms ease-out`;
      this.node.style.transform = `translateX(${-step * (stage.width + GAP_PX)}px)`;
      await new Promise((resolve) => {
        setTimeout(resolve, SWIPE_MS);
      });
    }
    this.node.style.transition = "none";
    this.node.style.transform = "";
  }

  preload(sequence) {
    const photos = AHEAD.map((step) => sequence.at(step)).filter((photo) => photo && !photo.remote);
    this.preloaded = photos.map((photo) => {
      const image = new Image();
      image.src = pictureUrl(photo, "preview");
      return image;
    });
  }

  clear() {
    for (const slide of this.slides.values()) slide.dispose();
    this.slides.clear();
    this.preloaded = [];
  }
}
