// The bars of the engraved page: a drag over them is the loop, a click goes there; the loop that is set is tinted.

const SVG = "http://www.w3.org/2000/svg";
const WANDER = 7;  // px that a pointer may wander before it chooses bars
const PAD = 90;    // of a bar's tint over its staff lines, in the page's units

export class Measures {
  #rects = [];
  #held = null;  // {first, x, y, chosen} from press to release

  /** `page` is the element with the SVG; `acts` are seek(seconds) and loop([from, to] or null). */
  constructor(model, page, acts, signal) {
    Object.assign(this, { model, page, acts });
    const listen = (type, handler, options = {}) => page.addEventListener(type, handler, { signal, ...options });
    listen("pointerdown", (event) => this.#press(event));
    listen("pointermove", (event) => this.#move(event));
    listen("pointerup", () => this.#release());
    listen("pointercancel", () => {
      this.#held = null;
      this.show(this.shown);
    });
    listen("click", (event) => this.#click(event), { capture: true });
    const resized = new ResizeObserver(() => this.#place());  // only what is in the page has its places
    resized.observe(page);
    signal.addEventListener("abort", () => resized.disconnect());
  }

  /** Times in s at which printed bars begin, and the last one ends. */
  get times() { return this.model.get("_bars"); }

  /** Find the bars of a page that was drawn anew. */
  update() {
    const measures = [...this.page.querySelectorAll(".measure")];
    this.#rects = measures.length === this.times.length - 1 ? measures.map((measure, i) => this.#rect(measure, i)) : [];
    this.#place();
    this.show(this.shown ?? null);
  }

  #rect(measure, index) {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", "ml-measure");
    rect.dataset.bar = index;
    measure.prepend(rect);
    return rect;
  }

  /** Put each tint over the staff lines of its bar. */
  #place() {
    if (!this.page.clientWidth) return;
    for (const rect of this.#rects) {
      const lines = [...rect.parentNode.querySelectorAll(":scope > .staff > path")].map((line) => line.getBBox());
      if (!lines.length) continue;
      const [left, top] = ["x", "y"].map((side) => Math.min(...lines.map((line) => line[side])));
      const right = Math.max(...lines.map((line) => line.x + line.width));
      const bottom = Math.max(...lines.map((line) => line.y + line.height));
      const place = { x: left, y: top - PAD, width: right - left, height: bottom - top + 2 * PAD };
      for (const [name, value] of Object.entries(place)) rect.setAttribute(name, value);
    }
  }

  /** The bar under a pointer; of the space between systems the nearest below it. */
  #at({ clientX, clientY }) {
    let [best, distance] = [-1, Infinity];
    this.#rects.forEach((rect, i) => {
      const box = rect.getBoundingClientRect();
      const far = Math.hypot(Math.max(box.left - clientX, 0, clientX - box.right),
        2 * Math.max(box.top - clientY, 0, clientY - box.bottom));
      if (far < distance) [best, distance] = [i, far];
    });
    return distance < 60 ? best : -1;
  }

  #press(event) {
    const first = event.button === 0 ? this.#at(event) : -1;
    this.#held = first < 0 ? null : { first, last: first, x: event.clientX, y: event.clientY, chosen: false };
  }

  #move(event) {
    const held = this.#held;
    if (!held || event.buttons !== 1) return;
    if (!held.chosen && Math.hypot(event.clientX - held.x, event.clientY - held.y) < WANDER) return;
    if (!held.chosen) this.page.setPointerCapture(event.pointerId);
    held.chosen = true;
    const last = this.#at(event);
    if (last >= 0) held.last = last;
    this.#tint(Math.min(held.first, held.last), Math.max(held.first, held.last));
  }

  #release() {
    const held = this.#held;
    if (!held?.chosen) return;
    const [first, last] = [held.first, held.last].sort((a, b) => a - b);
    this.acts.loop([this.times[first], this.times[last + 1]]);
  }

  /** A click that ended a choice of bars is none; one beside the notes goes to its bar. */
  #click(event) {
    const held = this.#held;
    this.#held = null;
    if (held?.chosen) event.stopPropagation();
    else if (held && event.target.classList?.contains("ml-measure")) this.acts.seek(this.times[held.first]);
  }

  #tint(first, last) {
    this.#rects.forEach((rect, i) => rect.classList.toggle("ml-in-loop", i >= first && i <= last));
  }

  /** Tint the bars that mostly lie in a loop ([from, to] in s, or null). */
  show(loop) {
    this.shown = loop;
    const inside = (i) => {
      if (!loop) return false;
      const [start, end] = [this.times[i], this.times[i + 1]];
      return Math.min(end, loop[1]) - Math.max(start, loop[0]) > (end - start) / 2;
    };
    this.#rects.forEach((rect, i) => rect.classList.toggle("ml-in-loop", inside(i)));
  }

  /** The index of the bar that sounds at a time. */
  indexAt(seconds) {
    const next = this.times.findIndex((time) => time > seconds + 0.02);
    return Math.max((next < 0 ? this.times.length - 1 : next) - 1, 0);
  }

  /** The place a bar on or back from a time; back from within a bar is to its beginning. */
  step(seconds, by) {
    const here = this.indexAt(seconds);
    const inside = by < 0 && seconds - this.times[here] > 0.3 ? 1 : 0;
    return this.times[Math.min(Math.max(here + by + inside, 0), this.times.length - 2)];
  }

  /** The loop whose beginning (0) or end (1) is the bar that sounds at a time. */
  marked(seconds, end) {
    const bar = this.indexAt(seconds);
    const [from, to] = this.shown ?? [this.times[0], this.times.at(-1)];
    if (end === 0) return [this.times[bar], to > this.times[bar] ? to : this.times.at(-1)];
    return [from < this.times[bar + 1] ? from : this.times[0], this.times[bar + 1]];
  }
}
