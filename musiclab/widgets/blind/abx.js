// A blind ABX test: A, B and X on one clock; one says which of the two X is.

import { createBlindTest, createHead, createSounds } from "./blind.js";
import { button, h } from "../shared/dom.js";

const KEYS = "Space plays; A, B and X choose what is heard, also in the middle of a note.";

/** A trial: three sounds, two answers. `say(letter)` gets the answer. */
function createTrial(model, say) {
  const sounds = createSounds(model, {
    onHear: (which) => choices.forEach((made, i) => made.setAttribute("aria-pressed", i === which)),
    onReady: () => disable(false),
  });
  const names = [...model.get("_names"), "which of them?"];
  const choices = ["A", "B", "X"].map((key, i) => button({
    label: `hear ${key}`, text: h("span", {}, h("b", {}, key), h("small", {}, names[i])), class: "ml-sound",
  }, () => sounds.hear(i), sounds.signal));
  const answers = ["A", "B"].map((key) => button({ label: `X is ${key}`, class: "ml-next", disabled: true },
    () => answer(key), sounds.signal));
  const disable = (is) => answers.forEach((made) => { made.disabled = is; });

  function answer(key) {
    disable(true);
    sounds.engine.pause();
    say(key);
  }
  const element = h("div", {},
    createHead(sounds, `Trial ${model.get("_number") + 1} of ${model.get("_trials")}`),
    h("div", { class: "ml-sounds" }, ...choices),
    h("div", { class: "ml-sounds ml-answers" }, ...answers),
    h("p", { class: "ml-note" }, `Is X the same as A, or as B? ${KEYS}`));
  return { element, sounds };
}

const createResults = (model) => h("div", {},
  h("div", { class: "ml-bar" }, h("b", {}, "Blind listening test")),
  h("p", { class: "ml-note", role: "status" }, model.get("_verdict")));

function createView(model, el) {
  return createBlindTest(model, el, {
    label: "blind listening test",
    look: "ml-abx",
    over: () => model.get("_number") >= model.get("_trials"),
    trial: () => createTrial(model, (said) => model.send({ number: model.get("_number"), said })),
    results: () => createResults(model),
    key: (code) => ({ KeyA: 0, KeyB: 1, KeyX: 2 })[code],
  });
}

export default () => ({ render: ({ model, el }) => createView(model, el) });
