// The mixer's clock, for anything else on the page that follows the music (a score, a spectrogram).
//
// The mixer says where it is whenever that changes (play, pause, seek, loop), as a "musiclab:clock" event on the
// document with the detail {clock, position, playing, speed, semitones, loop, duration, at}: at the time `at` (ms,
// performance.now(); at a start it lies a little ahead) the song is heard at `position` (s). Between two events a
// follower reckons for itself, so nothing is sent per frame; while it plays the mixer repeats itself four times a
// second, against drift.
// A follower may ask for the state ("musiclab:clock-request") and give orders ("musiclab:clock-order" with
// {clock, seek: seconds}, {clock, playing: true | false} or {clock, loop: [from, to] | null}).
// `clock` is the mixer's name: its trait `clock` in Python.

export const CLOCK = "musiclab:clock";
export const CLOCK_REQUEST = "musiclab:clock-request";
export const CLOCK_ORDER = "musiclab:clock-order";

const tell = (type, detail) => document.dispatchEvent(new CustomEvent(type, { detail }));

/** Answer for an engine under the name `clock` until `signal` aborts. `order` gets {seek}, {playing} or {loop}. */
export function offerClock(clock, engine, order, signal) {
  const say = () => {
    const { anchor, sounding: playing, speed = 1, semitones = 0, loop, duration } = engine;
    tell(CLOCK, { clock, ...anchor, playing, speed, semitones, loop, duration });
  };
  const mine = (handle) => ({ detail }) => { if (detail.clock === clock) handle(detail); };
  for (const type of ["state", "tick"]) engine.addEventListener(type, say, { signal });
  document.addEventListener(CLOCK_REQUEST, mine(say), { signal });
  document.addEventListener(CLOCK_ORDER, mine(order), { signal });
  say();
}

/**
 * Follow the mixer named `clock`. `onChange` is called with each such event; `now()` gives the place in
 * the song at any moment, for an animation frame. Ends when `signal` aborts.
 */
export function followClock(clock, { onChange = () => {}, signal } = {}) {
  let last = { position: 0, playing: false, speed: 1, semitones: 0, loop: null, duration: Infinity, at: 0 };
  document.addEventListener(CLOCK, ({ detail }) => {
    if (detail.clock !== clock) return;
    last = detail;
    onChange(detail);
  }, { signal });
  tell(CLOCK_REQUEST, { clock });
  return {
    get playing() { return last.playing; },
    get loop() { return last.loop; },
    get speed() { return last.speed; },
    get semitones() { return last.semitones ?? 0; },
    now() {
      if (!last.playing) return last.position;
      const place = last.position + (last.speed * Math.max(0, performance.now() - last.at)) / 1000;
      const [from, to] = last.loop ?? [0, Infinity];
      if (last.position < to && place >= to) return from + ((place - from) % (to - from));
      return Math.min(place, last.duration);
    },
    seek: (seconds) => tell(CLOCK_ORDER, { clock, seek: seconds }),
    play: () => tell(CLOCK_ORDER, { clock, playing: true }),
    setLoop: (loop) => tell(CLOCK_ORDER, { clock, loop }),
    pause: () => tell(CLOCK_ORDER, { clock, playing: false }),
  };
}
