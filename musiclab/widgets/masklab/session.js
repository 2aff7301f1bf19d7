// What all views of a mask lab share: the sound, the picture, and the talk with Python.

import { bytesOf } from "../shared/dom.js";
import { MaskPicture } from "./picture.js";
import { MaskSound } from "./sound.js";

/** Event "news" (its detail is Python's message) for each thing that came. */
export class Session extends EventTarget {
  compared = null;  // {stem, cards: kind -> {sdr, mask}}
  waiting = false;  // for Python
  #life = new AbortController();

  constructor(model) {
    super();
    this.model = model;
    this.sound = new MaskSound(model.get("_frames"), model.get("_sr"));
    this.picture = new MaskPicture(bytesOf(model.get("_level")), model.get("_rows"));
    const receive = (content, buffers) => this.#receive(content, buffers);
    model.on("msg:custom", receive);
    this.#life.signal.addEventListener("abort", () => model.off("msg:custom", receive));
  }

  #receive(content, buffers) {
    if (content.mixture) this.sound.setMixture(buffers[0], content.mixture.scale);
    if (content.change) {
      this.picture.setMask(bytesOf(buffers[0]), content.change.column);
      this.sound.setStretch(buffers[1], content.change.scale, content.change.frame);
    }
    if (content.compared) this.#addCard(content.compared, bytesOf(buffers[0]));
    if (content.working) this.send("more");  // Python works in small steps, so that it always has an ear for us
    if (content.working === null) {
      this.waiting = false;
      this.sound.takeOver();
    }
    this.dispatchEvent(new CustomEvent("news", { detail: content }));
  }

  /** An order to Python, with where the playhead is: what is about to be heard comes first. */
  send(order, content = {}) {
    this.waiting = true;
    this.model.send({ order, at: this.sound.engine.position, ...content });
  }

  /** Before a trait is set: Python is told where the playhead is, and will have something to say. */
  prepare() {
    this.waiting = true;
    this.model.set("_at", this.sound.engine.position);
  }

  set(name, value) {
    this.prepare();
    this.model.set(name, value);
    this.model.save_changes();
  }

  get stem() { return this.model.get("_stems").find(({ name }) => name === this.model.get("stem")); }

  #addCard({ stem, kind, sdr }, mask) {
    if (this.compared?.stem !== stem) this.compared = { stem, cards: new Map() };
    this.compared.cards.set(kind, { sdr, mask });
  }

  close() {
    this.#life.abort();
    return this.sound.close();
  }
}
