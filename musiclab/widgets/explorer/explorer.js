// The spectrogram explorer: pictures of any part come from Python as bytes; colours and range are made here.

import { button, h, onKeys, watch } from "../shared/dom.js";
import { SpecView, describe, watchTheme, zoomButtons } from "../shared/specview.js";
import { Pictures, SETTINGS, axisOf } from "./pictures.js";
import { createPlayer } from "./player.js";
import { createSelection } from "./selection.js";
import { createSettings } from "./settings.js";

const HELP = "Drag to select a box, or Shift and arrow keys; Control and arrow keys move it. "
  + "Hold Shift and drag to move. Arrow keys move, + and − zoom in time, < and > in pitch, 0 shows all, "
  + "Enter zooms to the box, Space plays, Escape ends the selection.";

const extentOf = (model) => {
  const scale = axisOf(model);
  const [low, high] = model.get("_hz");
  return { t0: 0, t1: model.get("_duration"), low: scale === "log" ? low : 0, high, scale };
};

/** The line under the picture: sound, what is under the pointer, news, zoom. */
function createFoot({ player, view, readout, message, select, listen }, signal) {
  const playBox = button({ label: "play only the box", text: "Only the box", class: "ml-plain", disabled: true },
    () => listen(true), signal);
  const clear = button({ label: "end the selection", text: "End selection", class: "ml-plain", disabled: true },
    () => select(null), signal);
  const element = h("div", { class: "ml-bar ml-under" }, player.element, playBox, clear, readout, message,
    ...zoomButtons(view, signal));
  return { element, update(box) { playBox.disabled = clear.disabled = !box; } };
}

/** What the page does when Python sets something. */
function followModel(model, { settings, view, pictures, foot, player, message }, signal) {
  const onSetting = () => {
    settings.update();
    if (view.extent.scale !== axisOf(model)) view.setExtent(extentOf(model));
    pictures.askAll();
  };
  const onRange = () => {
    settings.update();
    pictures.recolour(model.get("range_db"));
  };
  const onSelection = () => {
    foot.update(model.get("selection"));
    player.update();
    view.redraw();
  };
  const onView = () => {
    const box = model.get("view");
    if (box) zoomTo(view, [box[0], box[1], Math.max(box[2], extentOf(model).low), box[3]]);
  };
  const onMessage = (content, buffers) => {
    if (content.tile) pictures.take(content.tile, buffers[0]);
    if (content.sound) player.begin(content.sound, buffers[0]);
  };
  watch(model, [
    ...SETTINGS.map((name) => [`change:${name}`, onSetting]),
    ["change:range_db", onRange], ["change:selection", onSelection], ["change:view", onView],
    ["change:_message", () => { message.textContent = model.get("_message"); }], ["msg:custom", onMessage],
  ], signal);
  settings.update();
  onSelection();
  onView();
}

const zoomTo = (view, [t0, t1, low, high]) => view.show({ t0, t1, y0: view.scale.to(low), y1: view.scale.to(high) });

function createView(model, el) {
  const life = new AbortController();
  const { signal } = life;
  const message = h("span", { class: "ml-message", role: "status" });
  const readout = h("span", { class: "ml-readout" });
  const root = h("div", {
    class: "musiclab ml-lab ml-explorer", role: "group", "aria-label": "spectrogram explorer", tabindex: -1,
  });
  const pictures = new Pictures(model, root, (text) => { message.textContent = text; });
  const view = new SpecView({
    extent: extentOf(model), label: "spectrogram", help: HELP, signal, paint: (...canvas) => pictures.paint(...canvas),
  });
  pictures.show(view);
  const select = (box) => {
    model.set("selection", box);
    model.save_changes();
  };
  const listen = (box) => {
    const { low, high } = pictures.seen;
    const shown = [view.view.t0, view.view.t1, Math.max(low, 0), high];
    model.send({ order: "listen", box, selection: model.get("selection"), view: shown });
  };
  const selected = () => model.get("selection");
  const limits = [model.get("_duration"), model.get("_sr") / 2];
  const selection = createSelection(view, { get: selected, set: select, limits }, signal);
  const player = createPlayer(model, { ask: listen, at: (seconds) => view.at(seconds) }, signal);
  const settings = createSettings(model, (db) => pictures.recolour(db), signal);
  const foot = createFoot({ player, view, readout, message, select, listen }, signal);
  root.append(...settings.rows, view.element, foot.element);
  Object.assign(root, { view, player, pictures });  // for tests
  el.append(root);

  view.onDraw = selection.draw;
  view.onHover = (point) => {
    readout.textContent = point && pictures.tile ? `${describe(point)}   ${pictures.levelAt(point)}` : "";
  };
  view.onView = () => {
    pictures.askSoon();
    view.at(player.place());
  };
  onKeys(root, (event) => {
    if (selection.key(event)) return true;
    if (event.ctrlKey || event.metaKey) return false;
    if (event.code === "Space") player.toggle();
    else if (event.code === "Escape") select(null);
    else if (event.code !== "Enter") return view.key(event);
    else if (selected()) zoomTo(view, selected());
    return true;
  }, signal);
  const sized = new ResizeObserver(() => pictures.askSoon());
  sized.observe(view.box);
  followModel(model, { settings, view, pictures, foot, player, message }, signal);
  watchTheme(root, () => pictures.recolour(), signal);
  return () => {
    life.abort();
    sized.disconnect();
    for (const part of [pictures, view, player]) part.close();
    root.remove();
  };
}

export default () => ({ render: ({ model, el }) => createView(model, el) });
