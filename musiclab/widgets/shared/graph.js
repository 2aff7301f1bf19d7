// The desk as a graph of audio nodes: faders, meters, master, limiter.

import { createLimiter } from "./limiter.js";

/** Peak meter taps on both channels of a node. */
class Tap {
  constructor(node) {
    const splitter = new ChannelSplitterNode(node.context, { numberOfOutputs: 2 });
    node.connect(splitter);
    this.sides = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(node.context, { fftSize: 2048 });
      splitter.connect(analyser, channel);
      return analyser;
    });
    this.window = new Float32Array(2048);  // 46 ms: longer than a frame of the screen, so no peak is missed
  }
  peaks() {
    return this.sides.map((analyser) => {
      analyser.getFloatTimeDomainData(this.window);
      let peak = 0;
      for (const sample of this.window) peak = Math.max(peak, Math.abs(sample));
      return peak;
    });
  }
}

/**
 * Faders, master and limiter on a live or an offline context. Between master and limiter the sum goes `dry` (straight)
 * or `wet` (through whatever is connected there); one of the two is open. Clicks join before the limiter,
 * unstretched.
 */
export async function buildDesk(context, levels, { meters = false, limited = true, onReduction } = {}) {
  const stereo = { channelCount: 2, channelCountMode: "explicit" };  // mono stems sound in the middle
  const fade = new GainNode(context, stereo);
  const master = new GainNode(context, { ...stereo, gain: levels.master });
  const inputs = levels.gains.map((gain) => new GainNode(context, { ...stereo, gain }));
  for (const input of inputs) input.connect(master);
  const [dry, wet] = [1, 0].map((gain) => new GainNode(context, { ...stereo, gain }));
  master.connect(dry).connect(fade);
  wet.connect(fade);
  const click = new GainNode(context, { ...stereo, gain: levels.click ?? 0 });
  const sum = new GainNode(context, stereo);
  for (const node of [fade, click]) node.connect(sum);
  const limiter = limited ? await createLimiter(context, onReduction) : null;
  const last = limiter ? sum.connect(limiter) : sum;
  last.connect(context.destination);
  const taps = meters ? [...inputs, last].map((node) => new Tap(node)) : [];
  return { inputs, master, dry, wet, fade, click, limiter, output: last, taps };
}
