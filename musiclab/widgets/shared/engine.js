// The sound: decoded stems on one AudioContext, started together on one sample, and so never apart.

import { buildDesk } from "./graph.js";
import { limiterDelay } from "./limiter.js";
import { Practice } from "./practice.js";
import { performed, rendered } from "./render.js";
import { FADE, LEAD, Run, inTime, soon } from "./run.js";
import { createStretch } from "./stretch.js";
import { toGain } from "./levels.js";
import { Turn } from "./turn.js";

export const SAMPLE_RATE = 44100;  // pinned, whatever the sound card runs at: then every frame count is known
const GLIDE = 0.01;  // s in which a gain moves
const LEAST = 2.5;   // s of the song that have to be there before it plays from a place
const RENEW = 1;     // s before the end of what was there at the start: then it goes on with what has come since

const toFrame = (seconds) => Math.round(seconds * SAMPLE_RATE) / SAMPLE_RATE;

/**
 * Plays any number of stems as one. Events: "state" (play, pause, seek, loop), "round" (another one begins),
 * "reduction" (the limiter works), "waiting" (the browser wants a click first), "unpaced" (speed and key can't be had
 * here).
 */
export class Engine extends EventTarget {
  #context = null;
  #desk = null;
  #opening = null;
  #run = null;     // what sounds
  #resting = 0;    // the place in the song while nothing sounds
  #levels = { gains: [], master: 1, click: 0 };
  #pace = { speed: 1, semitones: 0 };
  #stretch = null; // made at the first use of another speed or key
  #inserting = null;
  #intent = 0;     // counts orders: one that had to wait knows whether it is still wanted
  #practice = new Practice();
  #round = 0;      // where nothing sounds: the one to go on with
  #loaded = 0;     // s from the start that are there, of every stem
  #renewal = null;
  #buffers = [];
  #supply;
  #turn;
  loop = null;     // [from, to) in seconds, or null
  playing = false;
  starved = false; // it plays, but the sound of this place has yet to come

  /**
   * `library` is the text of signalsmith-stretch; without it there is no other speed or key. `supply()` gives the
   * buffers to play, where they don't come by `add`: it is asked at each start, for what sounds can't be changed.
   * `group` names what may sound together with this.
   */
  constructor(duration, { library = "", supply = null, group = "" } = {}) {
    super();
    this.library = library;
    this.#supply = supply;
    this.#turn = new Turn(() => { if (this.playing) this.pause(); }, group);
    this.frames = Math.round(duration * SAMPLE_RATE);
    this.duration = this.frames / SAMPLE_RATE;
  }

  get context() { return this.#context; }

  /** The node that goes to the loudspeakers, for recorders; null before the first sound. */
  get output() { return this.#desk?.output ?? null; }

  /** The part of the song, from its start, that is there: in seconds. */
  get loaded() { return this.#loaded; }

  get buffers() { return this.#supply ? this.#supply() : this.#buffers; }

  /** Whether the song can begin, and whether all of it is there. Who supplies the buffers says so. */
  get ready() { return this.#loaded > 0; }
  set ready(is) { this.#loaded = is ? this.duration : 0; }
  get complete() { return this.ready && this.#loaded >= this.duration; }

  /** Whether what comes next is there: rounds need all of their loop. */
  #has(place) {
    const end = this.#practice.inRounds ? this.loop?.[1] ?? this.duration : Math.min(place + LEAST, this.duration);
    return this.ready && end <= this.#loaded;
  }

  /**
   * Decode a packet: a compressed piece of every stem for the frames [from, to), each of which reaches `pad` frames
   * over its ends where the song does; no bytes are silence. `sounds` says the channels of each, and the scale that
   * undoes what the encoder was given to keep peaks within full scale.
   */
  async add(files, { from, to, pad }, sounds) {
    const decoder = new OfflineAudioContext(2, 1, SAMPLE_RATE);
    // a copy: decoding detaches the bytes, and the model still owns its own
    const decoded = await Promise.all(
      files.map((file) => (file.byteLength ? decoder.decodeAudioData(file.slice().buffer) : null)),
    );
    if (from === 0) {
      this.#buffers = sounds.map(({ channels }) => new AudioBuffer({
        length: this.frames, sampleRate: SAMPLE_RATE, numberOfChannels: channels,
      }));
    }
    const skip = Math.min(from, pad);
    decoded.forEach((piece, i) => {
      for (let channel = 0; channel < (piece?.numberOfChannels ?? 0); channel++) {
        const samples = piece.getChannelData(channel).subarray(skip, skip + to - from);
        const { scale } = sounds[i];
        const scaled = scale === 1 ? samples : samples.map((sample) => sample * scale);
        this.#buffers[i].copyToChannel(scaled, channel, from);
      }
    });
    this.#loaded = Math.min(to, this.frames) / SAMPLE_RATE;
    if (this.starved) this.#begin();
  }

  /** Gains in dB (what is muted at -Infinity), the master's, and that of the clicks, which the master lowers too. */
  setLevels(gainsDb, masterDb, clickDb = -Infinity) {
    const master = toGain(masterDb);
    this.#levels = { gains: gainsDb.map(toGain), master, click: master * toGain(clickDb) };
    if (this.#desk) this.#applyLevels();
  }

  #applyLevels() {
    this.#desk.inputs.forEach((input, i) => this.#glide(input.gain, this.#levels.gains[i]));
    this.#glide(this.#desk.master.gain, this.#levels.master);
    this.#glide(this.#desk.click.gain, this.#levels.click);
  }

  #glide(param, target) {
    const now = this.#context.currentTime;
    param.cancelScheduledValues(now);
    param.setValueAtTime(param.value, now);
    param.linearRampToValueAtTime(target, now + GLIDE);  // linear: it does reach zero
  }

  #open() {
    return this.#opening ??= (async () => {
      const context = this.#context = new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: "interactive" });
      const onReduction = (db) => this.dispatchEvent(new CustomEvent("reduction", { detail: db }));
      const desk = await buildDesk(context, this.#levels, { meters: true, onReduction });
      if (context.state === "closed") return;
      this.#desk = desk;
      this.#applyLevels();  // they may have moved meanwhile
    })();
  }

  /** The time of the context that is heard now. */
  get #heard() {
    const { outputLatency, baseLatency, currentTime, sampleRate } = this.#context;
    const limiting = this.#desk.limiter ? limiterDelay(sampleRate) / sampleRate : 0;
    return currentTime - (outputLatency || baseLatency || 0) - limiting;
  }

  /** Where the song is, in seconds, as it is heard. */
  get position() { return this.#run ? Math.min(this.#run.placeAt(this.#heard), this.duration) : this.#resting; }

  /** True from the moment the sources are scheduled: `playing` may still wait for a click. */
  get sounding() { return this.#run !== null; }

  /** Whether it is being counted in, or rests between two rounds. */
  get leading() { return this.#run !== null && !this.#run.heardAt(this.#heard); }

  /** A place in the song and the moment (ms, performance.now()) at which it is heard: for clocks that follow. */
  get anchor() {
    const early = this.#run ? Math.max(0, this.#run.at(this.#heard).at - this.#heard) : 0;
    return { position: this.position, at: performance.now() + 1000 * early };
  }

  /** Play from where it stands. Resolves when it sounds; waits for a click where the browser asks for one. */
  async play() {
    if (this.#run) return;
    const order = ++this.#intent;
    this.playing = true;
    this.#turn.take();
    this.#changed();
    await this.#open();
    await this.#prepare();
    if (order === this.#intent && this.#context.state === "suspended") {
      const hint = setTimeout(() => this.dispatchEvent(new Event("waiting")), 300);
      await this.#context.resume();
      clearTimeout(hint);
    }
    if (order !== this.#intent || this.#context.state !== "running") return;
    if (this.#resting >= (this.loop?.[1] ?? this.duration)) this.#resting = this.loop?.[0] ?? 0;
    this.#begin({ counted: true });
  }

  /** Sound from where it rests; if that has yet to come, `add` calls again. */
  #begin({ counted = false } = {}) {
    this.starved = !this.#has(this.#resting);
    if (!this.starved) this.#start(this.#resting, this.#soon(), { counted });
    this.#changed();
  }

  pause() {
    this.#intent++;
    this.starved = false;
    this.#resting = this.position;
    this.#round = this.round;
    if (this.#run) this.#stop(this.#fadeOut(this.#soon()));
    this.#run = null;
    this.playing = false;
    this.#changed();
  }

  seek(seconds) {
    const place = toFrame(Math.min(Math.max(seconds, 0), this.duration));
    this.#resting = place;
    if (this.starved) return this.#begin();
    if (this.#run && !this.#has(place)) this.#starve(place);
    else if (this.#run) {
      const when = this.#fadeOut(this.#soon());
      this.#stop(when);
      this.#start(place, when);
    }
    return this.#changed();
  }

  /** Loop [from, to) to the sample, or null. While it plays, the sources are replaced without a seam. */
  setLoop(loop) {
    this.loop = loop && loop.map(toFrame);
    if (this.#run && this.#practice.inRounds) this.seek(this.position);
    else if (this.#run) {
      const when = this.#soon();
      const inside = !this.loop || this.#placeAt(when) < this.loop[1];
      if (inside) this.#relay(when);
      else {
        const from = this.#fadeOut(when);
        this.#stop(from);
        this.#start(this.loop[0], from);
      }
    }
    this.#changed();
  }

  /** The place that the sources are at, at a time of the context: ahead of what is heard where it is stretched. */
  #placeAt(when) { return Math.min(this.#run.placeAt(when + this.#run.latency), this.duration); }

  /** New sources go on where the old ones are at a time of the context: nobody hears it. */
  #relay(when) {
    const place = toFrame(this.#placeAt(when));
    if (!this.#run.heardAt(when + this.#run.latency)) {  // it is still being counted in: that begins anew
      this.#stop(this.#fadeOut(when));
      this.#start(place, toFrame(when + FADE), { counted: true });
      return;
    }
    this.#stop(when, when + this.#run.latency);
    this.#start(place, when, { seamless: true });
  }

  /** Nearly at the end of what was there at the start: go on with what has come since, or wait for it. */
  #renew(until) {
    if (this.#loaded > until) this.#relay(this.#soon());
    else this.#starve(toFrame(Math.min(this.#placeAt(this.#soon() + FADE), until)));
    this.#changed();
  }

  #starve(place) {
    this.#stop(this.#fadeOut(this.#soon()));
    this.#run = null;
    this.#resting = place;
    this.starved = true;
  }

  /** The speed of the song as it is heard. */
  get speed() { return this.#run ? this.#run.at(this.#heard).speed : this.#pace.speed; }

  /** By how many semitones all of it is moved. */
  get semitones() { return this.#pace.semitones; }

  /** Which round of a practice it is, from 0; set it for the next start. */
  get round() { return this.#run ? this.#run.at(this.#heard).round : this.#round; }
  set round(round) { this.#round = round; }

  get practice() { return this.#practice; }

  /** Click, count-in, rounds (see practice.js). Another click is heard at once. */
  async setPractice(practice) {
    const [old] = [this.#practice, this.#practice = practice];
    if (!this.#desk) return;
    await this.#prepare();
    if (!this.#run || practice !== this.#practice) return;
    if (old.inRounds || practice.inRounds) this.seek(this.position);
    else this.#run.setTicks(practice.ticks, this.#context.currentTime + LEAD);
  }

  get #plain() {
    return this.#pace.semitones === 0 && (this.#practice.speeds ?? [this.#pace.speed]).every((speed) => speed === 1);
  }

  /** Play at another speed (1: the song's own) and in another key (in semitones), each without moving the other. */
  async setPace(speed, semitones) {
    this.#pace = { speed, semitones };
    if (!this.#desk) return this.#changed();
    await this.#prepare();
    return this.#run ? this.seek(this.position) : this.#changed();
  }

  async #prepare() {
    if (this.#plain) return;
    try {
      this.#inserting ??= this.#insert();
      const stretch = await this.#inserting;
      await stretch.fit(Math.min(...(this.#practice.speeds ?? [this.#pace.speed])));
      this.#stretch = stretch;
    } catch {  // no AudioWorklet here, as on plain http from another machine
      this.#inserting = this.#stretch = null;
      this.#pace = { speed: 1, semitones: 0 };
      this.dispatchEvent(new Event("unpaced"));
    }
  }

  async #insert() {
    const stretch = await createStretch(this.#context, this.library);
    this.#desk.master.connect(stretch.node).connect(this.#desk.wet);
    return stretch;
  }

  #soon() { return soon(this.#context); }

  #fadeOut(when) {
    const { gain } = this.#desk.fade;
    gain.cancelScheduledValues(when);
    gain.setValueAtTime(this.#run.heardAt(when) ? 1 : 0, when).linearRampToValueAtTime(0, when + FADE);
    return toFrame(when + FADE);
  }

  #start(offset, when, { counted = false, seamless = false } = {}) {
    const [{ speed, semitones }, practice, until] = [this.#pace, this.#practice, this.#loaded];
    // a loop that ends in what has yet to come is taken up when the sources are renewed; past its end there is none
    const within = this.loop && (practice.inRounds || (offset < this.loop[1] && this.loop[1] <= until));
    const loop = within ? this.loop : null;
    const plan = { place: offset, loop, duration: this.duration, speed, round: this.#round, counted };
    const stretch = this.#plain ? null : this.#stretch;
    const sound = { buffers: this.buffers, stretch, semitones, ticks: practice.ticks };
    const events = {
      late: this.#context.currentTime - this.#heard, onCourse: () => this.dispatchEvent(new Event("round")),
      onEnd: () => { if (run === this.#run) this.#ended(); },
    };
    const begin = (time) => new Run(this.#desk, sound, practice.courses(plan), { when: time, seamless, ...events });
    const run = this.#run = inTime(begin, when, this.#desk.fade);
    run.keep();
    if (loop || until >= this.duration) return;
    const left = run.last.at - run.latency - this.#context.currentTime + (until - offset) / speed - RENEW;
    this.#renewal = setTimeout(() => { if (run === this.#run) this.#renew(until); }, 1000 * Math.max(left, 0));
  }

  #stop(when, heard) {
    clearTimeout(this.#renewal);
    this.#round = this.round;
    this.#run.stop(when, heard);
  }

  #ended() {
    this.#stop(this.#context.currentTime);
    this.#run = null;
    this.#resting = this.#round = 0;
    this.playing = false;
    this.#changed();
  }

  #changed() { this.dispatchEvent(new Event("state")); }

  /** Peaks of each stem and of the master: [left, right] as amplitudes; null before the first sound. */
  peaks() { return this.#desk && this.#desk.taps.map((tap) => tap.peaks()); }

  /** A click came: a context that waits for one may start. */
  unlock() { if (this.#context?.state === "suspended" && this.playing) this.#context.resume(); }

  /** What is heard, from `start` (s), as an AudioBuffer: the loop is left out, and so is what has yet to come. */
  render(start = 0, duration = this.duration - start) {
    return rendered(this.buffers, this.#levels, toFrame(start), duration);
  }

  /**
   * All that is heard from a press on play at `place` on, as an AudioBuffer: at the speed and in the key that are set,
   * with clicks and count-in; all rounds of a trainer, else the loop (or the song) once, or round and round for so many
   * `seconds`. `onProgress(share)` now and
   * then; null once `signal` is aborted. Other `levels` than the desk's are amplitudes: {gains, master, click}.
   */
  perform({ place = this.loop?.[0] ?? 0, loop = this.loop, levels = this.#levels, seconds, onProgress, signal } = {}) {
    const [{ speed, semitones }, { ticks }] = [this.#pace, this.#practice];
    const sound = { buffers: this.buffers, levels, library: this.library, semitones, ticks };
    const plan = { place: toFrame(place), loop, duration: this.duration, speed, once: seconds === undefined };
    const courses = this.#practice.courses(plan);
    return performed(sound, courses, { until: seconds, onProgress, signal });
  }

  async close() {
    this.#intent++;
    this.#run?.stop(0);
    this.#run = null;
    this.playing = this.starved = false;
    this.#loaded = 0;
    clearTimeout(this.#renewal);
    this.#turn.end();
    this.#buffers = [];
    this.#desk?.limiter?.port.postMessage("stop");
    if (this.#context && this.#context.state !== "closed") await this.#context.close();
  }
}
