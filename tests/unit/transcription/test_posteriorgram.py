"""The posteriorgram and the notes made of it."""

import time
from pathlib import Path

import numpy as np
import pytest

from musiclab.audio import Audio
from musiclab.errors import TranscriptionError, WeightsError
from musiclab.transcription import posteriorgram as module
from musiclab.transcription.note_confidence import PARTIAL_BINS
from musiclab.transcription.note_creation import GAP, create_notes, note_ends, onset_strength, onsets
from musiclab.transcription.posteriorgram import HOP, SR, Posteriorgram, posteriorgram
from musiclab.transcription.salience import BINS, BINS_PER_KEY, STEP
from tests.sounds import harmonics, times


def struck(midi: float, seconds: float, sr: int = SR) -> np.ndarray:
    """A decaying tone with eight harmonics, peak about 0.5."""
    t, wave = times(seconds, sr=sr), harmonics(midi, seconds, 8, sr=sr)
    return (0.3 * wave * np.exp(-1.5 * t) * np.minimum(1, t / 0.005) * np.minimum(1, (seconds - t) / 0.02)).astype("f")


def place(tones: list[tuple[float, float]], seconds: float, length: float = 0.5) -> Audio:
    """Tones (onset in seconds, pitch) in silence with a little noise."""
    samples = np.random.default_rng(0).normal(0, 1e-4, round(seconds * SR)).astype(np.float32)
    for onset, midi in tones:
        start = round(onset * SR)
        wave = struck(midi, length)[: len(samples) - start]
        samples[start : start + len(wave)] += wave
    return Audio(samples, SR)


def gram_of(onset: np.ndarray, note: np.ndarray) -> Posteriorgram:
    frames = len(note)
    return Posteriorgram(onset, note, np.zeros((frames, 264)), np.full(frames, -20.0), frames * HOP / SR)


def test_ten_minutes_show_no_drift() -> None:
    """Tones at known places, the last near ten minutes: every onset is as exact as the first."""
    truth = [(at + k * 0.29, 60 + 4 * k) for at in (3.0, 100.3, 299.9, 450.55, 595.0) for k in range(3)]
    notes = create_notes(posteriorgram(place(truth, 600.0)), soft_onsets=False)
    errors = []
    for onset, midi in truth:
        near = [n.onset - onset for n in notes if n.pitch == midi and abs(n.onset - onset) < 0.2]
        assert near, f"the tone at {onset} s is missing"
        errors.append(min(near, key=abs))
    assert np.abs(errors).max() < 0.025
    assert abs(np.mean(errors[:3]) - np.mean(errors[-3:])) < 0.012  # a frame


def test_windows_leave_no_seams() -> None:
    """The same tone gives the same onset time wherever it falls in a window."""
    onsets = [0.5 + 1.013 * k for k in range(16)]
    notes = create_notes(posteriorgram(place([(t, 69) for t in onsets], 17.5)), soft_onsets=False)
    found = np.array([n.onset for n in notes if n.pitch == 69])
    assert len(found) == len(onsets)
    errors = found - onsets
    assert errors.max() - errors.min() < 0.025


def test_frames_cover_the_file_exactly() -> None:
    for frames in (1, HOP, HOP * 142, HOP * 142 + 1, 3 * SR):
        gram = posteriorgram(Audio(np.full(frames, 0.1, np.float32), SR))
        assert len(gram.note) == len(gram.times) == -(-frames // HOP)
        assert gram.times[-1] < frames / SR


def test_silence_gives_nothing_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "session", lambda: pytest.fail("the network ran over silence"))
    gram = posteriorgram(Audio(np.zeros(10 * SR, np.float32), SR))
    assert create_notes(gram) == []


def test_progress_counts_up_and_can_cancel() -> None:
    seen: list[float] = []
    audio = place([(0.5, 60)], 12.0)
    posteriorgram(audio, progress=lambda done, _: seen.append(done))
    assert seen == sorted(seen)
    assert seen[0] == 0

    class CancelledError(Exception):
        pass

    def cancel(done: float, what: str) -> None:
        raise CancelledError(f"{done} {what}")

    with pytest.raises(CancelledError):
        posteriorgram(audio, progress=cancel)


def test_arguments_are_left_alone(rng: np.random.Generator) -> None:
    onset, note = rng.random((50, 88), np.float32), rng.random((50, 88), np.float32)
    before = onset.copy(), note.copy()
    create_notes(gram_of(onset, note))
    assert (onset == before[0]).all()
    assert (note == before[1]).all()


def test_a_changed_model_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module.session.cache_clear()
    monkeypatch.setattr(module, "MODEL_SHA256", "0" * 64)
    with pytest.raises(WeightsError, match=r"nmp\.onnx"):
        module.session()
    module.session.cache_clear()


def test_saved_and_loaded_it_gives_the_same_notes(tmp_path: Path) -> None:
    gram = posteriorgram(place([(0.5, 57), (1.2, 64)], 2.5))
    back = Posteriorgram.load(gram.save(tmp_path / "gram.npz"))
    assert [(n.onset, n.offset, n.pitch) for n in create_notes(back)] == [
        (n.onset, n.offset, n.pitch) for n in create_notes(gram)
    ]
    (tmp_path / "other.npz").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(TranscriptionError, match="posteriorgram"):
        Posteriorgram.load(tmp_path / "other.npz")


def test_peaks_that_half_precision_would_level_stay_where_they_are(tmp_path: Path) -> None:
    """Two columns that differ by less than float16 can tell: the later one is the onset, saved or not."""
    onset, note = np.zeros((2, 60, 88), np.float32)
    onset[20:22, 40] = 0.90030, 0.90040
    note[20:40, 40] = 0.9
    gram = gram_of(onset, note)
    assert np.float16(0.90030) == np.float16(0.90040)
    back = Posteriorgram.load(gram.save(tmp_path / "gram.npz"))
    assert (onset_strength(back) == onset_strength(gram)).all()
    assert onsets(onset_strength(back))[0].tolist() == [21]


def test_shapes_are_checked() -> None:
    with pytest.raises(TranscriptionError, match="onset"):
        gram_of(np.zeros((3, 88)), np.zeros((4, 88)))


def test_note_ends_wait_for_a_full_gap(rng: np.random.Generator) -> None:
    """The quick form agrees with counting frame by frame."""
    on = rng.random((120, 88)) < 0.12
    fast = note_ends(on)
    for t, k in [(int(t), int(k)) for t, k in zip(rng.integers(0, 120, 200), rng.integers(0, 88, 200), strict=True)]:
        i, quiet = t + 1, 0
        while i < 120 and quiet < GAP:
            quiet = 0 if on[i, k] else quiet + 1
            i += 1
        # at the end of the recording silence is taken to go on
        assert fast[t, k] == i - quiet


def make(*notes: tuple[int, int, int, float]) -> Posteriorgram:
    """A posteriorgram of ideal notes: start, end (frames), key (MIDI), strength; level and spectrum to match."""
    onset, note, spectrum = np.full((200, 88), 0.05), np.full((200, 88), 0.05), np.zeros((100, BINS))
    for start, end, key, strength in notes:
        onset[start, key - 21] = strength
        note[start:end, key - 21] = strength
        bins = BINS_PER_KEY * (key - 21) + 1 + PARTIAL_BINS[:8]
        spectrum[start // STEP : end // STEP, bins] = 0.6 * strength
    return Posteriorgram(onset, note, np.zeros((200, 264)), np.full(200, -20.0), 200 * HOP / SR, spectrum)


def test_clear_notes_are_found_and_sure() -> None:
    found = create_notes(make((20, 80, 50, 0.9), (40, 90, 57, 0.85)))
    assert [(n.pitch, round(n.onset / (HOP / SR))) for n in found] == [(50, 20), (57, 40)]
    assert all(n.confidence > 0.7 for n in found)


def test_weak_harmonics_are_less_sure_than_the_same_notes_alone() -> None:
    alone = {n.pitch: n.confidence for n in create_notes(make((20, 80, 62, 0.5)), onset_threshold=0.0)}
    over = {
        n.pitch: n.confidence for n in create_notes(make((20, 80, 50, 0.9), (21, 70, 62, 0.5)), onset_threshold=0.0)
    }
    assert over[62] < alone[62]
    assert over[62] < over[50]


def test_repeated_keys_are_two_notes() -> None:
    gram = make((20, 56, 60, 0.8), (60, 100, 60, 0.8))  # shorter than a gap that ends a note
    assert [round(n.onset / (HOP / SR)) for n in create_notes(gram, onset_threshold=0.1)] == [20, 60]


def test_a_higher_threshold_keeps_fewer(rng: np.random.Generator) -> None:
    gram = gram_of(rng.random((300, 88)) ** 3, rng.random((300, 88)))
    counts = [len(create_notes(gram, onset_threshold=t)) for t in (0.0, 0.3, 0.6, 0.95)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_range_and_polyphony_are_kept() -> None:
    gram = make(*[(20, 80, 40 + 5 * k, 0.6 + 0.05 * k) for k in range(6)])
    pitches = [n.pitch for n in create_notes(gram, onset_threshold=0.0)]
    assert set(pitches) >= {40.0 + 5 * k for k in range(6)}
    assert len(create_notes(gram, onset_threshold=0.0, polyphony=2)) == 2
    assert all(50 <= n.pitch <= 58 for n in create_notes(gram, onset_threshold=0.0, low=50, high=58))


def test_a_second_hearing_keeps_the_times() -> None:
    """Listening again at double speed moves nothing."""
    truth = [(0.5, 60), (1.1, 64), (1.7, 48)]
    audio = place(truth, 3.0)
    for twice in (False, True):
        found = {n.pitch: n.onset for n in create_notes(posteriorgram(audio, twice=twice), onset_threshold=0.6)}
        assert [found[key] for _, key in truth] == pytest.approx([t for t, _ in truth], abs=0.025)


def test_notes_come_quickly_enough_for_a_slider(rng: np.random.Generator) -> None:
    """Four minutes of dense music, other thresholds: a quarter of the 200 ms that a redrawn score may take (CPU)."""
    frames = round(240 * SR / HOP)
    onset, note = np.full((frames, 88), 0.05), np.full((frames, 88), 0.05)
    for start, key in zip(rng.integers(0, frames - 60, 1500), rng.integers(20, 70, 1500), strict=True):
        onset[start, key], note[start : start + 40, key] = 0.8, 0.7
    gram = gram_of(onset, note)
    assert len(create_notes(gram)) > 500
    taken = []
    for thresholds in ({"onset_threshold": 0.5}, {"onset_threshold": 0.2}, {"frame_threshold": 0.4}):
        began = time.process_time()
        create_notes(gram, **thresholds)
        taken.append(time.process_time() - began)
    assert np.median(taken) < 0.05
