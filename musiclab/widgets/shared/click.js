// Beats as clicks: where they fall, how they are counted in, what they sound like. Nothing here plays.
//
// A grid is what a `Chart` knows of the beats: `beats` (s, rising), `positions` (of each in its bar, from 1),
// `beatsPerBar`. A tick is {time, kind}: kind 0 on a bar's first beat, 1 on other beats, 2 between beats.

export const STRONG = 0;
export const BEAT = 1;
export const WEAK = 2;
const NEAR = 0.02;    // s: who starts so little after a beat starts on it
const TINY = 1e-4;    // s: a loop's ends stand on whole frames, a beat need not
const LENGTH = 0.04;  // s; this and what follows as in click.py
const DECAY = 0.008;  // s
const SOUNDS = [{ hz: 1500, level: 0.5 }, { hz: 1000, level: 0.315 }, { hz: 1000, level: 0.126 }];

/** The sound of each kind of tick, as samples at `sampleRate`. */
export function clickWaves(sampleRate) {
  return SOUNDS.map(({ hz, level }) => Float32Array.from({ length: Math.round(LENGTH * sampleRate) }, (_, n) => {
    const t = n / sampleRate;
    return level * Math.exp(-t / DECAY) * Math.sin(2 * Math.PI * hz * t);
  }));
}

/** All ticks of a grid, each beat in `division` parts; without accents every beat sounds alike. */
export function ticksOf({ beats, positions }, { division = 1, accents = true } = {}) {
  return beats.flatMap((time, i) => {
    const beat = (beats[i + 1] ?? 2 * time - beats[i - 1]) - time;
    return Array.from({ length: division }, (_, part) => ({
      time: time + (part / division) * beat,
      kind: part > 0 ? WEAK : accents && positions[i] === 1 ? STRONG : BEAT,
    }));
  });
}

/** The first beat at or after a place, and the tempo there: {time, position (from 0), beat (s, of its bar's mean)}. */
export function beatFrom({ beats, positions, beatsPerBar }, place) {
  const last = beats.length - 1;
  let i = beats.findIndex((time) => time >= place - NEAR);
  const beyond = i < 0 ? Math.ceil((place - NEAR - beats[last]) / (beats[last] - beats[last - 1])) : 0;
  if (i < 0) i = last;
  const from = Math.min(i, Math.max(0, last - beatsPerBar));
  const to = Math.min(from + beatsPerBar, last);
  const beat = (beats[to] - beats[from]) / (to - from);
  const time = beats[i] + beyond * (beats[last] - beats[last - 1]);
  return { time, position: (positions[i] - 1 + beyond) % beatsPerBar, beat };
}

/**
 * Bars counted before the first beat at or after `place`, at the tempo of the bar that begins there: the count begins
 * on a "one", so before a pick-up it has the pick-up bar's missing beats too. {lead, ticks}: seconds of the song's time
 * that pass before `place` sounds, and ticks by their distance to it (negative: before).
 */
export function countIn(grid, place, bars, { accents = true } = {}) {
  if (!bars || grid.beats.length < 2) return { lead: 0, ticks: [] };
  const { time, position, beat } = beatFrom(grid, place);
  const count = bars * grid.beatsPerBar + position;
  const ticks = Array.from({ length: count }, (_, i) => ({
    time: time - place - (count - i) * beat,
    kind: accents && i % grid.beatsPerBar === 0 ? STRONG : BEAT,
  }));
  return { lead: Math.max(0, count * beat - (time - place)), ticks };
}

/** How long so many bars last at the tempo of a place, in seconds of the song's time. */
export function barsAt(grid, place, bars) {
  return bars && grid.beats.length > 1 ? bars * grid.beatsPerBar * beatFrom(grid, place).beat : 0;
}

function* within(ticks, from, to) {
  let [low, high] = [0, ticks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ticks[middle].time < from - TINY) low = middle + 1;
    else high = middle;
  }
  for (; low < ticks.length && ticks[low].time < to - TINY; low++) yield ticks[low];
}

/**
 * When the ticks of the song sound along a course (see course.js), between two times of the context: {when, kind}.
 * A loop is gone through again and again.
 */
export function* unrolled(ticks, { at, offset, loop, speed, end = Infinity }, from, to) {
  const until = Math.min(to, end);
  let [start, place] = [at, offset];
  while (start < until) {
    const stop = loop && place < loop[1] ? loop[1] : Infinity;
    for (const { time, kind } of within(ticks, place, stop)) {
      const when = start + Math.max(0, time - place) / speed;
      if (when >= until) return;
      if (when >= from) yield { when, kind };
    }
    if (stop === Infinity) return;
    start += (stop - place) / speed;
    [place] = loop;
    const length = (loop[1] - place) / speed;
    start += Math.max(0, Math.floor((from - start) / length)) * length;  // rounds that are over
  }
}
