// The score view: engraved music that follows the playback, a piano roll to correct it in, and the sound of each note.

import { Audition } from "../shared/audition.js";
import { followClock, offerClock } from "../shared/clock.js";
import { h, icon } from "../shared/dom.js";
import { Engine } from "../shared/engine.js";
import { feed } from "../shared/feed.js";
import { formatTime } from "../shared/levels.js";
import { createRoll } from "./roll.js";

const REACH = 24;        // px around a note head in which a click means it
const SEND_EVERY = 50;   // ms between two settings of a slider that moves
const PATIENCE = 2000;   // ms to wait for a drawing: then the kernel is busy with something else
const FILES = [["musicxml", "MusicXML"], ["mid", "MIDI"], ["pdf", "PDF"], ["png", "PNG"]];
const LEVELS = [[0.4, "ml-doubtful"], [0.7, "ml-unsure"]];  // classes of notes by how sure they are

let clocks = 0;  // each view without a mixer keeps time by itself

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

function button(label, content, onClick, signal, extra = {}) {
  const element = h("button", { type: "button", "aria-label": label, title: label, ...extra }, content);
  element.addEventListener("click", onClick, { signal });
  return element;
}

/** A slider from 0 to 1 that tells Python what it is moved to, but not before the last value has been drawn. */
function createSlider(model, name, label, title, signal) {
  const value = h("output", {}, "");
  const input = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": label });
  let [timer, asked] = [null, null];  // asked: when a drawing was, until it comes
  const send = () => {
    clearTimeout(timer);
    timer = null;
    if (asked !== null && performance.now() - asked < PATIENCE) {
      timer = setTimeout(send, SEND_EVERY);
      return;
    }
    if (Number(input.value) === model.get(name)) return;
    asked = performance.now();
    model.set(name, Number(input.value));
    model.save_changes();
  };
  const show = () => { value.textContent = Number(input.value).toFixed(2); };
  input.addEventListener("input", () => { show(); timer ??= setTimeout(send, SEND_EVERY); }, { signal });
  input.addEventListener("change", send, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  const update = () => {
    if (timer === null) input.value = model.get(name);
    show();
  };
  update();
  return { element: h("label", { class: "ml-slider", title }, h("span", {}, label), input, value), update, drawn: () => { asked = null; } };
}

/** The engraved page: which note is where, colours by confidence, the highlight. */
function createPage(model, onPick, signal) {
  const element = h("div", { class: "ml-page", role: "group", "aria-label": "score" });
  let lit = new Set();
  let heads = new Map();
  function update() {
    element.innerHTML = model.get("_svg");
    lit = new Set();
    heads = new Map();
    model.get("_notes").forEach(([, , , sure, ids], index) => {
      for (const id of ids) {
        const head = element.querySelector(`#${CSS.escape(id)}`);
        if (!head) continue;
        heads.set(id, head);
        head.dataset.note = index;
        const level = LEVELS.find(([below]) => sure < below);
        if (level) head.classList.add(level[1]);
        head.append(Object.assign(document.createElementNS("http://www.w3.org/2000/svg", "title"),
          { textContent: `${Math.round(100 * sure)} % sure` }));
      }
    });
  }
  function light(ids) {
    for (const id of lit) if (!ids.has(id)) heads.get(id)?.classList.remove("ml-playing");
    for (const id of ids) if (!lit.has(id)) heads.get(id)?.classList.add("ml-playing");
    if (ids.size && [...ids].some((id) => !lit.has(id))) reveal(heads.get([...ids][0]));
    lit = ids;
  }
  /** Scroll so that the system with this note is in view. */
  function reveal(head) {
    const system = head?.closest(".system");
    if (!system || element.scrollHeight <= element.clientHeight) return;
    const box = system.getBoundingClientRect(), frame = element.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.bottom) element.scrollTop += box.top - frame.top - 12;
  }
  function select(index) {
    for (const head of heads.values()) head.classList.toggle("ml-selected", Number(head.dataset.note) === index);
  }
  /** The note under the pointer, or the nearest one within reach of a finger. */
  function near({ clientX, clientY }) {
    let [best, distance] = [null, REACH];
    for (const head of heads.values()) {
      const box = (head.querySelector(".notehead") ?? head).getBoundingClientRect();
      const away = Math.hypot(clientX - (box.left + box.right) / 2, clientY - (box.top + box.bottom) / 2);
      if (away < distance) [best, distance] = [head, away];
    }
    return best;
  }
  element.addEventListener("click", (event) => {
    const head = event.target.closest("[data-note]") ?? near(event);
    if (head) onPick(Number(head.dataset.note));
  }, { signal });
  return { element, update, light, select };
}

/** Everything of one view. */
function createView(model, engine, el) {
  const stop = new AbortController();
  const { signal } = stop;
  const audition = new Audition();
  const own = model.get("clock") === "";
  const clockName = own ? `score-${++clocks}` : model.get("clock");
  if (own) {
    offerClock(clockName, engine, ({ seek, playing }) => {
      if (seek !== undefined) engine.seek(seek);
      if (playing === true) engine.play();
      if (playing === false) engine.pause();
    }, signal);
  }
  let wake = () => {};
  const clock = followClock(clockName, { onChange: () => wake(), signal });
  let selected = -1;

  const order = (name, rest = {}) => model.send({ order: name, ...rest });
  function pick(index, { listen = true } = {}) {
    selected = index;
    page.select(index);
    roll.select(index);
    remove.disabled = index < 0;
    const note = model.get("_notes")[index];
    if (note && listen && note[1] <= engine.loaded) audition.slice(engine.buffers[0], note[0], note[1]);
  }
  const deleteSelected = () => {
    if (selected < 0) return;
    order("delete", { index: selected });
    pick(-1);
  };

  const page = createPage(model, pick, signal);
  const roll = createRoll(model, {
    pick,
    seek: (seconds) => clock.seek(seconds),
    add: (note) => order("add", note),
    move: (index, note) => order("move", { index, ...note }),
  }, signal);
  const play = button("play", icon("play"), () => (clock.playing ? clock.pause() : clock.play()), signal, { class: "ml-play" });
  const back = button("back to the start", icon("start"), () => clock.seek(0), signal, { class: "ml-icon" });
  const time = h("span", { class: "ml-time" }, "");
  const undo = button("undo", "Undo", () => order("undo"), signal, { class: "ml-plain" });
  const redo = button("redo", "Redo", () => order("redo"), signal, { class: "ml-plain" });
  const remove = button("delete note", "Delete note", deleteSelected, signal, { class: "ml-plain", disabled: true });
  const hear = button("hear the written notes", "Hear the notes", () => {
    const on = hear.getAttribute("aria-pressed") !== "true";
    hear.setAttribute("aria-pressed", on);
    if (!on) audition.silence();
    wake();
  }, signal, { class: "ml-chip", "aria-pressed": "false" });
  const files = h("span", { class: "ml-files", role: "group", "aria-label": "save" }, "Save as ", ...FILES.map(([format, label]) =>
    button(`save as ${label}`, label, () => order("export", { format }), signal, { class: "ml-plain" })));
  const sliders = [createSlider(model, "sure", "At least this sure", "Notes that are less sure are left out", signal)];
  if (model.get("_thresholds")) {
    sliders.push(createSlider(model, "onset_threshold", "Beginnings", "How clear the beginning of a note has to be", signal));
    sliders.push(createSlider(model, "frame_threshold", "Sustain", "How clearly a note has to sound on", signal));
  }
  const message = h("div", { class: "ml-message", role: "alert" });
  const root = h("div", { class: "musiclab ml-score", tabindex: 0, role: "group", "aria-label": `score of ${model.get("_name")}` },
    h("div", { class: "ml-bar" }, back, play, time, hear, undo, redo, remove, files),
    h("div", { class: "ml-bar ml-settings" }, ...sliders.map((slider) => slider.element),
      h("span", { class: "ml-legend" }, h("i", { class: "ml-key-unsure" }), "under 70 % sure ", h("i", { class: "ml-key-doubtful" }), "under 40 %")),
    message, page.element, roll.element);
  root.engine = engine;
  root.audition = audition;
  el.append(root);

  root.addEventListener("keydown", (event) => {
    if (event.target.closest("input, button") && event.code === "Space") return;
    const meta = event.ctrlKey || event.metaKey;
    const acts = {
      Space: () => (clock.playing ? clock.pause() : clock.play()),
      Delete: deleteSelected, Backspace: deleteSelected,
      KeyZ: () => meta && order(event.shiftKey ? "redo" : "undo"),
      ArrowUp: () => roll.nudge(selected, 1), ArrowDown: () => roll.nudge(selected, -1),
    };
    if (event.target.matches("input") || !acts[event.code] || (event.code === "KeyZ" && !meta)) return;
    acts[event.code]();
    event.preventDefault();
    event.stopPropagation();
  }, { signal });

  const update = () => {
    page.update();
    roll.update();
    if (selected >= model.get("_notes").length) selected = -1;
    pick(selected, { listen: false });
    undo.disabled = !model.get("_can_undo");
    redo.disabled = !model.get("_can_redo");
    wake();
  };
  const drawn = () => sliders.forEach((slider) => slider.drawn());
  const updateSettings = () => sliders.forEach((slider) => slider.update());
  const updateMessage = () => { message.textContent = model.get("_message") || model.get("_error"); };
  const onFile = (content, buffers) => content.file && download(content.file, buffers[0]);
  const watched = [["_svg", update], ["_drawn", drawn], ["sure", updateSettings], ["onset_threshold", updateSettings],
    ["frame_threshold", updateSettings], ["_message", updateMessage], ["_error", updateMessage]];
  for (const [name, handler] of watched) model.on(`change:${name}`, handler);
  model.on("msg:custom", onFile);

  // --- following: one animation frame after the other, but only while it plays
  let frame = 0;
  let wasPlaying = false;
  function draw() {
    frame = 0;
    const now = clock.now();
    const notes = model.get("_notes");
    const ids = new Set();
    for (const [onset, offset, , , names] of notes) {
      if (onset > now) break;
      if (now < offset) for (const name of names) ids.add(name);
    }
    page.light(ids);
    roll.at(now, clock.playing);
    time.textContent = `${formatTime(now)} / ${formatTime(model.get("_duration"))}`;
    if (clock.playing !== wasPlaying) {
      wasPlaying = clock.playing;
      play.replaceChildren(icon(wasPlaying ? "pause" : "play"));
      play.setAttribute("aria-label", wasPlaying ? "pause" : "play");
      play.title = wasPlaying ? "pause" : "play";
      audition.silence();
    }
    if (clock.playing) {
      if (hear.getAttribute("aria-pressed") === "true") audition.follow(notes, now, model.get("_drums"));
      wake();
    }
  }
  wake = () => { frame ||= requestAnimationFrame(draw); };
  update();
  updateMessage();

  return () => {
    stop.abort();
    cancelAnimationFrame(frame);
    wake = () => {};
    for (const [name, handler] of watched) model.off(`change:${name}`, handler);
    model.off("msg:custom", onFile);
    audition.close();
    roll.close();
    root.remove();
  };
}

function download(name, view) {
  const url = URL.createObjectURL(new Blob([bytesOf(view)]));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** One engine for all views of a model. */
export default () => {
  let engine = null;
  return {
    initialize({ model }) {
      engine = new Engine(model.get("_duration"));
      engine.setLevels([0], 0);
      const life = new AbortController();
      const undecoded = (error) => {  // Safari before 18.4 knows no Ogg: Python is asked for MP3
        if (model.get("_format") === "mp3") throw error;
        model.set("_format", "mp3");
        model.save_changes();
      };
      feed(model, engine, { onChange: () => {}, onError: undecoded }, life.signal);
      return () => {
        life.abort();
        engine.close();
      };
    },
    render({ model, el }) {
      return createView(model, engine, el);
    },
  };
};
