// The explorer's controls: what a spectrogram is computed with, how it is drawn, and what its window can tell apart.

import { checkbox, choice, traitSlider } from "../shared/controls.js";
import { h } from "../shared/dom.js";

const LABELS = {
  hann: "Hann", hamming: "Hamming", blackman: "Blackman", boxcar: "Rectangle",
  linear: "Linear", log: "Log", mel: "Mel", cqt: "CQT", left: "L", right: "R", mid: "Mid", side: "Side",
};

const ms = (seconds) => `${(1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0)} ms`;

/** What a window of `n` samples tells apart, in words. */
function resolutionOf(model, n) {
  const { widths, middle } = model.get("_options");
  const sr = model.get("_sr");
  const [bins, part] = widths[model.get("window")];
  const [seconds, hz] = [(part * n) / sr, (bins * sr) / n];
  if (model.get("scale") === "cqt") {
    const cents = 1200 * Math.log2(1 + hz / middle);
    return `tells apart ${cents.toFixed(0)} cents; ${ms(seconds)} at 1 kHz`;
  }
  return `tells apart ${ms(seconds)} and ${hz.toFixed(hz < 100 ? 1 : 0)} Hz`;
}

function createWindow(model, onMove, signal) {
  const { n_ffts: lengths, overlaps } = model.get("_options");
  const sr = model.get("_sr");
  const index = (list) => ({
    min: 0, max: list.length - 1, step: 1, to: (value) => list.indexOf(value), from: (i) => list[i],
  });
  return [
    traitSlider(model, "n_fft", "Window", {
      ...index(lengths), format: (i) => ms(lengths[i] / sr), onInput: (i) => onMove(lengths[i]),
      title: "Window length: long ones tell tones apart, short ones moments",
    }, signal),
    traitSlider(model, "overlap", "Hop", {
      ...index(overlaps), format: (i) => ms(model.get("n_fft") / overlaps[i] / sr),
      title: "From one column to the next",
    }, signal),
  ];
}

/** Rows of controls; `update()` when a setting has changed, `onRange(dB)` while its slider moves. */
export function createSettings(model, onRange, signal) {
  const options = model.get("_options");
  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const choose = (label, name, values) => {
    const items = values.map((value) => ({ name: value, label: LABELS[value] }));
    const made = choice(label, items, (value) => set(name, value), signal);
    return { ...made, update: () => made.update(model.get(name)) };
  };
  const resolution = h("span", { class: "ml-resolution", role: "status", "aria-label": "resolution" });
  const tell = (n) => { resolution.textContent = resolutionOf(model, n); };
  const first = [...createWindow(model, tell, signal), choose("window shape", "window", options.windows)];
  const second = [choose("frequency scale", "scale", options.scales)];
  if (model.get("_channels") > 1) second.push(choose("channel", "channel", options.channels));
  const reassigned = checkbox("Reassigned", (on) => set("reassigned", on), signal);
  const range = traitSlider(model, "range_db", "Range", {
    min: 20, max: 120, step: 5, format: (x) => `${x} dB`, onInput: onRange,
    title: "How far below the loudest cell one sees",
  }, signal);
  const elements = (controls) => controls.map((control) => control.element);
  function update() {
    for (const control of [...first, ...second, range]) control.update();
    reassigned.input.checked = model.get("reassigned");
    reassigned.input.disabled = model.get("scale") === "cqt";
    tell(model.get("n_fft"));
  }
  const rows = [
    h("div", { class: "ml-bar" }, ...elements(first), h("span", { class: "ml-gap" }), resolution),
    h("div", { class: "ml-bar" }, ...elements(second), reassigned.element, range.element),
  ];
  return { rows, update };
}
