// The explorer's box: drawn with the pointer or with keys, shown over the picture.

const SMALLEST = 5;        // px: a shorter drag is a click, which ends the selection
const SHORTEST = 0.03;     // s of a box
const STEP = 1 / 32;       // of what is shown, for a key
const BLUE = "rgb(30 150 255)";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const sorted = (a, b) => [Math.min(a, b), Math.max(a, b)];

/** `get()` and `set(box or null)`: [from s, to s, from Hz, to Hz]. `limits` are the song's length and highest Hz. */
export function createSelection(view, { get, set, limits: [duration, top] }, signal) {
  let drag = null;  // from where, to where; or whether it moves the picture
  const within = ([t0, t1, low, high]) => [
    Math.max(t0, 0), Math.min(Math.max(t1, t0 + SHORTEST), duration), Math.max(low, 0),
    Math.min(Math.max(high, low + 1), top),
  ];

  function listen(type, act) { view.canvas.addEventListener(type, act, { signal }); }
  listen("pointerdown", (event) => {
    if (event.button !== 0) return;
    view.canvas.setPointerCapture(event.pointerId);
    view.canvas.focus({ preventScroll: true });
    drag = { from: view.point(event), to: null, pan: event.shiftKey };
  });
  listen("pointermove", (event) => {
    if (!drag) return;
    const now = view.point(event);
    if (drag.pan) view.pan(drag.from.t - now.t, view.scale.to(drag.from.hz) - view.scale.to(now.hz));
    else {
      drag.to = now;
      view.redraw();
    }
  });
  listen("pointerup", () => {
    const done = drag;
    drag = null;
    if (!done || done.pan) return;
    const { from, to } = done;
    if (!to || Math.hypot(to.x - from.x, to.y - from.y) < SMALLEST) set(null);
    else set(within([...sorted(from.t, to.t), ...sorted(from.hz, to.hz)]));
  });
  listen("pointercancel", () => { drag = null; });

  /** With Shift an arrow key moves the box's later, upper corner, with Control all of it; false for other keys. */
  function key(event) {
    const step = ARROWS[event.key];
    if (!step || !(event.shiftKey || event.ctrlKey || event.metaKey)) return false;
    const { scale, view: { t0, t1, y0, y1 } } = view;
    const [dt, dy] = [step[0] * (t1 - t0) * STEP, step[1] * (y1 - y0) * STEP];
    const middle = [t0 + 0.375 * (t1 - t0), t0 + 0.625 * (t1 - t0), scale.from(0.625 * y0 + 0.375 * y1),
      scale.from(0.375 * y0 + 0.625 * y1)];
    const moved = (hz) => scale.from(scale.to(hz) + dy);
    const [a, b, low, high] = get() ?? middle;
    const whole = !event.shiftKey;
    set(within(whole ? [a + dt, b + dt, moved(low), moved(high)] : [a, b + dt, low, moved(high)]));
    return true;
  }

  const shown = () => (drag?.to ? [drag.from.t, drag.to.t, drag.from.hz, drag.to.hz] : get());
  return { draw: (context) => drawBox(context, view, shown()), key };
}

function drawBox(context, view, box) {
  if (!box) return;
  const [x0, x1, y0, y1] = [view.xOf(box[0]), view.xOf(box[1]), view.yOf(box[2]), view.yOf(box[3])];
  context.save();
  context.fillStyle = "rgb(30 150 255 / 0.16)";
  context.strokeStyle = BLUE;
  context.lineWidth = 1.5;
  context.fillRect(x0, y0, x1 - x0, y1 - y0);
  context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  context.restore();
}
