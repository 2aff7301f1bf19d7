// Small helpers for building elements.

const WITH_KEYS = new Set(["button", "input", "select"]);

/**
 * An element: attributes (`on…` none: listeners are added with a signal), then children.
 * What takes keys keeps them: else JupyterLab, which hears of a key first, deletes a cell at "d d" in a widget. It asks
 * the element itself and each one around it, so each has to say so.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (WITH_KEYS.has(tag) || "tabindex" in attributes) element.setAttribute("data-lm-suppress-shortcuts", "true");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Drawn, not typed: fonts differ in what they know of these signs.
const PATHS = {
  play: "M4 2.2v11.6a.6.6 0 0 0 .92.5l9-5.8a.6.6 0 0 0 0-1l-9-5.8A.6.6 0 0 0 4 2.2Z",
  pause: "M3.5 2h3a.5.5 0 0 1 .5.5v11a.5.5 0 0 1-.5.5h-3a.5.5 0 0 1-.5-.5v-11a.5.5 0 0 1 .5-.5Z"
    + "m6 0h3a.5.5 0 0 1 .5.5v11a.5.5 0 0 1-.5.5h-3a.5.5 0 0 1-.5-.5v-11a.5.5 0 0 1 .5-.5Z",
  start: "M2.5 2.5A.5.5 0 0 1 3 2h1a.5.5 0 0 1 .5.5v4.9l8.2-5.2a.5.5 0 0 1 .8.4v10.8a.5.5 0 0 1-.8.4L4.5 8.6v4.9"
    + "a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5Z",
  loop: "M5.5 3h5A4.5 4.5 0 0 1 14.2 10.1l-1.1-.9A3.1 3.1 0 0 0 10.5 4.4h-5V6L2.6 3.7 5.5 1.4Z"
    + "M1.8 5.9l1.1.9A3.1 3.1 0 0 0 5.5 11.6h5V10l2.9 2.3-2.9 2.3V13h-5A4.5 4.5 0 0 1 1.8 5.9Z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
}

/** A button with an accessible name; it shows an icon, a text, or the name itself. */
export function button({ label, title = label, icon: name, text, pressed, ...rest }, onClick, signal) {
  const element = h("button", { type: "button", "aria-label": label, title, "aria-pressed": pressed, ...rest });
  element.append(name ? icon(name) : text ?? label);
  element.addEventListener("click", onClick, { signal });
  return element;
}

/** The button that plays and pauses; `show(playing)` when that has changed. */
export function playButton(toggle, signal, { play = "play", pause = "pause" } = {}) {
  const element = button({ label: play, icon: "play", class: "ml-play" }, toggle, signal);
  function show(playing, label = playing ? pause : play) {
    if (element.getAttribute("aria-label") === label) return;
    element.replaceChildren(icon(playing ? "pause" : "play"));
    element.setAttribute("aria-label", label);
    element.title = `${label} (Space)`;
  }
  element.title = `${play} (Space)`;
  return { element, show };
}

/** Whether the element with the focus has a use of its own for this key. */
function isTaken({ target, code }) {
  if (target.matches("select, textarea, input[type=text], input[type=number]")) return true;
  if (target.matches("button, summary")) return ["Space", "Enter"].includes(code);
  if (target.matches("input[type=checkbox]")) return code === "Space";
  return target.matches("input") && /^(Arrow|Page|Home|End)/.test(code);
}

/** Keys that work wherever the focus is within `root`; `act(event)` gives false for one that it doesn't know. */
export function onKeys(root, act, signal) {
  root.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isTaken(event) || act(event) === false) return;
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
}

/** Whether Python stands behind a model: a page saved as one file has none, and shows nothing that needs it. */
export const answers = (model) => model.kernel !== false;

/** Run `frame(time, passed)` (s) on each screen frame while it gives true. What is returned starts it again. */
export function animate(frame, signal) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let [request, last] = [0, 0];
  function step(now) {
    request = 0;
    if (signal.aborted) return;
    const passed = (now - last) / 1000;
    if (calm.matches && passed < 0.25) {
      wake();
      return;
    }
    last = now;
    if (frame(now / 1000, Math.min(passed, 0.3))) wake();
  }
  const wake = () => { request ||= requestAnimationFrame(step); };
  signal.addEventListener("abort", () => cancelAnimationFrame(request));
  return wake;
}

/** Listen to a model until `signal` aborts: pairs of an event and what it calls. */
export function watch(model, pairs, signal) {
  for (const [type, handler] of pairs) model.on(type, handler);
  signal.addEventListener("abort", () => pairs.forEach(([type, handler]) => model.off(type, handler)));
}

/** The bytes of a widget's trait or message: what arrives is a DataView. */
export const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Follow one pointer from press to release: `move(event)` at the press too, then `end()`. */
export function drag(element, { start = () => true, move, end = () => {} }, signal) {
  element.addEventListener("pointerdown", (down) => {
    if (down.button !== 0 || start(down) === false) return;
    element.setPointerCapture(down.pointerId);
    move(down);
    const stop = new AbortController();
    const options = { signal: AbortSignal.any([signal, stop.signal]) };
    element.addEventListener("pointermove", move, options);
    for (const type of ["pointerup", "pointercancel"]) {
      element.addEventListener(type, () => { stop.abort(); end(); }, options);
    }
  }, { signal });
}
