// Painting: what a pointer or a key does becomes one gesture for Python, with a preview while it is drawn.

const KEEP_APART = 3;  // px between two points of a stroke

export const TOOLS = [
  { name: "brush", label: "Brush", title: "Paint freehand (B)" },
  { name: "rectangle", label: "Rectangle", title: "Paint a box of time and frequency (R)" },
  { name: "harmonics", label: "Harmonics", title: "Draw a note's fundamental: its overtones are painted with it (H)" },
  { name: "look", label: "Look", title: "Drag to move the picture (V)" },
];
export const ACTIONS = [
  { name: "give", label: "Add", title: "Give it to this stem (A)" },
  { name: "take", label: "Erase", title: "Take it out of this stem (E)" },
  { name: "restore", label: "Restore", title: "As it was before painting (O)" },
];

/** `settings()` gives {tool, action, colour, semitones, overtones}; `done(order)` gets the gesture. */
export function createTools(view, settings, done, signal) {
  let stroke = null;  // points {x, y, t, hz}, the last one under the pointer
  let over = null;

  view.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    view.canvas.setPointerCapture(event.pointerId);
    view.canvas.focus({ preventScroll: true });
    stroke = [view.point(event)];
    view.redraw();
  }, { signal });
  view.canvas.addEventListener("pointermove", (event) => {
    over = view.point(event);
    if (stroke) extend(over);
    view.redraw();
  }, { signal });
  view.canvas.addEventListener("pointerleave", () => { over = null; view.redraw(); }, { signal });
  view.canvas.addEventListener("pointerup", () => {
    if (!stroke) return;
    const points = stroke;
    cancel();
    if (settings().tool !== "look") done(gesture(points));
  }, { signal });
  view.canvas.addEventListener("pointercancel", cancel, { signal });

  function cancel() {
    stroke = null;
    view.redraw();
  }

  function extend(point) {
    const { tool } = settings();
    if (tool === "look") {
      const from = stroke[0];
      view.pan(from.t - point.t, view.scale.to(from.hz) - view.scale.to(point.hz));
      return;
    }
    if (tool === "rectangle") stroke = [stroke[0], point];
    else if (Math.hypot(point.x - stroke.at(-1).x, point.y - stroke.at(-1).y) >= KEEP_APART) stroke.push(point);
  }

  function gesture(points) {
    const { tool } = settings();
    const [first, last] = [points[0], points.at(-1)];
    if (tool === "rectangle") return { order: "rectangle", corners: [first.t, last.t, first.hz, last.hz] };
    return { order: tool, points: points.map(({ t, hz }) => [t, hz]) };
  }

  /** Over the picture: the stroke as it grows, or the shape of the tool. */
  function preview(context) {
    const { tool, action, colour, semitones, overtones } = settings();
    if (tool === "look" || !(stroke || over)) return;
    context.save();
    context.strokeStyle = context.fillStyle = action === "give" ? colour : "#e5484d";
    context.lineWidth = 1.5;
    if (action === "restore") context.strokeStyle = context.fillStyle = "#808488";
    const points = stroke ?? [over];
    const half = (point) => Math.max(2, view.yOf(point.hz) - view.yOf(point.hz * 2 ** (semitones / 12)));
    if (tool === "rectangle" && stroke) {
      const [a, b] = [points[0], points.at(-1)];
      context.globalAlpha = 0.25;
      context.fillRect(a.x, a.y, b.x - a.x, b.y - a.y);
      context.globalAlpha = 1;
      context.strokeRect(a.x, a.y, b.x - a.x, b.y - a.y);
    } else if (tool === "brush") {
      const wide = Math.max(3, view.xOf(view.view.t0 + 0.06 + 0.035));
      for (const point of points) {
        context.beginPath();
        context.ellipse(point.x, point.y, wide, half(point), 0, 0, 7);
        context.globalAlpha = stroke ? 0.12 : 1;
        stroke ? context.fill() : context.stroke();
      }
    } else if (tool === "harmonics") {
      for (let k = 1; k <= overtones; k++) {
        context.globalAlpha = k === 1 ? 1 : 0.55;
        context.beginPath();
        const line = points.length > 1 ? points : [{ ...points[0], x: points[0].x - 8 }, { ...points[0], x: points[0].x + 8 }];
        line.forEach((point, i) => context[i ? "lineTo" : "moveTo"](point.x, view.yOf(k * point.hz)));
        context.stroke();
      }
    }
    context.restore();
  }

  return { preview, cancel, get drawing() { return stroke !== null; } };
}
