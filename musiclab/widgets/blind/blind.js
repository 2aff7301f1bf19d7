// What blind tests share: one trial after another, all its sounds on one clock, keys, results at the end.

import { bytesOf, h, onKeys, playButton, watch } from "../shared/dom.js";
import { Engine } from "../shared/engine.js";

/**
 * The sounds of a trial: all of them play all the time, one is heard, also from the middle of a note on.
 * `onHear(which)` shows which; `onReady()` when they are there.
 */
export function createSounds(model, { onHear, onReady }) {
  const life = new AbortController();
  const { signal } = life;
  const files = model.get("_files").map(bytesOf);
  const engine = new Engine(model.get("_seconds"));
  engine.setLoop([0, engine.duration]);
  const toggle = () => (engine.playing ? engine.pause() : engine.play());
  const play = playButton(toggle, signal);
  const status = h("span", { class: "ml-message", role: "status" }, "Loading…");
  const say = (text) => { status.textContent = text; };
  engine.addEventListener("state", () => play.show(engine.playing), { signal });

  function hear(which) {
    engine.setLevels(files.map((_, i) => (i === which ? 0 : -Infinity)), 0);
    onHear(which);
  }
  function load() {
    hear(0);
    const sounds = files.map(() => ({ channels: model.get("_channels"), scale: 1 }));
    engine.add(files, { from: 0, to: engine.frames, pad: 0 }, sounds).then(() => {
      say("");
      onReady();
    }, () => say("This browser can't decode the sounds."));
  }
  async function close() {
    life.abort();
    await engine.close();
  }
  return { engine, signal, hear, toggle, load, say, close, count: files.length, play: play.element, status };
}

/** The line above a trial: play, which one it is, news, and what else there is to press. */
export const createHead = ({ play, status }, title, ...buttons) => h("div", { class: "ml-bar" },
  play, h("b", {}, title), h("span", { class: "ml-gap" }), status, ...buttons);

/**
 * `over()`: whether all trials are done. `trial()`: the next one, with `element` and `sounds`. `results()`: an element.
 * `key(code)`: which sound a key chooses, if any.
 */
export function createBlindTest(model, el, { label, look = "", over, trial, results, key }) {
  const life = new AbortController();
  const { signal } = life;
  let current = null;
  const root = h("div", {
    class: `musiclab ml-lab ml-rating ${look}`, role: "group", "aria-label": label, tabindex: -1,
  });
  el.append(root);

  function show() {
    current?.sounds.close();
    current = over() ? null : trial();
    root.trial = current?.sounds ?? null;  // for tests
    root.replaceChildren(current ? current.element : results());
    current?.sounds.load();
  }
  onKeys(root, (event) => {
    if (!current || event.ctrlKey || event.metaKey) return false;
    const which = key(event.code);
    if (event.code === "Space") current.sounds.toggle();
    else if (which !== undefined && which < current.sounds.count) current.sounds.hear(which);
    else return false;
    return true;
  }, signal);
  watch(model, [["change:_number", show]], signal);
  show();
  return async () => {
    life.abort();
    root.remove();
    await current?.sounds.close();
  };
}
