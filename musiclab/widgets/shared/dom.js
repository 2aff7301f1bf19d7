// Small helpers for building elements.

/** An element: attributes (`on…` none: listeners are added with a signal), then children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
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
  pause: "M3.5 2h3a.5.5 0 0 1 .5.5v11a.5.5 0 0 1-.5.5h-3a.5.5 0 0 1-.5-.5v-11a.5.5 0 0 1 .5-.5Zm6 0h3a.5.5 0 0 1 .5.5v11a.5.5 0 0 1-.5.5h-3a.5.5 0 0 1-.5-.5v-11a.5.5 0 0 1 .5-.5Z",
  start: "M2.5 2.5A.5.5 0 0 1 3 2h1a.5.5 0 0 1 .5.5v4.9l8.2-5.2a.5.5 0 0 1 .8.4v10.8a.5.5 0 0 1-.8.4L4.500 8.600v4.9a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5Z",
  loop: "M5.500 3h5A4.500 4.500 0 0 1 14.200 10.100l-1.100-.9A3.100 3.100 0 0 0 10.500 4.400h-5V6L2.600 3.700 5.500 1.400ZM1.800 5.900l1.100.9A3.100 3.100 0 0 0 5.500 11.600h5V10l2.900 2.300-2.900 2.300V13h-5A4.500 4.500 0 0 1 1.800 5.900Z",
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
