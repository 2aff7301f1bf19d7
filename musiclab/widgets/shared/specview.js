// A spectrogram to look into: axes, zoom, pan, pointer. What is drawn, and what a drag does, is the widget's affair.

import { button, h } from "./dom.js";
import { noteName } from "./pitch.js";

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300];
const MEL = { break: 1000, per: 3 / 200, knee: 15, step: Math.log(6.4) / 27 };  // Slaney's, as in Python

/** Frequency as height in units of its scale, and back. */
export const SCALES = {
  linear: { to: (hz) => hz, from: (y) => y },
  log: { to: (hz) => Math.log2(Math.max(hz, 1)), from: (y) => 2 ** y },
  mel: {
    to: (hz) => (hz < MEL.break ? hz * MEL.per : MEL.knee + Math.log(hz / MEL.break) / MEL.step),
    from: (y) => (y < MEL.knee ? y / MEL.per : MEL.break * Math.exp(MEL.step * (y - MEL.knee))),
  },
};

export const formatHz = (hz) => (hz < 1000 ? `${hz.toFixed(hz < 100 ? 1 : 0)} Hz` : `${(hz / 1000).toFixed(2)} kHz`);

export function formatSeconds(seconds) {
  const minutes = Math.floor(seconds / 60 + 1e-9);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

/** Time, frequency and nearest note of a point, for the line under a picture. */
export const describe = ({ t, hz }) => `${formatSeconds(t)}   ${formatHz(hz)}   ${noteName(hz)}`;

/** Buttons that show all, less and more of a view. */
export const zoomButtons = (view, signal) => [
  button({ label: "show all", text: "Show all", class: "ml-plain" }, () => view.whole(), signal),
  button({ label: "zoom out", text: "−", class: "ml-icon" }, () => view.zoom(1.5), signal),
  button({ label: "zoom in", text: "+", class: "ml-icon" }, () => view.zoom(1 / 1.5), signal),
];

/**
 * `extent` is {t0, t1, low, high, scale}: all that there is. `paint(context, width, height)` draws the picture.
 * Events on the returned object: onView() after zoom and pan, onHover(point or null), onDraw(context).
 */
export class SpecView {
  constructor({ extent, paint, label, help, signal }) {
    this.paint = paint;
    this.onView = this.onHover = this.onDraw = () => {};
    this.signal = signal;
    this.canvas = h("canvas", {
      class: "ml-spec-canvas", tabindex: 0, role: "img", "aria-label": label, "aria-description": help,
    });
    this.head = h("div", { class: "ml-spec-head", "aria-hidden": "true", hidden: true });
    this.times = h("div", { class: "ml-spec-times", "aria-hidden": "true" });
    this.hz = h("div", { class: "ml-spec-hz", "aria-hidden": "true" });
    this.box = h("div", { class: "ml-spec-box" }, this.canvas, this.head);
    this.element = h("div", { class: "ml-spec" }, this.hz, this.box, h("div"), this.times);
    this.setExtent(extent);
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.box);
    this.#listen();
  }

  setExtent(extent) {
    const same = this.extent && this.extent.scale === extent.scale;
    this.extent = extent;
    this.scale = SCALES[extent.scale];
    const { from, to } = this.span();
    if (same && this.view) this.#clamp();
    else this.view = { t0: this.view?.t0 ?? extent.t0, t1: this.view?.t1 ?? extent.t1, y0: from, y1: to };
    this.redraw();
  }

  span() { return { from: this.scale.to(this.extent.low), to: this.scale.to(this.extent.high) }; }

  xOf(t) { return ((t - this.view.t0) / (this.view.t1 - this.view.t0)) * this.width; }
  yOf(hz) { return (1 - (this.scale.to(hz) - this.view.y0) / (this.view.y1 - this.view.y0)) * this.height; }
  timeAt(x) { return this.view.t0 + (x / this.width) * (this.view.t1 - this.view.t0); }
  hzAt(y) { return this.scale.from(this.view.y0 + (1 - y / this.height) * (this.view.y1 - this.view.y0)); }
  get inSight() { return this.box.clientWidth > 0; }
  get width() { return this.box.clientWidth || 1; }
  get height() { return this.box.clientHeight || 1; }

  /** {t, hz, x, y} under a pointer event, kept within the picture. */
  point(event) {
    const frame = this.canvas.getBoundingClientRect();
    return this.pointAt(event.clientX - frame.left, event.clientY - frame.top);
  }

  /** The same for a place in px. */
  pointAt(left, top) {
    const [x, y] = [Math.min(Math.max(left, 0), this.width), Math.min(Math.max(top, 0), this.height)];
    return { x, y, t: this.timeAt(x), hz: this.hzAt(y) };
  }

  /** Show this part; sides left out stay. */
  show(view) {
    Object.assign(this.view, view);
    this.#clamp();
    this.redraw();
    this.onView();
  }

  zoom(factor, { t = null, y = null, both = false } = {}) {
    const { t0, t1, y0, y1 } = this.view;
    const [ct, cy] = [t ?? (t0 + t1) / 2, y ?? (y0 + y1) / 2];
    const view = { t0: ct + (t0 - ct) * factor, t1: ct + (t1 - ct) * factor };
    if (both) Object.assign(view, { y0: cy + (y0 - cy) * factor, y1: cy + (y1 - cy) * factor });
    this.show(view);
  }

  zoomTone(factor, y = (this.view.y0 + this.view.y1) / 2) {
    const { y0, y1 } = this.view;
    this.show({ y0: y + (y0 - y) * factor, y1: y + (y1 - y) * factor });
  }

  pan(dt, dy = 0) {
    const { t0, t1, y0, y1 } = this.view;
    this.show({ t0: t0 + dt, t1: t1 + dt, y0: y0 + dy, y1: y1 + dy });
  }

  whole() {
    const { from, to } = this.span();
    this.show({ t0: this.extent.t0, t1: this.extent.t1, y0: from, y1: to });
  }

  #clamp() {
    const { from, to } = this.span();
    const fit = (low, high, least, first, last) => {
      const size = Math.min(Math.max(high - low, least), last - first);
      const start = Math.min(Math.max((low + high - size) / 2, first), last - size);
      return [start, start + size];
    };
    [this.view.t0, this.view.t1] = fit(this.view.t0, this.view.t1, 0.05, this.extent.t0, this.extent.t1);
    [this.view.y0, this.view.y1] = fit(this.view.y0, this.view.y1, (to - from) / 60, from, to);
  }

  redraw() { this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.#draw(); }); }

  #draw() {
    if (!this.inSight) {
      // Not in the page yet, or out of sight: the observer calls again. But what lasts for less than a frame, as while
      // JupyterLab changes its theme's style sheets, no observer sees: look once more.
      if (!this.missed) this.redraw();
      this.missed = true;
      return;
    }
    this.missed = false;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.width, this.height];
    const [w, hgt] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== w || this.canvas.height !== hgt) Object.assign(this.canvas, { width: w, height: hgt });
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.paint(context, width, height);
    this.#grid(context);
    this.onDraw(context);
  }

  #grid(context) {
    const { t0, t1 } = this.view;
    const step = STEPS.find((s) => (s / (t1 - t0)) * this.width >= 70) ?? 600;
    const marks = [];
    for (let t = Math.ceil(t0 / step) * step; t <= t1; t += step) {
      const mark = h("span", {}, step >= 1 ? formatSeconds(t).replace(/\.00$/, "") : formatSeconds(t));
      mark.style.left = `${this.xOf(t)}px`;
      marks.push(mark);
    }
    this.times.replaceChildren(...marks);
    context.fillStyle = "rgb(128 128 128 / 0.22)";
    this.hz.replaceChildren(...this.#tones().map((hz) => {
      const y = this.yOf(hz);
      context.fillRect(0, Math.round(y), this.width, 1);
      const mark = h("span", {}, hz >= 1000 ? `${+(hz / 1000).toFixed(2)} kHz` : `${+hz.toFixed(1)} Hz`);
      mark.style.top = `${y}px`;
      return mark;
    }));
  }

  /** Round frequencies that lie far enough from each other. */
  #tones() {
    const [low, high] = [this.scale.from(this.view.y0), this.scale.from(this.view.y1)];
    const found = [];
    const add = (hz) => {
      const y = this.yOf(hz);
      if (y > 7 && y < this.height - 4 && found.every((other) => Math.abs(this.yOf(other) - y) >= 24)) found.push(hz);
    };
    if (this.extent.scale === "linear") {
      const steps = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
      const step = steps.find((s) => (s / (high - low)) * this.height >= 34) ?? 5000;
      for (let hz = Math.ceil(low / step) * step; hz <= high; hz += step) add(hz);
      return found;
    }
    for (const digits of [[1], [2, 5], [3, 4, 7], [1.5, 2.5, 6, 8]]) {
      for (const decade of [10, 100, 1000, 10000]) for (const digit of digits) add(digit * decade);
    }
    return found;
  }

  #listen() {
    const { signal } = this;
    this.canvas.addEventListener("wheel", (event) => {
      const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (!(event.ctrlKey || event.metaKey || sideways)) return;  // the page scrolls
      event.preventDefault();
      const { t, y } = this.point(event);
      const size = this.view.t1 - this.view.t0;
      if (event.ctrlKey || event.metaKey) {
        const height = this.view.y0 + (1 - y / this.height) * (this.view.y1 - this.view.y0);
        this.zoom(Math.exp(event.deltaY / 300), { t, y: height, both: event.altKey });
      } else this.pan(((event.deltaX || event.deltaY) / this.width) * size);
    }, { signal, passive: false });
    this.canvas.addEventListener("pointermove", (event) => this.onHover(this.point(event)), { signal });
    this.canvas.addEventListener("pointerleave", () => this.onHover(null), { signal });
  }

  /** Arrow keys move, + and − zoom, 0 shows all. True if the key was one of them. */
  key(event) {
    const { t0, t1, y0, y1 } = this.view;
    const [dt, dy] = [(t1 - t0) / 8, (y1 - y0) / 8];
    const acts = {
      ArrowLeft: () => this.pan(-dt), ArrowRight: () => this.pan(dt),
      ArrowUp: () => this.pan(0, dy), ArrowDown: () => this.pan(0, -dy),
      "+": () => this.zoom(0.7), "=": () => this.zoom(0.7), "-": () => this.zoom(1 / 0.7), 0: () => this.whole(),
      ">": () => this.zoomTone(0.7), "<": () => this.zoomTone(1 / 0.7),
    };
    if (!acts[event.key] || event.ctrlKey || event.metaKey) return false;
    acts[event.key]();
    return true;
  }

  /** Where the music is; null hides the line. */
  at(t) {
    this.head.hidden = t === null || t < this.view.t0 || t > this.view.t1;
    if (!this.head.hidden) this.head.style.transform = `translateX(${this.xOf(t)}px)`;
  }

  close() {
    this.observer.disconnect();
    cancelAnimationFrame(this.frame);
    this.frame = -1;  // no later redraw is asked for
  }
}

/** A colour of the page as [r, g, b]: whatever way CSS names it. */
export function cssColour(element, name) {
  const probe = h("i", { style: `color: var(${name}); display: none` });
  element.append(probe);
  const text = getComputedStyle(probe).color;
  probe.remove();
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

export const hexColour = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** Calls `change` when `element` gets its place in the page (only there it has colours), and with each new theme. */
export function watchTheme(element, change, signal) {
  const arrived = new ResizeObserver(() => {
    if (!element.isConnected || !element.clientWidth) return;
    arrived.disconnect();
    change();
  });
  arrived.observe(element);
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", change, { signal });
  const observer = new MutationObserver(change);
  const attributeFilter = ["data-jp-theme-light", "data-jp-theme-name", "class"];
  observer.observe(document.body, { attributes: true, attributeFilter });
  signal.addEventListener("abort", () => [arrived, observer].forEach((one) => one.disconnect()));
}
