// The fold "Practice": click and count-in, rest, the trainer of speed, and files of what is played.

import { button, h } from "../shared/dom.js";
import { checkbox, choice, select, slider } from "../shared/controls.js";
import { formatDb } from "../shared/levels.js";
import { createSaving } from "./export.js";
import { tempoText } from "./pace.js";

const DIVISIONS = [["1", "beats"], ["2", "halves"], ["3", "thirds"], ["4", "quarters"]];
const COUNTS = [["0", "off"], ["1", "1 bar"], ["2", "2 bars"]];
const RESTS = [["0", "none"], ["1", "1 bar"], ["2", "2 bars"], ["4", "4 bars"]];
const TRAINER = { start: 0.6, end: 1, step: 0.05, rounds: 2 };  // as practice.py begins
const QUIETEST = -30;  // dB: the lowest of the click's slider

const items = (pairs) => pairs.map(([name, label]) => ({ name, label }));
const percent = (speed) => `${Math.round(100 * speed)} %`;

function row(name, ...parts) {
  return h("div", { class: "ml-practice-row", role: "group", "aria-label": name },
    h("span", { class: "ml-caption" }, name), ...parts);
}

function createClick(desk, signal) {
  const on = button({
    label: "click", title: "A click on every beat (C)", class: "ml-chip", text: "Click", pressed: "false",
  }, () => toggleClick(desk), signal);
  const division = select("clicks on", items(DIVISIONS), (name) => desk.set({ click_division: Number(name) }), signal);
  const accents = checkbox("accents", (yes) => desk.set({ click_accents: yes }), signal);
  const level = slider("click level", {
    min: QUIETEST, max: 12, step: 1, value: 0, format: (db) => `${formatDb(db)} dB`,
    onChange: (db) => desk.set({ click_db: db }),
  }, signal);
  const element = row("Click", on, division.element, accents.element, level.element);
  function update(get) {
    on.setAttribute("aria-pressed", get("click"));
    division.update(`${get("click_division")}`);
    accents.input.checked = get("click_accents");
    level.update(Math.max(get("click_db") ?? QUIETEST, QUIETEST));
  }
  return { element, update };
}

function createCount(desk, signal) {
  const count = choice("count-in", items(COUNTS), (name) => desk.set({ count_in: Number(name) }), signal);
  const every = checkbox("before each round", (yes) => desk.set({ count_in_rounds: yes }), signal);
  const rest = select("rest between rounds", items(RESTS), (name) => desk.set({ rest: Number(name) }), signal);
  const element = row("Count-in", count.element, every.element, rest.element);
  function update(get) {
    count.update(`${get("count_in")}`);
    every.input.checked = get("count_in_rounds");
    rest.update(`${get("rest")}`);
  }
  return { element, update };
}

/** A whole number to type: `set(value)` within its bounds. */
function number(label, { min, max, step = 1, unit }, set, signal) {
  const input = h("input", { type: "number", min, max, step, "aria-label": `${label}, ${unit}` });
  input.addEventListener("change", () => {
    const value = Math.round(Math.min(Math.max(Number(input.value) || min, min), max));
    input.value = value;
    set(value);
  }, { signal });
  return { element: h("label", { class: "ml-number" }, h("span", {}, label), input, unit), input };
}

function createTrainer(desk, signal) {
  let set = { ...TRAINER };
  const change = (values) => {
    set = { ...set, ...values };
    if (desk.model.get("trainer")) desk.set({ trainer: set });
  };
  const on = button({
    label: "speed trainer", title: "Rounds of the loop, faster and faster (T)", class: "ml-chip", text: "Trainer",
    pressed: "false",
  }, () => desk.set({ trainer: desk.model.get("trainer") ? null : set }), signal);
  const [low, high] = desk.limits("speed").map((speed) => 100 * speed);
  const part = (name) => (value) => change({ [name]: value / 100 });
  const fields = {
    start: number("from", { min: low, max: high, unit: "%" }, part("start"), signal),
    end: number("to", { min: low, max: high, unit: "%" }, part("end"), signal),
    step: number("in steps of", { min: 1, max: 50, unit: "%" }, part("step"), signal),
    rounds: number("after", { min: 1, max: 50, unit: "rounds" }, (rounds) => change({ rounds }), signal),
  };
  const bar = h("progress", { max: 1, value: 0, "aria-label": "rounds of the trainer" });
  const text = h("span", { role: "status", "aria-label": "trainer" });
  const progress = h("div", { class: "ml-trained" }, bar, text);
  const element = row("Trainer", on, ...Object.values(fields).map((field) => field.element), progress);
  function update(get) {
    const trainer = get("trainer");
    set = { ...set, ...trainer };
    on.setAttribute("aria-pressed", trainer !== null);
    for (const [name, { input }] of Object.entries(fields)) {
      const value = name === "rounds" ? set.rounds : Math.round(100 * set[name]);
      if (document.activeElement !== input) input.value = value;
    }
    progress.hidden = trainer === null;
    move();
  }
  function move() {
    const { speeds } = desk.engine.practice;
    if (!speeds) return;
    const round = Math.min(desk.engine.round, speeds.length - 1);
    const tempo = tempoText(desk.chart.tempo, speeds[round]);
    const said = `Round ${round + 1} of ${speeds.length} at ${percent(speeds[round])}${tempo && `, ${tempo}`}`;
    if (text.textContent === said) return;
    text.textContent = said;
    bar.value = (round + 1) / speeds.length;
  }
  return { element, update, move, toggle: () => on.click() };
}

const toggleClick = (desk) => desk.set({ click: !desk.model.get("click") });

/** In a few words, for the folded line. */
function summed(get) {
  const [count, trainer] = [get("count_in"), get("trainer")];
  const bars = (n) => `${n} ${n === 1 ? "bar" : "bars"}`;
  return [
    get("click") && "click",
    count && `count-in of ${bars(count)}${get("count_in_rounds") ? " before each round" : ""}`,
    get("rest") && `rest of ${bars(get("rest"))}`,
    trainer && `trainer ${percent(trainer.start)} to ${percent(trainer.end)}`,
  ].filter(Boolean).join(" · ");
}

export function createPractising(desk, signal) {
  const parts = [createClick, createCount, createTrainer, createSaving].map((create) => create(desk, signal));
  const short = h("span", { class: "ml-practice-short" });
  const opener = h("summary", { tabindex: 0 }, "Practice", short);
  const hint = h("p", { class: "ml-practice-hint", role: "note" });
  const body = h("div", { class: "ml-practice-body" }, hint, ...parts.map((part) => part.element));
  const element = h("details", { class: "ml-practice" }, opener, body);
  const get = (name) => desk.model.get(name);
  function update() {
    for (const part of parts) part.update(get);
    const text = summed(get);
    short.textContent = text;
    hint.hidden = desk.chart.known;
    hint.textContent = get("_charting") ? "Click, count-in and rest need the beats: they are being found …"
      : "No beats are known: click, count-in and rest need them (set mixer.chart).";
  }
  const keys = {
    c: () => toggleClick(desk),
    i: () => desk.set({ count_in: (get("count_in") + 1) % COUNTS.length }),
    t: parts[2].toggle,
  };
  return { element, update, move: parts[2].move, keys };
}
