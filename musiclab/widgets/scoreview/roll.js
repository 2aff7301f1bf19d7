// The piano roll: notes over the stem's spectrogram. Click hears, drag moves, the right edge stretches, a double click
// on an empty place adds a note. What keys do stands in scoreview.js.

import { answers, button, bytesOf, drag, h } from "../shared/dom.js";
import { isBlack, pitchName } from "../shared/pitch.js";
import { levelOf } from "./page.js";

const ROW = 11;           // px for a semitone
const ZOOMS = [20, 40, 80, 160, 320];  // px for a second
const KEYS = 34;          // px for the names of the notes on the left
const EDGE = 6;           // px from its end within which a note is stretched
const NUDGE = 3;          // px that a pointer may wander before it moves a note
const SHORTEST = 0.05;    // s
const NEW = 0.3;          // s: length of an added note
const DRUMS = {
  36: "kick", 37: "stick", 38: "snare", 41: "floor", 42: "hat", 44: "pedal", 45: "tom", 46: "open", 48: "tom",
  49: "crash", 51: "ride",
};

const s = (tag, attributes = {}, text = "") => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
};

/** A note whose beginning, end and pitch are changed by so much. */
export function changed([onset, offset, pitch], { start = 0, end = start, steps = 0 }) {
  const from = Math.max(onset + start, 0);
  return { onset: from, offset: Math.max(offset + end, from + SHORTEST), pitch: pitch + steps };
}

/** `pick(index)`, `seek(seconds)`, `add(note)` and `move(index, note)` are told what the pointer does. */
export class PianoRoll {
  #selected = -1;
  #held = null;  // {seek} on an empty place; {index, rect, note, at, stretch, to} on a note

  constructor(model, acts, signal) {
    Object.assign(this, { model, acts });
    [this.low, this.high] = model.get("_pitches");
    this.duration = model.get("_duration");
    this.zoom = this.duration < 40 ? 2 : 1;
    this.height = (this.high - this.low + 1) * ROW;
    this.url = URL.createObjectURL(new Blob([bytesOf(model.get("_backdrop"))], { type: "image/png" }));
    this.#build(signal);
    this.#listen(signal);
  }

  x(seconds) { return seconds * ZOOMS[this.zoom]; }
  y(pitch) { return (this.high - Math.round(pitch)) * ROW; }

  #build(signal) {
    const { height } = this;
    this.image = s("image", { href: this.url, preserveAspectRatio: "none", x: 0, y: 0, height });
    this.lines = s("g", { class: "ml-beats" });
    this.notes = s("g");
    this.cursor = s("line", { class: "ml-cursor", y1: 0, y2: height });
    const { rows, names } = this.#keyboard();
    this.svg = s("svg", { class: "ml-roll-notes", height, role: "img", "aria-label": "piano roll" });
    this.svg.append(rows, this.image, this.lines, this.notes, this.cursor);
    this.scroller = h("div", { class: "ml-roll-scroll", tabindex: 0, role: "group", "aria-label": "piano roll" },
      this.svg);
    const zoom = (label, text, by) => button({ label, text, class: "ml-plain" },
      () => this.setZoom(this.zoom + by), signal);
    this.element = h("div", { class: "ml-roll", role: "group", "aria-label": "notes" }, names, this.scroller,
      h("div", { class: "ml-zoom" }, zoom("zoom out", "−", -1), zoom("zoom in", "+", 1)));
  }

  /** The rows of the black keys, and the names on the left. */
  #keyboard() {
    const rows = s("g");
    const names = s("svg", { class: "ml-roll-keys", width: KEYS, height: this.height, "aria-hidden": "true" });
    for (let pitch = this.low; pitch <= this.high; pitch++) {
      const y = this.y(pitch);
      if (isBlack(pitch)) rows.append(s("rect", { class: "ml-black", x: 0, y, height: ROW, width: "100%" }));
      const name = this.model.get("_drums") ? DRUMS[pitch] : pitch % 12 === 0 ? pitchName(pitch) : null;
      if (name) names.append(s("text", { x: KEYS - 4, y: y + ROW - 2, "text-anchor": "end" }, name));
    }
    return { rows, names };
  }

  setZoom(next) {
    const { scroller } = this;
    const middle = (scroller.scrollLeft + scroller.clientWidth / 2) / ZOOMS[this.zoom];
    this.zoom = Math.min(Math.max(next, 0), ZOOMS.length - 1);
    this.update();
    scroller.scrollLeft = this.x(middle) - scroller.clientWidth / 2;
  }

  update() {
    const { model, height } = this;
    const width = Math.max(this.x(this.duration), 1);
    for (const element of [this.svg, this.image]) element.setAttribute("width", width);
    const strong = new Set(model.get("_downbeats").map((beat) => beat.toFixed(3)));
    this.lines.replaceChildren(...model.get("_beats").map((beat) => s("line", {
      x1: this.x(beat), x2: this.x(beat), y1: 0, y2: height,
      class: strong.has(beat.toFixed(3)) ? "ml-downbeat" : "",
    })));
    this.notes.replaceChildren(...model.get("_notes").map((note, index) => this.#rect(note, index)));
    this.select(this.#selected);
  }

  #rect([onset, offset, pitch, confidence], index) {
    const rect = s("rect", {
      x: this.x(onset), y: this.y(pitch) + 1, width: this.#width(onset, offset), height: ROW - 2, rx: 2,
      class: `ml-note ${levelOf(confidence)}`, "fill-opacity": 0.45 + 0.5 * confidence, "data-note": index,
    });
    const about = `${this.label(pitch)}, ${onset.toFixed(2)} s, ${Math.round(100 * confidence)} % sure`;
    rect.append(s("title", {}, about));
    return rect;
  }

  #width(onset, offset) { return Math.max(this.x(offset - onset) - 1, 2); }

  /** The name of a pitch, or of a drum. */
  label(pitch) {
    const key = Math.round(pitch);
    return this.model.get("_drums") ? DRUMS[key] ?? String(key) : pitchName(key);
  }

  select(index) {
    this.#selected = index;
    for (const rect of this.notes.children) rect.classList.toggle("ml-selected", Number(rect.dataset.note) === index);
  }

  #place(event) {
    const box = this.svg.getBoundingClientRect();
    const pitch = this.high - Math.floor((event.clientY - box.top) / ROW);
    return { seconds: Math.max((event.clientX - box.left) / ZOOMS[this.zoom], 0), pitch };
  }

  #listen(signal) {
    const { svg, acts } = this;
    drag(svg, {
      start: (event) => this.#take(event), move: (event) => this.#drag(event), end: () => this.#letGo(),
    }, signal);
    svg.addEventListener("dblclick", (event) => {
      if (event.target.closest("[data-note]")) return;
      const { seconds, pitch } = this.#place(event);
      acts.add({ onset: seconds, offset: seconds + NEW, pitch });
    }, { signal });
  }

  #take(event) {
    const rect = event.target.closest("[data-note]");
    const at = this.#place(event);
    if (!rect) {
      this.#held = { seek: at.seconds };
      return;
    }
    const index = Number(rect.dataset.note);
    const stretch = event.clientX > rect.getBoundingClientRect().right - EDGE;
    this.#held = { index, rect, note: this.model.get("_notes")[index], at, stretch, to: null };
    this.acts.pick(index);
  }

  #drag(event) {
    const held = this.#held;
    if (held.seek !== undefined || !answers(this.model)) return;
    const now = this.#place(event);
    const [shift, steps] = [now.seconds - held.at.seconds, now.pitch - held.at.pitch];
    if (!held.to && this.x(Math.abs(shift)) <= NUDGE && (steps === 0 || held.stretch)) return;
    held.to = changed(held.note, held.stretch ? { end: shift } : { start: shift, steps });
    const { onset, offset, pitch } = held.to;
    const place = { x: this.x(onset), y: this.y(pitch) + 1, width: this.#width(onset, offset) };
    for (const [name, value] of Object.entries(place)) held.rect.setAttribute(name, value);
  }

  #letGo() {
    const held = this.#held;
    this.#held = null;
    if (held.seek !== undefined) this.acts.seek(held.seek);
    else if (held.to) this.acts.move(held.index, held.to);
  }

  /** A note to add from the keyboard: where the music is, at the pitch of the chosen note or in the middle. */
  fresh(seconds) {
    const pitch = this.model.get("_notes")[this.#selected]?.[2] ?? Math.round((this.low + this.high) / 2);
    return { onset: seconds, offset: seconds + NEW, pitch: Math.round(pitch) };
  }

  /** Scroll so that a note is in view. */
  reveal(index) { this.notes.children[index]?.scrollIntoView({ block: "nearest", inline: "nearest" }); }

  /** Show where the music is; while it plays, scroll along. */
  at(seconds, playing) {
    const x = this.x(seconds);
    for (const name of ["x1", "x2"]) this.cursor.setAttribute(name, x);
    if (!playing) return;
    const { scrollLeft: left, clientWidth: width } = this.scroller;
    if (x < left || x > left + 0.85 * width) this.scroller.scrollLeft = x - 0.15 * width;
  }

  close() { URL.revokeObjectURL(this.url); }
}
