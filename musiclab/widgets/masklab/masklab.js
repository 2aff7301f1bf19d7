// The mask lab: a stem's mask over the mixture's spectrogram, to shape, to paint, and to hear.

import { button, h, onKeys, watch } from "../shared/dom.js";
import { SpecView, cssColour, describe, hexColour, watchTheme, zoomButtons } from "../shared/specview.js";
import { createComparison } from "./comparison.js";
import { createScores } from "./scores.js";
import { Session } from "./session.js";
import { createChoices, createPaintbox, createShaping } from "./settings.js";
import { createTools } from "./tools.js";
import { createTransport } from "./transport.js";

const KEYS = "Drag to paint, or arrow keys, and Enter at both ends of a stroke; Escape drops it. "
  + "B, R, H choose the tool, A, E, O what it does. With V arrow keys move the picture. "
  + "+ and − zoom in time, < and > in pitch, 0 shows all; Space plays; 1, 2, 3 choose what is heard.";
const SHOWN = ["kind", "hardness", "threshold", "smoothing", "_scores", "_can_undo", "_can_redo", "_message"];

function createPicture({ model, picture }, signal) {
  const [start, perColumn] = [model.get("_start"), model.get("_hop") / model.get("_sr")];
  const [low, high] = model.get("_hz");
  const length = model.get("_frames") / model.get("_sr");
  const view = new SpecView({
    extent: { t0: start, t1: start + length, low, high, scale: "log" },
    label: "spectrogram with mask", help: KEYS, signal,
    paint(context, width, height) {
      const { from, to } = view.span();
      const { t0, t1, y0, y1 } = view.view;
      const rows = picture.rows / (to - from);
      context.imageSmoothingQuality = "high";
      // columns are centred on their time, so the picture begins half a column early
      const part = [(t0 - start) / perColumn + 0.5, (to - y1) * rows, (t1 - t0) / perColumn, (y1 - y0) * rows];
      context.drawImage(picture.canvas, ...part, 0, 0, width, height);
    },
  });
  /** Level and mask under a point, as text. */
  function read(point) {
    const { from, to } = view.span();
    const up = (view.scale.to(point.hz) - from) / (to - from);
    const { level, mask } = picture.at((point.t - start) / perColumn, up);
    const db = (level - 1) * model.get("_range");
    return `${describe(point)}   ${db.toFixed(0).replace("-", "−")} dB   mask ${mask.toFixed(2)}`;
  }
  return { view, read };
}

/** All parts of a view, not yet in the page. */
function createParts(session, signal) {
  const { view, read } = createPicture(session, signal);
  const parts = {
    view,
    readout: h("span", { class: "ml-readout" }),
    message: h("span", { class: "ml-message", role: "status" }),
    transport: createTransport(session, (seconds) => view.at(seconds), signal),
    undo: button({ label: "undo", text: "Undo", class: "ml-plain" }, () => session.send("undo"), signal),
    redo: button({ label: "redo", text: "Redo", class: "ml-plain" }, () => session.send("redo"), signal),
    choices: createChoices(session, signal),
    comparison: createComparison(session, signal),
    scores: createScores(session.model),
    paintbox: createPaintbox(session, () => parts.update(), signal),
    shaping: createShaping(session, () => parts.colour(), signal),
  };
  view.onHover = (point) => { parts.readout.textContent = point ? read(point) : ""; };
  view.onView = () => parts.transport.follow();
  const preview = () => ({ ...parts.paintbox.preview(), colour: session.stem.colour });
  parts.tools = createTools(view, preview, (gesture) => {
    session.send(gesture.order, { ...gesture, stem: session.model.get("stem"), options: parts.paintbox.options() });
  }, signal);
  view.onDraw = parts.tools.preview;
  for (const [element, type] of [[view.canvas, "dblclick"], [view.times, "click"]]) {
    element.addEventListener(type, (event) => parts.transport.seek(view.point(event).t), { signal });
  }
  return parts;
}

function lay(parts, signal) {
  const { view, transport, undo, redo, choices, comparison, paintbox, shaping, scores, readout, message } = parts;
  const bar = (...children) => h("div", { class: "ml-bar" }, ...children);
  const gap = () => h("span", { class: "ml-gap" });
  return h("div", { class: "musiclab ml-lab ml-masklab", role: "group", "aria-label": "mask lab", tabindex: -1 },
    bar(...transport.elements, gap(), undo, redo),
    bar(choices.stem, gap(), choices.kind, comparison.opener),
    comparison.element, paintbox.element, view.element,
    h("div", { class: "ml-bar ml-under" }, readout, message, ...zoomButtons(view, signal)),
    h("div", { class: "ml-foot" }, shaping.element, scores.element));
}

/** Keys that work wherever the focus is within the lab. */
function createKeys(session, { transport, paintbox, tools, view }) {
  const acts = { ...transport.acts, ...paintbox.acts, Escape: tools.cancel };
  return (event) => {
    const meta = event.ctrlKey || event.metaKey;
    if (meta && event.code === "KeyZ") session.send(event.shiftKey ? "redo" : "undo");
    else if (meta) return false;
    else if (tools.key(event)) return true;
    else if (acts[event.code]) acts[event.code]();
    else return view.key(event);
    return true;
  };
}

/** What is shown follows the model, the sound and the page's colours. */
function followModel(session, root, parts, signal) {
  const { model, picture } = session;
  const { view, comparison } = parts;
  parts.colour = () => {
    if (!root.isConnected) return;
    const { colour } = session.stem;
    root.style.setProperty("--stem", colour);
    const page = { page: cssColour(root, "--ml-bg"), ink: cssColour(root, "--ml-quiet") };
    picture.setPalette({ ...page, stem: hexColour(colour), of: model.get("_range"), ...parts.shaping.look() });
    view.redraw();
    if (!comparison.hidden) comparison.update();
  };
  parts.update = () => {
    parts.undo.disabled = !model.get("_can_undo");
    parts.redo.disabled = !model.get("_can_redo");
    view.canvas.style.cursor = parts.paintbox.preview().tool === "look" ? "grab" : "crosshair";
    for (const part of [parts.choices, parts.paintbox, parts.shaping, parts.scores]) part.update();
    if (model.get("_message")) parts.message.textContent = model.get("_message");
    view.redraw();
  };
  const onStem = () => {
    parts.update();
    parts.colour();
    comparison.update();
  };
  const shown = SHOWN.map((name) => [`change:${name}`, parts.update]);
  const onKind = () => { if (!comparison.hidden) comparison.update(); };
  watch(model, [...shown, ["change:stem", onStem], ["change:kind", onKind]], signal);
  session.addEventListener("news", ({ detail }) => {
    if (detail.working) parts.message.textContent = `Working… ${Math.round(100 * detail.working)} %`;
    if (detail.working === null) parts.message.textContent = model.get("_message");
    if (detail.compared) comparison.update();
    parts.transport.update();
    view.redraw();
  }, { signal });
  watchTheme(root, () => parts.colour(), signal);
}

function createView(session, el) {
  const life = new AbortController();
  const { signal } = life;
  const parts = createParts(session, signal);
  const root = lay(parts, signal);
  const { sound } = session;
  Object.assign(root, { sound, view: parts.view, idle: () => !session.waiting && sound.engine.ready });  // for tests
  el.append(root);
  followModel(session, root, parts, signal);
  onKeys(root, createKeys(session, parts), signal);
  parts.update();
  if (!sound.engine.ready) session.send("hello");
  return () => {
    life.abort();
    parts.view.close();
    root.remove();
  };
}

/** A model's sound and picture live as long as the model; each view is mounted on them. */
export default () => {
  let session = null;
  return {
    initialize({ model }) {
      session = new Session(model);
      return () => session.close();
    },
    render: ({ el }) => createView(session, el),
  };
};
