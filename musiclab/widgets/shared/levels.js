// Decibels: to gain, to a place on a fader, to text.

export const MIN_DB = -60;  // the lowest a fader shows; below it is silence
export const MAX_DB = 12;

// A studio fader's taper: the most travel where small changes matter.
const TAPER = [[MIN_DB, 0], [-40, 0.12], [-20, 0.34], [-10, 0.54], [0, 0.78], [MAX_DB, 1]];

export const toGain = (db) => (db === -Infinity ? 0 : 10 ** (db / 20));
export const toDb = (gain) => (gain > 0 ? 20 * Math.log10(gain) : -Infinity);

/** Where on a fader (0 to 1) a level stands. */
export function toPlace(db) {
  if (db <= MIN_DB) return 0;
  const i = Math.max(TAPER.findIndex(([level]) => db <= level), 1);
  if (db >= MAX_DB) return 1;
  const [[db0, p0], [db1, p1]] = [TAPER[i - 1], TAPER[i]];
  return p0 + ((db - db0) / (db1 - db0)) * (p1 - p0);
}

/** The level at a place on a fader, to a tenth of a dB; 0 dB catches. */
export function fromPlace(place) {
  if (place <= 0.004) return -Infinity;
  if (place >= 1) return MAX_DB;
  const i = Math.max(TAPER.findIndex(([, p]) => place <= p), 1);
  const [[db0, p0], [db1, p1]] = [TAPER[i - 1], TAPER[i]];
  const db = db0 + ((place - p0) / (p1 - p0)) * (db1 - db0);
  return Math.abs(db) < 0.5 ? 0 : Math.round(db * 10) / 10;
}

/** Up or down by a step; beneath the lowest level lies silence. */
export function stepped(db, step) {
  if (db === -Infinity) return step > 0 ? MIN_DB : db;
  const next = Math.round((db + step) * 10) / 10;
  if (next < MIN_DB) return db > MIN_DB && step < -1 ? MIN_DB : -Infinity;
  return Math.min(next, MAX_DB);
}

export function formatDb(db) {
  if (db === -Infinity) return "−∞";
  const text = Math.abs(db).toFixed(1);
  return text === "0.0" ? text : (db < 0 ? "−" : "+") + text;
}

export function formatTime(seconds) {
  const tenths = Math.max(0, Math.floor(seconds * 10 + 1e-6));
  const minutes = Math.floor(tenths / 600);
  const rest = tenths - minutes * 600;
  return `${minutes}:${String(Math.floor(rest / 10)).padStart(2, "0")}.${rest % 10}`;
}
