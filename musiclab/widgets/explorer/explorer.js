// The spectrogram explorer: pictures of any part come from Python as bytes; colours and dynamic range are made here.

import { Audition } from "../shared/audition.js";
import { bytesOf, button, choice, traitSlider } from "../shared/controls.js";
import { h, icon } from "../shared/dom.js";
import { SpecView, cssColour, formatHz, formatSeconds, noteName, watchTheme } from "../shared/specview.js";

const HELP = "Drag to select a box. Hold Shift and drag to move. Arrow keys move, + and − zoom in time, < and > in pitch, 0 shows all, Enter zooms to the box, Space plays, Escape ends the selection.";
const SETTINGS = ["n_fft", "overlap", "window", "scale", "channel", "reassigned"];
const LABELS = { hann: "Hann", hamming: "Hamming", blackman: "Blackman", boxcar: "Rectangle", linear: "Linear", log: "Log", mel: "Mel", cqt: "CQT", left: "L", right: "R", mid: "Mid", side: "Side" };
// From the page's own colour, through blue and purple, to what stands out most on it.
const INK = { light: [[0.3, [222, 228, 243]], [0.55, [150, 160, 212]], [0.75, [128, 72, 160]], [0.9, [96, 14, 84]], [1, [28, 0, 26]]],
  dark: [[0.25, [45, 30, 110]], [0.5, [150, 40, 120]], [0.75, [240, 110, 50]], [1, [255, 245, 170]]] };

/** 256 colours from the page's to the loudest. */
function colours(page, range, top, { step, floor }) {
  const stops = [[0, page], ...INK[page[0] + page[1] + page[2] < 384 ? "dark" : "light"]];
  return Array.from({ length: 256 }, (_, byte) => {
    const v = Math.min(Math.max(1 - (top - (floor + step * byte)) / range, 0), 1);
    const i = Math.max(stops.findIndex(([at]) => v <= at), 1);
    const [[a, from], [b, to]] = [stops[i - 1], stops[i]];
    return from.map((x, c) => Math.round(x + ((to[c] - x) * (v - a)) / (b - a)));
  });
}

/** A picture that came: its bytes, where it lies, and a canvas with its colours. */
class Tile {
  constructor(about, bytes) {
    Object.assign(this, about);
    this.bytes = bytes;
    this.canvas = new OffscreenCanvas(about.width, about.height);
  }
  colour(map) {
    const image = new ImageData(this.width, this.height);
    const pixels = new Uint32Array(image.data.buffer);
    const packed = Uint32Array.from(map, ([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);
    for (let row = 0; row < this.height; row++) {
      const from = (this.height - 1 - row) * this.width;
      for (let x = 0; x < this.width; x++) pixels[row * this.width + x] = packed[this.bytes[from + x]];
    }
    this.canvas.getContext("2d").putImageData(image, 0, 0);
  }
}

function createView(model, el) {
  const stop = new AbortController();
  const { signal } = stop;
  const options = model.get("_options");
  const [duration, sr] = [model.get("_duration"), model.get("_sr")];
  const audition = new Audition();
  let whole = null, tile = null, top = -20, map = null, asked = 0, answered = 0, timer = null, playing = null, frame = 0;
  const set = (name, value) => { model.set(name, value); model.save_changes(); };

  const axis = () => (model.get("scale") === "cqt" ? "log" : model.get("scale"));
  const extent = () => ({ t0: 0, t1: duration, low: axis() === "log" ? model.get("_hz")[0] : 0, high: model.get("_hz")[1], scale: axis() });
  const view = new SpecView({ extent: extent(), label: "spectrogram", help: HELP, signal, paint });
  const choose = (label, name, values) => {
    const made = choice(label, values.map((value) => ({ name: value, label: LABELS[value] })), (value) => set(name, value), signal);
    return { ...made, update: () => made.update(model.get(name)) };
  };
  const index = (list) => ({ min: 0, max: list.length - 1, step: 1, to: (value) => list.indexOf(value), from: (i) => list[i] });
  const ms = (samples) => `${((1000 * samples) / sr).toFixed(samples / sr < 0.1 ? 1 : 0)} ms`;
  const controls = [
    traitSlider(model, "n_fft", "Window", { ...index(options.n_ffts), format: (i) => ms(options.n_ffts[i]), title: "Window length: long ones tell tones apart, short ones moments", onInput: (i) => tell(options.n_ffts[i]) }, signal),
    traitSlider(model, "overlap", "Hop", { ...index(options.overlaps), format: (i) => ms(model.get("n_fft") / options.overlaps[i]), title: "From one column to the next" }, signal),
    choose("window shape", "window", options.windows),
    choose("frequency scale", "scale", options.scales),
    ...(model.get("_channels") > 1 ? [choose("channel", "channel", options.channels)] : []),
  ];
  const range = traitSlider(model, "range_db", "Range", { min: 20, max: 120, step: 5, format: (x) => `${x} dB`, title: "How far below the loudest cell one sees", onInput: (x) => recolour(x) }, signal);
  const reassigned = h("input", { type: "checkbox" });
  reassigned.addEventListener("change", () => set("reassigned", reassigned.checked), { signal });
  const resolution = h("span", { class: "ml-resolution", role: "status", "aria-label": "resolution" });
  const readout = h("span", { class: "ml-readout" });
  const message = h("span", { class: "ml-message", role: "status" });
  const listen = (box) => {
    const { low, high } = seen();
    model.send({ order: "listen", box, selection: model.get("selection"), view: [view.view.t0, view.view.t1, Math.max(low, 0), high] });
  };
  const play = button("play what is shown", icon("play"), () => (playing ? silence() : listen(false)), signal, { class: "ml-play" });
  const playBox = button("play only the box", "Only the box", () => listen(true), signal, { class: "ml-plain", disabled: true });
  const clear = button("end the selection", "End selection", () => select(null), signal, { class: "ml-plain", disabled: true });
  const root = h("div", { class: "musiclab ml-lab ml-explorer", role: "group", "aria-label": "spectrogram explorer" },
    h("div", { class: "ml-bar" }, controls[0].element, controls[1].element, controls[2].element, h("span", { class: "ml-gap" }), resolution),
    h("div", { class: "ml-bar" }, ...controls.slice(3).map((control) => control.element), h("label", { class: "ml-check" }, reassigned, "Reassigned"), range.element),
    view.element,
    h("div", { class: "ml-bar ml-under" }, play, playBox, clear, readout, message,
      button("show all", "Show all", () => view.whole(), signal, { class: "ml-plain" }),
      button("zoom out", "−", () => view.zoom(1.6), signal, { class: "ml-icon" }), button("zoom in", "+", () => view.zoom(1 / 1.6), signal, { class: "ml-icon" })));
  root.view = view;
  root.audition = audition;
  root.drawn = () => ({ tile, whole, asked, answered });
  el.append(root);

  function tell(n) {
    const [bins, part] = options.widths[model.get("window")];
    const seconds = (part * n) / sr, hz = (bins * sr) / n;
    if (model.get("scale") === "cqt") {
      const cents = 1200 * Math.log2(1 + hz / options.middle);
      resolution.textContent = `tells apart ${cents.toFixed(0)} cents; ${(1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0)} ms at 1 kHz`;
      return;
    }
    resolution.textContent = `tells apart ${(1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0)} ms and ${hz.toFixed(hz < 100 ? 1 : 0)} Hz`;
  }

  // --- pictures
  function seen() {
    const { y0, y1 } = view.view;
    return { low: view.scale.from(y0), high: view.scale.from(y1) };
  }
  function ask(part) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const size = { width: Math.round(view.width * ratio), height: Math.round(view.height * ratio) };
    // with the settings: what is set may reach Python after what is asked
    const look = Object.fromEntries(SETTINGS.map((name) => [name, model.get(name)]));
    model.send({ order: "tile", id: ++asked, axis: axis(), look, ...size, ...part });
  }
  const askView = () => { timer = null; ask({ t0: view.view.t0, t1: view.view.t1, ...seen() }); };
  /** What is shown, after a moment's rest; meanwhile what there is is stretched. */
  function askSoon() { timer ??= setTimeout(askView, 25); }
  function askAll() {
    whole = tile = null;
    askView();
  }
  function onMessage(content, buffers) {
    if (content.tile) {
      if (content.tile.axis !== axis() || content.tile.id < answered) return;
      answered = content.tile.id;
      tile = new Tile(content.tile, bytesOf(buffers[0]));
      const all = tile.done >= 1;
      if (all && tile.t1 - tile.t0 >= duration * 0.999 && !whole) whole = tile;
      message.textContent = all ? model.get("_message") : `Computing… ${Math.round(100 * tile.done)} %`;
      if (!all && tile.id === asked) askView();
      top = options.floor + options.step * Math.max(...rowsMax(tile), 40);
      recolour();
    }
    if (content.sound) begin(content.sound, buffers[0]);
  }
  function* rowsMax({ bytes, width }) {
    for (let at = 0; at < bytes.length; at += width) yield bytes.subarray(at, at + width).reduce((a, b) => Math.max(a, b), 0);
  }
  function recolour(rangeDb = model.get("range_db")) {
    map = colours(cssColour(root, "--ml-bg"), rangeDb, top, options);
    for (const one of new Set([whole, tile])) one?.colour(map);
    view.redraw();
  }
  function paint(context, width, height) {
    context.imageSmoothingQuality = "high";
    const scale = view.scale;
    for (const one of [whole, tile]) {
      if (!one) continue;
      const [x0, x1] = [view.xOf(one.t0), view.xOf(one.t1)];
      const y = (hz) => (1 - (scale.to(hz) - view.view.y0) / (view.view.y1 - view.view.y0)) * height;
      context.drawImage(one.canvas, x0, y(one.high), x1 - x0, y(one.low) - y(one.high));
    }
  }

  // --- the selection
  const select = (box) => { set("selection", box); };
  let drag = null;
  view.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    view.canvas.setPointerCapture(event.pointerId);
    view.canvas.focus({ preventScroll: true });
    drag = { from: view.point(event), to: null, pan: event.shiftKey };
  }, { signal });
  view.canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const now = view.point(event);
    if (drag.pan) view.pan(drag.from.t - now.t, view.scale.to(drag.from.hz) - view.scale.to(now.hz));
    else { drag.to = now; view.redraw(); }
  }, { signal });
  view.canvas.addEventListener("pointerup", () => {
    const done = drag;
    drag = null;
    if (!done || done.pan) return;
    const { from, to } = done;
    if (!to || Math.hypot(to.x - from.x, to.y - from.y) < 5) { select(null); return; }
    const sorted = (a, b) => [Math.min(a, b), Math.max(a, b)];
    const [t0, t1] = sorted(from.t, to.t), [low, high] = sorted(from.hz, to.hz);
    select([Math.max(t0, 0), Math.min(Math.max(t1, t0 + 0.03), duration), low, Math.min(Math.max(high, low + 1), sr / 2)]);
  }, { signal });
  view.canvas.addEventListener("pointercancel", () => { drag = null; }, { signal });
  view.onDraw = (context) => {
    const box = drag?.to ? [drag.from.t, drag.to.t, drag.from.hz, drag.to.hz] : model.get("selection");
    if (!box) return;
    const [x0, x1, y0, y1] = [view.xOf(box[0]), view.xOf(box[1]), view.yOf(box[2]), view.yOf(box[3])];
    context.save();
    context.fillStyle = "rgb(30 150 255 / 0.16)";
    context.strokeStyle = "rgb(30 150 255)";
    context.lineWidth = 1.5;
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
    context.restore();
  };
  view.onHover = (point) => {
    const one = tile;
    if (!point || !one) { readout.textContent = ""; return; }
    const part = (view.scale.to(point.hz) - view.scale.to(one.low)) / (view.scale.to(one.high) - view.scale.to(one.low));
    const row = Math.min(Math.max(Math.floor(part * one.height), 0), one.height - 1);
    const column = Math.min(Math.max(Math.floor(((point.t - one.t0) / (one.t1 - one.t0)) * one.width), 0), one.width - 1);
    const db = options.floor + options.step * one.bytes[row * one.width + column];
    readout.textContent = `${formatSeconds(point.t)}   ${formatHz(point.hz)}   ${noteName(point.hz)}   ${db <= options.floor ? "silence" : `${db.toFixed(1).replace("-", "−")} dBFS`}`;
  };
  view.onView = () => { askSoon(); view.at(playing ? place() : null); };

  // --- sound
  const place = () => playing.start + Math.min((performance.now() - playing.at) / 1000, playing.length);
  function begin({ start, channels, scale }, bytes) {
    const ints = new Int16Array(bytesOf(bytes).slice().buffer);
    const length = ints.length / channels;
    const buffer = new AudioBuffer({ length, numberOfChannels: channels, sampleRate: sr });
    for (let c = 0; c < channels; c++) buffer.copyToChannel(Float32Array.from(ints.subarray(c * length, (c + 1) * length), (x) => x * scale), c);
    audition.slice(buffer, 0, length / sr);
    root.heard = buffer;
    playing = { start, at: performance.now(), length: length / sr };
    showPlaying();
    follow();
  }
  function silence() {
    audition.silence();
    playing = null;
    view.at(null);
    showPlaying();
  }
  function showPlaying() {
    play.replaceChildren(icon(playing ? "pause" : "play"));
    const label = playing ? "stop" : model.get("selection") ? "play the selection" : "play what is shown";
    for (const name of ["aria-label", "title"]) play.setAttribute(name, label);
  }
  function follow() {
    cancelAnimationFrame(frame);
    if (!playing) return;
    if ((performance.now() - playing.at) / 1000 >= playing.length) { silence(); return; }
    view.at(place());
    frame = requestAnimationFrame(follow);
  }

  root.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || (event.target.matches("button") && ["Space", "Enter"].includes(event.code)) || event.ctrlKey || event.metaKey) return;
    const box = model.get("selection");
    const acts = {
      Space: () => (playing ? silence() : listen(false)), Escape: () => select(null),
      Enter: () => box && view.show({ t0: box[0], t1: box[1], y0: view.scale.to(box[2]), y1: view.scale.to(box[3]) }),
    };
    if (acts[event.code]) acts[event.code]();
    else if (!view.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }, { signal });

  function update() {
    for (const control of controls) control.update();
    reassigned.checked = model.get("reassigned");
    reassigned.disabled = model.get("scale") === "cqt";
    tell(model.get("n_fft"));
  }
  const onSetting = () => {
    update();
    if (view.extent.scale !== axis()) view.setExtent(extent());
    askAll();
  };
  const onSelection = () => {
    clear.disabled = playBox.disabled = !model.get("selection");
    showPlaying();
    view.redraw();
  };
  const onView = () => {
    const box = model.get("view");
    if (box) view.show({ t0: box[0], t1: box[1], y0: view.scale.to(Math.max(box[2], extent().low)), y1: view.scale.to(box[3]) });
  };
  const watched = [...SETTINGS.map((name) => [name, onSetting]), ["range_db", () => { range.update(); recolour(); }], ["selection", onSelection], ["view", onView], ["_message", () => { message.textContent = model.get("_message"); }]];
  for (const [name, handler] of watched) model.on(`change:${name}`, handler);
  model.on("msg:custom", onMessage);
  watchTheme(() => recolour(), signal);
  update();
  onSelection();
  const sized = new ResizeObserver(() => askSoon());
  sized.observe(view.box);
  onView();

  return () => {
    stop.abort();
    clearTimeout(timer);
    timer = -1;
    cancelAnimationFrame(frame);
    sized.disconnect();
    view.close();
    audition.close();
    for (const [name, handler] of watched) model.off(`change:${name}`, handler);
    model.off("msg:custom", onMessage);
    root.remove();
  };
}

export default () => ({ render: ({ model, el }) => createView(model, el) });
