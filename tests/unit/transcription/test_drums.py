"""Drum transcription: features, peaks, notes, and the loop with our own synthesiser."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from musiclab.audio import Audio
from musiclab.errors import WeightsError
from musiclab.evaluation import recordings
from musiclab.metrics.notes import drum_scores
from musiclab.notes import Note, Part
from musiclab.separation.engines.spleeter import checkpoint
from musiclab.transcription import drums, transcribe
from musiclab.transcription.drums import BANDS, COLUMN_S, DRUMS, KEYS, REFRACTORY, SR, Strokes, pick_peaks

PARAMETERS = 272_121


def beat(bars: int, tempo: float = 110.0) -> Part:
    """Rock: hi-hat in eighths, kick on 1 and 3, snare on 2 and 4, a crash at the start."""
    eighth = 30 / tempo
    notes = [Note(0.2, 1.0, 49, 90)]
    for step in range(8 * bars):
        t = 0.2 + step * eighth
        notes.append(Note(t, t + 0.05, 42, 80))
        if step % 4 == 0:
            notes.append(Note(t, t + 0.05, 36, 110))
        if step % 4 == 2:
            notes.append(Note(t, t + 0.05, 38, 105))
    return Part(tuple(notes), "drums")


def test_a_computed_beat_is_written_down_again() -> None:
    truth = beat(4)
    scores = drum_scores(transcribe(truth.audio(), instrument="drums"), truth)
    assert scores["kick"].f > 0.95
    assert scores["snare"].f > 0.9
    assert scores["hi-hat"].f > 0.75


@pytest.mark.slow
def test_times_do_not_drift_over_ten_minutes() -> None:
    hit = beat(1).audio().samples[0][: 2 * SR]
    samples = np.zeros(600 * SR, np.float32)
    starts = [5.0, 300.0, 597.0]
    for start in starts:
        samples[round(start * SR) : round(start * SR) + len(hit)] = hit
    kicks = [n.onset for n in transcribe(Audio(samples, SR), instrument="drums").notes if n.pitch == KEYS["kick"]]
    errors = [min((t - (start + 0.2) for t in kicks), key=abs) for start in starts]
    assert np.abs(errors).max() < 0.025
    assert max(errors) - min(errors) < 0.005


def test_features_ignore_the_level_and_see_blocks_as_one(rng: np.random.Generator) -> None:
    samples = rng.normal(0, 0.1, 2 * SR).astype(np.float32)
    before = samples.copy()
    loud, soft = drums.drum_features(samples), drums.drum_features(samples * np.float32(1e-3))
    assert loud.shape == (2 * SR // drums.HOP + 1, BANDS)
    assert loud == pytest.approx(soft, abs=1e-3)
    assert (samples == before).all()
    assert np.isfinite(drums.drum_features(np.zeros(SR, np.float32))).all()


def test_a_long_stem_is_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = beat(4).audio()
    whole = drums.hear_drums(audio).chance
    monkeypatch.setattr(drums, "BLOCK", 150)
    assert drums.hear_drums(audio).chance == pytest.approx(whole, abs=1e-4)


def test_mel_filters_cover_every_band() -> None:
    filters = drums.mel_filters()
    assert filters.shape == (drums.N_FFT // 2 + 1, BANDS)
    assert filters.sum(axis=0) == pytest.approx(1, abs=1e-5)


@given(st.lists(st.floats(0, 1, width=32), max_size=60), st.floats(0.05, 0.9))
def test_peaks_are_apart_and_over_the_threshold(values: list[float], threshold: float) -> None:
    chance = np.array(values, dtype=np.float32)
    at = pick_peaks(chance, threshold)
    assert (chance[at] >= threshold).all()
    assert (np.diff(at) > REFRACTORY).all()
    if len(chance) and chance.max() >= threshold:
        assert chance.argmax() in at


def strokes_of(*hits: tuple[int, str, float], frames: int = 100) -> Strokes:
    chance = np.zeros((frames, len(DRUMS)))
    for frame, drum, value in hits:
        chance[frame, DRUMS.index(drum)] = value
    return Strokes(chance, np.zeros((frames, len(DRUMS))))


def test_strokes_become_notes_at_their_times() -> None:
    notes = drums.strokes_to_notes(strokes_of((20, "kick", 0.99), (40, "snare", 0.98)))
    assert [n.pitch for n in notes] == [36, 38]
    assert [n.onset for n in notes] == pytest.approx([20 * COLUMN_S, 40 * COLUMN_S], abs=0.01)
    assert all(n.confidence > 0.5 for n in notes)


def test_a_hat_is_open_or_closed_not_both() -> None:
    notes = drums.strokes_to_notes(strokes_of((20, "hihat-closed", 0.97), (21, "hihat-open", 0.99)))
    assert [n.pitch for n in notes] == [KEYS["hihat-open"]]


def test_one_hand_strikes_a_snare_or_its_rim() -> None:
    notes = drums.strokes_to_notes(strokes_of((20, "snare", 0.97), (22, "side-stick", 0.999)))
    assert [n.pitch for n in notes] == [KEYS["side-stick"]]


def test_confidences_rise_with_the_chance(rng: np.random.Generator) -> None:
    chance = np.sort(rng.random((50, len(DRUMS))), axis=0)
    sure = drums.confidences(chance, np.full(len(DRUMS), 0.8), np.full(len(DRUMS), -0.3))
    assert (np.diff(sure, axis=0) >= 0).all()
    assert ((sure >= 0) & (sure <= 1)).all()


def test_a_higher_threshold_keeps_fewer(rng: np.random.Generator) -> None:
    strokes = Strokes(rng.random((500, len(DRUMS))), np.zeros((500, len(DRUMS))))
    counts = [len(drums.strokes_to_notes(strokes, threshold=t)) for t in (0.1, 0.5, 0.9, 0.99)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_a_changed_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    drums.session.cache_clear()
    monkeypatch.setattr(drums, "calibration", lambda: {"drums": {"sha256": "0" * 64}})
    with pytest.raises(WeightsError, match="drums"):
        drums.session()
    drums.session.cache_clear()


def test_the_onnx_file_is_the_torch_network(rng: np.random.Generator) -> None:
    """The network that is documented is the one that is run: same inputs, outputs and number of weights."""
    from musiclab.training.listeners.drum_network import DrumNetwork

    network = DrumNetwork().eval()
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS
    graph = checkpoint.fields(checkpoint.fields((Path(drums.__file__).parent / drums.MODEL).read_bytes())[7][0])
    tensors = {bytes(one[8][0]).decode(): one for one in map(checkpoint.fields, graph[5])}
    nodes = [node for node in map(checkpoint.fields, graph[1]) if node[4] == [b"Conv"]]
    convolutions = [one for one in network.modules() if isinstance(one, torch.nn.Conv1d | torch.nn.Conv2d)]
    with torch.no_grad():
        for node, convolution in zip(nodes, convolutions, strict=True):
            for place, name in zip((convolution.weight, convolution.bias), node[1][1:], strict=True):
                values = np.frombuffer(tensors[bytes(name).decode()][9][0], "<f4")
                place.copy_(torch.from_numpy(values.copy()).view_as(place))
        for norm in network.modules():
            if isinstance(norm, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):  # convolutions of the file have them in
                norm.running_var.fill_(1 - norm.eps)
        features = rng.random((2, 37, BANDS), np.float32)
        answer = network(torch.from_numpy(features)).numpy()
    assert answer.shape == (2, 37, len(DRUMS))
    assert answer.std() > 0.1
    for one, wanted in zip(features, answer, strict=True):
        np.testing.assert_allclose(drums.session().run(None, {"features": one[None]})[0][0], wanted, atol=1e-3)


def test_drum_scores_count_each_class() -> None:
    truth = Part(tuple(Note(t, t + 0.1, key) for t, key in ((1, 36), (2, 38), (3, 42), (4, 46))), "drums")
    found = Part(tuple(Note(t, t + 0.1, key) for t, key in ((1.01, 35), (2.2, 38), (3, 44), (4, 51))), "drums")
    scores = drum_scores(found, truth)
    assert scores["kick"].f == 1
    assert scores["snare"].f == 0
    assert (scores["hi-hat"].precision, scores["hi-hat"].recall) == (1, 0.5)
    assert scores["toms"].f == 1  # none there, none found
    assert scores["cymbals"].precision == 0
    assert scores["all three"].found_notes == 3


@pytest.mark.real
def test_real_drum_stems() -> None:
    """Kick, snare and hi-hat of six produced songs, which nothing was trained or tuned on."""
    root = Path(os.environ["MUSICLAB_REAL_DATA"])
    from musiclab import codecs

    f = []
    for labels in sorted(root.glob("drums/*.onsets.txt")):
        truth = recordings.read_drum_truth(labels)
        stem = codecs.load(root / "multitracks" / truth.title / "drums.flac")
        f.append(drum_scores(transcribe(stem, instrument="drums"), truth)["all three"].f)
    assert np.mean(f) >= 0.85
    assert min(f) >= 0.75


def test_grooves_come_back_as_they_were_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """From random drum scores through sound and human timing to the written scores."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    from loop import drifting
    from loop_drums import loop

    results = [loop("a groove", drifting(96, 30, metre=(4, 4)), 4, [7, take]) for take in range(3)]
    assert sum(result.notes for result in results) > 240
    assert np.mean([result.onset_f for result in results]) >= 0.8
    assert np.mean([result.placed for result in results]) >= 0.75
