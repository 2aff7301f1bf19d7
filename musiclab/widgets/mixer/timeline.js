// The song from left to right: bars and chords, waveforms, playhead and the A–B loop; below it the whole song, small.

import { formatTime } from "../shared/levels.js";
import { drag, h, onKeys } from "../shared/dom.js";
import { createBars, createOverview, createZoomBar, createAbout, momentOf } from "./bars.js";
import { View, steerView } from "./zoom.js";
import { drawBeats, drawWaves } from "./waves.js";

const SHORTEST = 0.05;  // s: a shorter loop is a click
const RULER = "Click to seek, drag to loop; double click: no loop. Alt: not by bars";
const percent = (part) => `${(100 * part).toFixed(3)}%`;

function createLanes(desk) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const missing = h("div", { class: "ml-missing", "aria-hidden": "true", title: "This part has yet to come" });
  const lanes = h("div", {
    class: "ml-lanes", role: "slider", tabindex: 0, "aria-label": "position", "aria-valuemin": 0,
    "aria-valuemax": desk.duration.toFixed(1), title: "Click or drag to seek; Shift and drag to loop",
  }, canvas, missing);
  return { canvas, missing, lanes };
}

export function createTimeline(desk, signal) {
  const { duration } = desk;
  const view = new View(duration);
  const { canvas, missing, lanes } = createLanes(desk);
  const ruler = h("div", { class: "ml-ruler", title: RULER });
  const head = h("div", { class: "ml-head", "aria-hidden": "true" });
  const timeOf = (event) => {
    const box = lanes.getBoundingClientRect();
    return Math.min(Math.max(view.at((event.clientX - box.left) / box.width), 0), duration);
  };
  const bars = createBars(desk, view, ruler, signal);
  const overview = createOverview(desk, view, signal);
  const zoombar = createZoomBar(desk, view, signal);
  const about = createAbout(desk);
  const loop = createLoop(desk, view, timeOf, signal);
  const element = h("div", { class: "ml-timeline" }, bars.element, ruler, lanes, loop.element, head);
  element.style.setProperty("--rows", desk.tracks.length);
  steerByPointer(desk, { lanes, ruler, timeOf, view }, signal);
  steerByKeys(desk, lanes, signal);
  steerView(view, element, signal);

  const draw = drawer(lanes, ({ width, ratio }) => {
    canvas.width = width;
    canvas.height = Math.round(lanes.clientHeight * ratio);
    drawWaves(canvas, desk, view);
    drawBeats(canvas, desk.chart, view, ratio);
    for (const part of [bars, overview]) part.draw();
    updateLoaded();
    loop.update();
    place(desk.engine?.position ?? 0);
  }, signal);
  view.addEventListener("view", draw, { signal });

  function updateLoaded() {
    if (!desk.engine) return;
    missing.hidden = desk.engine.complete || desk.engine.loaded >= view.t1;
    missing.style.left = percent(Math.max(view.place(desk.engine.loaded), 0));
  }
  function updateChart() {
    for (const part of [bars, overview, zoombar, about]) part.update();
    draw();
  }
  function place(position) {
    const at = view.place(position);
    head.hidden = at < 0 || at > 1;
    head.style.left = percent(at);
    overview.move(position);
  }
  const tell = teller(desk, lanes);
  function move(position) {
    view.follow(position, desk.engine.playing);
    place(position);
    tell(position);
  }
  const parts = { element, about, overview, zoombar, view };
  const updateLoop = () => [loop.update, overview.updateLoop].forEach((update) => update());
  const updatePace = () => [about.update, draw].forEach((update) => update());
  return { ...parts, draw, move, updateLoaded, updateLoop, updateChart, updatePace, rename: bars.rename };
}

/** What draws an element when it is asked to and when its size changes: at most once a frame, and only in sight. */
function drawer(element, drawNow, signal) {
  let asked = 0;
  const draw = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      if (!element.clientWidth || !element.clientHeight) return;  // as while JupyterLab changes its theme
      const ratio = window.devicePixelRatio || 1;
      drawNow({ width: Math.round(element.clientWidth * ratio), ratio });
    });
  };
  const resized = new ResizeObserver(draw);
  resized.observe(element);
  signal.addEventListener("abort", () => {
    resized.disconnect();
    cancelAnimationFrame(asked);
  });
  return draw;
}

/** Tell those who hear the page where the music is, as it changes. */
function teller(desk, lanes) {
  const length = formatTime(desk.duration).slice(0, -2);
  let told = "";
  return (position) => {
    const moment = momentOf(desk, position);
    const text = `${formatTime(position).slice(0, -2)} of ${length}${moment && `: ${moment}`}`;
    if (text === told) return;
    told = text;
    lanes.setAttribute("aria-valuenow", position.toFixed(1));
    lanes.setAttribute("aria-valuetext", text);
  };
}

/** Seek on the lanes, loop on the ruler (or with Shift). */
function steerByPointer(desk, { lanes, ruler, timeOf, view }, signal) {
  let origin = 0;
  let looping = false;
  const ordered = (a, b, event) => {
    const [from, to] = (a < b ? [a, b] : [b, a]);
    return desk.snapped([from, Math.min(Math.max(to, from + SHORTEST), desk.duration)], event);
  };
  for (const surface of [lanes, ruler]) {
    drag(surface, {
      start(event) {
        origin = timeOf(event);
        looping = false;
      },
      move(event) {
        if (view.pinching) return;
        const time = timeOf(event);
        const wanted = surface === ruler || event.shiftKey;
        if (wanted && Math.abs(time - origin) * surface.clientWidth > 4 * view.span) looping = true;
        if (looping) desk.setLoop(ordered(origin, time, event), { stream: true });
        else if (!wanted || event.type === "pointerdown") desk.seek(time, { stream: true });
      },
      end: () => desk.save(),
    }, signal);
  }
  ruler.addEventListener("dblclick", () => desk.setLoop(null), { signal });
}

function steerByKeys(desk, lanes, signal) {
  onKeys(lanes, (event) => {
    const step = event.shiftKey ? 0.1 : 1;
    const now = desk.engine.position;
    const next = { ArrowLeft: now - step, ArrowRight: now + step, PageDown: now - 10, PageUp: now + 10,
      Home: 0, End: desk.duration }[event.key];
    if (next === undefined) return false;
    desk.seek(next);
    return true;
  }, signal);
}

function createLoop(desk, view, timeOf, signal) {
  const { duration } = desk;
  const element = h("div", { class: "ml-loop", hidden: true });
  const ends = ["start", "end"].map((end, i) => {
    const handle = h("div", {
      class: `ml-handle ml-${end}`, role: "slider", tabindex: 0, "aria-label": `loop ${end}`, "aria-valuemin": 0,
      "aria-valuemax": duration.toFixed(1), title: `Loop ${end}: drag, or arrow keys; Alt: not by bars`,
    }, h("b", {}, "AB"[i]));
    const put = (time, options) => {
      const bounds = [...desk.loop];
      const [least, most] = i === 0 ? [0, bounds[1] - SHORTEST] : [bounds[0] + SHORTEST, duration];
      bounds[i] = Math.min(Math.max(time, least), most);
      desk.setLoop(bounds, options);
    };
    drag(handle, {
      move: (event) => put(desk.keepsToBars(event) ? desk.chart.snap(timeOf(event)) : timeOf(event), { stream: true }),
      end: () => desk.save(),
    }, signal);
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.1, ArrowRight: 0.1, PageDown: -1, PageUp: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      if (desk.keepsToBars(event) && !event.shiftKey) put(desk.chart.step(desk.loop[i], Math.sign(step)));
      else put(desk.loop[i] + step * (event.shiftKey ? 0.1 : 1));
    }, { signal });
    element.append(handle);
    return handle;
  });
  function update() {
    const { loop } = desk;
    element.hidden = loop === null || loop[1] < view.t0 || loop[0] > view.t1;
    if (loop === null) return;
    element.style.left = percent(view.place(loop[0]));
    element.style.width = percent((loop[1] - loop[0]) / view.span);
    ends.forEach((handle, i) => {
      handle.setAttribute("aria-valuenow", loop[i].toFixed(2));
      handle.setAttribute("aria-valuetext", formatTime(loop[i]));
    });
  }
  return { element, update };
}
