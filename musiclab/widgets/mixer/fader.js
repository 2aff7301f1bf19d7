// A fader in dB with a level meter beneath it on the same scale.

import { MAX_DB, MIN_DB, formatDb, fromPlace, stepped, toDb, toPlace } from "../shared/levels.js";
import { drag, h } from "../shared/dom.js";

const HOLD = 1.2;       // s for which the meter's peak mark stands
const FALL = 26;        // dB per second by which meter and mark fall back
const EDGE = 7;         // px by which the slider is wider than its scale, on either side (see the style sheet)
const STEPS = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 6, PageDown: -6 };
const percent = (place) => `${(100 * place).toFixed(2)}%`;

/** `set(db, {stream})` moves the level, `commit()` ends a drag, `get()` reads it. */
export function createFader({ name, get, set, commit }, signal) {
  const slider = h("div", {
    class: "ml-fader", role: "slider", tabindex: 0, "aria-label": `${name} level`,
    "aria-valuemin": MIN_DB, "aria-valuemax": MAX_DB, title: "Drag, or arrow keys; double click: 0 dB",
  }, h("i", { class: "ml-zero", style: `--p:${toPlace(0)}` }), h("i", { class: "ml-thumb" }));
  const meter = createMeter(name);
  const level = h("output", { class: "ml-level", "aria-hidden": "true" });

  let grip = 0;  // how far beside the thumb's middle it was taken, so that it does not jump
  const placeOf = (event) => {
    const box = slider.getBoundingClientRect();
    return (event.clientX - box.left - EDGE) / (box.width - 2 * EDGE);
  };
  drag(slider, {
    start(event) {
      const beside = toPlace(get()) - placeOf(event);
      grip = Math.abs(beside) * slider.getBoundingClientRect().width < 9 ? beside : 0;
    },
    move(event) {
      const db = fromPlace(placeOf(event) + grip);
      if (db !== get()) set(db, { stream: true });
    },
    end: commit,
  }, signal);
  slider.addEventListener("dblclick", () => set(0), { signal });
  slider.addEventListener("keydown", (event) => {
    const next = event.key in STEPS ? stepped(get(), STEPS[event.key] * (event.shiftKey ? 0.1 : 1))
      : { Home: -Infinity, End: MAX_DB, 0: 0 }[event.key];
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (next !== get()) set(next, { stream: event.repeat });
  }, { signal });
  slider.addEventListener("keyup", commit, { signal });

  function update() {
    const db = get();
    slider.lastChild.style.setProperty("--p", toPlace(db));
    slider.setAttribute("aria-valuenow", Math.max(db, MIN_DB));
    slider.setAttribute("aria-valuetext", db === -Infinity ? "silent, −∞ dB" : `${formatDb(db)} dB`);
    level.textContent = formatDb(db);
  }
  return { element: h("div", { class: "ml-fader-box" }, meter.element, slider), level, update, meter };
}

function createMeter(name) {
  const element = h("div", {
    class: "ml-meter", role: "meter", "aria-label": `${name} meter`, "aria-valuemin": MIN_DB, "aria-valuemax": MAX_DB,
    "aria-valuenow": MIN_DB,
  });
  const sides = [0, 1].map(() => {
    const bar = h("i", { class: "ml-bar" });
    const mark = h("i", { class: "ml-mark" });
    element.append(h("span", {}, bar, mark));
    return { bar, mark, db: -Infinity, held: -Infinity, since: 0 };
  });
  let told = 0;

  /** Show peaks (amplitudes, left and right) at `time` s, `passed` s after the last ones; true while it still moves. */
  function update(peaks, time, passed) {
    sides.forEach((side, i) => {
      const db = toDb(peaks[i]);
      side.db = Math.max(db, side.db - FALL * passed);
      if (db >= side.held) Object.assign(side, { held: db, since: time });
      else if (time - side.since > HOLD) side.held -= FALL * passed;
      side.bar.style.clipPath = `inset(0 ${percent(1 - toPlace(side.db))} 0 0)`;
      side.mark.style.left = percent(toPlace(side.held));
      side.mark.hidden = side.held <= MIN_DB;
    });
    const loudest = Math.max(...sides.map(({ db }) => db), MIN_DB);
    if (time - told > 0.5 || loudest === MIN_DB) {  // for screen readers: not 60 times a second
      element.setAttribute("aria-valuenow", loudest.toFixed(1));
      told = time;
    }
    return sides.some(({ held }) => held > MIN_DB);
  }
  return { element, update };
}
