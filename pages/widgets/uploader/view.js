// The drop zone and, below it, the state of the upload.
import { element } from "../dom.js";
import { shared } from "../shared.js";
import { openFileDialog, readDropped } from "./chosen_files.js";
import { actionButton, drawEngine, drawInterrupted, updateChildren, warning } from "./drawing.js";
import { UploadEngine } from "./engine.js";
import { pause, put, request } from "./transport.js";

class UploaderView {
  constructor(root) {
    this.root = root;
    this.zone = element("div", "zone");
    this.hint = element("span", "hint");
    const row = element("div", "row");
    this.zone.append(element("b", "", "Drop photos or whole folders here"), this.hint, row);
    this.status = element("div", "state");
    this.status.setAttribute("aria-live", "polite");
    this.box = element("section", "uploader");
    this.box.append(this.zone, this.status);
    root.append(this.box);
    row.append(
      actionButton("Choose photos", "main", () => openFileDialog(false, (f) => this.add(f))),
      actionButton("Choose a folder", "", () => openFileDialog(true, (f) => this.add(f))),
    );
    this.zone.ondragover = (event) => {
      event.preventDefault();
      this.zone.classList.add("over");
    };
    this.zone.ondragleave = () => this.zone.classList.remove("over");
    this.zone.ondrop = async (event) => {
      event.preventDefault();
      this.zone.classList.remove("over");
      this.add(await readDropped(event.dataTransfer));
    };
    /** The upload that this window has reported as started. */
    this.startedId = null;
    /** The upload that this window has reported as ended. */
    this.endedId = null;
    /** The interrupted upload that the visitor can resume. */
    this.interrupted = null;
  }

  get engine() {
    shared.uploads ??= new UploadEngine({ request, put, pause });
    return shared.uploads;
  }

  /** Draw with the data of a run of the page; returns a function that stops drawing. */
  update({ data, setTriggerValue }) {
    const { engine } = this;
    this.setTriggerValue = setTriggerValue;
    this.hint.textContent = data.hint;
    if (data.streaming !== engine.id) this.startedId = null;
    this.interrupted = null;
    if (data.cut && data.cut !== engine.id) this.loadInterrupted(data.cut);
    const draw = () => this.draw();
    engine.listeners.clear();
    engine.listeners.add(draw);
    draw();
    return () => engine.listeners.delete(draw);
  }

  async loadInterrupted(id) {
    const upload = await request("GET", `/${id}?files=true`).catch(() => null);
    if (!upload?.missing.length) return;
    this.interrupted = upload;
    this.draw();
  }

  async add(files) {
    const { engine } = this;
    if (!engine.isBusy && this.interrupted) {
      const path = `/${this.interrupted.id}?files=true`;
      const server = await request("GET", path).catch(() => null);
      if (server?.missing?.length && engine.resumeUpload(server, files)) return;
    }
    engine.add(files);
  }

  draw() {
    const { engine, status } = this;
    const content = element("div");
    if (engine.isBusy) drawEngine(engine, content);
    else if (engine.problem && engine.state !== "over") content.append(warning(engine.problem));
    else if (this.interrupted) {
      drawInterrupted(this.interrupted, content, () => {
        this.interrupted = null;
        this.setTriggerValue("ended", "cut");
      });
    }
    const active = this.root.activeElement;
    const focused = status.contains(active) ? active : null;
    updateChildren(status, content);
    if (focused && !focused.isConnected) {
      const buttons = [...status.querySelectorAll("button")];
      buttons.find((button) => button.textContent === focused.textContent)?.focus();
    }
    this.report();
  }

  // Python shows the tags while the upload runs, and the result after it.
  report() {
    const { engine } = this;
    if (engine.isBusy && engine.id && this.startedId !== engine.id) {
      this.startedId = engine.id;
      this.setTriggerValue("started", engine.id);
    } else if (engine.state === "over" && this.startedId && this.endedId !== engine.id) {
      this.endedId = engine.id;
      this.setTriggerValue("ended", engine.id);
    }
  }
}

const instances = new WeakMap();

/** Draw the uploader of one component; the upload itself continues on other pages. */
export default function (component) {
  const { parentElement } = component;
  if (!parentElement.contains(instances.get(parentElement)?.box ?? null)) {
    instances.set(parentElement, new UploaderView(parentElement));
  }
  return instances.get(parentElement).update(component);
}
