// The score view: engraved music that follows the playback, a piano roll to correct it in, and the sound of each note.

import { Audition } from "../shared/audition.js";
import { followClock, offerClock } from "../shared/clock.js";
import { animate, answers, button, bytesOf, h, onKeys, playButton, watch } from "../shared/dom.js";
import { Engine } from "../shared/engine.js";
import { feed } from "../shared/feed.js";
import { formatTime } from "../shared/levels.js";
import { EngravedPage } from "./page.js";
import { createInstrument } from "./instrument.js";
import { createKey } from "./key.js";
import { createDeciding } from "./deciding.js";
import { Measures } from "./measures.js";
import { PianoRoll, changed } from "./roll.js";
import { createSettings } from "./settings.js";

const FILES = [["musicxml", "MusicXML"], ["mid", "MIDI"], ["pdf", "PDF"], ["png", "PNG"]];
const STEP = 0.02;  // s by which a key moves a note
const READING_KEYS = "Space plays. Left and right choose a note, Enter hears it.";
const KEYS = "Space plays. Left and right choose a note, up and down move it by semitones; with Shift left and right "
  + "move it in time, with Alt they move its end. Enter hears it, N adds one where the music is, Delete takes it away. "
  + "Comma and point go by bars; square brackets loop from this bar and to this bar, L turns the loop off and on.";

let clocks = 0;  // each view without a mixer keeps time by itself

/** The clock that a view follows: the mixer's, or its own engine's. */
function clockOf(model, engine, onChange, signal) {
  const followed = model.get("clock");
  const name = followed || `score-${++clocks}`;
  if (!followed) {
    offerClock(name, engine, ({ seek, playing, loop }) => {
      if (loop !== undefined) engine.setLoop(loop);
      if (seek !== undefined) engine.seek(seek);
      if (playing !== undefined) engine[playing ? "play" : "pause"]();
    }, signal);
  }
  return followClock(name, { onChange, signal });
}

/** What a person does with notes: choose, hear, change, take away. */
class Editor extends EventTarget {
  selected = -1;

  constructor(model, engine, audition) {
    super();
    Object.assign(this, { model, engine, audition });
  }

  get notes() { return this.model.get("_notes"); }

  order(name, rest = {}) { if (answers(this.model)) this.model.send({ order: name, ...rest }); }

  /** Ask for a file; a page without Python has some of them ready. */
  export(format) { this.model.send({ order: "export", format }); }

  /** Choose a note (-1: none), and hear it alone. */
  pick(index, { listen = true } = {}) {
    this.selected = index < this.notes.length ? index : -1;
    this.dispatchEvent(new Event("pick"));
    const note = this.notes[this.selected];
    if (note && listen && note[1] <= this.engine.loaded) {
      this.audition.slice(this.engine.buffers[0], note[0], note[1]);
    }
  }

  /** The next note, or the one before; the first at the beginning. */
  step(by) {
    const last = this.notes.length - 1;
    const next = this.selected < 0 ? 0 : this.selected + by;
    if (last >= 0) this.pick(Math.min(Math.max(next, 0), last));
  }

  change(by) {
    const note = this.notes[this.selected];
    if (note) this.order("move", { index: this.selected, ...changed(note, by) });
  }

  remove() {
    if (this.selected < 0) return;
    this.order("delete", { index: this.selected });
    this.pick(-1);
  }
}

/** The loop, as the clock has it: the button that ends it and brings the last one back. */
function createLoop(clock, measures, signal) {
  let last = null;
  const toggle = () => {
    const { loop } = clock;
    if (loop) last = loop;
    clock.setLoop(loop ? null : last ?? measures.marked(clock.now(), 1).with(0, measures.step(clock.now(), 0)));
  };
  const element = button({
    label: "loop", title: "Loop (L): drag over bars of the page", icon: "loop", class: "ml-icon", pressed: "false",
  }, toggle, signal);
  let shown;
  function show() {
    const { loop } = clock;
    const now = JSON.stringify(loop ?? null);
    if (now === shown) return;
    shown = now;
    element.setAttribute("aria-pressed", Boolean(loop));
    measures.show(loop ?? null);
  }
  return { element, toggle, show };
}

/** The bar above: transport, corrections, files. */
function createBar(model, { clock, editor, audition, toggle, loop, onHear }, signal) {
  const play = playButton(toggle, signal);
  const back = button({ label: "back to the start", icon: "start", class: "ml-icon" }, () => clock.seek(0), signal);
  const time = h("span", { class: "ml-time" }, "");
  const plain = (label, text, act) => button({ label, text, class: "ml-plain" }, act, signal);
  const undo = plain("undo", "Undo", () => editor.order("undo"));
  const redo = plain("redo", "Redo", () => editor.order("redo"));
  const remove = plain("delete note", "Delete note", () => editor.remove());
  const hear = button({ label: "hear the written notes", text: "Hear the notes", class: "ml-chip", pressed: "false" },
    () => {
      hear.setAttribute("aria-pressed", hear.getAttribute("aria-pressed") !== "true");
      onHear();
    }, signal);
  const instrument = answers(model) ? createInstrument(model, audition, signal) : "";  // Python makes its sounds
  const files = h("span", { class: "ml-files", role: "group", "aria-label": "save" }, "Save as ",
    ...FILES.filter(([format]) => model.files?.includes(format) ?? true)
      .map(([format, label]) => plain(`save as ${label}`, label, () => editor.export(format))));
  const corrections = answers(model) ? [undo, redo, remove] : [];
  function update() {
    undo.disabled = !model.get("_can_undo");
    redo.disabled = !model.get("_can_redo");
    remove.disabled = editor.selected < 0;
  }
  editor.addEventListener("pick", update, { signal });
  return {
    element: h("div", { class: "ml-bar" }, back, play.element, loop.element, time, hear, instrument,
      ...corrections, files),
    update,
    at(seconds, playing) {
      time.textContent = `${formatTime(seconds)} / ${formatTime(model.get("_duration"))}`;
      play.show(playing);
    },
    get hears() { return hear.getAttribute("aria-pressed") === "true"; },
  };
}

/** Keys that work wherever the focus is within the view. */
function createKeys({ clock, editor, roll, toggle, measures, loop }) {
  const byBar = {
    "[": () => clock.setLoop(measures.marked(clock.now(), 0)),
    "]": () => clock.setLoop(measures.marked(clock.now(), 1)),
    ",": () => clock.seek(measures.step(clock.now(), -1)), ".": () => clock.seek(measures.step(clock.now(), 1)),
    l: loop.toggle, L: loop.toggle,
  };
  const move = (by) => (event) => {
    if (event.shiftKey) editor.change({ start: by * STEP });
    else if (event.altKey) editor.change({ end: by * STEP });
    else {
      editor.step(by);
      roll.reveal(editor.selected);
    }
  };
  const acts = {
    Space: toggle, Delete: () => editor.remove(), Backspace: () => editor.remove(),
    ArrowUp: () => editor.change({ steps: 1 }), ArrowDown: () => editor.change({ steps: -1 }),
    ArrowLeft: move(-1), ArrowRight: move(1), Enter: () => editor.pick(editor.selected),
    KeyN: () => editor.order("add", roll.fresh(clock.now())),
  };
  return (event) => {
    const meta = event.ctrlKey || event.metaKey;
    const scrolls = editor.selected < 0 && ["ArrowUp", "ArrowDown"].includes(event.code);
    if (meta && event.code === "KeyZ") editor.order(event.shiftKey ? "redo" : "undo");
    else if (!meta && byBar[event.key]) byBar[event.key]();
    else if (meta || scrolls || !acts[event.code]) return false;
    else acts[event.code](event);
    return true;
  };
}

/** Which notes sound, shown and (if wanted) played: one screen frame after the other, but only while it plays. */
function createFollower(model, { clock, audition, page, roll, bar, loop, key }, signal) {
  let wasPlaying = false;
  const soundingAt = (now) => {
    const ids = new Set();
    for (const [onset, offset, , , names] of model.get("_notes")) {
      if (onset > now) break;
      if (now < offset) for (const name of names) ids.add(name);
    }
    return ids;
  };
  return animate(() => {
    const [now, { playing }] = [clock.now(), clock];
    key.show();
    page.light(soundingAt(now));
    roll.at(now, playing);
    bar.at(now, playing);
    loop.show();
    if (playing !== wasPlaying) audition.silence();
    wasPlaying = playing;
    if (playing && bar.hears) {
      const { speed, semitones } = clock;
      audition.follow(model.get("_notes"), now, { drums: model.get("_drums"), speed, semitones });
    }
    return playing;
  }, signal);
}

/** All parts of a view, not yet in the page; `wake()` draws what follows the music. */
function createParts({ model, engine, group }, signal) {
  const parts = {};
  const wake = () => parts.follow?.();
  const clock = clockOf(model, engine, wake, signal);
  const audition = new Audition({ group });
  const editor = new Editor(model, engine, audition);
  const toggle = () => (clock.playing ? clock.pause() : clock.play());
  const pick = (index) => editor.pick(index);
  const page = new EngravedPage(model, pick, signal);
  const roll = new PianoRoll(model, {
    pick,
    seek: (seconds) => clock.seek(seconds),
    add: (note) => editor.order("add", note),
    move: (index, note) => editor.order("move", { index, ...note }),
  }, signal);
  const onHear = () => {
    if (!bar.hears) audition.silence();
    wake();
  };
  const measures = new Measures(model, page.element, {
    seek: (seconds) => clock.seek(seconds), loop: (span) => clock.setLoop(span),
  }, signal);
  const loop = createLoop(clock, measures, signal);
  const bar = createBar(model, { clock, editor, audition, toggle, loop, onHear }, signal);
  editor.addEventListener("pick", () => {
    page.select(editor.selected);
    roll.select(editor.selected);
  }, { signal });
  const key = createKey(model, { clock, editor }, signal);
  Object.assign(parts, { clock, audition, editor, toggle, page, roll, bar, measures, loop, key });
  parts.follow = createFollower(model, parts, signal);
  return parts;
}

function createView(session, el) {
  const { model, engine } = session;
  const life = new AbortController();
  const { signal } = life;
  const parts = createParts(session, signal);
  const { audition, editor, page, roll, bar, measures, key, follow } = parts;
  const deciding = createDeciding(model, parts, signal);
  const settings = createSettings(model, signal);
  settings.prepend(...(answers(model) ? [deciding.opener] : []), key.element);
  const message = h("div", { class: "ml-message", role: "alert" });
  const root = h("div", {
    class: "musiclab ml-score", tabindex: 0, role: "group", "aria-label": `score of ${model.get("_name")}`,
    "aria-description": answers(model) ? KEYS : READING_KEYS,
  }, bar.element, settings, ...(answers(model) ? [deciding.element] : []), message, page.element, roll.element);
  Object.assign(root, { engine, audition });  // for tests
  el.append(root);
  onKeys(root, createKeys(parts), signal);

  const update = () => {
    page.update();
    measures.update();
    roll.update();
    editor.pick(editor.selected, { listen: false });
    bar.update();
    follow();
  };
  const updateMessage = () => { message.textContent = model.get("_message") || model.get("_error") || session.error; };
  const onFile = (content, buffers) => content.file && download(content.file, buffers[0]);
  watch(model, [
    ["change:_svg", update], ["change:_message", updateMessage], ["change:_error", updateMessage],
    ["msg:custom", onFile],
  ], signal);
  session.addEventListener("failed", updateMessage, { signal });
  update();
  updateMessage();
  return () => {
    life.abort();
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

/** One engine for all views of a model. Event "failed" with `error` said. */
class Session extends EventTarget {
  error = "";
  #life = new AbortController();

  constructor(model) {
    super();
    this.model = model;
    this.group = model.get("clock") || `score-${Math.random()}`;  // of what may sound together
    this.engine = new Engine(model.get("_duration"), { group: this.group });
    this.engine.setLevels([0], 0);
    const onError = (text) => {
      this.error = text;
      this.dispatchEvent(new Event("failed"));
    };
    feed(model, this.engine, { onChange: () => {}, onError }, this.#life.signal);
  }

  close() {
    this.#life.abort();
    return this.engine.close();
  }
}

export default () => {
  let session = null;
  return {
    initialize({ model }) {
      session = new Session(model);
      return () => session.close();
    },
    render: ({ el }) => createView(session, el),
  };
};
