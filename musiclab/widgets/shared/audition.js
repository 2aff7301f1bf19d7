// Single notes: a slice of the stem, or the written notes played by a small synthesiser along with the music.

import { Turn } from "./turn.js";

const FADE = 0.008;   // s at both ends of a slice
const AHEAD = 0.2;    // s that written notes are scheduled ahead of the music
const LEVEL = 0.22;
const KIT_LEVEL = 0.6;
const RELEASE = 0.12; // s in which a note of a kit fades once it has been let go

/** Plays slices and notes on a context of its own, made at the first sound. */
export class Audition {
  #context = null;
  #sounding = new Set();
  #scheduled = 0;   // notes that begin before this place in the song have been scheduled
  #turn;
  kit = null;       // {buffer, pitches, spacing}: each pitch once, so many seconds apart; without it there is a tone
  played = 0;       // how many slices and notes have been started, for tests

  /** `stopped()` when something else took its turn; `group` as of an engine. */
  constructor({ stopped = () => {}, group = "" } = {}) {
    this.#turn = new Turn(() => {
      this.silence();
      stopped();
    }, group);
  }

  #open() {
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") this.#context.resume();
    return this.#context;
  }

  /** A stretch of a buffer alone, from `from` to `to` seconds. */
  slice(buffer, from, to) {
    this.silence();
    this.#turn.take();
    const context = this.#open();
    const length = Math.max(to - from, 0.1);
    const now = context.currentTime + 0.01;
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(1, now + FADE);
    gain.gain.setValueAtTime(1, now + length - FADE);
    gain.gain.linearRampToValueAtTime(0, now + length);
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(gain).connect(context.destination);
    source.start(now, from, length);
    this.#keep(source, gain);
  }

  /**
   * Schedule the written notes that begin soon, at the speed and in the key that the music has; to be called again and
   * again while it plays.
   */
  follow(notes, now, { drums, speed, semitones }) {
    if (Math.abs(now - this.#scheduled) > 2 * AHEAD) this.#scheduled = now;  // a start, or a jump
    const until = now + AHEAD;
    const begin = this.#open().currentTime;  // read once: it moves on meanwhile
    for (const [onset, offset, written] of notes) {
      if (onset < this.#scheduled) continue;
      if (onset >= until) break;
      const when = begin + Math.max(0, onset - now) / speed;
      const [pitch, length] = [drums ? written : written + semitones, (offset - onset) / speed];
      if (this.kit) this.#sample(pitch, when, length);
      else if (drums) this.#drum(pitch, when);
      else this.#tone(pitch, when, length);
    }
    this.#scheduled = Math.max(this.#scheduled, until);
  }

  /** A note cut out of the kit; one that it hasn't got is the nearest, played faster or slower. */
  #sample(pitch, when, length) {
    const { buffer, pitches, spacing } = this.kit;
    const far = (other) => Math.abs(other - pitch);
    const at = pitches.reduce((best, other, i) => (far(other) < far(pitches[best]) ? i : best), 0);
    const rate = 2 ** ((pitch - pitches[at]) / 12);
    const end = when + Math.min(Math.max(length, 0.08), (spacing - RELEASE) / rate);
    const gain = new GainNode(this.#context, { gain: KIT_LEVEL });
    gain.gain.setValueAtTime(KIT_LEVEL, end);
    gain.gain.linearRampToValueAtTime(0, end + RELEASE);
    const source = new AudioBufferSourceNode(this.#context, { buffer, playbackRate: rate });
    source.connect(gain).connect(this.#context.destination);
    source.start(when, at * spacing);
    source.stop(end + RELEASE);
    this.#keep(source, gain);
  }

  #tone(pitch, when, length) {
    const context = this.#context;
    const gain = new GainNode(context, { gain: 0 });
    const end = when + Math.max(length, 0.08);
    gain.gain.setValueAtTime(0, when);
    gain.gain.linearRampToValueAtTime(LEVEL, when + 0.01);
    gain.gain.exponentialRampToValueAtTime(LEVEL * 0.4, end);
    gain.gain.linearRampToValueAtTime(0, end + 0.05);
    const source = new OscillatorNode(context, { type: "triangle", frequency: 440 * 2 ** ((pitch - 69) / 12) });
    source.connect(gain).connect(context.destination);
    source.start(when);
    source.stop(end + 0.06);
    this.#keep(source, gain);
  }

  /** Low drums as a falling sine, the others as filtered noise. */
  #drum(pitch, when) {
    const context = this.#context;
    const low = pitch < 37 || [41, 43, 45, 47, 48, 50].includes(pitch);
    const length = low ? 0.25 : pitch >= 49 ? 0.6 : 0.12;
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(low ? 3 * LEVEL : LEVEL, when);
    gain.gain.exponentialRampToValueAtTime(0.001, when + length);
    let source;
    if (low) {
      source = new OscillatorNode(context, { frequency: pitch < 37 ? 110 : 200 });
      source.frequency.setValueAtTime(pitch < 37 ? 110 : 200, when);
      source.frequency.exponentialRampToValueAtTime(pitch < 37 ? 45 : 100, when + 0.1);
      source.connect(gain);
    } else {
      const noise = new AudioBuffer({ length: Math.ceil(length * context.sampleRate), sampleRate: context.sampleRate });
      const samples = noise.getChannelData(0);
      for (let i = 0; i < samples.length; i++) samples[i] = 2 * Math.random() - 1;
      source = new AudioBufferSourceNode(context, { buffer: noise });
      const filter = new BiquadFilterNode(context, { type: "highpass", frequency: pitch <= 40 ? 900 : 6000 });
      source.connect(filter).connect(gain);
    }
    gain.connect(context.destination);
    source.start(when);
    source.stop(when + length);
    this.#keep(source, gain);
  }

  #keep(source, gain) {
    const sound = { source, gain };
    this.played++;
    this.#sounding.add(sound);
    source.onended = () => {
      this.#sounding.delete(sound);
      gain.disconnect();
    };
  }

  /** Stop everything that sounds or is scheduled. */
  silence() {
    for (const { source } of this.#sounding) source.stop();
    this.#sounding.clear();
    this.#scheduled = 0;
  }

  close() {
    this.silence();
    this.#turn.end();
    this.#context?.close();
    this.#context = null;
  }
}
