// The mask lab's controls: which mask, what is done to all of it, and what the tools paint with.

import { checkbox, choice, select, slider, traitSlider } from "../shared/controls.js";
import { h } from "../shared/dom.js";
import { ACTIONS, TOOLS } from "./tools.js";

/** Tool, action and their settings; `changed()` when one of them moves. */
export function createPaintbox({ model }, changed, signal) {
  const stems = model.get("_stems").map(({ name, label }) => ({ name, label }));
  const state = { tool: "brush", action: "give" };
  const pick = (what) => (name) => {
    state[what] = name;
    update();
    changed();
  };
  const tool = choice("tool", TOOLS, pick("tool"), signal);
  const action = choice("what it does", ACTIONS, pick("action"), signal);
  const onInput = changed;
  const strength = slider("Strength", { min: 5, max: 100, step: 5, value: 100, format: (x) => `${x} %` }, signal);
  const size = slider("Size", {
    min: 0.5, max: 12, step: 0.5, value: 2, format: (x) => `${x} st`, onInput,
    title: "Radius of the brush in semitones",
  }, signal);
  const overtones = slider("Partials", {
    min: 1, max: 40, step: 1, value: 16, title: "How many partials are painted with the fundamental", onInput,
  }, signal);
  const partner = select("from / to", [
    { name: "others", label: "all others" }, ...stems, { name: "", label: "nobody (sum changes)" },
  ], () => {}, signal);
  function update() {
    tool.update(state.tool);
    action.update(state.action);
    size.hide(state.tool !== "brush");
    overtones.hide(state.tool !== "harmonics");
    if (partner.value === model.get("stem")) partner.update("others");
    partner.disable([model.get("stem")]);
  }
  /** What a gesture with this tool is done with, for Python. */
  function options() {
    const made = { action: state.action, strength: strength.value / 100, partner: partner.value };
    if (state.tool === "brush") made.semitones = size.value;
    if (state.tool === "harmonics") made.overtones = overtones.value;
    return made;
  }
  const acts = Object.fromEntries([
    ...TOOLS.map(({ name, key }) => [key, () => pick("tool")(name)]),
    ...ACTIONS.map(({ name, key }) => [key, () => pick("action")(name)]),
  ]);
  const group = h("div", { class: "ml-group" },
    ...[strength, size, overtones, partner].map((control) => control.element));
  const element = h("div", { class: "ml-bar" }, tool.element, action.element, group);
  const preview = () => ({ ...state, semitones: size.value, overtones: overtones.value });
  return { element, update, options, acts, preview };
}

/** Sliders over the whole mask, and how it is drawn: `onLook()` when that changes. */
export function createShaping(session, onLook, signal) {
  const { model } = session;
  const onSet = () => session.prepare();
  const sliders = [
    traitSlider(model, "hardness", "Hardness", {
      onSet, min: -2.3, max: 3, step: 0.1, to: Math.log2, from: (x) => Number((2 ** x).toFixed(3)),
      format: (x) => (2 ** x).toFixed(2), title: "Exponent of the masks: 1 leaves them, more makes them harder",
    }, signal),
    traitSlider(model, "threshold", "Threshold", {
      onSet, min: 0, max: 0.9, step: 0.05, format: (x) => x.toFixed(2), title: "Smaller shares are set to zero",
    }, signal),
    traitSlider(model, "smoothing", "Smoothing", {
      onSet, min: 1, max: 15, step: 1, format: (x) => (x === 1 ? "off" : `${x} cells`),
      title: "Masks are averaged over a box of so many cells",
    }, signal),
  ];
  const range = slider("Range", {
    min: 30, max: 90, step: 5, value: 70, format: (x) => `${x} dB`, onInput: onLook, onChange: onLook,
    title: "How far below the loudest cell one sees",
  }, signal);
  const alone = checkbox("The mask alone", onLook, signal);
  const element = h("div", { class: "ml-shaping", role: "group", "aria-label": "the whole mask" },
    ...[...sliders, range, alone].map((control) => control.element));
  const update = () => sliders.forEach((made) => made.update());
  return { element, update, look: () => ({ range: range.value, alone: alone.input.checked }) };
}

/** Which stem's mask, and what kind it starts from. */
export function createChoices(session, signal) {
  const { model } = session;
  const stems = model.get("_stems").map((stem) => ({ ...stem, title: `The mask of ${stem.label}` }));
  const stem = choice("stem", stems, (name) => session.set("stem", name), signal);
  const kind = choice("kind of mask", model.get("_kinds"), (name) => session.set("kind", name), signal);
  const update = () => {
    stem.update(model.get("stem"));
    kind.update(model.get("kind"));
  };
  return { stem: stem.element, kind: kind.element, update };
}
