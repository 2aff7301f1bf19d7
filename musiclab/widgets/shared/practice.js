// How a passage is practised: what is counted before it, what rests between rounds, which speed each round has.
// Nothing here plays: it says what follows what, as courses, for the engine and for files alike.

import { barsAt, countIn, ticksOf } from "./click.js";

/** The speed of each round of a trainer: `rounds` at each rung from `start` to `end`, which is the last one. */
export function ladder({ start, end, step, rounds }) {
  const rungs = Math.ceil(Math.abs(end - start) / step - 1e-6);
  const speeds = Array.from({ length: rungs + 1 }, (_, i) => (
    i === rungs ? end : Math.round((start + Math.sign(end - start) * i * step) * 1e6) / 1e6));
  return speeds.flatMap((speed) => Array(rounds).fill(speed));
}

/**
 * A course is one way through the song at one speed: from `offset` (s of the song), heard from `at` (s) to `end`. With
 * a `loop` it goes round in it and has no end. `lead` seconds before it there is no song; `counts` are the ticks there,
 * as {when, kind}. `seam` says that the next one follows at once, `cut` that it ends within the song. `stretched`: its
 * speed, or one to come, isn't the song's own.
 */
export class Practice {
  constructor(settings = {}, grid = null) {
    Object.assign(this, {
      click: false, division: 1, accents: true, countIn: 0, everyRound: false, rest: 0, trainer: null,
    }, settings);
    this.grid = grid?.beats?.length > 1 ? grid : null;
    this.ticks = this.click && this.grid ? ticksOf(this.grid, this) : [];
    this.speeds = this.trainer && ladder(this.trainer);
  }

  /** Whether each round of a loop is a course of its own, and not one sound that goes round. */
  get inRounds() {
    return this.trainer !== null || (this.grid !== null && (this.rest > 0 || (this.everyRound && this.countIn > 0)));
  }

  /** What comes before a place at a speed: seconds of rest and count-in, and its ticks by their distance. */
  #before(place, speed, { rest, count }) {
    if (!this.grid) return { lead: 0, counts: [] };
    const { lead, ticks } = countIn(this.grid, place, count ? this.countIn : 0, this);
    const silence = barsAt(this.grid, place, rest ? this.rest : 0);
    return {
      lead: (lead + silence) / speed,
      counts: ticks.map(({ time, kind }) => ({ when: time / speed, kind })),
    };
  }

  /**
   * All courses from a `place` on, the first one's lead beginning at 0. `speed` is that of the song where there is no
   * trainer; `round` the one to begin with; `counted` whether the start is counted in. `once`: to the end, once.
   */
  *courses({ place, loop, duration, speed, round = 0, counted = true, once = false }) {
    if (!this.inRounds && !once) {
      const { lead, counts } = this.#before(place, speed, { count: counted });
      yield this.#course({ at: 0, lead, counts, offset: place, loop, speed, round: 0, stretched: speed !== 1 });
      return;
    }
    const [from, to] = loop ?? [0, duration];
    const first = this.speeds && round >= this.speeds.length ? 0 : round;
    const speedOf = (i) => (this.speeds ? this.speeds[i] : once && i > first ? undefined : speed);
    let at = 0;
    let offset = place >= from && place < to ? place : from;
    let before = this.#before(offset, speedOf(first), { count: counted });
    for (let i = first, pace = speedOf(i); pace !== undefined; i++) {
      const next = speedOf(i + 1);
      const after = next === undefined ? null : this.#before(from, next, { rest: true, count: this.everyRound });
      const length = (to - offset) / pace;
      const stretched = this.speeds ? this.speeds.slice(i).some((other) => other !== 1) : pace !== 1;
      const seam = after?.lead === 0;
      const cut = !seam && to < duration;
      yield this.#course({ at, ...before, offset, loop: null, speed: pace, length, round: i, seam, cut, stretched });
      at += before.lead + length;
      [offset, before, pace] = [from, after, next];
    }
  }

  #course({ at, lead, counts, length = Infinity, ...rest }) {
    const start = at + lead;
    return {
      seam: false, cut: false, ...rest, lead, at: start, end: start + length,
      counts: counts.map(({ when, kind }) => ({ when: start + when, kind })),
    };
  }
}

/** The place in the song at a time, along a course: before it, where it begins. */
export function placeOf({ at, offset, loop, speed }, time) {
  const place = offset + Math.max(0, time - at) * speed;
  if (!loop || offset >= loop[1] || place < loop[1]) return place;
  return loop[0] + ((place - loop[0]) % (loop[1] - loop[0]));
}
