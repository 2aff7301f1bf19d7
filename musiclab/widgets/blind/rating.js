// A blind rating test: all versions of an excerpt on one clock, a slider from 0 to 100 for each.

import { createBlindTest, createHead, createSounds } from "./blind.js";
import { button, h } from "../shared/dom.js";

const LETTERS = "ABCDEFGHIJKL";
const HINT = "One of them is the reference itself: find it, and give it 100. Rate the others against it.";
const KEYS = "Space plays; R or 0 is the reference, 1, 2, 3 … the others; arrow keys move a slider.";

/** A sound to be rated: `value` once it is, `onSet()` each time. */
function createColumn(number, sounds, onSet) {
  const letter = LETTERS[number - 1];
  const hear = () => sounds.hear(number);
  const output = h("output", {}, "–");
  const input = h("input", {
    type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": `rating of ${letter}`,
  });
  input.addEventListener("input", () => {
    input.setAttribute("data-set", "");
    output.textContent = input.value;
    onSet();
  }, { signal: sounds.signal });
  for (const type of ["pointerdown", "focus"]) input.addEventListener(type, hear, { signal: sounds.signal });
  const heading = button({ label: `hear ${letter}`, text: letter }, hear, sounds.signal);
  return {
    element: h("div", { class: "ml-column" }, heading, input, output),
    get value() { return input.hasAttribute("data-set") ? Number(input.value) : null; },
  };
}

/** What still has to be done before the next excerpt, in words; "" if nothing. */
function missing(values) {
  const left = values.filter((value) => value === null).length;
  if (left) return `${left} still to rate`;
  return values.includes(100) ? "" : "which one is the reference? It gets 100";
}

/** An excerpt: its sounds, its sliders. `send(values)` when all are rated. */
function createExcerpt(model, send) {
  const sounds = createSounds(model, {
    onHear: (which) => columns.forEach((column, i) => column.toggleAttribute("data-heard", i === which)),
    onReady: check,
  });
  const rated = Array.from({ length: sounds.count - 1 }, (_, i) => createColumn(i + 1, sounds, check));
  const values = () => rated.map(({ value }) => value);
  const reference = h("div", { class: "ml-column", "data-open": true },
    button({ label: "hear the reference", text: "Ref" }, () => sounds.hear(0), sounds.signal),
    h("span", {}, "the reference"), h("output", {}, "open"));
  const columns = [reference, ...rated.map(({ element }) => element)];
  const last = model.get("_number") + 1 === model.get("_excerpts");
  const next = button({
    label: "next excerpt", text: last ? "Finish" : "Next", class: "ml-next", disabled: true,
  }, finish, sounds.signal);

  function check() {
    const todo = missing(values());
    next.disabled = todo !== "";
    sounds.say(todo);
  }
  function finish() {
    next.disabled = true;
    sounds.engine.pause();
    send(values());
  }
  const labels = h("div", {}, ...model.get("_labels").map((label) => h("span", {}, label)));
  const element = h("div", {},
    createHead(sounds, `Excerpt ${model.get("_number") + 1} of ${model.get("_excerpts")}`, next),
    h("div", { class: "ml-columns" }, h("div", { class: "ml-scale", "aria-hidden": "true" }, labels), ...columns),
    h("p", { class: "ml-note" }, `${HINT} ${KEYS}`));
  return { element, sounds };
}

/** A row of the result: median, the middle half as a bar, mean with its interval. */
function createResult([name, median, lower, upper, mean, low, high, count]) {
  const whole = (value) => value.toFixed(0);
  const track = h("div", {
    class: "ml-track", role: "img", "aria-label": `middle half from ${whole(lower)} to ${whole(upper)}`,
  }, h("i", { style: `left: ${lower}%; width: ${upper - lower}%` }), h("b", { style: `left: ${median}%` }));
  return h("tr", {},
    h("th", { scope: "row" }, name), h("td", {}, h("b", {}, whole(median))), h("td", { class: "ml-box" }, track),
    h("td", {}, count > 1 ? `${whole(mean)} (${whole(low)}–${whole(high)})` : whole(mean)));
}

/** What was said, the best first. */
function createResults(model) {
  const heads = ["Sound", "Median", "0 to 100, the middle half", "Mean (95 %)"];
  return h("div", {},
    h("div", { class: "ml-bar" }, h("b", {}, "Rating test: what you said")),
    h("table", { "aria-label": "results" },
      h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...model.get("_results").map(createResult))),
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
