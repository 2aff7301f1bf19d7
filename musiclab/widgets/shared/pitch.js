// Notes by name.

const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

/** The name of a MIDI pitch, such as E♭3. */
export const pitchName = (midi) => `${NAMES[midi % 12]}${Math.floor(midi / 12) - 1}`;

/** Whether a pitch is on a black key. */
export const isBlack = (midi) => NAMES[midi % 12].length > 1;

/** The nearest note and how far it is, such as "A4 +12 ct"; nothing beyond what instruments play. */
export function noteName(hz) {
  const midi = 69 + 12 * Math.log2(hz / 440);
  const key = Math.round(midi);
  if (key < 12 || key > 135) return "";
  const cents = Math.round(100 * (midi - key));
  return `${pitchName(key)}${cents ? ` ${cents > 0 ? "+" : "−"}${Math.abs(cents)} ct` : ""}`;
}
