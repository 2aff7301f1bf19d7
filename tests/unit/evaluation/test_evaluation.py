"""Engines measured on songs whose stems are known."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from musiclab import evaluation
from musiclab.datasets import load_multitrack
from musiclab.errors import DatasetError
from musiclab.evaluation.parts import HEARD, KNOWN
from musiclab.notes import Note, Part
from musiclab.transcription import transcribe
from tests.sounds import noise, tone

SR = 44100
REAL = os.environ.get("MUSICLAB_REAL_DATA")


@pytest.fixture
def songs(tmp_path, rng, monkeypatch):
    """Two songs of a second: a bass, clicks, and a stem too quiet to count."""
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path / "cache"))
    for number in (1, 2):
        drums = np.zeros(SR)
        drums[:: SR // 8] = 0.9
        stems = {
            "bass": tone(50 * number, level=0.2),
            "drums": np.convolve(drums, rng.standard_normal(300) * np.exp(-np.arange(300) / 60))[:SR] * 0.8,
            "vocals": noise(SR, level=1e-4, rng=rng),
        }
        folder = tmp_path / "songs" / f"song {number}"
        folder.mkdir(parents=True)
        for name, x in stems.items():
            sf.write(folder / f"{name}.wav", np.stack([x, x], axis=1), SR, subtype="FLOAT")
    return tmp_path / "songs"


def test_scores_means_and_what_is_left_out(songs):
    told = []
    result = evaluation.separation(
        songs,
        engines=["hpss", "repet-sim"],
        ideals=["ratio", "binary"],
        progress=lambda fraction, text: told.append((fraction, text)),
    )
    assert result.songs() == ["song 1", "song 2"]
    assert result.methods() == ["silence", "hpss", "ideal ratio masks", "ideal binary masks"]
    assert result.stems() == ["drums", "bass"]
    assert result.left_out == ("song 1/vocals", "song 2/vocals")
    for stem in result.stems():
        assert result.values("silence", stem) == [0, 0]
        assert min(result.values("hpss", stem)) > 5
        assert np.mean(result.values("ideal ratio masks", stem)) > np.mean(result.values("hpss", stem))
    as_json = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert as_json["mean"]["hpss"]["bass"] == pytest.approx(np.mean(result.values("hpss", "bass")))
    headings, rows = result.table()
    assert headings == ["", "drums", "bass", "average"]
    assert [row[0] for row in rows] == result.methods()
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_an_engine_with_other_stems_alone_can_not_be_measured(songs):
    with pytest.raises(DatasetError, match="could be measured"):
        evaluation.separation(songs, engines=["centre"], references=False)


def test_what_an_engine_lacks_stays_empty(songs):
    sf.write(songs / "song 1" / "vocals.wav", np.random.default_rng(0).standard_normal((SR, 2)) * 0.1, SR)
    result = evaluation.separation(songs, engines=["repet-sim"])
    _, rows = result.table()
    assert next(row for row in rows if row[0] == "repet-sim")[2:4] == ["–", "–"]
    assert set(result.as_dict()["mean"]["repet-sim"]) == {"vocals", "average"}


@pytest.fixture
def band(tmp_path, monkeypatch):
    """A song of six seconds: a bass line and a drum part under loud chords, with the notes of the first two known."""
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path / "cache"))
    parts = {
        "bass": Part([Note(0.3 + 0.4 * k, 0.65 + 0.4 * k, 33 + 5 * (k % 3)) for k in range(12)], "bass"),
        "drums": Part([Note(0.3 + 0.4 * k, 0.35 + 0.4 * k, 38 if k % 2 else 36) for k in range(12)], "drums"),
        "other": Part([Note(0.1 + k, 1.0 + k, p) for k in range(5) for p in (36, 43, 52, 60, 64)], "piano"),
    }
    folder = tmp_path / "songs" / "a song"
    folder.mkdir(parents=True)
    for name, part in parts.items():
        x = np.zeros(6 * SR, np.float32)
        sound = part.audio().samples[0][: len(x)]
        x[: len(sound)] = sound * (1.0 if name == "other" else 0.3)
        sf.write(folder / f"{name}.wav", np.stack([x, x], axis=1), SR, subtype="FLOAT")
    notes = {name: [[n.onset, n.offset, n.pitch, n.velocity] for n in parts[name].notes] for name in ("bass", "drums")}
    (folder / "song.json").write_text(json.dumps({"notes": notes}), encoding="utf-8")
    return tmp_path / "songs"


def test_what_separation_does_for_transcription(band):
    result = evaluation.parts(band, engines=["hpss"])
    assert result.stems() == ["drums", "bass"]
    assert result.sources() == ["mixture", "hpss", "true stem"]
    assert result.f("bass", "true stem")["a song"] >= 0.9
    gain = result.difference("bass", "true stem")
    assert gain.mean == pytest.approx(result.f("bass", "true stem")["a song"] - result.f("bass", "mixture")["a song"])
    assert gain.mean > 0.1
    assert gain.low == gain.mean == gain.high  # of one song nothing else is known
    headings, rows = result.table()
    assert headings[-2:] == ["hpss − mixture", "true stem − mixture"]
    assert {len(row) for row in rows} == {len(headings)}
    assert [row[:2] for row in rows] == [["drums", KNOWN], ["bass", KNOWN], ["other", HEARD]]
    json.dumps(result.as_dict(), allow_nan=False)


def test_differences_are_paired_by_song(rng):
    """Songs differ by far more than what a method gains: the interval sees only the gain."""
    level = rng.uniform(0.2, 0.8, 12)
    scores = [
        evaluation.PartScore(f"song {i}", "bass", source, 0.0, 0.0, f + gain, 20)
        for i, f in enumerate(level)
        for source, gain in (("mixture", 0.0), ("engine", 0.1 + rng.normal(0, 0.01)))
    ]
    gain = evaluation.PartsResult(tuple(scores)).difference("bass", "engine")
    assert gain.songs == 12
    assert 0.09 < gain.low < gain.mean < gain.high < 0.11
    with pytest.raises(DatasetError, match="bass"):
        evaluation.PartsResult(tuple(scores)).difference("bass", "another")


def test_a_gain_s_interval_is_that_of_95_in_100(rng):
    """Of the means of so many songs: 1.96 standard errors at either side, where that of 90 has 1.64."""
    gains = rng.normal(0.1, 0.05, 200)
    scores = [
        evaluation.PartScore(f"song {i}", "bass", source, 0.0, 0.0, f, 20)
        for i, gain in enumerate(gains)
        for source, f in (("mixture", 0.5), ("engine", 0.5 + gain))
    ]
    found, error = evaluation.PartsResult(tuple(scores)).difference("bass", "engine"), gains.std() / np.sqrt(200)
    assert (found.mean - found.low) / error == pytest.approx(1.96, abs=0.12)
    assert (found.high - found.mean) / error == pytest.approx(1.96, abs=0.12)


def test_without_known_notes_the_true_stem_is_what_parts_are_measured_against(band):
    """Of the bass the notes are known, of the drums nobody wrote them down."""
    card = band / "a song" / "song.json"
    bass = json.loads(card.read_text(encoding="utf-8"))["notes"]["bass"]
    card.write_text(json.dumps({"notes": {"bass": bass}}), encoding="utf-8")
    result = evaluation.parts(band, engines=["hpss"])
    assert result.measures() == [("bass", KNOWN), ("drums", HEARD), ("other", HEARD)]
    assert result.f("bass", "mixture", HEARD) == {}
    assert result.f("drums", "true stem", HEARD) == {}, "a stem says nothing about itself"
    drums = next(s for s in result.scores if (s.stem, s.source) == ("drums", "hpss"))
    true_drums = transcribe(load_multitrack(band / "a song").stems["drums"], instrument="drums")
    assert drums.notes == sum(n.semitone in (36, 38, 42, 46) for n in true_drums.notes)
    headings, rows = result.table()
    shown = {row[0]: dict(zip(headings, row, strict=True)) for row in rows}
    assert shown["bass"]["against"] == "known notes"
    assert shown["drums"]["against"] == "heard in the true stem"
    assert shown["drums"]["true stem"] == "–"
    assert shown["bass"]["true stem"] != "–"


def test_of_each_note_it_is_told_what_it_says_of_itself_and_whether_it_is_right(band):
    result = evaluation.parts(band, engines=["hpss"])
    score = next(s for s in result.scores if (s.stem, s.source) == ("bass", "true stem"))
    assert sum(score.right) == round(score.recall * score.notes)
    assert len(score.confidences) == len(score.right) >= 12
    bins = result.reliability("bass", "true stem")
    assert sum(count for _, _, count in bins) == len(score.right)
    headings, rows = result.reliability_table()
    row = next(row for row in rows if row[:3] == ["bass", "known notes", "true stem"])
    said, right, count = bins[-1]
    assert row[-1].rstrip("*") == f"{said:.2f} → {right:.2f} ({count})"
    assert len(row) == len(headings) == 8
    told = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    row = {"stem": "bass", "source": "true stem", "against": "known notes"}
    assert {**row, "confidence": said, "right": right, "notes": count} in told["reliability"]


@pytest.mark.parametrize(("count", "cell"), [(8, "0.70 → 0.50 (8)"), (80, "0.70 → 0.50 (80)*")])
def test_a_star_tells_what_so_few_notes_could_not_differ_by(count, cell):
    """One standard error is 0.16 of eight notes, and 0.05 of eighty."""
    right = (True, False) * (count // 2)
    score = evaluation.PartScore("a", "bass", "embedded", 0.5, 1.0, 0.7, count, "known notes", (0.7,) * count, right)
    assert cell in evaluation.PartsResult((score,)).reliability_table()[1][0]


def test_songs_that_play_next_to_nothing_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "songs" / "a tone"
    folder.mkdir(parents=True)
    sf.write(folder / "bass.wav", tone(100, level=0.2), SR)
    with pytest.raises(DatasetError, match="8 notes"):
        evaluation.parts(tmp_path / "songs", engines=["hpss"])


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="MUSICLAB_REAL_DATA is unset")
def test_the_known_figures_of_real_songs(tmp_path, monkeypatch):
    """Ideal ratio masks as measured before musiclab was, and HPSS with its rules no worse than its first version."""
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path))
    result = evaluation.separation(Path(REAL) / "multitracks", engines=["hpss"])
    means = result.as_dict()["mean"]
    ideal = {"vocals": 12.5, "drums": 9.7, "bass": 7.8, "other": 7.7}
    assert means["ideal ratio masks"] == pytest.approx(ideal | {"average": 9.4}, abs=0.1)
    for stem, least in {"vocals": 2.4, "drums": 3.8, "bass": 3.2, "other": 1.6}.items():
        assert means["hpss"][stem] > least


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="MUSICLAB_REAL_DATA is unset")
def test_lines_of_real_songs_are_found_in_their_separated_stems_and_keep_their_word(tmp_path, monkeypatch):
    """What no fit has heard. A fifth of few notes may differ by chance: two standard errors are let pass."""
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path))
    result = evaluation.parts(Path(REAL) / "multitracks", engines=["embedded"])
    for stem, least in {"bass": 0.8, "vocals": 0.7}.items():
        assert np.mean(list(result.f(stem, "embedded", HEARD).values())) >= least
        for said, right, count in result.reliability(stem, "embedded", HEARD):
            assert abs(said - right) < 0.07 + 2 * np.sqrt(said * (1 - said) / count), (stem, said, right, count)
    drums, mixture = (np.mean(list(result.f("drums", source).values())) for source in ("embedded", "mixture"))
    assert drums >= mixture
