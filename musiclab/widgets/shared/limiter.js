// The master limiter: a look-ahead peak limiter in an AudioWorklet. The arithmetic is that of limiter.py.
// Web Audio's own DynamicsCompressor won't do: it adds make-up gain even to what it leaves alone.

const LIMITER_SOURCE = `
const CEILING = 1, LOOK_AHEAD = 0.005, RELEASE = 0.1, REPORT = 0.05;
class Limiter extends AudioWorkletProcessor {
  constructor() {
    super();
    const n = this.length = Math.floor(LOOK_AHEAD * sampleRate);
    this.fade = Math.exp(-1 / (RELEASE * sampleRate));
    this.delay = [new Float32Array(n), new Float32Array(n)];
    this.excess = new Float64Array(n);   // how far above the ceiling, of the last n frames
    this.falling = new Float64Array(n);  // held and released, of the last n frames
    this.queue = new Int32Array(n);      // frames whose excess may yet be the greatest, in falling order
    this.head = this.count = 0;
    this.sum = this.last = this.frame = this.deepest = this.reported = 0;
    this.alive = true;
    this.port.onmessage = () => { this.alive = false; };
  }
  hold(excess) {  // the greatest excess of the last n frames
    const { queue, length: n, frame } = this;
    if (this.count && queue[this.head] <= frame - n) { this.head = (this.head + 1) % n; this.count--; }
    while (this.count && this.excess[queue[(this.head + this.count - 1) % n] % n] <= excess) this.count--;
    queue[(this.head + this.count++) % n] = frame;
    this.excess[frame % n] = excess;
    return this.excess[queue[this.head] % n];
  }
  gain(peak) {
    const n = this.length, at = this.frame % n;
    let level = Math.max(this.hold(1 - CEILING / Math.max(peak, CEILING)), this.last * this.fade);
    if (level < 1e-7) level = 0;
    this.last = level;
    this.sum += level - this.falling[at];
    this.falling[at] = level;
    if (at === n - 1) this.sum = this.falling.reduce((a, b) => a + b, 0);  // rounding must not pile up
    return 1 - this.sum / n;
  }
  process([input], [output]) {
    const [left, right] = output;
    const inL = input[0], inR = input[1] ?? input[0], n = this.length;
    for (let i = 0; i < left.length; i++) {
      const l = inL ? inL[i] : 0, r = inR ? inR[i] : 0, at = this.frame % n, old = (this.frame + 1) % n;
      this.delay[0][at] = l; this.delay[1][at] = r;
      const gain = this.gain(Math.max(Math.abs(l), Math.abs(r)));
      left[i] = Math.max(-CEILING, Math.min(CEILING, this.delay[0][old] * gain));
      right[i] = Math.max(-CEILING, Math.min(CEILING, this.delay[1][old] * gain));
      this.deepest = Math.min(this.deepest, gain - 1);
      this.frame++;
    }
    if (this.frame - this.reported > REPORT * sampleRate) {
      if (this.deepest < 0) this.port.postMessage(-20 * Math.log10(1 + this.deepest));
      this.deepest = 0;
      this.reported = this.frame;
    }
    return this.alive;
  }
}
registerProcessor("musiclab-limiter", Limiter);
`;

/** Frames by which the limiter delays. */
export const limiterDelay = (sampleRate) => Math.floor(0.005 * sampleRate) - 1;

/**
 * A limiter node, or null where the page allows no AudioWorklet (plain http from another machine, a strict policy);
 * what is too loud is then clipped by the browser itself.
 * A data: URL, because pages opened from a file may not load a worklet from a blob: URL.
 */
export async function createLimiter(context, onReduction) {
  if (!context.audioWorklet) return null;
  try {
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(LIMITER_SOURCE)}`);
  } catch {
    return null;
  }
  const options = { outputChannelCount: [2], channelCount: 2, channelCountMode: "explicit" };
  const node = new AudioWorkletNode(context, "musiclab-limiter", options);
  node.port.onmessage = ({ data }) => onReduction?.(data);
  return node;
}
