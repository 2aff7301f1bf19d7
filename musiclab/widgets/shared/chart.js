// The chart of a song: its beats, bars, chords, key and sections, as Python's `Chart.as_dict` tells them (see there).

const TINY = 1e-6;  // s: times that came through JSON are the same

/** The index of the last of ascending `times` that is not after `seconds`; -1 before the first. */
export function lastBefore(times, seconds) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= seconds + TINY) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const spanAt = (spans, seconds) => spans.find(([from, to]) => seconds >= from - TINY && seconds < to - TINY) ?? null;

/** `data` as of `Chart.as_dict`, or null; `duration` (s) of the song. */
export class Chart {
  constructor(data, duration) {
    Object.assign(this, { beats: [], positions: [], metre: [4, 4], tempo: null, key: "", chords: [], sections: [] });
    Object.assign(this, data ?? {}, { duration });
    this.numbers = data?.bars ?? [];  // of each beat's bar
    this.bars = this.#bars();         // {number, start, end}: a pick-up is one too; the last ends a bar's length on
    this.lines = this.bars.map(({ start }) => start);
  }

  get known() { return this.beats.length > 1; }

  #bars() {
    const { beats, numbers } = this;
    const bars = [];
    beats.forEach((start, i) => {
      if (i > 0 && numbers[i] === numbers[i - 1]) return;
      if (bars.length) bars.at(-1).end = start;
      bars.push({ number: numbers[i], start, end: start });
    });
    if (bars.length) {
      const missing = this.beatsPerBar - this.positions.at(-1) + 1;
      bars.at(-1).end = Math.min(this.secondsAt(beats.length - 1 + missing), this.duration);
    }
    return bars;
  }

  /** Beats in a bar: in 6/8, 9/8 and 12/8 a beat is a dotted note. */
  get beatsPerBar() { return this.compound ? this.metre[0] / 3 : this.metre[0]; }
  get compound() { return this.metre[1] >= 8 && this.metre[0] > 3 && this.metre[0] % 3 === 0; }

  /** The place in beats (0 is the first one) of a time; before and after them the tempo at the ends goes on. */
  beatsAt(seconds) {
    const { beats } = this;
    const i = Math.min(Math.max(lastBefore(beats, seconds), 0), beats.length - 2);
    return i + (seconds - beats[i]) / (beats[i + 1] - beats[i]);
  }

  /** The time of a place in beats; the inverse of `beatsAt`. */
  secondsAt(place) {
    const { beats } = this;
    const i = Math.min(Math.max(Math.floor(place), 0), beats.length - 2);
    return beats[i] + (place - i) * (beats[i + 1] - beats[i]);
  }

  /** The bar that sounds at a time; null before the first. */
  barAt(seconds) { return this.bars[lastBefore(this.lines, seconds)] ?? null; }

  /** The times where a loop may begin or end: bar lines, and the ends of the song. */
  get edges() {
    this.made ??= [...new Set([0, ...this.lines, ...this.bars.slice(-1).map(({ end }) => end), this.duration])]
      .filter((time) => time >= 0 && time <= this.duration).sort((a, b) => a - b);
    return this.made;
  }

  /** The edge nearest to a time; the time itself where no bars are known. */
  snap(seconds) {
    if (!this.known) return seconds;
    const i = lastBefore(this.edges, seconds);
    const [before, after] = [this.edges[Math.max(i, 0)], this.edges[i + 1] ?? Infinity];
    return seconds - before <= after - seconds ? before : after;
  }

  /** The bar line `by` bars from the one that the time lies behind; it stays within the song. */
  step(seconds, by) {
    const i = lastBefore(this.edges, seconds + 0.02);
    const inside = by < 0 && seconds - this.edges[i] > 0.3 ? 1 : 0;  // back within a bar is to its beginning
    return this.edges[Math.min(Math.max(i + by + inside, 0), this.edges.length - 1)];
  }

  chordAt(seconds) { return spanAt(this.chords, seconds)?.[2] ?? ""; }
  sectionAt(seconds) { return spanAt(this.sections, seconds); }

  /** "bars 5–8", or "bar 5", for a loop that keeps to the bars; "" for any other. */
  barsOf([from, to]) {
    const first = this.bars.findIndex(({ start }) => Math.abs(start - from) < 0.02);
    const last = this.bars.findIndex(({ end }) => Math.abs(end - to) < 0.02);
    if (first < 0 || last < first) return "";
    const [a, b] = [this.bars[first].number, this.bars[last].number];
    return a === b ? `bar ${a}` : `bars ${a}–${b}`;
  }
}
