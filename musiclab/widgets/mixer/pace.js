// Speed and key: two numbers to step up and down, with the tempo and the keys that they make of the song.

import { button, h } from "../shared/dom.js";
import { transposedKey } from "../shared/theory.js";

/** A number between two buttons: arrow keys work on the number, a double click puts it back. */
function createStepper({ name, low, high, get, set, step, normal, limits, text }, signal) {
  const value = h("span", {
    class: "ml-value", role: "spinbutton", tabindex: 0, "aria-label": name, "aria-valuemin": limits[0],
    "aria-valuemax": limits[1], title: "Arrow keys; double click: as it was",
  });
  const by = (steps) => set(get() + steps * step);
  const element = h("div", { class: "ml-stepper", role: "group", "aria-label": name },
    h("span", { class: "ml-caption" }, name),
    button({ label: low, text: "−" }, () => by(-1), signal), value,
    button({ label: high, text: "+" }, () => by(1), signal));
  value.addEventListener("dblclick", () => set(normal), { signal });
  value.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
    if (steps === undefined && event.key !== "0") return;
    event.preventDefault();
    event.stopPropagation();
    if (steps) by(steps);
    else set(normal);
  }, { signal });
  function update() {
    value.textContent = text(get());
    value.setAttribute("aria-valuenow", get());
    value.setAttribute("aria-valuetext", text(get()));
    element.classList.toggle("ml-moved", get() !== normal);
  }
  return { element, update };
}

/** "A minor" as "Am", "Bb major" as "B♭". */
const keyName = (key) => key.replace(" major", "").replace(" minor", "m").replace("b", "♭").replace("#", "♯");

/** The tempo at a speed, "96 BPM"; empty where no beats are known. */
export const tempoText = (tempo, speed) => (tempo ? `${Math.round(tempo * speed)} BPM` : "");

/** What a key becomes: "G → A", or "G". */
export function keyText(key, semitones) {
  const [from, to] = [keyName(key), keyName(transposedKey(key, semitones))];
  return from === to ? from : `${from} → ${to}`;
}

export function createPace(desk, signal) {
  const signed = (value) => (value > 0 ? `+${value}` : `${value}`.replace("-", "−"));
  const speed = createStepper({
    name: "speed", low: "slower", high: "faster", step: 0.05, normal: 1, limits: desk.limits("speed"),
    get: () => desk.speed, set: (value) => desk.setSpeed(value), text: (value) => `${Math.round(100 * value)} %`,
  }, signal);
  const key = createStepper({
    name: "key", low: "lower", high: "higher", step: 1, normal: 0, limits: desk.limits("semitones"),
    get: () => desk.semitones, set: (value) => desk.setSemitones(value), text: signed,
  }, signal);
  const [tempo, keys] = ["tempo", "keys"].map((name) => (
    h("span", { class: "ml-means", role: "note", "aria-label": name })));
  speed.element.append(tempo);
  key.element.append(keys);
  function update() {
    const { chart } = desk;
    speed.update();
    key.update();
    tempo.textContent = tempoText(chart.tempo, desk.speed);
    keys.textContent = chart.key ? keyText(chart.key, desk.semitones) : "";
  }
  return { element: h("div", { class: "ml-pace" }, speed.element, key.element), update };
}
