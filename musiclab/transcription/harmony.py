"""Key, spelling and chords.

* The key follows from how long each pitch class sounds, compared with the profiles of [1]_ in the revision of [2]_.
* The spelling of accidentals follows from the key: each pitch class takes the name nearest to the tonic on the line of
  fifths, as in [2]_, so that a player sees no needless naturals or double sharps.
* Chords follow from the chroma of the mixture: templates for each beat, smoothed by a hidden Markov model [3]_.

References
----------
.. [1] Krumhansl: "Cognitive Foundations of Musical Pitch", 1990, doi:10.1093/acprof:oso/9780195148367.001.0001
.. [2] Temperley: "The Cognition of Basic Musical Structures", MIT Press 2001
.. [3] Sheh, Ellis: "Chord segmentation and recognition using EM-trained hidden Markov models", ISMIR 2003
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError
from musiclab.notes import Chord, Note
from musiclab.spectral import stft
from musiclab.transcription.grid import BeatGrid

# Temperley's revision of the Krumhansl–Kessler profiles, from the tonic up.
MAJOR = np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0])
MINOR = np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0])
LINE_OF_FIFTHS = tuple(step + accidental for accidental in ("b", "", "#") for step in "FCGDAEB")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
QUALITIES = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 7, 10), "m7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11)}
FIFTHS = {0: 0, 3: -3, 4: 4, 7: 1, 10: -2, 11: 5}  # of each interval of a chord (semitones): its way on that line
SEVENTH_PRICE = 0.04  # a seventh must show itself: triads are likelier
CHANGE_PRICE = 0.30  # for a chord change, in units of template agreement; less on a downbeat
SR, N_FFT, HOP_LENGTH = 22050, 8192, 2048


def pitch_class(name: str) -> int:
    """0–11 of a note name such as ``F#`` or ``Bb``; `TranscriptionError` for anything else."""
    letter, accidentals = name[:1].upper(), name[1:]
    if letter not in STEPS or set(accidentals) - {"#", "b"}:
        raise TranscriptionError(f"{name!r} is no note name: write C, F# or Bb.")
    return (STEPS[letter] + accidentals.count("#") - accidentals.count("b")) % 12


def parse_key(key: str) -> tuple[str, str]:
    """``"Bb major"`` as ``("Bb", "major")``; ``Bb`` and ``Bbm`` are understood too."""
    words = key.split()
    tonic = words[0] if words else ""
    mode = words[1].lower() if len(words) > 1 else "minor" if tonic.endswith("m") else "major"
    tonic = tonic.removesuffix("m")
    if mode not in ("major", "minor"):
        raise TranscriptionError(f"{key!r} is no key: write it as 'Bb major' or 'F# minor'.")
    pitch_class(tonic)
    return tonic[0].upper() + tonic[1:], mode


def key_fifths(key: str) -> int:
    """Number of sharps (positive) or flats (negative) of the key's signature."""
    tonic, mode = parse_key(key)
    return LINE_OF_FIFTHS.index(tonic) - LINE_OF_FIFTHS.index("C") - (3 if mode == "minor" else 0)


def estimate_key(notes: Sequence[Note]) -> str:
    """The key that the notes are in, such as ``"D minor"``; an empty string if there are none.

    Each note counts by its length, its loudness and how sure it is. Of two enharmonic keys the one with fewer
    accidentals is named.

    Notes
    -----
    Notebook: 09
    """
    weights = np.zeros(12)
    for note in notes:
        weights[note.semitone % 12] += min(note.duration, 2.0) * note.velocity / 127 * note.confidence
    return key_of(weights)


def key_of(weights: np.ndarray) -> str:
    """The key that pitch-class weights [shape=(12,)] agree with best; an empty string if they are all zero."""
    if not np.any(weights > 0):
        return ""
    scores = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1])
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    tonic, mode = max(scores, key=lambda k: scores[k])
    names = [f"{name} {mode}" for name in LINE_OF_FIFTHS if pitch_class(name) == tonic]
    return min((name for name in names if abs(key_fifths(name)) <= 7), key=lambda name: abs(key_fifths(name)))


def estimate_song_key(song: Audio) -> str:
    """The key of a whole song, from its sound; without its drums it is found more often.

    Not from the notes of one part: each would be in a key of its own, and the roots that a bass plays mislead.

    Notes
    -----
    Notebook: 09
    """
    S = np.abs(stft(song.mono().resampled(SR).samples[0], n_fft=N_FFT, hop_length=N_FFT))
    weights = _folded(S, 80.0, 2000.0, power=1.0).sum(axis=1)
    return key_of(weights)


def spell(semitone: int, key: str = "C major") -> tuple[str, int]:
    """Name and octave of a MIDI key in this musical key: ``spell(61, "Ab major")`` is ``("Db", 4)``.

    The name is the one nearest to the key on the line of fifths; minor keys lean towards their raised sixth and seventh
    degrees.
    """
    _, mode = parse_key(key)
    # The diatonic notes of a signature lie from one fifth below its major tonic to five above.
    centre = LINE_OF_FIFTHS.index("C") + key_fifths(key) + (3.0 if mode == "minor" else 2.0)
    names = [name for name in LINE_OF_FIFTHS if pitch_class(name) == semitone % 12]
    # Of two as near, the sharper one: it is more often a leading note.
    name = min(names, key=lambda n: (abs(LINE_OF_FIFTHS.index(n) - centre), -LINE_OF_FIFTHS.index(n)))
    octave = (semitone - (name.count("#") - name.count("b"))) // 12 - 1
    return name, octave


def transpose_key(key: str, semitones: int) -> str:
    """The key so many semitones higher, by its name with the fewest accidentals."""
    tonic, mode = parse_key(key)
    moved = (pitch_class(tonic) + semitones) % 12
    names = [f"{name} {mode}" for name in LINE_OF_FIFTHS if pitch_class(name) == moved]
    return min(names, key=lambda name: abs(key_fifths(name)))


def split_symbol(symbol: str) -> tuple[str, str]:
    """Root and quality of a chord symbol: ``("Bb", "m7")``; `TranscriptionError` if it is none that we write."""
    size = 2 if symbol[1:2] in ("#", "b") else 1
    root, quality = symbol[:size], symbol[size:]
    pitch_class(root)
    if quality not in QUALITIES:
        raise TranscriptionError(
            f"{symbol!r} is no chord that can be written: use {', '.join(QUALITIES)} after the root."
        )
    return root, quality


def chord_tones(symbol: str) -> tuple[str, ...]:
    """The notes of a chord symbol by their names: ``("C", "Eb", "G", "Bb")`` for ``Cm7``; none for ``N``."""
    if symbol == "N":
        return ()
    root, quality = split_symbol(symbol)
    at = LINE_OF_FIFTHS.index(root)
    steps = (at + FIFTHS[interval] for interval in QUALITIES[quality])
    return tuple(LINE_OF_FIFTHS[step] for step in steps if 0 <= step < len(LINE_OF_FIFTHS))


def _root(semitone: int, key: str) -> str:
    """The name of a chord's root: as a note's, but a flat a tritone's way off: such chords are borrowed from minor."""
    name, _ = spell(60 + semitone, key)
    flat = next(n for n in LINE_OF_FIFTHS if pitch_class(n) == semitone % 12 and (n[1:] == "b" or not n[1:]))
    centre = LINE_OF_FIFTHS.index("C") + key_fifths(key) + (3 if parse_key(key)[1] == "minor" else 2)
    as_near = abs(LINE_OF_FIFTHS.index(flat) - centre) == abs(LINE_OF_FIFTHS.index(name) - centre)
    return flat if as_near else name


def transpose_symbol(symbol: str, semitones: int, key: str) -> str:
    """A chord symbol so many semitones higher, spelled for `key`."""
    if symbol == "N":
        return symbol
    root, quality = split_symbol(symbol)
    return _root(pitch_class(root) + semitones, key or "C major") + quality


def estimate_chords(audio: Audio, grid: BeatGrid, *, key: str = "") -> tuple[Chord, ...]:
    """Chord symbols from the mixture (or from its pitched stems), changing on beats.

    Parameters
    ----------
    audio : Audio
        Any rate and channels. Without drums it works better.
    grid : BeatGrid
        Beats and bars: a chord lasts at least a beat, and changes rather on a downbeat.
    key : str
        For the spelling; found from the audio if empty.

    Returns
    -------
    tuple of Chord
        One after the other; ``N`` where nothing sounds.

    Notes
    -----
    Notebook: 09
    """
    chroma, bass = _beat_chroma(audio, grid)
    key = key or key_of(chroma.sum(axis=1)) or "C major"
    labels, scores = _template_scores(chroma, bass)
    path = _smooth(scores, np.array(grid.positions[: scores.shape[1]]))
    chords: list[Chord] = []
    for beat, index in enumerate(path):
        root, quality = labels[index]
        symbol = "N" if root < 0 else _root(root, key) + quality
        start, end = grid.times[beat], grid.times[beat + 1]
        if chords and chords[-1].symbol == symbol:
            chords[-1] = Chord(chords[-1].onset, end, symbol)
        else:
            chords.append(Chord(start, end, symbol))
    return tuple(chords)


def _beat_chroma(audio: Audio, grid: BeatGrid) -> tuple[np.ndarray, np.ndarray]:
    """Chroma of each beat, and of its bass alone [shape=(12, beats)]."""
    S = np.abs(stft(audio.mono().resampled(SR).samples[0], n_fft=N_FFT, hop_length=HOP_LENGTH))
    out = []
    for low, high in ((80.0, 2000.0), (35.0, 220.0)):
        folded = _folded(S, low, high)
        edges = np.round(np.asarray(grid.times) * SR / HOP_LENGTH).astype(int).clip(0, S.shape[1] - 1)
        out.append(np.stack([folded[:, a : max(b, a + 1)].mean(axis=1) for a, b in itertools.pairwise(edges)], 1))
    return out[0], out[1]


def _folded(S: np.ndarray, low: float, high: float, *, power: float = 0.5) -> np.ndarray:
    """A spectrogram between two frequencies (Hz) folded into pitch classes [shape=(12, frames)].

    A power below 1 compresses, so that one loud note does not hide the chord; high partials count less.
    """
    hz = np.arange(S.shape[0]) * SR / N_FFT
    inside = np.flatnonzero((hz > low) & (hz < high))
    pitch = np.round(12 * np.log2(hz[inside] / 440.0) + 69).astype(int) % 12
    folded = np.zeros((12, S.shape[1]))
    np.add.at(folded, pitch, S[inside] ** power / hz[inside, None] ** 0.5)
    return folded


def _template_scores(chroma: np.ndarray, bass: np.ndarray) -> tuple[list[tuple[int, str]], np.ndarray]:
    """Agreement of each beat with each chord [shape=(chords, beats)]; the last row is no chord."""
    centred = chroma - np.median(chroma, axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=0), 1e-9)
    low = bass / np.maximum(bass.max(axis=0), 1e-9)
    labels, rows = [], []
    for quality, intervals in QUALITIES.items():
        for root in range(12):
            template = np.full(12, -len(intervals) / (12 - len(intervals)) * 0.6)
            template[[(root + i) % 12 for i in intervals]] = 1.0
            template /= np.linalg.norm(template)
            price = SEVENTH_PRICE * (len(intervals) - 3)
            rows.append(template @ centred + 0.15 * low[root] - price)
            labels.append((root, quality))
    loudness = chroma.sum(axis=0)
    silent = loudness < 0.02 * max(float(np.quantile(loudness, 0.9)), 1e-9)
    rows.append(np.where(silent, 2.0, 0.1))
    return [*labels, (-1, "")], np.stack(rows)


def _smooth(scores: np.ndarray, positions: np.ndarray) -> list[int]:
    """Viterbi: the best row for each beat when every change costs; half as much on a downbeat."""
    best = scores[:, 0].copy()
    back = np.zeros(scores.shape, dtype=int)
    for beat in range(1, scores.shape[1]):
        price = CHANGE_PRICE * (0.5 if positions[beat] == 1 else 1.0)
        leader = int(best.argmax())
        stay = best >= best[leader] - price
        back[:, beat] = np.where(stay, np.arange(len(best)), leader)
        best = np.where(stay, best, best[leader] - price) + scores[:, beat]
    path = [int(best.argmax())]
    for beat in range(scores.shape[1] - 1, 0, -1):
        path.append(int(back[path[-1], beat]))
    return path[::-1]
