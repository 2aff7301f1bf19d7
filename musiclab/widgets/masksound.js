// What the mask lab sounds like: the mixture, the stem, and everything but the stem, on one clock.

import { bytesOf } from "./controls.js";
import { Engine } from "./engine.js";

export const HEARD = ["mixture", "stem", "rest"];

/** Keeps the passage's mixture and the stem as it stands; changes of a stretch replace just that stretch. */
export class MaskSound {
  mode = "mixture";
  #mixture = null;
  #stem = null;
  #due = 0;

  constructor(frames, sr) {
    Object.assign(this, { frames, sr });
    this.engine = new Engine(frames / sr);
    this.listen("mixture");
  }

  listen(mode) {
    this.mode = mode;
    this.engine.setLevels(HEARD.map((name) => (name === mode ? 0 : -Infinity)), 0);
  }

  setMixture(bytes, scale) {
    this.#mixture = this.#read(bytes, scale);
    this.#stem ??= this.#mixture.map(() => new Float32Array(this.frames));
    this.#renew();
  }

  setStretch(bytes, scale, start) {
    if (!this.#mixture) return;
    this.#read(bytes, scale, this.#mixture.length).forEach((samples, channel) => this.#stem[channel].set(samples, start));
    this.#renew();
  }

  #read(bytes, scale, channels = null) {
    const view = bytesOf(bytes);
    const ints = new Int16Array(view.slice().buffer);
    const count = channels ?? Math.round(ints.length / this.frames);
    const length = ints.length / count;
    return Array.from({ length: count }, (_, channel) => Float32Array.from(ints.subarray(channel * length, (channel + 1) * length), (x) => x * scale));
  }

  /** New buffers: those that sound can't be changed. While it plays they take over where the old ones are. */
  #renew() {
    const made = (samplesOf) => {
      const buffer = new AudioBuffer({ length: this.frames, sampleRate: this.sr, numberOfChannels: this.#mixture.length });
      this.#mixture.forEach((_, channel) => buffer.copyToChannel(samplesOf(channel), channel));
      return buffer;
    };
    const rest = (channel) => this.#mixture[channel].map((x, n) => x - this.#stem[channel][n]);
    this.engine.buffers = [made((c) => this.#mixture[c]), made((c) => this.#stem[c]), made(rest)];
    this.engine.ready = true;
    if (!this.engine.sounding) return;
    clearTimeout(this.#due);  // several changes in a row take over at once
    this.#due = setTimeout(() => this.engine.sounding && this.engine.seek(this.engine.position), 30);
  }

  close() {
    clearTimeout(this.#due);
    return this.engine.close();
  }
}
