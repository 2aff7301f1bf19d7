// What is shown or selected, as sound: it comes from Python when it is asked for.

import { Audition } from "../shared/audition.js";
import { animate, bytesOf, playButton } from "../shared/dom.js";

/** `ask(onlyTheBox)` orders sound; `at(seconds or null)` shows where it is. */
export function createPlayer(model, { ask, at }, signal) {
  let playing = null;  // from where, since when (ms), how long
  let heard = null;    // the last buffer, for tests
  const audition = new Audition({ stopped: () => ended() });
  const button = playButton(() => toggle(), signal, { play: "play what is shown" });
  const passed = () => (performance.now() - playing.at) / 1000;
  const place = () => (playing ? playing.start + Math.min(passed(), playing.length) : null);
  const wake = animate(() => {
    if (playing && passed() >= playing.length) stop();
    at(place());
    return playing !== null;
  }, signal);

  function toggle() {
    if (playing) stop();
    else ask(false);
  }

  function begin({ start, channels, scale }, buffer) {
    const ints = new Int16Array(bytesOf(buffer).slice().buffer);
    const length = ints.length / channels;
    const sampleRate = model.get("_sr");
    heard = new AudioBuffer({ length, numberOfChannels: channels, sampleRate });
    for (let c = 0; c < channels; c++) {
      heard.copyToChannel(Float32Array.from(ints.subarray(c * length, (c + 1) * length), (x) => x * scale), c);
    }
    audition.slice(heard, 0, length / sampleRate);
    playing = { start, at: performance.now(), length: length / sampleRate };
    update();
    wake();
  }

  function stop() {
    audition.silence();
    ended();
  }

  function ended() {
    playing = null;
    at(null);
    update();
  }

  function update() {
    const what = model.get("selection") ? "play the selection" : "play what is shown";
    button.show(playing !== null, playing ? "stop" : what);
  }
  return {
    element: button.element, begin, toggle, update, place, close: () => audition.close(),
    get heard() { return heard; },
  };
}
