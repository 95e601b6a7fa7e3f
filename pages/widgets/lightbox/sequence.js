// The photos around the one shown, ahead of the server; no DOM.
//
// Every action of the visitor has a number. The unconfirmed actions are sent as a list each time;
// the server returns the number of the latest action it has applied. A list that it does not
// confirm is sent again, since the message may have been lost with its connection. A photo that the
// visitor opens in a grid is shown before the server opens it; what is done meanwhile is sent then.
import { PATIENCE_MS } from "../connection.js";

/**
 * @typedef {object} Photo
 * @property {string} id
 * @property {number} index position in the results, from 0
 * @property {string} name
 * @property {string} alt
 * @property {string} format
 * @property {boolean} is_video
 * @property {number} width in pixels, upright
 * @property {number} height
 * @property {boolean} favourite
 * @property {number} rating 0 to 5
 * @property {boolean} [film] whether its file holds a film, too
 * @property {boolean} [remote] whether the original is at a URL, to be fetched when it is shown
 * @property {Photo[]} [stack] all photos of its stack, itself included; empty without one
 */

/**
 * @typedef {object} LightboxData
 * @property {string | null} opening identifies this opening of the lightbox; null while closed
 * @property {number} heard number of the latest action applied by the server
 * @property {string} id the photo that the server shows
 * @property {number} count photos in the results; 0 for a photo without results
 * @property {boolean} error whether the drawer shows an error
 * @property {Photo[]} photos the photos around it in their order, itself included
 */

/** One action: "show" a photo (index), "favourite" or "rating" of one (value), or "close". */
export class PhotoSequence {
  /**
   * @param {(message: {opening: string, actions: object[]}) => void} send
   * @param {() => number} now
   */
  constructor(send, now = Date.now) {
    this.send = send;
    this.now = now;
    this.number = 0;
    this.actions = [];
    this.data = null;
    this.photo = null;
    this.isClosed = true;
    this.isExpected = false;
    this.before = null;
  }

  /**
   * Show a photo that the server is still to open.
   * @param {string} opening as the server will name it
   * @param {Photo} photo
   */
  expect(opening, photo) {
    this.before = this.data?.opening ?? null;
    this.data = { opening, heard: 0, id: photo.id, count: 0, error: false, photos: [photo] };
    this.number = 0;
    this.actions = [];
    this.photo = photo;
    this.isClosed = false;
    this.isExpected = true;
  }

  /**
   * @param {LightboxData} data
   * @returns {boolean} whether this opens the lightbox
   */
  receive(data) {
    const isOpening = data.opening !== this.data?.opening;
    // Sent before the server knew of the photo that is expected.
    if (isOpening && this.isExpected && [null, this.before].includes(data.opening)) return false;
    if (isOpening) {
      this.number = data.heard;
      this.actions = [];
      this.isClosed = data.opening === null;
    }
    const isArrival = this.isExpected && !isOpening;
    this.isExpected = false;
    this.actions = this.actions.filter((action) => action.number > data.heard);
    this.data = data;
    const isUnanswered = this.now() - this.sentAt > PATIENCE_MS;
    if (this.actions.length && (isArrival || isUnanswered)) this.sendActions();
    const shown = this.actions.some((action) => action.kind === "show")
      ? (this.find(this.photo.id) ?? this.photo)
      : this.find(data.id);
    this.photo = shown ?? null;
    return isOpening && !this.isClosed;
  }

  find(id) {
    return this.data.photos.find((photo) => photo.id === id);
  }

  /** Whether the server still shows another photo. */
  get isAhead() {
    return Boolean(this.photo) && this.photo.id !== this.data.id;
  }

  /** @returns {Photo | null} the photo some steps away; null beyond the photos that were sent */
  at(step) {
    const { photos } = this.data;
    // By its place: another photo of its stack may be shown there.
    const index = photos.findIndex((photo) => photo.index === this.photo?.index);
    return (index < 0 ? null : photos[index + step]) ?? null;
  }

  /** @returns {boolean} whether there was a photo to show */
  step(step) {
    const photo = this.at(step);
    if (!photo) return false;
    this.photo = photo;
    this.act({ kind: "show", id: photo.id, index: photo.index });
    return true;
  }

  /**
   * Show another photo of the stack in the place of the one shown.
   * @param {string} [id] the next one if left out
   * @returns {boolean} whether there was one
   */
  switchTo(id) {
    const { stack = [] } = this.photo ?? {};
    const own = stack.findIndex((photo) => photo.id === this.photo.id);
    const next = stack[(own + 1) % stack.length];
    const member = id ? stack.find((photo) => photo.id === id) : next;
    if (!member || member.id === this.photo.id) return false;
    this.photo = { ...member, index: this.photo.index, stack };
    this.act({ kind: "show", id: member.id, index: this.photo.index });
    return true;
  }

  /** Favourite and rating of the photo shown, with the unconfirmed edits. */
  get marks() {
    const marks = { favourite: this.photo.favourite, rating: this.photo.rating };
    for (const { kind, id, value } of this.actions) {
      if (id === this.photo.id && kind in marks) marks[kind] = value;
    }
    return marks;
  }

  /** @param {"favourite" | "rating"} kind */
  mark(kind, value) {
    this.act({ kind, id: this.photo.id, value });
  }

  close() {
    this.isClosed = true;
    this.act({ kind: "close" });
  }

  act(action) {
    this.number += 1;
    const isReplaced = ({ kind }) => kind === "show" && action.kind === "show";
    this.actions = this.actions.filter((earlier) => !isReplaced(earlier));
    this.actions.push({ ...action, number: this.number });
    if (!this.isExpected) this.sendActions();
  }

  sendActions() {
    this.sentAt = this.now();
    this.send({ opening: this.data.opening, actions: this.actions });
  }

  /** "4 of 157"; empty for a photo without results. */
  get place() {
    const number = (value) => value.toLocaleString("en-US");
    const { count } = this.data;
    return this.photo && count ? `${number(this.photo.index + 1)} of ${number(count)}` : "";
  }

  /** What screen readers say of the photo shown. */
  get spoken() {
    if (!this.photo) return "Photo";
    const place = this.place;
    return `Photo ${place ? `${place}: ` : ""}${this.photo.name}`;
  }
}
