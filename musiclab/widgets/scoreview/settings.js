// How sure notes have to be: sliders from 0 to 1 that wait for what they changed to be drawn.

import { answers, h, watch } from "../shared/dom.js";

const SEND_EVERY = 50;   // ms between two settings of a slider that moves
const PATIENCE = 2000;   // ms to wait for a drawing: then the kernel is busy with something else
const SLIDERS = [
  ["sure", "At least this sure", "Notes that are less sure are left out"],
  ["onset_threshold", "Beginnings", "How clear the beginning of a note has to be"],
  ["frame_threshold", "Sustain", "How clearly a note has to sound on"],
];

/** A slider that tells Python what it is moved to, but not before the last value has been drawn. */
function createSlider(model, [name, label, title], signal) {
  const output = h("output", {}, "");
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
  const show = () => { output.textContent = Number(input.value).toFixed(2); };
  input.addEventListener("input", () => {
    show();
    timer ??= setTimeout(send, SEND_EVERY);
  }, { signal });
  input.addEventListener("change", send, { signal });
  signal.addEventListener("abort", () => {
    asked = null;
    if (timer !== null) send();  // the last value of a drag counts
  });
  const update = () => {
    if (timer === null) input.value = model.get(name);
    show();
  };
  update();
  watch(model, [[`change:${name}`, update], ["change:_drawn", () => { asked = null; }]], signal);
  return h("label", { class: "ml-slider", title }, h("span", {}, label), input, output);
}

export function createSettings(model, signal) {
  const wanted = !answers(model) ? [] : model.get("_thresholds") ? SLIDERS : SLIDERS.slice(0, 1);
  return h("div", { class: "ml-bar ml-settings" },
    ...wanted.map((slider) => createSlider(model, slider, signal)),
    h("span", { class: "ml-legend" }, h("i", { class: "ml-key-unsure" }), "under 70 % sure ",
      h("i", { class: "ml-key-doubtful" }), "under 40 %"));
}
