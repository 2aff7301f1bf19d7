// Names of keys and chords in another key, as `musiclab.theory` spells them.

const STEPS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const SHARPS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const FLATS = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];
const FIFTHS = { C: 0, G: 1, D: 2, A: 3, E: 4, B: 5, "F#": 6, "C#": 7, F: -1, Bb: -2, Eb: -3, Ab: -4, Db: -5, Gb: -6 };

const pitchClass = (name) => (STEPS[name[0]] + (name[1] === "#" ? 1 : name[1] === "b" ? 11 : 0)) % 12;

/** The number of sharps (or, negative, flats) of a key such as "Bb minor". */
export function fifthsOf(key) {
  const [tonic, mode] = key.split(" ");
  const major = mode === "minor" ? (pitchClass(tonic) + 3) % 12 : pitchClass(tonic);
  const [sharp, flat] = [FIFTHS[SHARPS[major]] ?? 99, FIFTHS[FLATS[major]] ?? 99];
  return Math.abs(flat) <= Math.abs(sharp) ? flat : sharp;
}

/** "G major" two semitones higher is "A major"; of two names the one with fewer accidentals. */
export function transposedKey(key, semitones) {
  if (!key || !semitones) return key;
  const [tonic, mode] = key.split(" ");
  const moved = (pitchClass(tonic) + semitones + 24) % 12;
  const fifths = fifthsOf(`${SHARPS[moved]} ${mode}`);
  return `${(fifths < 0 ? FLATS : SHARPS)[moved]} ${mode}`;
}

/** A chord symbol so many semitones higher, spelled for where `key` has come to. */
export function transposedSymbol(symbol, semitones, key) {
  if (!semitones || symbol === "N") return symbol;
  const root = symbol[1] === "#" || symbol[1] === "b" ? symbol.slice(0, 2) : symbol[0];
  const names = fifthsOf(transposedKey(key || "C major", semitones)) < 0 ? FLATS : SHARPS;
  return names[(pitchClass(root) + semitones + 24) % 12] + symbol.slice(root.length);
}
