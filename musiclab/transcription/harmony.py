"""Key and chords, estimated.

* The key follows from how long each pitch class sounds, compared with the profiles of [1]_ in the revision of [2]_.
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
from musiclab.grid import BeatGrid
from musiclab.notes import Chord, Note
from musiclab.spectral import stft
from musiclab.theory import LINE_OF_FIFTHS, QUALITIES, hz_to_midi, key_fifths, pitch_class, spell_root, split_symbol
from musiclab.transcription.phase import in_phase

# Temperley's revision of the Krumhansl–Kessler profiles, from the tonic up.
MAJOR = np.array([5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0])
MINOR = np.array([5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0])
HOME, OPENS, CLOSES = 0.25, 0.1, 0.05  # what the tonic's chord counts beside them: its share of the time, and the ends
SEVENTH_PRICE = 0.04  # a seventh must show itself: triads are likelier
CHANGE_PRICE = 0.30  # for a chord change, in units of template agreement; less on a downbeat
SR, N_FFT, HOP_LENGTH = 22050, 8192, 2048
ALONE = 0.9  # share of the energy: see `is_alone`
LINE_HZ = (60.0, 4000.0)  # where it is looked at
LOBE = 1.6  # bins of a window's main lobe to each side
BEFORE, RINGING = 0.1, 0.25  # s before a note, and after it, that are still its own


def estimate_key(notes: Sequence[Note]) -> str:
    """The key that the notes are in, such as ``"D minor"``; an empty string if there are none.

    Each note counts by its length, its loudness and how sure it is. Of two enharmonic keys the one with fewer
    accidentals is named.

    Notebook: 09
    """
    weights = np.zeros(12)
    for note in notes:
        weights[note.semitone % 12] += min(note.duration, 2.0) * note.velocity / 127 * note.confidence
    return key_of(weights)


def key_of(weights: np.ndarray, chords: Sequence[Chord] = ()) -> str:
    """The key that pitch-class weights [shape=(12,)] agree with best; an empty string if they are all zero.

    Where `chords` are known, it is rather one whose own chord lasts long, and begins and ends the song.
    """
    if not np.any(weights > 0):
        return ""
    scores = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), weights)[0, 1]) + _at_home(chords, tonic, mode)
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    }
    tonic, mode = max(scores, key=lambda k: scores[k])
    names = [f"{name} {mode}" for name in LINE_OF_FIFTHS if pitch_class(name) == tonic]
    return min((name for name in names if abs(key_fifths(name)) <= 7), key=lambda name: abs(key_fifths(name)))


def _at_home(chords: Sequence[Chord], tonic: int, mode: str) -> float:
    """How much chords make of one as the tonic, 0 to 0.4."""
    sounding = [chord for chord in chords if chord.symbol != "N"]
    if not sounding:
        return 0.0

    def is_home(chord: Chord) -> bool:
        root, quality = split_symbol(chord.symbol)
        return pitch_class(root) == tonic and (quality in ("m", "m7")) == (mode == "minor")

    total = sum(chord.offset - chord.onset for chord in sounding)
    share = sum(chord.offset - chord.onset for chord in sounding if is_home(chord)) / total
    return HOME * share + OPENS * is_home(sounding[0]) + CLOSES * is_home(sounding[-1])


def estimate_song_key(song: Audio, *, grid: BeatGrid | None = None) -> str:
    """The key of a whole song, from its sound; without its drums it is found more often, and with its beats, too.

    Not from the notes of one part: each would be in a key of its own, and the roots that a bass plays mislead.

    Notebook: 09
    """
    S = np.abs(stft(in_phase(song).resampled(SR).samples[0], n_fft=N_FFT, hop_length=N_FFT))
    weights = _folded(S, 80.0, 2000.0, power=1.0).sum(axis=1)
    return key_of(weights, estimate_chords(song, grid, key="C major") if grid is not None else ())


def is_alone(notes: Sequence[Note], audio: Audio) -> bool:
    """Whether a line of notes is all that sounds: then there are no chords to be found, only to be invented.

    The notes' harmonics hold nearly all of the energy then: 94 % and more on dry solo recordings, 86 % and less in
    mixtures, a bass under quiet chords among them.

    Parameters
    ----------
    notes : sequence of Note
        What was heard in `audio`.
    audio : Audio
        Any rate and channels.
    """
    S = np.square(np.abs(stft(in_phase(audio).resampled(SR).samples[0], n_fft=N_FFT // 2, hop_length=HOP_LENGTH)))
    hz = np.arange(S.shape[0]) * SR / (N_FFT // 2)
    inside = (hz > LINE_HZ[0]) & (hz < LINE_HZ[1])
    S, hz = S[inside], hz[inside]
    explained = np.zeros(S.shape, dtype=bool)
    for note in notes:
        harmonic = np.maximum(1.0, np.round(hz / note.frequency)) * note.frequency
        on_it = (np.abs(12 * np.log2(hz / harmonic)) < 0.7) | (np.abs(hz - harmonic) < LOBE * SR / (N_FFT // 2))
        first, last = ((at * SR / HOP_LENGTH) for at in (note.onset - BEFORE, note.offset + RINGING))
        explained[:, max(0, int(first)) : int(last) + 2] |= on_it[:, np.newaxis]
    return bool(S.sum() > 0 and (S * explained).sum() > ALONE * S.sum())


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

    Notebook: 09
    """
    chroma, bass = _beat_chroma(audio, grid)
    key = key or key_of(chroma.sum(axis=1)) or "C major"
    labels, scores = _template_scores(chroma, bass)
    path = _smooth(scores, np.array(grid.positions[: scores.shape[1]]))
    chords: list[Chord] = []
    for beat, index in enumerate(path):
        root, quality = labels[index]
        symbol = "N" if root < 0 else spell_root(root, key) + quality
        start, end = grid.times[beat], grid.times[beat + 1]
        if chords and chords[-1].symbol == symbol:
            chords[-1] = Chord(chords[-1].onset, end, symbol)
        else:
            chords.append(Chord(start, end, symbol))
    return tuple(chords)


def _beat_chroma(audio: Audio, grid: BeatGrid) -> tuple[np.ndarray, np.ndarray]:
    """Chroma of each beat, and of its bass alone [shape=(12, beats)]."""
    S = np.abs(stft(in_phase(audio).resampled(SR).samples[0], n_fft=N_FFT, hop_length=HOP_LENGTH))
    out = []
    for low, high in ((80.0, 2000.0), (35.0, 220.0)):
        folded = _folded(S, low, high)
        edges = np.round(np.asarray(grid.times) * SR / HOP_LENGTH).astype(int).clip(0, S.shape[1] - 1)
        out.append(np.stack([folded[:, a : max(b, a + 1)].mean(axis=1) for a, b in itertools.pairwise(edges)], 1))
    return out[0], out[1]


def _folded(S: np.ndarray, low: float, high: float, *, power: float = 0.5) -> np.ndarray:
    """A spectrogram between two frequencies (Hz) folded into pitch classes [shape=(12, columns)].

    A power below 1 compresses, so that one loud note does not hide the chord; high partials count less.
    """
    hz = np.arange(S.shape[0]) * SR / N_FFT
    inside = np.flatnonzero((hz > low) & (hz < high))
    pitch = np.round(hz_to_midi(hz[inside])).astype(int) % 12
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
