// A blind ABX test: A, B and X on one clock; one says which of the two X is.

import { createBlindTest } from "./blind.js";
import { bytesOf, button } from "../shared/controls.js";
import { h, icon } from "../shared/dom.js";
import { Engine } from "../shared/engine.js";

const KEYS = "Space plays; A, B and X choose what is heard, also in the middle of a note.";

/** A trial: three sounds, two answers. */
function createTrial(model, say) {
  const stop = new AbortController();
  const { signal } = stop;
  const files = model.get("_files").map(bytesOf);
  const names = model.get("_names");
  const engine = new Engine(model.get("_seconds"));
  engine.setLoop([0, engine.duration]);
  const toggle = () => (engine.playing ? engine.pause() : engine.play());
  const play = button("play", icon("play"), toggle, signal, { class: "ml-play" });
  const status = h("span", { class: "ml-message", role: "status" }, "Loading…");
  const choices = ["A", "B", "X"].map((key, i) => button(`hear ${key}`, h("span", {}, h("b", {}, key), h("small", {}, i < 2 ? names[i] : "which of them?")), () => hear(i), signal, { class: "ml-sound" }));
  const answers = ["A", "B"].map((key) => button(`X is ${key}`, `X is ${key}`, () => answer(key), signal, { class: "ml-next", disabled: true }));
  const element = h("div", {},
    h("div", { class: "ml-bar" }, play, h("b", {}, `Trial ${model.get("_number") + 1} of ${model.get("_trials")}`), h("span", { class: "ml-gap" }), status),
    h("div", { class: "ml-sounds" }, ...choices),
    h("div", { class: "ml-sounds ml-answers" }, ...answers),
    h("p", { class: "ml-note" }, `Is X the same as A, or as B? ${KEYS}`));

  function hear(which) {
    engine.setLevels(files.map((_, i) => (i === which ? 0 : -Infinity)), 0);
    choices.forEach((choice, i) => choice.setAttribute("aria-pressed", i === which));
  }
  function answer(key) {
    for (const made of answers) made.disabled = true;
    engine.pause();
    say(key);
  }
  engine.addEventListener("state", () => {
    play.replaceChildren(icon(engine.playing ? "pause" : "play"));
    for (const name of ["aria-label", "title"]) play.setAttribute(name, engine.playing ? "pause" : "play");
  }, { signal });
  hear(0);
  const sounds = files.map(() => ({ channels: model.get("_channels"), scale: 1 }));
  engine.add(files, { from: 0, to: engine.frames, pad: 0 }, sounds).then(
    () => { status.textContent = ""; for (const made of answers) made.disabled = false; },
    () => { status.textContent = "This browser can't decode the sounds."; });
  return { element, engine, hear, toggle, count: files.length, close() { stop.abort(); return engine.close(); } };
}

function createView(model, el) {
  return createBlindTest(model, el, {
    label: "blind listening test",
    look: "ml-abx",
    over: () => model.get("_number") >= model.get("_trials"),
    trial: () => createTrial(model, (said) => model.send({ number: model.get("_number"), said })),
    results: () => h("div", {}, h("div", { class: "ml-bar" }, h("b", {}, "Blind listening test")), h("p", { class: "ml-note", role: "status" }, model.get("_verdict"))),
    key: (code) => ({ KeyA: 0, KeyB: 1, KeyX: 2 })[code],
  });
}

export default () => ({ render: ({ model, el }) => createView(model, el) });
