// What sounds from one order to the next: courses (see practice.js) laid one after the other on a desk's graph, on the
// clock of its context, and the clicks along them. Live and into files alike.

import { clickWaves, unrolled } from "./click.js";
import { placeOf } from "./practice.js";
import { shiftOf } from "./stretch.js";

export const FADE = 0.005;  // s: against clicks at seek, pause and play
export const LEAD = 0.03;   // s from an order to its sound: time enough to schedule every stem before its sample is due
const LEADS = 5;            // doublings of it, where a page is too busy
const QUANTUM = 128;        // frames that are rendered at once
const AHEAD = 3;            // s that clicks and rounds are scheduled ahead: timers of a hidden page are slow
const OFTEN = 400;          // ms between two looks at what has to be scheduled

/**
 * `sound` is {buffers, stretch, semitones, ticks}; `courses` are iterated as they are needed. The first one's lead
 * begins at `when` (s of the context), or, `seamless`, goes on without a fade. `onCourse()` when another one begins to
 * be heard, `onEnd()` when the last one has been: `late` seconds after the context's time.
 */
export class Run {
  courses = [];
  #desk;
  #sound;
  #coming;
  #next;
  #base;
  #waves;
  #bus;
  #clicks = [];  // those scheduled: {source, when, counted}
  #ticked;       // clicks before this time have been scheduled
  #timers = new Set();
  #events;

  constructor(desk, sound, courses, { when, seamless = false, late = 0, onCourse = () => {}, onEnd = () => {} }) {
    [this.#desk, this.#sound, this.#coming, this.#events] = [desk, sound, courses, { late, onCourse, onEnd }];
    this.context = desk.fade.context;
    this.#bus = new GainNode(this.context);
    this.#bus.connect(desk.click);
    this.#waves = clickWaves(this.context.sampleRate).map((wave) => {
      const buffer = new AudioBuffer({ length: wave.length, sampleRate: this.context.sampleRate });
      buffer.copyToChannel(wave, 0);
      return buffer;
    });
    this.#pull();
    const { wet } = this.#next;
    this.#base = when + (wet ? sound.stretch.latency : 0);
    this.#ticked = this.#base - 1;
    if (wet) sound.stretch.shift(shiftOf(this.#next.speed, sound.semitones));
    this.#lay(when, seamless);
  }

  #pull() {
    const { value } = this.#coming.next();
    const wet = value && this.#sound.stretch !== null && (value.stretched || this.#sound.semitones !== 0);
    this.#next = value && { ...value, wet };
  }

  get last() { return this.courses.at(-1); }

  /** By how much the sound is late on its way, where it is stretched. */
  get latency() { return this.last.wet ? this.#sound.stretch.latency : 0; }

  /** The course at a time of the context, from its lead on; before all, the first. */
  at(time) { return this.courses.findLast(({ at, lead }) => at - lead <= time) ?? this.courses[0]; }

  /** Whether the song is heard at a time: not in a lead. */
  heardAt(time) { return time >= this.at(time).at; }

  placeAt(time) { return placeOf(this.at(time), time); }

  #lay(when, seamless) {
    const by = this.#base;
    const { at, end, counts, ...rest } = this.#next;
    const course = { ...rest, at: this.#onFrame(at + by), end: this.#onFrame(end + by) };
    const { buffers, stretch } = this.#sound;
    const from = course.at - (course.wet ? stretch.latency : 0);
    const { loop, speed, offset } = course;
    const [loopStart, loopEnd] = loop ?? [0, 0];
    course.sources = buffers.map((buffer, i) => {
      const timing = { loop: loop !== null, loopStart, loopEnd, playbackRate: speed };
      const source = new AudioBufferSourceNode(this.context, { buffer, ...timing });
      source.connect(this.#desk.inputs[i]);
      source.start(from, offset);
      if (end < Infinity) source.stop(from + course.end - course.at);
      return source;
    });
    if (!seamless) this.#fade(course, when);
    this.#route(course, when);
    for (const count of counts) this.#click({ ...count, when: count.when + by }, true);
    this.courses.push(course);
    this.#pull();
    if (!this.#next) this.#whenOver(course);
  }

  #fade(course, when) {
    const { gain } = this.#desk.fade;
    if (when !== null) gain.setValueAtTime(0, when);
    if (this.courses.length === 0 || !this.last.seam) {
      if (course.offset > 0) gain.setValueAtTime(0, course.at).linearRampToValueAtTime(1, course.at + FADE);
      else gain.setValueAtTime(1, course.at);  // the first attack of a song is not softened
    }
    if (course.cut) {
      gain.setValueAtTime(1, course.end - FADE).linearRampToValueAtTime(0, course.end);
    }
  }

  #route({ wet, at }, when) {
    if (this.last?.wet === wet) return;
    this.#desk.wet.gain.setValueAtTime(wet ? 1 : 0, when ?? at);
    this.#desk.dry.gain.setValueAtTime(wet ? 0 : 1, when ?? at);
  }

  #whenOver({ sources }) {
    sources[0].onended = () => this.#after(this.latency + this.#events.late, this.#events.onEnd);
  }

  #after(seconds, act) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, 1000 * seconds);
    this.#timers.add(timer);
  }

  /** Schedule all that begins before `until`, seen from `now`. */
  schedule(until, now = until) {
    while (this.#next && this.#base + this.#next.at - this.#next.lead < until && this.#canLay(now)) {
      if (this.#next.wet && this.#changesShift) {
        this.#sound.stretch.shift(shiftOf(this.#next.speed, this.#sound.semitones), this.#base + this.#next.at);
      }
      this.#lay(null, false);
      const { last } = this;
      this.#after(last.at - last.lead - now + this.#events.late, this.#events.onCourse);
    }
    for (const course of this.courses.filter(({ end }) => end > this.#ticked)) {
      for (const tick of unrolled(this.#sound.ticks, course, this.#ticked, until)) this.#click(tick);
    }
    this.#ticked = Math.max(this.#ticked, until);
    this.#clicks = this.#clicks.filter(({ when }) => when > now - 1);
  }

  get #changesShift() { return this.#next.speed !== this.last.speed || !this.last.wet; }

  // The stretcher knows one change to come.
  #canLay(now) { return !this.#changesShift || now >= this.last.at; }

  /** Go on scheduling until it is stopped. */
  keep() {
    const now = this.context.currentTime;
    this.schedule(now + AHEAD, now);
    this.#after(OFTEN / 1000, () => this.keep());
  }

  #onFrame(seconds) {
    const { sampleRate } = this.context;
    return seconds < Infinity ? Math.round(seconds * sampleRate) / sampleRate : seconds;
  }

  #click({ when, kind }, counted = false) {
    const source = new AudioBufferSourceNode(this.context, { buffer: this.#waves[kind] });
    source.connect(this.#bus);
    source.start(Math.max(0, this.#onFrame(when)));
    this.#clicks.push({ source, when, counted });
  }

  /** Other clicks in the song from a time on; what is counted in stays. */
  setTicks(ticks, from) {
    this.#sound.ticks = ticks;
    this.#dropClicks(({ when, counted }) => when >= from && !counted);
    this.#ticked = Math.min(this.#ticked, from);
    this.schedule(this.context.currentTime + AHEAD, this.context.currentTime);
  }

  #dropClicks(which) {
    for (const click of this.#clicks) if (which(click)) click.source.stop();
    this.#clicks = this.#clicks.filter((click) => !which(click));
  }

  /** No more of it from `when` on; clicks only from `heard` on, where what is on its way is still heard. */
  stop(when, heard = when) {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { sources } of this.courses) {
      sources[0].onended = null;
      for (const source of sources) source.stop(when);
    }
    this.#dropClicks((click) => click.when >= heard);
    this.#bus.gain.setValueAtTime(1, heard + FADE).linearRampToValueAtTime(0, heard + 2 * FADE);
  }
}

/** A time of the context, on a frame, that is `lead` seconds ahead. */
export function soon({ currentTime, sampleRate }, lead = LEAD) {
  return Math.ceil((currentTime + lead) * sampleRate) / sampleRate;
}

/**
 * A run that `begin(when)` makes. Sources that are scheduled too late begin late, and clicks do not: then it is made
 * anew for a later time. `fade` is the desk's.
 */
export function inTime(begin, when, { context, gain }) {
  for (let lead = LEAD, time = when; ; lead *= 2) {
    const run = begin(time);
    if (context.currentTime + QUANTUM / context.sampleRate < time || lead > LEAD * 2 ** LEADS) return run;
    run.stop(0);
    gain.cancelScheduledValues(0);
    time = soon(context, 2 * lead);
  }
}
