// A track with the months of a list at its side: click, drag or use the arrow keys to go anywhere.
import { element } from "../dom.js";
import { Months } from "./months.js";

const YEAR_PX = 22;
// A drag that rests this long shows the photos there.
const REST_MS = 120;

/** Shows the month in sight; goes to the photo that is chosen. */
export class Scrubber {
  /** @param {(photo: number) => void} onChoose called with the index of a photo in the list */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.node = element("div", "scrubber");
    this.node.tabIndex = 0;
    for (const [name, value] of Object.entries({
      role: "slider",
      "aria-label": "Month",
      "aria-orientation": "vertical",
      "aria-valuemin": "1",
    })) {
      this.node.setAttribute(name, value);
    }
    this.years = element("div", "years");
    this.mark = element("div", "mark");
    this.name = element("span", "month");
    this.mark.append(this.name);
    this.node.append(this.years, this.mark);
    this.node.onkeydown = (event) => this.onKey(event);
    this.node.onpointerdown = (event) => this.onDown(event);
    this.node.onpointermove = (event) => this.onMove(event);
    this.node.onpointerup = (event) => this.onUp(event);
    this.node.onpointercancel = () => this.endDrag();
    this.node.onpointerleave = () => this.isDragged || this.place(this.photo);
    this.show([]);
  }

  /** @param {import("./months.js").Month[]} months empty for an order without dates */
  show(months) {
    const key = JSON.stringify(months);
    if (key === this.drawn) return;
    this.drawn = key;
    this.months = new Months(months);
    this.node.hidden = months.length < 2;
    if (this.node.hidden) return;
    this.node.setAttribute("aria-valuemax", String(months.length));
    // A hidden list has no height yet: as if it were as high as the screen.
    const height = this.node.clientHeight || window.innerHeight * 0.75;
    this.years.replaceChildren(
      ...this.months.years(YEAR_PX / height).map(({ year, part }) => {
        const node = element("span", "year", year);
        node.style.top = `${100 * part}%`;
        return node;
      }),
    );
    this.place(0);
  }

  /** Mark the photo that is in sight. @param {number} photo its index in the list */
  place(photo) {
    this.photo = photo;
    if (this.node.hidden || this.isDragged) return;
    const month = this.months.monthOf(photo);
    this.node.setAttribute("aria-valuenow", String(month + 1));
    this.node.setAttribute("aria-valuetext", this.months.months[month].name);
    this.draw(photo / this.months.total, this.months.months[month].name);
  }

  draw(part, name) {
    this.mark.style.top = `${100 * part}%`;
    this.name.textContent = name;
  }

  onKey(event) {
    const month = this.months.step(event.key, this.months.monthOf(this.photo));
    if (month === null) return;
    event.preventDefault();
    event.stopPropagation();
    const photo = this.months.firsts[month];
    this.place(photo);
    this.onChoose(photo);
  }

  photoAt(event) {
    const { top, height } = this.node.getBoundingClientRect();
    return this.months.photoAt((event.clientY - top) / height);
  }

  onDown(event) {
    if (event.button) return;
    event.preventDefault();
    this.node.setPointerCapture(event.pointerId);
    this.isDragged = true;
    this.node.classList.add("dragged");
    this.onMove(event);
  }

  onMove(event) {
    const photo = this.photoAt(event);
    const { name } = this.months.months[this.months.monthOf(photo)];
    this.draw(photo / this.months.total, name);
    if (!this.isDragged) return;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.choose(photo), REST_MS);
  }

  onUp(event) {
    if (!this.isDragged) return;
    const photo = this.photoAt(event);
    this.endDrag();
    this.choose(photo);
  }

  endDrag() {
    clearTimeout(this.rest);
    this.isDragged = false;
    this.node.classList.remove("dragged");
  }

  choose(photo) {
    if (photo === this.chosen && photo === this.photo) return;
    this.chosen = photo;
    this.place(photo);
    this.onChoose(photo);
  }
}
