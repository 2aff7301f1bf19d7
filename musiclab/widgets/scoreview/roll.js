// The piano roll: notes over the stem's spectrogram. Click hears, drag moves, the right edge stretches, a double click
// on an empty place adds a note, Delete takes it away (in scoreview.js).

import { drag, h } from "../shared/dom.js";

const ROW = 11;           // px for a semitone
const ZOOMS = [20, 40, 80, 160, 320];  // px for a second
const KEYS = 34;          // px for the names of the notes on the left
const EDGE = 6;           // px from its end within which a note is stretched
const SHORTEST = 0.05;    // s
const NEW = 0.3;          // s: length of an added note
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
const BLACK = new Set([1, 3, 6, 8, 10]);
const DRUMS = {
  36: "kick", 38: "snare", 37: "stick", 42: "hat", 44: "pedal", 46: "open", 41: "floor", 45: "tom", 48: "tom", 49: "crash", 51: "ride",
};

const SVG = "http://www.w3.org/2000/svg";
const s = (tag, attributes = {}) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

export function createRoll(model, { pick, seek, add, move }, signal) {
  const [low, high] = model.get("_pitches");
  const duration = model.get("_duration");
  const height = (high - low + 1) * ROW;
  let zoom = duration < 40 ? 2 : 1;
  let selected = -1;
  const x = (seconds) => seconds * ZOOMS[zoom];
  const y = (pitch) => (high - pitch) * ROW;

  const bytes = model.get("_backdrop");
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)], { type: "image/png" }));
  const image = s("image", { href: url, preserveAspectRatio: "none", x: 0, y: 0, height });
  const rows = s("g");
  const lines = s("g", { class: "ml-beats" });
  const layer = s("g");
  const cursor = s("line", { class: "ml-cursor", y1: 0, y2: height });
  const svg = s("svg", { class: "ml-roll-notes", height, role: "img", "aria-label": "piano roll" });
  svg.append(rows, image, lines, layer, cursor);
  const names = s("svg", { class: "ml-roll-keys", width: KEYS, height, "aria-hidden": "true" });
  const scroller = h("div", { class: "ml-roll-scroll" }, svg);
  const closer = h("button", { type: "button", "aria-label": "zoom in", title: "zoom in", class: "ml-plain" }, "+");
  const wider = h("button", { type: "button", "aria-label": "zoom out", title: "zoom out", class: "ml-plain" }, "−");
  closer.addEventListener("click", () => setZoom(zoom + 1), { signal });
  wider.addEventListener("click", () => setZoom(zoom - 1), { signal });
  const element = h("div", { class: "ml-roll", role: "group", "aria-label": "notes" }, names, scroller,
    h("div", { class: "ml-zoom" }, wider, closer));

  for (let pitch = low; pitch <= high; pitch++) {
    const black = BLACK.has(pitch % 12);
    if (black) rows.append(s("rect", { class: "ml-black", x: 0, y: y(pitch), height: ROW, width: "100%" }));
    const name = model.get("_drums") ? DRUMS[pitch] : pitch % 12 === 0 ? `C${pitch / 12 - 1}` : null;
    if (!name) continue;
    const text = s("text", { x: KEYS - 4, y: y(pitch) + ROW - 2, "text-anchor": "end" });
    text.textContent = name;
    names.append(text);
  }

  function setZoom(next) {
    const middle = (scroller.scrollLeft + scroller.clientWidth / 2) / ZOOMS[zoom];
    zoom = Math.min(Math.max(next, 0), ZOOMS.length - 1);
    update();
    scroller.scrollLeft = x(middle) - scroller.clientWidth / 2;
  }

  function update() {
    const width = Math.max(x(duration), 1);
    svg.setAttribute("width", width);
    image.setAttribute("width", width);
    const strong = new Set(model.get("_downbeats").map((beat) => beat.toFixed(3)));
    lines.replaceChildren(...model.get("_beats").map((beat) => s("line", {
      x1: x(beat), x2: x(beat), y1: 0, y2: height, class: strong.has(beat.toFixed(3)) ? "ml-downbeat" : "",
    })));
    layer.replaceChildren(...model.get("_notes").map(([onset, offset, pitch, sure], index) => {
      const rect = s("rect", {
        x: x(onset), y: y(Math.round(pitch)) + 1, width: Math.max(x(offset - onset) - 1, 2), height: ROW - 2, rx: 2,
        class: sure < 0.4 ? "ml-note ml-doubtful" : sure < 0.7 ? "ml-note ml-unsure" : "ml-note",
        "fill-opacity": 0.45 + 0.5 * sure, "data-note": index,
      });
      const title = s("title");
      title.textContent = `${label(pitch)}, ${onset.toFixed(2)} s, ${Math.round(100 * sure)} % sure`;
      rect.append(title);
      return rect;
    }));
    select(selected);
  }

  const label = (pitch) => {
    const key = Math.round(pitch);
    return model.get("_drums") ? DRUMS[key] ?? String(key) : `${NAMES[key % 12]}${Math.floor(key / 12) - 1}`;
  };

  function select(index) {
    selected = index;
    for (const rect of layer.children) rect.classList.toggle("ml-selected", Number(rect.dataset.note) === index);
  }

  const place = (event) => {
    const box = svg.getBoundingClientRect();
    return { seconds: (event.clientX - box.left) / ZOOMS[zoom], pitch: high - Math.floor((event.clientY - box.top) / ROW) };
  };

  let held = null;
  drag(svg, {
    start(event) {
      const rect = event.target.closest("[data-note]");
      const at = place(event);
      if (!rect) {
        held = { seek: at.seconds };
        return true;
      }
      const index = Number(rect.dataset.note);
      const [onset, offset, pitch] = model.get("_notes")[index];
      const stretch = event.clientX > rect.getBoundingClientRect().right - EDGE;
      held = { index, rect, at, stretch, onset, offset, pitch, moved: false };
      pick(index);
      return true;
    },
    move(event) {
      if (held.seek !== undefined) return;
      const now = place(event);
      const shift = now.seconds - held.at.seconds;
      const steps = now.pitch - held.at.pitch;
      held.moved ||= Math.abs(shift) * ZOOMS[zoom] > 3 || (steps !== 0 && !held.stretch);
      if (!held.moved) return;
      held.to = held.stretch
        ? { onset: held.onset, offset: Math.max(held.offset + shift, held.onset + SHORTEST), pitch: held.pitch }
        : { onset: Math.max(held.onset + shift, 0), offset: Math.max(held.offset + shift, SHORTEST), pitch: held.pitch + steps };
      held.rect.setAttribute("x", x(held.to.onset));
      held.rect.setAttribute("y", y(Math.round(held.to.pitch)) + 1);
      held.rect.setAttribute("width", Math.max(x(held.to.offset - held.to.onset) - 1, 2));
    },
    end() {
      if (held.seek !== undefined) seek(held.seek);
      else if (held.moved && held.to) move(held.index, held.to);
      held = null;
    },
  }, signal);
  svg.addEventListener("dblclick", (event) => {
    if (event.target.closest("[data-note]")) return;
    const { seconds, pitch } = place(event);
    add({ onset: Math.max(seconds, 0), offset: Math.max(seconds, 0) + NEW, pitch });
  }, { signal });

  /** Move a note by semitones, from the keyboard. */
  function nudge(index, semitones) {
    const note = model.get("_notes")[index];
    if (note) move(index, { onset: note[0], offset: note[1], pitch: note[2] + semitones });
  }

  /** Show where the music is; while it plays, scroll along. */
  function at(seconds, playing) {
    cursor.setAttribute("x1", x(seconds));
    cursor.setAttribute("x2", x(seconds));
    if (!playing) return;
    const left = scroller.scrollLeft, width = scroller.clientWidth;
    if (x(seconds) < left || x(seconds) > left + 0.85 * width) scroller.scrollLeft = x(seconds) - 0.15 * width;
  }

  return { element, update, select, at, nudge, close: () => URL.revokeObjectURL(url) };
}
