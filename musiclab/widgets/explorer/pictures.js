// The explorer's pictures: asked of Python as what is shown changes, kept, coloured and drawn here.

import { bytesOf } from "../shared/dom.js";
import { cssColour } from "../shared/specview.js";

export const SETTINGS = ["n_fft", "overlap", "window", "scale", "channel", "reassigned"];
const REST = 25;          // ms that a view rests before its picture is asked for
const LEAST_BYTE = 40;    // the loudest cell counts as this much at least: silence stays dark
// From the page's own colour, through blue and purple, to what stands out most on it.
const INK = {
  light: [
    [0.3, [222, 228, 243]], [0.55, [150, 160, 212]], [0.75, [128, 72, 160]], [0.9, [96, 14, 84]], [1, [28, 0, 26]],
  ],
  dark: [[0.25, [45, 30, 110]], [0.5, [150, 40, 120]], [0.75, [240, 110, 50]], [1, [255, 245, 170]]],
};

/** The axis that a scale is drawn on. */
export const axisOf = (model) => (model.get("scale") === "cqt" ? "log" : model.get("scale"));

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

  get loudest() { return this.bytes.reduce((a, b) => Math.max(a, b), LEAST_BYTE); }

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

  /** The byte at a place given as parts of width and height, from below. */
  byteAt(across, up) {
    const within = (part, size) => Math.min(Math.max(Math.floor(part * size), 0), size - 1);
    return this.bytes[within(up, this.height) * this.width + within(across, this.width)];
  }
}

/** What is known of the whole song, and what was asked for last: `say(text)` tells how far Python is. */
export class Pictures {
  whole = null;
  tile = null;
  asked = 0;
  answered = 0;
  #top = -20;  // dB: the loudest cell of the last picture
  #timer = null;
  #due = false;  // a picture is to be asked for as soon as it is known how large it will be
  #range;

  constructor(model, root, say) {
    Object.assign(this, { model, root, say, options: model.get("_options") });
    this.#range = model.get("range_db");
  }

  show(view) { this.view = view; }

  /** From and to in Hz of what is shown. */
  get seen() {
    const { y0, y1 } = this.view.view;
    return { low: this.view.scale.from(y0), high: this.view.scale.from(y1) };
  }

  #ask() {
    this.#timer = null;
    const { view } = this;
    this.#due = !view.inSight;
    if (this.#due) {
      view.redraw();
      return;
    }
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    // with the settings: what is set may reach Python after what is asked
    const look = Object.fromEntries(SETTINGS.map((name) => [name, this.model.get(name)]));
    const { t0, t1 } = view.view;
    const order = { order: "tile", id: ++this.asked, axis: axisOf(this.model), look };
    this.model.send({ ...order, width, height, t0, t1, ...this.seen });
  }

  /** What is shown, after a moment's rest; meanwhile what there is is stretched. */
  askSoon() { this.#timer ??= setTimeout(() => this.#ask(), REST); }

  /** Everything anew: the settings have changed. */
  askAll() {
    this.whole = this.tile = null;
    this.#ask();
  }

  take(about, buffer) {
    if (about.axis !== axisOf(this.model) || about.id < this.answered) return;
    this.answered = about.id;
    const tile = this.tile = new Tile(about, bytesOf(buffer));
    const all = tile.done >= 1;
    if (all && tile.t1 - tile.t0 >= this.model.get("_duration") * 0.999) this.whole ??= tile;
    this.say(all ? this.model.get("_message") : `Computing… ${Math.round(100 * tile.done)} %`);
    if (!all && tile.id === this.asked) this.#ask();
    this.#top = this.#decibels(tile.loudest);
    this.recolour();
  }

  #decibels(byte) { return this.options.floor + this.options.step * byte; }

  /** Colours by the page's own, and by how far below the loudest one wants to see. */
  recolour(range = this.#range) {
    this.#range = range;
    if (!this.root.isConnected) return;
    const map = colours(cssColour(this.root, "--ml-bg"), range, this.#top, this.options);
    for (const one of new Set([this.whole, this.tile])) one?.colour(map);
    this.view.redraw();
  }

  paint(context, width, height) {
    const { view } = this;
    if (this.#due) this.askSoon();
    context.imageSmoothingQuality = "high";
    const y = (hz) => (1 - (view.scale.to(hz) - view.view.y0) / (view.view.y1 - view.view.y0)) * height;
    for (const one of [this.whole, this.tile]) {
      if (!one) continue;
      const [x0, x1] = [view.xOf(one.t0), view.xOf(one.t1)];
      context.drawImage(one.canvas, x0, y(one.high), x1 - x0, y(one.low) - y(one.high));
    }
  }

  /** The level under a point as text; nothing where there is no picture. */
  levelAt({ t, hz }) {
    const { tile, view: { scale } } = this;
    if (!tile) return "";
    const [low, high] = [scale.to(tile.low), scale.to(tile.high)];
    const db = this.#decibels(tile.byteAt((t - tile.t0) / (tile.t1 - tile.t0), (scale.to(hz) - low) / (high - low)));
    return db <= this.options.floor ? "silence" : `${db.toFixed(1).replace("-", "−")} dBFS`;
  }

  close() {
    clearTimeout(this.#timer);
    this.#timer = -1;  // nothing more is asked for
  }
}
