// Speed and key: two numbers to step up and down.

import { button, h } from "../shared/dom.js";

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

export function createPace(desk, signal) {
  const speed = createStepper({
    name: "speed", low: "slower", high: "faster", step: 0.05, normal: 1, limits: [0.5, 1.5], get: () => desk.speed,
    set: (value) => desk.setSpeed(value), text: (value) => `${Math.round(100 * value)} %`,
  }, signal);
  const key = createStepper({
    name: "key", low: "lower", high: "higher", step: 1, normal: 0, limits: [-12, 12], get: () => desk.semitones,
    set: (value) => desk.setSemitones(value), text: (value) => (value > 0 ? `+${value}` : `${value}`.replace("-", "−")),
  }, signal);
  return {
    element: h("div", { class: "ml-pace" }, speed.element, key.element),
    update() { speed.update(); key.update(); },
  };
}
