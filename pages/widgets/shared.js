// State shared by the components of one browser tab. Streamlit loads every component as a script of
// its own, each with its own copy of this module; all copies use the same global object.

/**
 * The first page of the photos that a group chip and a class chip would show together.
 * @typedef {object} PrefetchedPage
 * @property {string} group the group chip
 * @property {string} one the class chip
 * @property {string} question identifies query, order and page size
 * @property {number} pageCount
 * @property {{label: string, photos: object[]}} page
 */

/**
 * The first pages sent ahead of a click. Written by the prefetch component, read by the grid.
 * @typedef {object} Prefetched
 * @property {string} grid key of the grid that shows these pages
 * @property {string[]} tags tag chips that are chosen for all of these pages
 * @property {PrefetchedPage[]} first
 */

/**
 * Detail of the event CHIP_CHOICE: the chosen chips.
 * @typedef {object} ChipChoice
 * @property {string} group chosen chip of the first row
 * @property {string} one chosen chip of the second row (class)
 * @property {string[]} many chosen chips of the third row (tags)
 * @property {number} number number of this choice, increasing
 */

/**
 * Detail of the event PHOTO_OPENED.
 * @typedef {object} OpenedPhoto
 * @property {string} opening identifies this opening of the lightbox
 * @property {{id: string, name: string, alt: string, is_video: boolean, width: number,
 *   height: number}} photo
 */

/**
 * @typedef {object} Shared
 * @property {EventTarget} events where components send and receive the events named below
 * @property {Prefetched | null} prefetched null while no page is prefetched
 * @property {Set<string>} closed openings of the lightbox that the visitor closed: the server may
 *   not know it yet when it draws another page
 * @property {import("./uploader/engine.js").UploadEngine | null} uploads the only upload engine of
 *   the tab; it continues while the visitor is on other pages. null before the first use
 */

/** A chip was chosen: a CustomEvent with a ChipChoice as detail, sent before the server responds. */
export const CHIP_CHOICE = "chip-choice";

/**
 * A photo was opened in a grid: a CustomEvent with an OpenedPhoto as detail, sent before the server
 * responds.
 */
export const PHOTO_OPENED = "photo-opened";

/** The lightbox was closed: a CustomEvent with the `index` and `id` of the photo it showed last. */
export const PHOTO_CLOSED = "photo-closed";

const KEY = Symbol.for("scene-gallery");

globalThis[KEY] ??= {
  events: new EventTarget(),
  prefetched: null,
  uploads: null,
};
// A tab that was open during an upgrade has the object of an earlier version.
globalThis[KEY].closed ??= new Set();

/** @type {Shared} */
export const shared = globalThis[KEY];
