// Over the waves: sections, chords and bar numbers; under them the whole song, and which part of it is seen.

import { button, drag, h, onKeys } from "../shared/dom.js";
import { formatTime } from "../shared/levels.js";
import { lastBefore } from "../shared/chart.js";
import { transposedKey, transposedSymbol } from "../shared/theory.js";

const ROOM = 34;        // px that a bar's number takes at least
const BEAT_ROOM = 46;   // and a beat's
const LETTER = 7.5;     // px of a letter of a chord, about
const SMALLEST = 24;    // px: a narrower section has its colour, but no button
const TICKS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];  // s
const percent = (part) => `${(100 * part).toFixed(3)}%`;

/** Texts at places of a row, made once and moved ever after. `show([{x, text, strong}])`, x in px. */
export class Labels {
  #spans = [];

  constructor(className) { this.element = h("div", { class: className, "aria-hidden": "true" }); }

  show(items) {
    while (this.#spans.length < items.length) {
      const span = h("span", {});
      this.#spans.push(span);
      this.element.append(span);
    }
    this.#spans.forEach((span, i) => {
      const item = items[i];
      span.hidden = !item;
      if (!item) return;
      if (span.textContent !== item.text) span.textContent = item.text;
      span.classList.toggle("ml-strong", Boolean(item.strong));
      span.style.transform = `translateX(${item.x.toFixed(1)}px)`;
    });
  }
}

/** Times along a row, as far apart as they can be read. */
export function timeTicks(from, to, width) {
  const step = TICKS.find((seconds) => (seconds / (to - from)) * width > 58) ?? TICKS.at(-1);
  const ticks = [];
  for (let time = Math.ceil(from / step) * step; time < to - step * 0.35; time += step) {
    const text = formatTime(time).replace(step < 1 ? "" : /\.0$/, "");
    ticks.push({ x: ((time - from) / (to - from)) * width, text });
  }
  return ticks;
}

/** Numbers of bars (and of beats, close by), as far apart as they can be read. */
function barTicks(chart, view, width) {
  const beat = (60 / chart.tempo / view.span) * width;
  const step = [1, 2, 4, 8, 16, 32, 64].find((bars) => bars * chart.beatsPerBar * beat >= ROOM) ?? 128;
  const ticks = [];
  const first = Math.max(lastBefore(chart.beats, view.t0) - 1, 0);
  for (let i = first; i < chart.beats.length && chart.beats[i] <= view.t1; i++) {
    const [number, position] = [chart.numbers[i], chart.positions[i]];
    const x = view.place(chart.beats[i]) * width;
    if (position === 1 && (number - 1) % step === 0) ticks.push({ x, text: `${number}`, strong: true });
    else if (position > 1 && beat >= BEAT_ROOM) ticks.push({ x, text: `${number}.${position}` });
  }
  return ticks;
}

/** The chords that have room for their names; one that began further left stands at the edge. */
function chordTicks(desk, view, width) {
  const ticks = [];
  for (const [from, to, symbol] of desk.chart.chords) {
    if (to <= view.t0 || from >= view.t1 || symbol === "N") continue;
    const text = transposedSymbol(symbol, desk.semitones, desk.chart.key);
    const x = Math.max(view.place(from) * width, 0);
    if (view.place(to) * width - x >= LETTER * text.length + 5) ticks.push({ x, text, strong: true });
  }
  return ticks;
}

/** A field in the place of a section's name; Enter or leaving it keeps what it says, Escape doesn't. */
function rename(desk, section, label) {
  const value = desk.sectionName(section);
  const input = h("input", { class: "ml-rename", "aria-label": "name of the section", value });
  const done = new AbortController();
  const end = (keep) => {
    if (done.signal.aborted) return;
    done.abort();
    input.replaceWith(label);
    if (keep) desk.nameSection(section, input.value.trim());
    label.focus();
  };
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" || event.key === "Escape") end(event.key === "Enter");
  }, { signal: done.signal });
  input.addEventListener("blur", () => end(true), { signal: done.signal });
  label.replaceWith(input);
  input.select();
  input.focus();
}

/** The sections by their names: a click goes there, with Alt it loops; a double click or F2 gives another name. */
function createSections(desk, view, signal) {
  const element = h("div", { class: "ml-sections", role: "group", "aria-label": "sections" });
  let made = [];
  const go = ([from, to], event) => {
    if (event.altKey) desk.setLoop([from, to]);
    desk.seek(from);
  };
  function build() {
    made = desk.chart.sections.map((section) => {
      const title = "Click: go there; with Alt: loop it; double click or F2: another name";
      const label = button({ label: "section", title, class: "ml-section-name", text: "" },
        (event) => go(section, event), signal);
      label.addEventListener("dblclick", () => rename(desk, section, label), { signal });
      onKeys(label, (event) => {
        if (event.key !== "F2") return false;
        rename(desk, section, label);
        return true;
      }, signal);
      const box = h("div", { class: "ml-section", "data-alike": section[2].charCodeAt(0) % 4 }, label);
      return { section, label, box };
    });
    element.replaceChildren(...made.map(({ box }) => box));
    update();
  }
  function update() {
    for (const { section, label } of made) {
      label.textContent = desk.sectionName(section);
      label.setAttribute("aria-label", `section ${desk.sectionName(section)}, ${desk.chart.barsOf(section)}`);
    }
  }
  function draw(width) {
    for (const { section: [from, to], label, box } of made) {
      const [left, right] = [from, to].map((time) => Math.min(Math.max(view.place(time) * width, -2), width + 2));
      box.hidden = right - left < 1;
      box.style.transform = `translateX(${left.toFixed(1)}px)`;
      box.style.width = `${Math.max(right - left, 0).toFixed(1)}px`;
      label.hidden = right - left < SMALLEST + 2;
    }
  }
  return { element, build, update, draw };
}

/** The head of the timeline. `draw()` follows the view; `update()` the chart and its names. */
export function createBars(desk, view, ruler, signal) {
  const sections = createSections(desk, view, signal);
  const chords = new Labels("ml-chords");
  const ticks = new Labels("ml-ticks");
  const finding = h("span", { class: "ml-finding", role: "status" });
  ruler.append(ticks.element);
  const element = h("div", { class: "ml-bars" }, sections.element, chords.element, finding);
  function draw() {
    const width = ruler.clientWidth;
    if (!width) return;
    const { chart } = desk;
    ticks.show(chart.known ? barTicks(chart, view, width) : timeTicks(view.t0, view.t1, width)
      .map(({ x, text }) => ({ x, text })));
    chords.show(chordTicks(desk, view, width));
    sections.draw(width);
  }
  function update() {
    const looking = desk.model.get("_charting") && !desk.chart.sections.length;
    finding.textContent = desk.chart.known ? "" : looking ? "Beats and chords are on their way" : "";
    element.hidden = !looking && !desk.chart.known;
    element.parentElement?.classList.toggle("ml-uncharted", element.hidden);
    sections.build();
    draw();
  }
  return { element, draw, update, rename: sections.update };
}

/** What is known of a moment, for those who hear the page: "bar 12, beat 3, Am, Verse". */
export function momentOf(desk, seconds) {
  const { chart } = desk;
  const bar = chart.barAt(seconds);
  if (!chart.known || !bar) return "";
  const beat = chart.positions[lastBefore(chart.beats, seconds)];
  const [chord, section] = [chart.chordAt(seconds), chart.sectionAt(seconds)];
  const rest = [chord === "N" ? "" : chord, section ? desk.sectionName(section) : ""].filter(Boolean);
  return [`bar ${bar.number}, beat ${beat}`, ...rest].join(", ");
}

/** The whole song small: drag the window over it, or click; arrow keys move it too. */
export function createOverview(desk, view, signal) {
  const { duration } = desk;
  const bands = h("div", { class: "ml-bands" });
  const loop = h("i", { class: "ml-over-loop", hidden: true });
  const head = h("i", { class: "ml-over-head" });
  const pane = h("i", { class: "ml-pane" });
  const ticks = new Labels("ml-ticks");
  const element = h("div", {
    class: "ml-overview", role: "slider", tabindex: 0, "aria-label": "part of the song that is seen",
    "aria-valuemin": 0, "aria-valuemax": Math.ceil(duration),
    title: "Drag to move along the song; + and − zoom, 0 shows all of it",
  }, bands, ticks.element, loop, pane, head);
  let grip = 0;
  const timeOf = (event) => {
    const box = element.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * duration;
  };
  drag(element, {
    start(event) {
      const time = timeOf(event);
      grip = time >= view.t0 && time <= view.t1 ? time - view.t0 : view.span / 2;
    },
    move(event) {
      const from = timeOf(event) - grip;
      if (!view.isWhole) view.show(from, from + view.span);
      else if (event.type === "pointerdown") desk.seek(timeOf(event));
    },
  }, signal);
  onKeys(element, (event) => {
    const by = { ArrowLeft: -0.25, ArrowRight: 0.25, PageUp: -0.9, PageDown: 0.9 }[event.key];
    if (by === undefined && event.key !== "Home" && event.key !== "End") return false;
    view.pan(by === undefined ? (event.key === "Home" ? -duration : duration) : by * view.span);
    return true;
  }, signal);
  function draw() {
    pane.style.left = percent(view.t0 / duration);
    pane.style.width = percent(view.span / duration);
    pane.hidden = view.isWhole;
    ticks.show(timeTicks(0, duration, element.clientWidth || 1));
    element.setAttribute("aria-valuenow", view.t0.toFixed(1));
    element.setAttribute("aria-valuetext", view.isWhole ? "the whole song"
      : `${formatTime(view.t0)} to ${formatTime(view.t1)}`);
  }
  function updateLoop() {
    loop.hidden = desk.loop === null;
    if (!desk.loop) return;
    loop.style.left = percent(desk.loop[0] / duration);
    loop.style.width = percent((desk.loop[1] - desk.loop[0]) / duration);
  }
  function update() {
    bands.replaceChildren(...desk.chart.sections.map(([from, to, letter]) => h("i", {
      "data-alike": letter.charCodeAt(0) % 4,
      style: `left:${percent(from / duration)};width:${percent((to - from) / duration)}`,
    })));
  }
  return { element, draw, update, updateLoop, move(position) { head.style.left = percent(position / duration); } };
}

/** Beside the overview: closer, wider, all; and whether loops keep to the bars. */
export function createZoomBar(desk, view, signal) {
  const around = () => (desk.engine.position >= view.t0 && desk.engine.position <= view.t1 ? desk.engine.position
    : view.at(0.5));
  const snap = button({
    label: "loops keep to bars", text: "Bars", title: "Loops keep to bars (Alt while dragging: not so)",
    class: "ml-plain ml-snap", pressed: "true",
  }, () => {
    desk.snapping = !desk.snapping;
    snap.setAttribute("aria-pressed", desk.snapping);
  }, signal);
  const plain = (label, text, title, act) => button({ label, text, title, class: "ml-icon" }, act, signal);
  const element = h("div", { class: "ml-zoombar", role: "group", "aria-label": "view" },
    plain("zoom out", "−", "Wider (−)", () => view.zoom(1 / 0.6, around())),
    plain("zoom in", "+", "Closer (+): or Ctrl and wheel, or two fingers", () => view.zoom(0.6, around())),
    button({ label: "whole song", text: "All", title: "The whole song (0)", class: "ml-plain" },
      () => view.whole(), signal),
    snap);
  return { element, update() { snap.hidden = !desk.chart.known; } };
}

/** What the song is in, in a line: "D minor, 3/4, 96 beats a minute". */
export function createAbout(desk) {
  const element = h("div", { class: "ml-about" });
  function update() {
    const { key, known, metre, tempo } = desk.chart;
    const words = [transposedKey(key, desk.semitones), known ? metre.join("/") : "",
      known ? `${Math.round(tempo * desk.speed)} BPM` : ""];
    element.textContent = words.filter(Boolean).join("  ·  ");
  }
  return { element, update };
}
