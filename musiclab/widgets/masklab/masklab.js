// The mask lab: a stem's mask over the mixture's spectrogram, to shape, to paint, and to hear.

import { bytesOf, button, choice, select, slider, traitSlider } from "../shared/controls.js";
import { h, icon } from "../shared/dom.js";
import { formatTime } from "../shared/levels.js";
import { MaskPicture } from "./picture.js";
import { MaskSound } from "./sound.js";
import { ACTIONS, TOOLS, createTools } from "./tools.js";
import { SpecView, cssColour, formatHz, formatSeconds, hexColour, noteName, watchTheme } from "../shared/specview.js";

const KEYS = "Drag to paint. Arrow keys move, + and − zoom in time, < and > in pitch, 0 shows all; Space plays; 1, 2, 3 choose what is heard.";
const signed = (x, digits = 2) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(digits)}`;

/** What all views of a model share: the sound and the picture. */
class Shared extends EventTarget {
  constructor(model) {
    super();
    this.model = model;
    this.sound = new MaskSound(model.get("_frames"), model.get("_sr"));
    this.picture = new MaskPicture(bytesOf(model.get("_level")), model.get("_rows"));
    this.compared = null;
    this.waiting = false;  // for Python
    this.onMessage = (content, buffers) => this.receive(content, buffers);
    model.on("msg:custom", this.onMessage);
  }

  receive(content, buffers) {
    if (content.mixture) this.sound.setMixture(buffers[0], content.mixture.scale);
    if (content.change) {
      this.picture.setMask(bytesOf(buffers[0]), content.change.column);
      this.sound.setStretch(buffers[1], content.change.scale, content.change.frame);
    }
    if (content.compared) this.addCard(content.compared, bytesOf(buffers[0]));
    if (content.working) this.send("more");  // Python works in small steps, so that it always has an ear for us
    if (content.working === null) { this.waiting = false; this.sound.takeOver(); }
    this.dispatchEvent(new CustomEvent("news", { detail: content }));
  }

  /** An order to Python, with where the playhead is: what is about to be heard comes first. */
  send(order, content = {}) {
    this.waiting = true;
    this.model.send({ order, at: this.sound.engine.position, ...content });
  }

  addCard({ stem, kind, sdr }, mask) {
    if (this.compared?.stem !== stem) this.compared = { stem, cards: new Map() };
    this.compared.cards.set(kind, { sdr, mask });
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    return this.sound.close();
  }
}

function createTransport(shared, signal) {
  const { sound: { engine }, sound } = shared;
  const toggle = () => (engine.playing ? engine.pause() : engine.play());
  const play = button("play", icon("play"), toggle, signal, { class: "ml-play" });
  const back = button("back to the start", icon("start"), () => engine.seek(0), signal, { class: "ml-icon" });
  const time = h("span", { class: "ml-time" });
  const ab = choice("what is heard", [
    { name: "mixture", label: "Mixture", title: "The whole mixture (1)" },
    { name: "stem", label: "This stem", title: "What the mask lets through (2)" },
    { name: "rest", label: "Everything else", title: "The mixture without it (3)" },
  ], (name) => { sound.listen(name); ab.update(name); }, signal);
  ab.update(sound.mode);
  const update = () => {
    play.replaceChildren(icon(engine.playing ? "pause" : "play"));
    for (const name of ["aria-label", "title"]) play.setAttribute(name, engine.playing ? "pause" : "play");
    play.setAttribute("aria-disabled", !engine.ready);
  };
  update();
  return { elements: [back, play, time, ab.element], toggle, update, listen: (name) => { sound.listen(name); ab.update(name); },
    show: (at) => { time.textContent = formatTime(at); } };
}

function createScores(model) {
  const body = h("tbody");
  const element = h("table", { class: "ml-scores", "aria-label": "what went where" });
  const update = () => {
    const rows = model.get("_scores");
    const known = rows.some(([, , before]) => before !== null);
    element.replaceChildren(h("thead", {}, h("tr", {}, h("th", {}, "Stem"), h("th", {}, "Level"), ...(known ? [h("th", {}, "SDR before"), h("th", {}, "now")] : []))), body);
    body.replaceChildren(...rows.map(([name, change, before, now]) => {
      const { label, colour } = model.get("_stems").find((stem) => stem.name === name);
      const gain = now - before;
      const verdict = Math.abs(gain) < 0.005 ? "" : gain > 0 ? "ml-better" : "ml-worse";
      return h("tr", { class: name === model.get("stem") ? "ml-chosen" : "" },
        h("th", { scope: "row" }, h("i", { style: `background: ${colour}` }), label),
        h("td", {}, Math.abs(change) < 0.005 ? "–" : `${signed(change)} dB`),
        ...(known ? [h("td", {}, before.toFixed(2)), h("td", { class: verdict }, now.toFixed(2), verdict ? h("small", {}, ` ${signed(gain)}`) : "")] : []));
    }));
  };
  return { element, update };
}

/** All kinds of mask for the stem, as small pictures; a click takes one. */
function createComparison(shared, pick, signal) {
  const { model } = shared;
  const element = h("div", { class: "ml-compared", role: "group", "aria-label": "all kinds side by side", hidden: true });
  const update = () => {
    const { compared } = shared;
    if (!compared || compared.stem !== model.get("stem")) { element.hidden = true; return; }
    element.replaceChildren(...model.get("_kinds").filter(({ name }) => compared.cards.has(name)).map(({ name, label }) => {
      const { sdr, mask } = compared.cards.get(name);
      const text = sdr === null ? label : `${label}, SDR ${sdr.toFixed(1)} dB`;
      const card = button(`take ${text}`, shared.picture.thumbnail(mask, 440, 200), () => pick(name), signal, { class: "ml-card" });
      card.append(h("span", {}, h("b", {}, label), sdr === null ? "" : ` ${sdr.toFixed(1)} dB`));
      if (model.get("kind") === name) card.setAttribute("aria-current", "true");
      return card;
    }));
    element.hidden = false;
  };
  return { element, update };
}

function createView(shared, el) {
  const { model, sound, picture } = shared;
  const stop = new AbortController();
  const { signal } = stop;
  const [start, length] = [model.get("_start"), model.get("_frames") / model.get("_sr")];
  const perColumn = model.get("_hop") / model.get("_sr");
  const stems = model.get("_stems");
  const state = { tool: "brush", action: "give" };
  const here = () => { shared.waiting = true; model.set("_at", sound.engine.position); say("Working…"); };
  const set = (name, value) => { here(); model.set(name, value); model.save_changes(); };

  const transport = createTransport(shared, signal);
  const undo = button("undo", "Undo", () => shared.send("undo"), signal, { class: "ml-plain" });
  const redo = button("redo", "Redo", () => shared.send("redo"), signal, { class: "ml-plain" });
  const stemChoice = choice("stem", stems.map((stem) => ({ ...stem, title: `The mask of ${stem.label}` })), (name) => set("stem", name), signal);
  const kindChoice = choice("kind of mask", model.get("_kinds"), (name) => set("kind", name), signal);
  const compare = button("compare all kinds side by side", "Side by side", () => {
    if (!comparison.element.hidden) { comparison.element.hidden = true; } else { shared.compared = null; say("Working…"); shared.send("compare"); }
    compare.setAttribute("aria-expanded", !comparison.element.hidden);
  }, signal, { class: "ml-plain", "aria-expanded": "false" });
  const comparison = createComparison(shared, (name) => set("kind", name), signal);

  const pickTool = (name) => { state.tool = name; update(); };
  const pickAction = (name) => { state.action = name; update(); };
  const toolChoice = choice("tool", TOOLS, pickTool, signal);
  const actionChoice = choice("what it does", ACTIONS, pickAction, signal);
  const nothing = () => view.redraw();
  const strength = slider("Strength", { min: 5, max: 100, step: 5, value: 100, format: (x) => `${x} %`, onChange: nothing }, signal);
  const size = slider("Size", { min: 0.5, max: 12, step: 0.5, value: 2, format: (x) => `${x} st`, title: "Radius of the brush in semitones", onChange: nothing, onInput: nothing }, signal);
  const overtones = slider("Partials", { min: 1, max: 40, step: 1, value: 16, title: "How many partials are painted with the fundamental", onChange: nothing, onInput: nothing }, signal);
  const partner = select("from / to", [{ name: "others", label: "all others" }, ...stems.map(({ name, label }) => ({ name, label })), { name: "", label: "nobody (sum changes)" }], () => {}, signal);

  const hardness = traitSlider(model, "hardness", "Hardness", { onSet: here, min: -2.3, max: 3, step: 0.1, to: Math.log2, from: (x) => Number((2 ** x).toFixed(3)), format: (x) => (2 ** x).toFixed(2), title: "Exponent of the masks: 1 leaves them, more makes them harder" }, signal);
  const threshold = traitSlider(model, "threshold", "Threshold", { onSet: here, min: 0, max: 0.9, step: 0.05, format: (x) => x.toFixed(2), title: "Smaller shares are set to zero" }, signal);
  const smoothing = traitSlider(model, "smoothing", "Smoothing", { onSet: here, min: 1, max: 15, step: 1, format: (x) => (x === 1 ? "off" : `${x} cells`), title: "Masks are averaged over a box of so many cells" }, signal);
  const range = slider("Range", { min: 30, max: 90, step: 5, value: 70, format: (x) => `${x} dB`, title: "How far below the loudest cell one sees", onChange: () => paintColours(), onInput: () => paintColours() }, signal);
  const alone = h("input", { type: "checkbox" });
  alone.addEventListener("change", () => paintColours(), { signal });

  const view = new SpecView({
    extent: { t0: start, t1: start + length, low: model.get("_hz")[0], high: model.get("_hz")[1], scale: "log" },
    label: "spectrogram with mask", help: KEYS, signal,
    paint(context, width, height) {
      const { from, to } = view.span();
      const { t0, t1, y0, y1 } = view.view;
      const rows = picture.rows / (to - from);
      context.imageSmoothingQuality = "high";
      // columns are centred on their time, so the picture begins half a column early
      context.drawImage(picture.canvas, (t0 - start) / perColumn + 0.5, (to - y1) * rows, (t1 - t0) / perColumn, (y1 - y0) * rows, 0, 0, width, height);
    },
  });
  const tools = createTools(view, () => ({ ...state, colour: colourNow(), semitones: size.value, overtones: overtones.value }), (gesture) => {
    const options = { action: state.action, strength: strength.value / 100, partner: partner.value };
    if (gesture.order === "brush") options.semitones = size.value;
    if (gesture.order === "harmonics") options.overtones = overtones.value;
    shared.send(gesture.order, { ...gesture, stem: model.get("stem"), options });
  }, signal);
  view.onDraw = tools.preview;
  const readout = h("span", { class: "ml-readout" }, "");
  view.onHover = (point) => {
    if (!point) { readout.textContent = ""; return; }
    const { from, to } = view.span();
    const row = Math.min(Math.floor(((view.scale.to(point.hz) - from) / (to - from)) * picture.rows), picture.rows - 1);
    const cell = Math.max(row, 0) * picture.columns + Math.min(Math.max(Math.round((point.t - start) / perColumn), 0), picture.columns - 1);
    const level = (picture.level[cell] / 255 - 1) * model.get("_range");
    readout.textContent = `${formatSeconds(point.t)}   ${formatHz(point.hz)}   ${noteName(point.hz)}   ${level.toFixed(0).replace("-", "−")} dB   mask ${(picture.mask[cell] / 255).toFixed(2)}`;
  };
  const scores = createScores(model);
  const message = h("span", { class: "ml-message", role: "status" });
  const say = (text) => { message.textContent = text; };

  const root = h("div", { class: "musiclab ml-lab", role: "group", "aria-label": "mask lab" },
    h("div", { class: "ml-bar" }, ...transport.elements, h("span", { class: "ml-gap" }), undo, redo),
    h("div", { class: "ml-bar" }, stemChoice.element, h("span", { class: "ml-gap" }), kindChoice.element, compare),
    comparison.element,
    h("div", { class: "ml-bar" }, toolChoice.element, actionChoice.element, strength.element, size.element, overtones.element, partner.element),
    view.element,
    h("div", { class: "ml-bar ml-under" }, readout, message,
      button("show all", "Show all", () => view.whole(), signal, { class: "ml-plain" }),
      button("zoom out", "−", () => view.zoom(1.5), signal, { class: "ml-icon" }), button("zoom in", "+", () => view.zoom(1 / 1.5), signal, { class: "ml-icon" })),
    h("div", { class: "ml-foot" },
      h("div", { class: "ml-shaping", role: "group", "aria-label": "the whole mask" }, hardness.element, threshold.element, smoothing.element, range.element,
        h("label", { class: "ml-check" }, alone, "The mask alone")),
      scores.element));
  root.sound = sound;
  root.idle = () => !shared.waiting && sound.engine.ready;
  root.view = view;
  el.append(root);

  const colourNow = () => stems.find((stem) => stem.name === model.get("stem")).colour;
  function paintColours() {
    root.style.setProperty("--stem", colourNow());
    picture.setPalette({ page: cssColour(root, "--ml-bg"), ink: cssColour(root, "--ml-quiet"), stem: hexColour(colourNow()), range: range.value, of: model.get("_range"), alone: alone.checked });
    view.redraw();
    if (!comparison.element.hidden) comparison.update();
  }
  function update() {
    stemChoice.update(model.get("stem"));
    kindChoice.update(model.get("kind"));
    toolChoice.update(state.tool);
    actionChoice.update(state.action);
    view.canvas.style.cursor = state.tool === "look" ? "grab" : "crosshair";
    size.hide(state.tool !== "brush");
    overtones.hide(state.tool !== "harmonics");
    if (partner.value === model.get("stem")) partner.update("others");
    partner.disable([model.get("stem")]);
    undo.disabled = !model.get("_can_undo");
    redo.disabled = !model.get("_can_redo");
    for (const made of [hardness, threshold, smoothing]) made.update();
    scores.update();
    if (model.get("_message")) say(model.get("_message"));
    view.redraw();
  }

  root.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select") || (event.target.matches("button") && ["Space", "Enter"].includes(event.code))) return;
    const meta = event.ctrlKey || event.metaKey;
    const acts = {
      Space: transport.toggle, KeyB: () => pickTool("brush"), KeyR: () => pickTool("rectangle"), KeyH: () => pickTool("harmonics"), KeyV: () => pickTool("look"),
      KeyA: () => pickAction("give"), KeyE: () => pickAction("take"), KeyO: () => pickAction("restore"), Escape: tools.cancel,
      Digit1: () => transport.listen("mixture"), Digit2: () => transport.listen("stem"), Digit3: () => transport.listen("rest"),
    };
    if (meta && event.code === "KeyZ") shared.send(event.shiftKey ? "redo" : "undo");
    else if (!meta && acts[event.code]) acts[event.code]();
    else if (!view.key(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }, { signal });

  // --- news from Python, and the music
  const onStem = () => { update(); paintColours(); comparison.update(); };
  const watched = [["stem", onStem], ["kind", () => { update(); comparison.update(); }], ...["hardness", "threshold", "smoothing", "_scores", "_can_undo", "_can_redo", "_message"].map((name) => [name, update])];
  for (const [name, handler] of watched) model.on(`change:${name}`, handler);
  shared.addEventListener("news", ({ detail }) => {
    if (detail.working !== undefined) say(detail.working === null ? "" : `Working… ${Math.round(100 * detail.working)} %`);
    if (detail.compared) { comparison.update(); compare.setAttribute("aria-expanded", "true"); }
    transport.update();
    view.redraw();
  }, { signal });
  let frame = 0;
  const follow = () => {
    frame = 0;
    view.at(start + sound.engine.position);
    transport.show(start + sound.engine.position);
    if (sound.engine.playing) frame = requestAnimationFrame(follow);
  };
  sound.engine.addEventListener("state", () => { transport.update(); frame ||= requestAnimationFrame(follow); }, { signal });
  view.onView = () => view.at(start + sound.engine.position);
  view.canvas.addEventListener("dblclick", (event) => sound.engine.seek(view.point(event).t - start), { signal });
  view.times.addEventListener("click", (event) => sound.engine.seek(view.point(event).t - start), { signal });
  watchTheme(paintColours, signal);
  follow();
  update();
  paintColours();
  if (!sound.engine.ready) shared.send("hello");

  return () => {
    stop.abort();
    cancelAnimationFrame(frame);
    view.close();
    for (const [name, handler] of watched) model.off(`change:${name}`, handler);
    root.remove();
  };
}

export default () => {
  let shared = null;
  return {
    initialize({ model }) {
      shared = new Shared(model);
      return () => shared.close();
    },
    render({ el }) {
      return createView(shared, el);
    },
  };
};
