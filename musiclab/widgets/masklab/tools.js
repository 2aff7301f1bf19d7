// Painting: what a pointer or a key does becomes one gesture for Python, with a preview while it is drawn.

const KEEP_APART = 3;      // px between two points of a stroke
const STEP = [12, 8];      // px that an arrow key moves, across and up; with Shift a quarter
const TAKEN = "#e5484d";
const RESTORED = "#808488";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export const TOOLS = [
  { name: "brush", label: "Brush", title: "Paint freehand (B)", key: "KeyB" },
  { name: "rectangle", label: "Rectangle", title: "Paint a box of time and frequency (R)", key: "KeyR" },
  { name: "harmonics", label: "Harmonics", key: "KeyH",
    title: "Draw a note's fundamental: its overtones are painted with it (H)" },
  { name: "look", label: "Look", title: "Drag to move the picture (V)", key: "KeyV" },
];
export const ACTIONS = [
  { name: "give", label: "Add", title: "Give it to this stem (A)", key: "KeyA" },
  { name: "take", label: "Erase", title: "Take it out of this stem (E)", key: "KeyE" },
  { name: "restore", label: "Restore", title: "As it was before painting (O)", key: "KeyO" },
];

function gesture(tool, points) {
  const [first, last] = [points[0], points.at(-1)];
  if (tool === "rectangle") return { order: "rectangle", corners: [first.t, last.t, first.hz, last.hz] };
  return { order: tool, points: points.map(({ t, hz }) => [t, hz]) };
}

/** Shapes over the picture while something is drawn, or of the tool where the pointer is. */
const PREVIEWS = {
  look() {},
  rectangle(context, view, points, { drawing }) {
    if (!drawing) return;
    const [a, b] = [points[0], points.at(-1)];
    context.globalAlpha = 0.25;
    context.fillRect(a.x, a.y, b.x - a.x, b.y - a.y);
    context.globalAlpha = 1;
    context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
  },
  brush(context, view, points, { drawing, semitones }) {
    const wide = Math.max(3, view.xOf(view.view.t0 + 0.06 + 0.035));
    for (const { x, y, hz } of points) {
      const half = Math.max(2, view.yOf(hz) - view.yOf(hz * 2 ** (semitones / 12)));
      context.beginPath();
      context.ellipse(x, y, wide, half, 0, 0, 7);
      context.globalAlpha = drawing ? 0.12 : 1;
      context[drawing ? "fill" : "stroke"]();
    }
  },
  harmonics(context, view, points, { overtones }) {
    const line = points.length > 1 ? points : [-8, 8].map((beside) => ({ ...points[0], x: points[0].x + beside }));
    for (let k = 1; k <= overtones; k++) {
      context.globalAlpha = k === 1 ? 1 : 0.55;
      context.beginPath();
      line.forEach(({ x, hz }, i) => context[i ? "lineTo" : "moveTo"](x, view.yOf(k * hz)));
      context.stroke();
    }
  },
};

/** A stroke as it grows: points {x, y, t, hz}, the last one under the pointer or the keys' cross. */
class Stroke {
  points = null;
  over = null;    // where pointer or cross stand
  byKeys = false;

  constructor(view, settings, done) { Object.assign(this, { view, settings, done }); }

  begin(point) {
    this.points = [point];
    this.view.redraw();
  }

  moveTo(point) {
    this.over = point;
    if (this.points) this.#extend(point);
    this.view.redraw();
  }

  #extend(point) {
    const { tool } = this.settings();
    const last = this.points.at(-1);
    if (tool === "look") {
      const [from] = this.points;
      this.view.pan(from.t - point.t, this.view.scale.to(from.hz) - this.view.scale.to(point.hz));
    } else if (tool === "rectangle") this.points = [this.points[0], point];
    else if (Math.hypot(point.x - last.x, point.y - last.y) >= KEEP_APART) this.points.push(point);
  }

  end() {
    const { points } = this;
    if (!points) return;
    this.cancel();
    const { tool } = this.settings();
    if (tool !== "look") this.done(gesture(tool, points));
  }

  cancel() {
    this.points = null;
    this.view.redraw();
  }

  draw(context) {
    const { tool, action, colour, ...rest } = this.settings();
    if (!(this.points || this.over)) return;
    context.save();
    context.strokeStyle = context.fillStyle = { give: colour, take: TAKEN, restore: RESTORED }[action];
    context.lineWidth = 1.5;
    if (this.byKeys && tool !== "look") this.#cross(context);
    PREVIEWS[tool](context, this.view, this.points ?? [this.over], { ...rest, drawing: this.points !== null });
    context.restore();
  }

  #cross(context) {
    const { x, y } = this.over;
    context.beginPath();
    for (const [dx, dy] of [[14, 0], [0, 14]]) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  }
}

/** `settings()` gives {tool, action, colour, semitones, overtones}; `done(order)` gets the gesture. */
export function createTools(view, settings, done, signal) {
  const stroke = new Stroke(view, settings, done);
  const listen = (type, act) => view.canvas.addEventListener(type, act, { signal });
  listen("pointerdown", (event) => {
    if (event.button !== 0) return;
    view.canvas.setPointerCapture(event.pointerId);
    view.canvas.focus({ preventScroll: true });
    stroke.byKeys = false;
    stroke.begin(view.point(event));
  });
  listen("pointermove", (event) => {
    stroke.byKeys = false;
    stroke.moveTo(view.point(event));
  });
  listen("pointerleave", () => {
    stroke.over = null;
    view.redraw();
  });
  listen("pointerup", () => stroke.end());
  listen("pointercancel", () => stroke.cancel());

  /** On the picture, arrow keys move a cross, Enter begins and ends a stroke; false for other keys. */
  function key(event) {
    const move = ARROWS[event.key];
    if (event.target !== view.canvas || settings().tool === "look" || !(move || event.key === "Enter")) return false;
    stroke.byKeys = true;
    const from = stroke.over ?? view.pointAt(view.width / 2, view.height / 2);
    const part = event.shiftKey ? 0.25 : 1;
    const [dx, dy] = (move ?? [0, 0]).map((way, i) => way * STEP[i] * part);
    stroke.moveTo(view.pointAt(from.x + dx, from.y + dy));
    view.onHover(stroke.over);
    if (event.key !== "Enter") return true;
    if (stroke.points) stroke.end();
    else stroke.begin(stroke.over);
    return true;
  }
  return { preview: (context) => stroke.draw(context), cancel: () => stroke.cancel(), key };
}
