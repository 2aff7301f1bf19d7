// A blind rating test: all versions of an excerpt on one clock, a slider from 0 to 100 for each.

import { createBlindTest } from "./blind.js";
import { bytesOf, button } from "../shared/controls.js";
import { h, icon } from "../shared/dom.js";
import { Engine } from "../shared/engine.js";

const LETTERS = "ABCDEFGHIJKL";
const HINT = "One of them is the reference itself: find it, and give it 100. Rate the others against it.";
const KEYS = "Space plays; R or 0 is the reference, 1, 2, 3 … the others; arrow keys move a slider.";

/** An excerpt: its sounds, its sliders. `send(values)` when all are rated. */
function createExcerpt(model, send) {
  const stop = new AbortController();
  const { signal } = stop;
  const files = model.get("_files").map(bytesOf);
  const engine = new Engine(model.get("_seconds"));
  engine.setLoop([0, engine.duration]);
  let heard = 0;

  const play = button("play", icon("play"), () => toggle(), signal, { class: "ml-play" });
  const next = button("next excerpt", model.get("_number") + 1 === model.get("_excerpts") ? "Finish" : "Next", () => finish(), signal, { class: "ml-next", disabled: true });
  const status = h("span", { class: "ml-message", role: "status" }, "Loading…");
  const labels = h("div", {}, ...model.get("_labels").map((label) => h("span", {}, label)));
  const open = h("div", { class: "ml-column", "data-open": true }, button("hear the reference", "Ref", () => hear(0), signal), h("span", {}, "the reference"), h("output", {}, "open"));
  const rated = files.slice(1).map((_, i) => {
    const output = h("output", {}, "–");
    const input = h("input", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": `rating of ${LETTERS[i]}` });
    input.addEventListener("input", () => {
      input.setAttribute("data-set", "");
      output.textContent = input.value;
      check();
    }, { signal });
    for (const type of ["pointerdown", "focus"]) input.addEventListener(type, () => hear(i + 1), { signal });
    return { input, element: h("div", { class: "ml-column" }, button(`hear ${LETTERS[i]}`, LETTERS[i], () => hear(i + 1), signal), input, output) };
  });
  const columns = [open, ...rated.map(({ element }) => element)];
  const element = h("div", {},
    h("div", { class: "ml-bar" }, play, h("b", {}, `Excerpt ${model.get("_number") + 1} of ${model.get("_excerpts")}`), h("span", { class: "ml-gap" }), status, next),
    h("div", { class: "ml-columns" }, h("div", { class: "ml-scale", "aria-hidden": "true" }, labels), ...columns),
    h("p", { class: "ml-note" }, `${HINT} ${KEYS}`));

  /** Switch in the middle of a note: all of them play all the time. */
  function hear(which) {
    heard = which;
    engine.setLevels(files.map((_, i) => (i === heard ? 0 : -Infinity)), 0);
    columns.forEach((column, i) => column.toggleAttribute("data-heard", i === heard));
  }
  function toggle() {
    engine.playing ? engine.pause() : engine.play();
  }
  function check() {
    const left = rated.filter(({ input }) => !input.hasAttribute("data-set")).length;
    const full = rated.some(({ input }) => input.hasAttribute("data-set") && Number(input.value) === 100);
    next.disabled = left > 0 || !full;
    status.textContent = left ? `${left} still to rate` : full ? "" : "which one is the reference? It gets 100";
  }
  function finish() {
    next.disabled = true;
    engine.pause();
    send(rated.map(({ input }) => Number(input.value)));
  }
  engine.addEventListener("state", () => {
    play.replaceChildren(icon(engine.playing ? "pause" : "play"));
    for (const name of ["aria-label", "title"]) play.setAttribute(name, engine.playing ? "pause" : "play");
  }, { signal });
  hear(0);
  const sounds = files.map(() => ({ channels: model.get("_channels"), scale: 1 }));
  engine.add(files, { from: 0, to: engine.frames, pad: 0 }, sounds).then(check, () => { status.textContent = "This browser can't decode the sounds."; });
  return {
    element, engine, hear, toggle, count: files.length,
    get heard() { return heard; },
    close() { stop.abort(); return engine.close(); },
  };
}

/** What was said, the best first: median, the middle half as a bar, mean with its interval. */
function createResults(model) {
  const rows = model.get("_results").map(([name, median, lower, upper, mean, low, high, count]) => h("tr", {},
    h("th", { scope: "row" }, name), h("td", {}, h("b", {}, median.toFixed(0))),
    h("td", { class: "ml-box" }, h("div", { class: "ml-track", role: "img", "aria-label": `middle half from ${lower.toFixed(0)} to ${upper.toFixed(0)}` },
      h("i", { style: `left: ${lower}%; width: ${upper - lower}%` }), h("b", { style: `left: ${median}%` }))),
    h("td", {}, count > 1 ? `${mean.toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})` : mean.toFixed(0))));
  return h("div", {},
    h("div", { class: "ml-bar" }, h("b", {}, "Rating test: what you said")),
    h("table", { "aria-label": "results" }, h("thead", {}, h("tr", {}, ...["Sound", "Median", "0 to 100, the middle half", "Mean (95 %)"].map((text) => h("th", {}, text)))), h("tbody", {}, ...rows)),
    h("p", { class: "ml-note" }, model.get("_verdict")));
}

function createView(model, el) {
  return createBlindTest(model, el, {
    label: "rating test",
    over: () => model.get("_number") >= model.get("_excerpts"),
    trial: () => createExcerpt(model, (values) => model.send({ number: model.get("_number"), values })),
    results: () => createResults(model),
    key: (code) => (code === "KeyR" ? 0 : /^Digit\d$/.test(code) ? Number(code.at(-1)) : undefined),
  });
}

export default () => ({ render: ({ model, el }) => createView(model, el) });
