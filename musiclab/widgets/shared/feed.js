// The sound as it comes from Python: packets of some seconds, each with a piece of every stem, in their order.

import { bytesOf, watch } from "./dom.js";

/**
 * Give the engine every packet that the model has, and those that come, until `signal` aborts. `onChange()` is told of
 * each. A browser that can't decode one (Safari before 18.4 knows no Ogg) gets MP3 from Python, from the first on;
 * `onError(message)` if it can't decode that either.
 */
export function feed(model, engine, { onChange, onError }, signal) {
  let [next, busy] = [0, false];
  async function pump() {
    if (busy) return;
    busy = true;
    try {
      for (let files = waiting(); files?.length; files = waiting()) {
        const cuts = model.get("_cuts");
        const place = { from: cuts[next], to: cuts[next + 1] ?? engine.frames, pad: model.get("_pad") };
        await engine.add(files.map(bytesOf), place, model.get("_pieces"));
        if (signal.aborted) return;
        next++;
        onChange();
      }
    } catch (error) {
      next = Infinity;
      if (!signal.aborted) undecoded(error);
    } finally {
      busy = false;
    }
  }
  function undecoded(error) {
    if (model.get("_format") === "mp3") {
      onError(`This browser can't decode the sound (${error.message}).`);
      return;
    }
    model.set("_format", "mp3");
    model.save_changes();
  }
  const waiting = () => (next < model.get("_cuts").length ? model.get(`_sound_${next}`) : null);
  const restart = () => {
    if (next === Infinity) next = 0;
    pump();
  };
  const packets = model.get("_cuts").map((_, number) => [`change:_sound_${number}`, number ? pump : restart]);
  watch(model, packets, signal);
  model.send({ order: "sound" });
  pump();
}
