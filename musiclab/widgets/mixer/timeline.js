// The song from left to right: ruler, waveforms, playhead and the A–B loop.

import { toGain, formatTime } from "../shared/levels.js";
import { drag, h, onKeys } from "../shared/dom.js";

const TICKS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];  // s
const SHORTEST = 0.05;                                        // s: a shorter loop is a click
const BEND = 0.6;  // waves come as heights: amplitude ** BEND (see waves.py), and a gain bends alike
const percent = (part) => `${(100 * part).toFixed(3)}%`;

export function createTimeline(desk, signal) {
  const { duration } = desk;
  const canvas = h("canvas", { "aria-hidden": "true" });
  const missing = h("div", { class: "ml-missing", "aria-hidden": "true", title: "This part has yet to come" });
  const lanes = h("div", {
    class: "ml-lanes", role: "slider", tabindex: 0, "aria-label": "position",
    "aria-valuemin": 0, "aria-valuemax": duration.toFixed(1), title: "Click or drag to seek; Shift and drag to loop",
  }, canvas, missing);
  const ruler = h("div", { class: "ml-ruler", title: "Click to seek, drag to loop; double click: no loop" });
  const head = h("div", { class: "ml-head", "aria-hidden": "true" });
  const timeOf = (event) => {
    const box = lanes.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * duration;
  };
  const loop = createLoop(desk, timeOf, signal);
  const element = h("div", { class: "ml-timeline" }, ruler, lanes, loop.element, head);
  element.style.setProperty("--rows", desk.tracks.length);
  steerByPointer(desk, { lanes, ruler, timeOf }, signal);
  steerByKeys(desk, lanes, signal);

  let drawing = 0;
  function draw() { drawing ||= requestAnimationFrame(drawNow); }  // at most once a frame, however fast a fader moves
  function drawNow() {
    drawing = 0;
    const { clientWidth: width, clientHeight: height } = lanes;
    if (!width || !height) return;  // out of sight for now, as while JupyterLab changes its theme
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    drawWaves(canvas, desk);
  }
  const resized = new ResizeObserver(() => {
    draw();
    drawRuler(ruler, duration);
  });
  resized.observe(lanes);
  signal.addEventListener("abort", () => {
    resized.disconnect();
    cancelAnimationFrame(drawing);
  });

  function updateLoaded() {
    missing.hidden = desk.engine.complete;
    missing.style.left = percent(desk.engine.loaded / duration);
  }

  let told = "";
  function move(position) {
    head.style.left = percent(position / duration);
    const text = `${formatTime(position).slice(0, -2)} of ${formatTime(duration).slice(0, -2)}`;
    if (text === told) return;
    told = text;
    lanes.setAttribute("aria-valuenow", position.toFixed(1));
    lanes.setAttribute("aria-valuetext", text);
  }
  return { element, draw, move, updateLoaded, updateLoop: loop.update };
}

/** Seek on the lanes, loop on the ruler (or with Shift). */
function steerByPointer(desk, { lanes, ruler, timeOf }, signal) {
  let origin = 0;
  let looping = false;
  const ordered = (a, b) => {
    const [from, to] = a < b ? [a, b] : [b, a];
    return [from, Math.min(Math.max(to, from + SHORTEST), desk.duration)];
  };
  for (const surface of [lanes, ruler]) {
    drag(surface, {
      start(event) {
        origin = timeOf(event);
        looping = false;
      },
      move(event) {
        const time = timeOf(event);
        const wanted = surface === ruler || event.shiftKey;
        if (wanted && Math.abs(time - origin) * surface.clientWidth > 4 * desk.duration) looping = true;
        if (looping) desk.setLoop(ordered(origin, time), { stream: true });
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

function drawRuler(ruler, duration) {
  const step = TICKS.find((seconds) => (seconds / duration) * ruler.clientWidth > 58) ?? TICKS.at(-1);
  const ticks = [];
  for (let time = 0; time < duration - step * 0.35; time += step) {
    const text = formatTime(time).replace(step < 1 ? "" : /\.0$/, "");
    ticks.push(h("span", { style: `left:${percent(time / duration)}` }, text));
  }
  ruler.replaceChildren(...ticks);
}

/** The waves: full colour for the mean level, paler up to the peaks; as tall as the fader says, pale when mute. */
function drawWaves(canvas, desk) {
  const context = canvas.getContext("2d");
  const waves = desk.model.get("_waves");
  const columns = desk.model.get("_columns");
  const row = canvas.height / desk.tracks.length;
  const bytes = new Int8Array(waves.buffer, waves.byteOffset, waves.byteLength);
  context.clearRect(0, 0, canvas.width, canvas.height);
  desk.tracks.forEach(({ name, colour }, i) => {
    const wave = bytes.subarray(3 * columns * i, 3 * columns * (i + 1));
    const middle = (i + 0.5) * row;
    const half = 0.44 * row;
    const gain = toGain(desk.gain(name)) ** BEND * (half / 127);
    const on = desk.audible(name);
    context.fillStyle = colour;
    context.globalAlpha = on ? 0.5 : 0.18;
    context.fillRect(0, Math.round(middle), canvas.width, 1);
    for (let x = 0; x < canvas.width; x++) {
      const [low, high, mean] = extremes(wave, columns, x / canvas.width, (x + 1) / canvas.width);
      const bar = (top, bottom) => {
        const [from, to] = [Math.max(-half, -top * gain), Math.min(half, -bottom * gain)];
        context.fillRect(x, middle + from, 1, Math.max(to - from, 1));
      };
      context.globalAlpha = on ? 0.42 : 0.14;
      bar(high, low);
      context.globalAlpha = on ? 0.9 : 0.1;
      if (mean * gain > 0.5) bar(mean, -mean);
    }
  });
}

function extremes(wave, columns, from, to) {
  const first = Math.min(Math.floor(from * columns), columns - 1);
  const last = Math.max(first + 1, Math.floor(to * columns));
  let [low, high, mean] = [127, -128, 0];
  for (let column = first; column < last; column++) {
    low = Math.min(low, wave[3 * column]);
    high = Math.max(high, wave[3 * column + 1]);
    mean = Math.max(mean, wave[3 * column + 2]);
  }
  return [low, high, mean];
}

function createLoop(desk, timeOf, signal) {
  const { duration } = desk;
  const element = h("div", { class: "ml-loop", hidden: true });
  const ends = ["start", "end"].map((end, i) => {
    const handle = h("div", {
      class: `ml-handle ml-${end}`, role: "slider", tabindex: 0, "aria-label": `loop ${end}`, "aria-valuemin": 0,
      "aria-valuemax": duration.toFixed(1), title: `Loop ${end}: drag, or arrow keys`,
    }, h("b", {}, "AB"[i]));
    const put = (time, options) => {
      const bounds = [...desk.loop];
      const [least, most] = i === 0 ? [0, bounds[1] - SHORTEST] : [bounds[0] + SHORTEST, duration];
      bounds[i] = Math.min(Math.max(time, least), most);
      desk.setLoop(bounds, options);
    };
    drag(handle, { move: (event) => put(timeOf(event), { stream: true }), end: () => desk.save() }, signal);
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.1, ArrowRight: 0.1, PageDown: -1, PageUp: 1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      put(desk.loop[i] + step * (event.shiftKey ? 0.1 : 1));
    }, { signal });
    element.append(handle);
    return handle;
  });
  function update() {
    const { loop } = desk;
    element.hidden = loop === null;
    if (loop === null) return;
    element.style.left = percent(loop[0] / duration);
    element.style.width = percent((loop[1] - loop[0]) / duration);
    ends.forEach((handle, i) => {
      handle.setAttribute("aria-valuenow", loop[i].toFixed(2));
      handle.setAttribute("aria-valuetext", formatTime(loop[i]));
    });
  }
  return { element, update };
}
