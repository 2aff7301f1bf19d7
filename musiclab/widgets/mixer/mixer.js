// The mixer: transport, presets, a strip and a lane for each stem, the master.

import { Desk } from "./desk.js";
import { createFader } from "./fader.js";
import { createTimeline } from "./timeline.js";
import { createKeeps } from "./keeps.js";
import { createPedals } from "./pedals.js";
import { zoomKey } from "./zoom.js";
import { animate, button, h, onKeys, playButton } from "../shared/dom.js";
import { createPace } from "./pace.js";
import { createPractising } from "./practising.js";
import { formatDb, formatTime, toPlace } from "../shared/levels.js";

const LIGHT = 0.6;          // s for which the limiter's light stays on
const DEFAULT_LOOP = 4;     // s
const KEYS = [
  ["Space", "play, pause"], ["Backspace", "back to the start"], ["← →", "on the waves: 1 s back, on"],
  ["↑ ↓", "on a fader: 1 dB"], ["Page ↑ ↓", "on a fader: 6 dB"], ["Home, End", "on a fader: silence, +12 dB"],
  ["0", "on a fader: 0 dB"], ["M, S", "mute, solo (Alt: alone)"], ["1 – 9", "solo a stem alone"],
  ["[  ]", "loop from here, to here"], ["L", "loop on, off"], [",  .", "a bar back, on"],
  ["K", "keep this loop"], ["N, P", "next, previous loop that is kept"], ["C, I, T", "click, count-in, trainer"],
  ["+  −  0", "closer, wider, the whole song"], ["Ctrl wheel", "closer, wider"], ["?", "these keys"],
];

function createStrip(desk, { name, label, colour }, signal) {
  const mute = button({ label: `mute ${name}`, text: "M", class: "ml-toggle ml-mute", pressed: "false" },
    () => desk.toggleMute(name), signal);
  const solo = button({
    label: `solo ${name}`, title: `solo ${name} (Alt: alone)`, text: "S", class: "ml-toggle ml-solo", pressed: "false",
  }, (event) => desk.toggleSolo(name, { alone: event.altKey }), signal);
  const fader = createFader({
    name, get: () => desk.gain(name), set: (db, options) => desk.setGain(name, db, options), commit: () => desk.save(),
  }, signal);
  const element = h("div", { class: "ml-strip", role: "group", "aria-label": name, style: `--stem:${colour}` },
    h("span", { class: "ml-name", title: label }, label), mute, solo, fader.element, fader.level);
  onKeys(element, (event) => {
    if (event.ctrlKey || event.metaKey) return false;
    if (event.code === "KeyM") desk.toggleMute(name);
    else if (event.code === "KeyS") desk.toggleSolo(name, { alone: event.altKey });
    else return false;
    return true;
  }, signal);
  function update() {
    fader.update();
    mute.setAttribute("aria-pressed", desk.muted(name));
    solo.setAttribute("aria-pressed", desk.soloed(name));
    element.classList.toggle("ml-off", !desk.audible(name));
  }
  return { element, update, meter: fader.meter };
}

function createMaster(desk, signal) {
  const fader = createFader({
    name: "master", get: () => desk.master, set: (db, options) => desk.setMaster(db, options),
    commit: () => desk.save(),
  }, signal);
  const light = h("span", {
    class: "ml-light", role: "status", "aria-label": "limiter off",
    title: "Lit while the limiter keeps the sum within full scale: lower the master",
  }, "LIMIT");
  const element = h("div", { class: "ml-strip ml-master", role: "group", "aria-label": "master" },
    h("span", { class: "ml-name" }, "Master"), light, fader.element, fader.level);
  let lit = -Infinity;
  desk.addEventListener("reduction", ({ detail }) => { if (detail > 0.1) lit = performance.now() / 1000; }, { signal });
  function meter(peaks, time, passed) {
    const on = time - lit < LIGHT;
    if (on !== light.classList.contains("ml-on")) {
      light.classList.toggle("ml-on", on);
      light.setAttribute("aria-label", on ? "limiter on" : "limiter off");
    }
    return fader.meter.update(peaks, time, passed) || on;
  }
  return { element, update: fader.update, meter: { update: meter } };
}

function chip({ label, colour }) {
  const content = document.createDocumentFragment();
  content.append(colour ? h("i", {}) : "", label);
  return content;
}

function createTransport(desk, signal) {
  const time = h("span", { class: "ml-time", role: "timer", "aria-label": "time" });
  const play = playButton(() => desk.togglePlay(), signal);
  const start = button({ label: "back to the start", icon: "start", class: "ml-icon" }, () => desk.stop(), signal);
  const loop = button({
    label: "loop", title: "Loop (L): drag on the ruler", icon: "loop", class: "ml-icon", pressed: "false",
  }, () => toggleLoop(desk), signal);
  const presets = desk.presets.map((preset) => ({
    preset,
    element: button({
      label: preset.label, text: chip(preset), title: preset.title, class: "ml-chip", pressed: "false",
      style: `--stem:${preset.colour || "var(--ml-accent)"}`,
    }, () => desk.usePreset(preset), signal),
  }));
  const reset = button({
    label: "reset", title: "All faders to 0 dB, no mute, no solo, no loop", class: "ml-plain", text: "Reset",
  }, () => desk.reset(), signal);
  const element = h("div", { class: "ml-transport" },
    h("div", { class: "ml-buttons", role: "group", "aria-label": "transport" }, start, play.element, loop, time),
    h("div", { class: "ml-presets", role: "group", "aria-label": "presets" }, ...presets.map((p) => p.element), reset));
  const length = formatTime(desk.duration);
  function move(position) { time.replaceChildren(formatTime(position), h("small", {}, ` / ${length}`)); }
  function update() {
    const { playing, ready } = desk.engine;
    play.show(playing);
    play.element.setAttribute("aria-disabled", !ready);
    loop.setAttribute("aria-pressed", desk.loop !== null);
    for (const { preset, element: made } of presets) made.setAttribute("aria-pressed", desk.isPreset(preset));
  }
  return { element, update, move };
}

function toggleLoop(desk) {
  if (desk.loop) {
    desk.lastLoop = desk.loop;
    return desk.setLoop(null);
  }
  return desk.setLoop(desk.lastLoop ?? firstLoop(desk));
}

/** Where nobody has said what to loop: four bars from here, or some seconds. */
function firstLoop(desk) {
  const { chart, engine, duration } = desk;
  const bar = chart.barAt(engine.position);
  if (desk.keepsToBars() && bar) {
    const last = chart.bars[Math.min(chart.bars.indexOf(bar) + 3, chart.bars.length - 1)];
    return [bar.start, last.end];
  }
  const from = Math.max(0, Math.min(engine.position, duration - DEFAULT_LOOP));
  return [from, Math.min(from + DEFAULT_LOOP, duration)];
}

function markLoop(desk, end) {
  const { position } = desk.engine;
  const here = desk.keepsToBars() ? desk.chart.snap(position) : position;
  const [from, to] = desk.loop ?? [0, desk.duration];
  if (end === 0 && here < desk.duration) desk.setLoop([here, to > here ? to : desk.duration]);
  if (end === 1 && here > 0) desk.setLoop([from < here ? from : 0, here]);
}

function stepBar(desk, by) {
  const { position } = desk.engine;
  desk.seek(desk.chart.known ? desk.chart.step(position, by) : position + 2 * by);
}

/** Keys that work wherever the focus is within the mixer. */
function onKey(event, desk, { toggle: toggleHelp }, view, more) {
  if (event.ctrlKey || event.metaKey) return false;
  if (zoomKey(event, view, desk.engine.position)) return true;
  const digit = event.altKey ? null : /^Digit([1-9])$/.exec(event.code)?.[1];
  const track = digit && desk.tracks[digit - 1];
  const acts = {
    " ": () => desk.togglePlay(), Backspace: () => desk.stop(), l: () => toggleLoop(desk), L: () => toggleLoop(desk),
    "[": () => markLoop(desk, 0), "]": () => markLoop(desk, 1), "?": toggleHelp,
    ...more,
    ",": () => stepBar(desk, -1), ".": () => stepBar(desk, 1),
  };
  if (toggleHelp.open()) acts.Escape = toggleHelp;
  const act = track ? () => desk.toggleSolo(track.name, { alone: true }) : acts[event.key];
  if (!act) return false;
  act();
  return true;
}

function createHelp(signal) {
  const rows = KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)));
  const list = h("dl", {}, ...rows);
  const element = h("div", { class: "ml-help", role: "region", "aria-label": "keyboard", hidden: true }, list);
  const toggle = () => {
    element.hidden = !element.hidden;
    opener.setAttribute("aria-expanded", !element.hidden);
  };
  toggle.open = () => !element.hidden;
  const opener = button({
    label: "keyboard help", title: "Keys (?)", text: "?", class: "ml-plain ml-ask", "aria-expanded": "false",
  }, toggle, signal);
  return { element, opener, toggle };
}

/** What there is to say of the sound while nothing is wrong. */
function news(engine) {
  if (!engine.ready) return "Getting the sound ready …";
  if (engine.starved) return "Waiting for this part of the song …";
  return engine.complete ? "" : "The rest of the song is on its way";
}

function createStatus(desk, signal) {
  const text = h("span", {});
  const bar = h("i", {});
  const element = h("div", { class: "ml-status", role: "status" }, text,
    h("div", { class: "ml-progress", "aria-hidden": "true" }, bar));
  let waiting = false;
  function update() {
    const { progress, error, engine } = desk;
    const failed = desk.model.get("_error") || error || desk.model.get("_message");
    const loading = !failed && !engine.complete;
    element.classList.toggle("ml-failed", Boolean(failed));
    element.classList.toggle("ml-busy", loading);
    bar.style.width = `${100 * progress}%`;
    if (engine.sounding || engine.starved || !engine.playing) waiting = false;
    text.textContent = failed || (waiting && "Click here to let the sound start") || news(engine);
  }
  desk.addEventListener("waiting", () => {
    waiting = true;
    update();
  }, { signal });
  return { element, update };
}

function createScale(about) {
  const marks = [-40, -20, -10, 0, 12].map((db) =>
    h("span", { style: `left:${100 * toPlace(db)}%` }, formatDb(db).replace(/\.0$/, "")));
  return h("div", { class: "ml-scale", "aria-hidden": "true" }, about, h("div", {}, ...marks));
}

/** The desk's parts, laid out; `mixed()` draws all that follows from levels. */
function lay(desk, signal) {
  const strips = desk.tracks.map((track) => createStrip(desk, track, signal));
  const master = createMaster(desk, signal);
  const timeline = createTimeline(desk, signal);
  const transport = createTransport(desk, signal);
  const status = createStatus(desk, signal);
  const pace = createPace(desk, signal);
  const keeps = createKeeps(desk, signal);
  const pedals = createPedals({
    play: () => desk.togglePlay(), start: () => desk.seek(desk.loop?.[0] ?? 0), loop: () => toggleLoop(desk),
    slower: () => desk.setSpeed(desk.speed - 0.05), faster: () => desk.setSpeed(desk.speed + 0.05),
    back: () => stepBar(desk, -1), on: () => stepBar(desk, 1), next: keeps.keys.n, previous: keeps.keys.p,
  }, signal);
  const practising = createPractising(desk, signal);
  const help = createHelp(signal);
  const root = h("div", { class: "musiclab ml-mixer", role: "application", "aria-label": "mixer", tabindex: -1 },
    transport.element,
    h("div", { class: "ml-desk" },
      h("div", { class: "ml-strips" }, createScale(timeline.about.element), ...strips.map((strip) => strip.element)),
      timeline.element, timeline.zoombar.element, timeline.overview.element),
    h("div", { class: "ml-foot" }, master.element, pace.element, status.element, keeps.opener,
      pedals.opener, help.opener),
    practising.element, keeps.element, pedals.element, help.element);
  const mixed = () => {
    for (const part of [...strips, master, transport]) part.update();
    timeline.draw();
  };
  const meters = [...strips, master].map(({ meter }) => meter);
  return { root, meters, timeline, transport, status, pace, practising, keeps, help, mixed };
}

/** What is drawn anew at each event of the desk. */
function updatesOf({ timeline, transport, status, pace, practising, keeps, mixed }, wake) {
  return {
    mix: [mixed, practising.update],
    loop: [timeline.updateLoop, transport.update, keeps.updateLoop, practising.update],
    pace: [pace.update, timeline.updatePace], practice: [practising.update],
    chart: [timeline.updateChart, keeps.update, pace.update, practising.update], keeps: [keeps.update],
    names: [timeline.rename], sound: [status.update, transport.update, timeline.updateLoaded],
    state: [status.update, transport.update, practising.move, wake],
  };
}

function mount(desk, el) {
  desk.acquire();
  const life = new AbortController();
  const { signal } = life;
  const parts = lay(desk, signal);
  const { root, meters, timeline, transport, practising, keeps, help } = parts;
  root.engine = desk.engine;  // for pages and tests that want to render what is heard: `element.engine.render()`
  el.append(root);
  const wake = animate((time, passed) => {
    const { engine } = desk;
    transport.move(engine.position);
    timeline.move(engine.position);
    practising.move();
    const peaks = engine.sounding ? engine.peaks() : null;
    const moving = meters.map((meter, i) => meter.update(peaks?.[i] ?? [0, 0], time, passed)).some(Boolean);
    return engine.playing || moving;
  }, signal);
  const updates = updatesOf(parts, wake);
  for (const [type, acts] of Object.entries(updates)) {
    desk.addEventListener(type, () => acts.forEach((act) => act()), { signal });
  }
  onKeys(root, (event) => onKey(event, desk, help, timeline.view, { ...keeps.keys, ...practising.keys }), signal);
  root.addEventListener("pointerdown", () => desk.engine.unlock(), { signal });
  root.addEventListener("click", (event) => {  // after a click with the mouse, Space plays: it does not click again
    if (event.detail > 0 && event.target.closest("button")) root.focus({ preventScroll: true });
  }, { signal });
  for (const act of new Set(Object.values(updates).flat())) act();
  return () => {
    life.abort();
    root.remove();
    desk.release();
  };
}

/** A model's desk lives as long as the model; each view is mounted on it. */
export default () => {
  let desk;
  return {
    initialize({ model }) { desk = new Desk(model); },
    render: ({ el }) => mount(desk, el),
  };
};
