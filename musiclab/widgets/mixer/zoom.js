// Which part of the song is seen, and how wheel, fingers and keys move it.

const CLOSEST = 0.25;  // s seen at most closely: less than a beat
const FOLLOWS = 0.94;  // the playhead may come so far to the right; then the page turns
const TURNED = 0.06;   // and stands here afterwards
const IN = 0.6;        // a step of a key or button towards the song

/** From `t0` to `t1` seconds of a song of `duration`. Event "view" when it moves. */
export class View extends EventTarget {
  #free = false;  // a person looks elsewhere: the playhead is not followed until it comes into view
  #last = 0;
  pinching = false;

  constructor(duration) {
    super();
    Object.assign(this, { duration, t0: 0, t1: duration });
  }

  get span() { return this.t1 - this.t0; }
  get isWhole() { return this.span >= this.duration; }

  /** Where a time stands, in widths of the view; and the time that stands there. */
  place(seconds) { return (seconds - this.t0) / this.span; }
  at(place) { return this.t0 + place * this.span; }

  #show(t0, span) {
    const wanted = Math.min(Math.max(span, Math.min(CLOSEST, this.duration)), this.duration);
    const from = Math.min(Math.max(t0 + (span - wanted) / 2, 0), this.duration - wanted);
    if (from === this.t0 && from + wanted === this.t1) return;
    Object.assign(this, { t0: from, t1: from + wanted });
    this.dispatchEvent(new Event("view"));
  }

  /** As a person wants it. */
  show(t0, t1) {
    this.#free = true;
    this.#show(t0, t1 - t0);
  }

  /** Closer with a factor below 1; `around` (s) stays where it is. */
  zoom(factor, around) {
    const span = Math.min(Math.max(this.span * factor, Math.min(CLOSEST, this.duration)), this.duration);
    const from = around - this.place(around) * span;
    this.show(from, from + span);
  }

  pan(seconds) { this.show(this.t0 + seconds, this.t1 + seconds); }
  whole() { this.show(0, this.duration); }

  /** Turn the page when the playhead leaves it; a seek is always shown. */
  follow(position, playing) {
    const inside = position >= this.t0 && (position <= this.at(FOLLOWS) || this.t1 >= this.duration);
    const moved = position !== this.#last;
    this.#last = position;
    if (inside || (moved && !playing)) this.#free = false;
    if (!inside && !this.#free) this.#show(position - TURNED * this.span, this.span);
  }
}

/** Ctrl and wheel (or a trackpad's pinch) zoom, sideways pans; two fingers do both. The wheel alone is the page's. */
export function steerView(view, surface, signal) {
  const placeOf = (x) => {
    const box = surface.getBoundingClientRect();
    return (x - box.left) / box.width;
  };
  surface.addEventListener("wheel", (event) => {
    const closer = event.ctrlKey || event.metaKey;
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!closer && (!sideways || view.isWhole)) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const by = lines * (closer ? event.deltaY : event.deltaX || event.deltaY);
    if (closer) view.zoom(Math.exp(Math.min(Math.max(by, -80), 80) / 160), view.at(placeOf(event.clientX)));
    else view.pan((by / surface.clientWidth) * view.span);
  }, { signal, passive: false });

  const fingers = new Map();
  let held = null;  // the two times under the fingers
  surface.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size !== 2) return;
    view.pinching = true;
    held = [...fingers.values()].map((x) => view.at(placeOf(x)));
  }, { signal, capture: true });
  surface.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    if (fingers.size !== 2 || !held) return;
    const [a, b] = [...fingers.values()].map(placeOf);
    if (Math.abs(a - b) < 0.02) return;
    const span = (held[1] - held[0]) / (b - a);
    if (span > 0) view.show(held[0] - a * span, held[0] - a * span + span);
  }, { signal, capture: true });
  for (const type of ["pointerup", "pointercancel"]) {
    surface.addEventListener(type, (event) => {
      fingers.delete(event.pointerId);
      held = null;
      if (fingers.size === 0) view.pinching = false;
    }, { signal, capture: true });
  }
}

/** + and − zoom around the playhead if it is seen, 0 shows the whole song; with Shift the arrows pan. */
export function zoomKey(event, view, position) {
  const middle = position >= view.t0 && position <= view.t1 ? position : view.at(0.5);
  const acts = {
    "+": () => view.zoom(IN, middle), "=": () => view.zoom(IN, middle), "-": () => view.zoom(1 / IN, middle),
    0: () => view.whole(),
  };
  if (!acts[event.key] || event.altKey) return false;
  acts[event.key]();
  return true;
}
