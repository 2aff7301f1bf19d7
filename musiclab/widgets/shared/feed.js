// The sound as it comes from Python: packets of some seconds, each with a piece of every stem, in their order.

const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/**
 * Give the engine every packet that the model has, and those that come, until `signal` aborts. `onChange()` is told of
 * each; `onError(error)` when the browser can't decode one: then it begins anew with the next first packet.
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
      if (!signal.aborted) onError(error);
    } finally {
      busy = false;
    }
  }
  const waiting = () => (next < model.get("_cuts").length ? model.get(`_sound_${next}`) : null);
  const restart = () => {
    if (next === Infinity) next = 0;
    pump();
  };
  const watched = model.get("_cuts").map((_, number) => [`change:_sound_${number}`, number ? pump : restart]);
  for (const [name, handler] of watched) model.on(name, handler);
  signal.addEventListener("abort", () => watched.forEach(([name, handler]) => model.off(name, handler)));
  pump();
}
