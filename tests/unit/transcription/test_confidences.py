"""What notes say of themselves: a clean line is sure of itself, the same line under other instruments is not."""

from dataclasses import replace

import numpy as np
import pytest

from musiclab.audio import Audio
from musiclab.metrics.notes import note_score, right_notes
from musiclab.notes import Note, Part
from musiclab.theory import midi_to_hz
from musiclab.transcription import drums, note_creation, transcribe
from musiclab.transcription.line_confidence import DESCRIBED, PARTIALS, CutLine, describe
from musiclab.transcription.listening import Evidence, listen
from musiclab.transcription.monophonic import judged_notes, line_notes
from musiclab.transcription.pitch_track import PitchTrack
from musiclab.transcription.stem_confidence import confidence_in_stem, describe_chords, describe_strokes

GROUPS = len(PARTIALS) - 1
LINE = Part([Note(0.3 + 0.4 * k, 0.65 + 0.4 * k, 33 + 5 * (k % 3)) for k in range(12)], "bass")
CHORDS = Part([Note(0.1 + 0.6 * k, 0.65 + 0.6 * k, p) for k in range(9) for p in (41, 48, 57, 64, 69)], "piano")


def played(*parts: tuple[Part, float]) -> Audio:
    """Parts by our synthesiser, each with its gain, mono."""
    sounds = [part.audio().samples[0] * gain for part, gain in parts]
    out = np.zeros(max(map(len, sounds)), np.float32)
    for sound in sounds:
        out[: len(sound)] += sound
    return Audio(out, 44100)


@pytest.fixture(scope="module")
def clean() -> Evidence:
    return listen(played((LINE, 1.0)), instrument="bass")


def test_a_clean_line_is_sure_and_right(clean):
    part = clean.part()
    assert note_score(part, LINE).f > 0.9
    assert np.mean([n.confidence for n in part.notes]) > 0.85


def test_a_line_from_a_mixture_is_less_sure_of_itself(clean):
    """Louder than the line are five-note chords: the tracker follows now one, now the other."""
    part = listen(played((LINE, 0.4), (CHORDS, 1.0)), instrument="bass").part(onset_threshold=0.05)
    _, right = right_notes(part, LINE)
    assert 0 < np.mean(right) < 1
    doubt = [1 - np.mean([n.confidence for n in found.notes]) for found in (clean.part(), part)]
    assert doubt[0] < 0.1 < doubt[1]


def test_tones_without_harmonics_are_written():
    """A sub bass is nothing but fundamentals: there is less to be sure by, yet nothing else sounds."""
    pitches = [33, 36, 38, 33, 40, 33, 36, 38]
    t = np.arange(round(0.4 * 22050)) / 22050
    swell = np.minimum(1, t / 0.01) * np.minimum(1, (0.4 - t) / 0.05)
    sines = [np.sin(2 * np.pi * midi_to_hz(p) * t) * swell for p in pitches]
    evidence = listen(Audio(0.3 * np.concatenate(sines), 22050), instrument="bass")
    everything = replace(evidence.defaults.for_lines(), least_confidence=0.0)
    assert evidence.track is not None
    found = line_notes(evidence.track, evidence.gram, low=23, high=67, settings=everything)
    assert len(evidence.part()) == len(found) >= 4


def test_doubtful_notes_of_a_line_come_with_a_lower_threshold():
    evidence = listen(played((LINE, 0.4), (CHORDS, 1.0)), instrument="bass")
    parts = [evidence.part(onset_threshold=t) for t in (0.05, 0.5)]
    assert min(n.confidence for n in parts[0].notes) < 0.15 <= min(n.confidence for n in parts[1].notes)
    assert len(parts[0]) > len(parts[1])


def test_lines_are_described_without_a_posteriorgram_too(clean):
    notes, described = judged_notes(clean.track, None, low=23, high=67)
    assert described.shape == (len(notes), DESCRIBED)
    assert np.isfinite(described).all()
    assert line_notes(replace_columns(clean.track, 3), None, low=23, high=67) == []


def replace_columns(track: PitchTrack, count: int) -> PitchTrack:
    return PitchTrack(*(getattr(track, name)[:count] for name in ("pitch", "voicing", "level_db", "changes")))


def test_leaps_of_an_octave_and_notes_that_touch_are_told(clean):
    """Two notes that touch an octave apart, then a rest, then the last: seen from the middle one."""
    line = CutLine.of([(10, 20, 40.0), (20, 30, 52.0), (60, 70, 52.1)])
    columns = len(clean.track.pitch)
    described = describe(line, clean.track, np.ones(columns), np.zeros(columns), clean.gram)
    touching, repeated, far, octave = described[1, 18:22]
    assert (touching, repeated, far, octave) == (1, 0, 1, 1)
    assert not described[1, 22:26].any(), "the rest parts it from the last"


def test_surer_judgements_of_chords_and_strokes_stay_surer():
    judged = np.linspace(0.3, 0.99, 50)
    chords = confidence_in_stem(describe_chords(judged, np.full(50, 20)), "chords")
    assert (np.diff(chords) > 0).all()
    strokes = confidence_in_stem(describe_strokes(np.linspace(drums.THRESHOLD, 0.99, 50)), "strokes")
    assert (np.diff(strokes) > -0.005).all(), "nearly level where they are doubtful"


def test_confidences_do_not_choose_which_chords_and_strokes_are_written(clean, monkeypatch):
    """Those are chosen by how they were judged: thresholds mean what they meant."""
    before = note_creation.create_notes(clean.gram, onset_threshold=0.3)
    monkeypatch.setattr(note_creation, "confidence_in_stem", lambda described, of: np.full(len(described), 0.01))
    after = note_creation.create_notes(clean.gram, onset_threshold=0.3)
    assert [replace(n, confidence=0.0) for n in before] == [replace(n, confidence=0.0) for n in after]


def test_silence_and_a_single_stroke_are_judged_without_trouble():
    assert drums.judged_notes(drums.Strokes(np.zeros((50, 9)), np.zeros((50, 9))))[1].shape == (0, 2)
    kick = Part([Note(0.5, 0.6, 36)], "drums")
    found = transcribe(kick.audio(), instrument="drums")
    assert all(0 < n.confidence < 1 for n in found.notes)


@pytest.mark.filterwarnings("ignore:No note of", "ignore:The stem is")  # what is told on purpose
@pytest.mark.parametrize("instrument", ["voice", "bass", "piano", "drums"])
@pytest.mark.parametrize("sound", ["silence", "hiss", "a click", "hum"])
def test_what_holds_no_line_is_heard_without_a_warning_of_numpy_s(instrument, sound, rng):
    t = np.arange(3 * 22050) / 22050
    x = {
        "silence": np.zeros(len(t)),
        "hiss": rng.normal(0, 1e-3, len(t)),
        "a click": (t == t[22050]) * 0.5,
        "hum": 1e-4 * np.sin(2 * np.pi * 12 * t),
    }[sound]
    part = transcribe(Audio(x.astype(np.float32), 22050), instrument=instrument)
    assert instrument in ("piano", "drums") or not len(part)


def test_a_stroke_of_another_instrument_is_told_from_a_string_that_is_struck_again():
    """A tone of two seconds: in the middle it begins anew, or only a burst of noise comes on top."""
    t = np.arange(44100) / 22050
    tone = [sum(np.sin(2 * np.pi * k * 55 * s) / k for k in range(1, 8)) * np.exp(-1.5 * s) for s in (t, t[:22050])]
    again = np.concatenate([tone[0][:22050], tone[1]])
    noise = np.random.default_rng(0).normal(0, 1, 44100) * np.exp(-30 * (t - 1)) * (t >= 1)
    burst = tone[0] + 0.3 * np.diff(noise, prepend=0.0)
    (stray, gain, *partials), (others, level, *covered) = (_second_beginning(sound) for sound in (again, burst))
    assert stray > others + 0.2
    assert gain > 0.4 > 0 > level
    newly, newly_covered = np.array(partials[:GROUPS]), np.array(covered[:GROUPS])
    assert (newly_covered < 0.05).all(), "no partial stands out more under a burst of noise"
    assert newly.max() > newly_covered.max() + 0.05, "those of a string that is struck again do"
    after, covered_after = np.array(partials[-GROUPS:]), np.array(covered[-GROUPS:])
    assert after[2] > covered_after[2] + 0.1, "the upper ones stand out least of the noise"


def _second_beginning(sound: np.ndarray) -> np.ndarray:
    """What tells of the lowest bands and of the partials, where a line is cut in its middle."""
    evidence = listen(Audio(0.3 * sound, 22050), instrument="bass")
    middle = round(1.0 * 16000 / 256)
    line = CutLine.of([(5, middle, 33.0), (middle, 2 * middle - 5, 33.0)])
    columns = len(evidence.track.pitch)
    return describe(line, evidence.track, np.ones(columns), np.zeros(columns), evidence.gram)[1, 40:]
