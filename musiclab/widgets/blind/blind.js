// What blind tests share: one trial after another, keys to play and to switch, results at the end.

import { h } from "../shared/dom.js";

/**
 * `over()`: whether all trials are done. `trial()`: the next one, with `element`, `toggle`, `hear(which)`, `count` and
 * `close`. `results()`: an element. `key(code)`: which sound a key chooses, if any.
 */
export function createBlindTest(model, el, { label, look = "", over, trial, results, key }) {
  const stop = new AbortController();
  const { signal } = stop;
  let current = null;
  const root = h("div", { class: `musiclab ml-lab ml-rating ${look}`, role: "group", "aria-label": label, tabindex: -1 });
  el.append(root);

  function show() {
    current?.close();
    current = over() ? null : trial();
    root.trial = current;
    root.replaceChildren(current ? current.element : results());
  }
  root.addEventListener("keydown", (event) => {
    if (!current || event.ctrlKey || event.metaKey || (event.target.matches("button") && ["Space", "Enter"].includes(event.code))) return;
    const which = key(event.code);
    if (event.code === "Space") current.toggle();
    else if (which !== undefined && which < current.count) current.hear(which);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
  model.on("change:_number", show);
  show();
  return async () => {
    stop.abort();
    model.off("change:_number", show);
    root.remove();
    await current?.close();
  };
}
