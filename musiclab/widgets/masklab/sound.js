// What the mask lab sounds like: the mixture, the stem, and everything but the stem, on one clock.

import { bytesOf } from "../shared/dom.js";
import { Engine } from "../shared/engine.js";

const HEARD = ["mixture", "stem", "rest"];
const SOON = 1;  // s ahead of the playhead: what changes there is taken over at once,
const OFTEN = 500;  // ms: other changes together, after so long

/** Keeps the passage's mixture and the stem as it stands; changes of a stretch replace just that stretch. */
export class MaskSound {
  mode = "mixture";
  renewed = 0;  // how often what sounds was replaced, and when for the last time (ms), for tests
  #samples = {};  // of each of HEARD: channels of floats
  #buffers = [];
  #stale = false;
  #due = null;

  constructor(frames, sr) {
    Object.assign(this, { frames, sr });
    this.engine = new Engine(frames / sr, { supply: () => this.#fresh() });
    this.listen("mixture");
  }

  listen(mode) {
    this.mode = mode;
    this.engine.setLevels(HEARD.map((name) => (name === mode ? 0 : -Infinity)), 0);
  }

  setMixture(bytes, scale) {
    const mixture = this.#read(bytes, scale);
    const { stem = mixture.map(() => new Float32Array(this.frames)) } = this.#samples;
    this.#samples = { mixture, stem, rest: mixture.map((x, channel) => x.map((value, n) => value - stem[channel][n])) };
    this.#buffers = HEARD.map((name) => this.#bufferOf(name));
    this.engine.ready = true;
  }

  /** The stem from a frame on; everything else follows. */
  setStretch(bytes, scale, start) {
    const { mixture, stem, rest } = this.#samples;
    if (!mixture) return;
    this.#read(bytes, scale, mixture.length).forEach((samples, channel) => {
      stem[channel].set(samples, start);
      const [whole, left] = [mixture[channel], rest[channel]];
      for (let n = 0; n < samples.length; n++) left[start + n] = whole[start + n] - samples[n];
    });
    this.#stale = true;
    const [from, to] = [start / this.sr, start / this.sr + bytes.byteLength / 2 / mixture.length / this.sr];
    const { position } = this.engine;
    if (from < position + SOON && to > position) this.takeOver();
    else this.#due ??= setTimeout(() => this.takeOver(), OFTEN);
  }

  /** While it plays, what has changed takes over where the old is. */
  takeOver() {
    clearTimeout(this.#due);
    this.#due = null;
    if (this.#stale && this.engine.sounding) this.engine.seek(this.engine.position);
  }

  #fresh() {
    if (this.#stale) {
      this.#stale = false;
      this.#buffers = [this.#buffers[0], this.#bufferOf("stem"), this.#bufferOf("rest")];
      this.renewed++;
    }
    return this.#buffers;
  }

  #bufferOf(name) {
    const channels = this.#samples[name];
    const buffer = new AudioBuffer({ length: this.frames, sampleRate: this.sr, numberOfChannels: channels.length });
    channels.forEach((samples, channel) => buffer.copyToChannel(samples, channel));
    return buffer;
  }

  #read(bytes, scale, channels = null) {
    const ints = new Int16Array(bytesOf(bytes).slice().buffer);
    const count = channels ?? Math.round(ints.length / this.frames);
    const length = ints.length / count;
    return Array.from({ length: count }, (_, channel) => {
      const samples = new Float32Array(length);
      for (let n = 0, at = channel * length; n < length; n++, at++) samples[n] = ints[at] * scale;
      return samples;
    });
  }

  close() {
    clearTimeout(this.#due);
    this.#stale = false;
    return this.engine.close();
  }
}
