// The mask lab's transport: play, and which of mixture, stem and rest is heard.

import { choice } from "../shared/controls.js";
import { animate, button, h, playButton } from "../shared/dom.js";
import { formatTime } from "../shared/levels.js";

const HEARD = [
  { name: "mixture", label: "Mixture", title: "The whole mixture (1)" },
  { name: "stem", label: "This stem", title: "What the mask lets through (2)" },
  { name: "rest", label: "Everything else", title: "The mixture without it (3)" },
];

/** `at(seconds)` follows the playhead, in the song's own time. */
export function createTransport({ sound, model }, at, signal) {
  const { engine } = sound;
  const start = model.get("_start");
  const toggle = () => (engine.playing ? engine.pause() : engine.play());
  const play = playButton(toggle, signal);
  const back = button({
    label: "back to the start", title: "back to the start (Home)", icon: "start", class: "ml-icon",
  }, () => engine.seek(0), signal);
  const time = h("span", { class: "ml-time" });
  const heard = choice("what is heard", HEARD, listen, signal);

  function listen(name) {
    sound.listen(name);
    heard.update(name);
  }
  function update() {
    play.show(engine.playing);
    play.element.setAttribute("aria-disabled", !engine.ready);
  }
  const follow = animate(() => {
    const now = start + engine.position;
    time.textContent = formatTime(now);
    at(now);
    return engine.playing;
  }, signal);
  engine.addEventListener("state", () => {
    update();
    follow();
  }, { signal });
  const acts = {
    Space: toggle, Home: () => engine.seek(0),
    PageUp: () => engine.seek(engine.position + 1), PageDown: () => engine.seek(engine.position - 1),
    Digit1: () => listen("mixture"), Digit2: () => listen("stem"), Digit3: () => listen("rest"),
  };
  listen(sound.mode);
  update();
  follow();
  return {
    elements: [back, play.element, time, heard.element], update, follow, acts,
    seek: (seconds) => engine.seek(seconds - start),
  };
}
