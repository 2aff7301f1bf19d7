"""Fitting how likely notes are right: on a song that the tests make, and on notes whose chances are known."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.metrics.notes import reliability_of
from musiclab.notes import Note, Part
from musiclab.training.listeners import __main__ as command
from musiclab.training.listeners import confidences, separated
from musiclab.training.listeners import remixed as remixing
from musiclab.training.listeners.confidences import JudgedNotes, fit, fit_confidences, judged, of_other_songs, said
from musiclab.training.listeners.remixed import PEAK, remixed
from musiclab.training.listeners.separated import HeardStem, hear_songs
from musiclab.training.places import listeners_folder
from musiclab.transcription.calibration import logistic

SR = 44100


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A song of six seconds: bass, voice (a line of the synthesiser's), drums and chords, all notes known."""
    parts = {
        "bass": Part([Note(0.3 + 0.4 * k, 0.65 + 0.4 * k, 33 + 5 * (k % 3)) for k in range(12)], "bass"),
        "vocals": Part([Note(0.5 + 0.8 * k, 1.2 + 0.8 * k, 60 + 2 * k) for k in range(6)], "voice"),
        "drums": Part([Note(0.3 + 0.4 * k, 0.35 + 0.4 * k, 38 if k % 2 else 36) for k in range(12)], "drums"),
        "other": Part([Note(0.1 + k, 1.0 + k, p) for k in range(5) for p in (48, 55, 64)], "piano"),
    }
    root = tmp_path_factory.mktemp("songs")
    folder = root / "tune"
    folder.mkdir()
    for name, part in parts.items():
        x = np.zeros(6 * SR, np.float32)
        sound = part.audio().samples[0][: len(x)]
        x[: len(sound)] = 0.3 * sound
        soundfile.write(folder / f"{name}.wav", np.stack([x, x], axis=1), SR, subtype="FLOAT")
    notes = {name: [[n.onset, n.offset, n.pitch, n.velocity] for n in part.notes] for name, part in parts.items()}
    (folder / "song.json").write_text(json.dumps({"notes": notes}), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def heard(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[HeardStem]]:
    kept = tmp_path_factory.mktemp("heard")
    return kept, list(hear_songs(songs, kept))


def test_a_song_is_heard_in_its_mixture_its_separated_stems_and_its_true_ones(heard):
    _, stems = heard
    sources = {stem: sorted(h.source for h in stems if h.stem == stem) for stem in {h.stem for h in stems}}
    assert sources == {
        "bass": ["embedded", "mixture", "remixed", "true"],
        "drums": ["embedded", "mixture", "true"],
        "other": ["embedded", "true"],
        "vocals": [
            "embedded",
            "mixture",
            "remixed",
        ],  # the true voice is what they are measured by
    }
    bass = next(h for h in stems if (h.stem, h.source) == ("bass", "true"))
    assert [n.pitch for n in bass.truth.notes] == [33 + 5 * (k % 3) for k in range(12)]
    assert judged(bass).right.mean() > 0.8


def test_what_was_heard_is_read_the_second_time(heard, songs, monkeypatch):
    kept, stems = heard
    monkeypatch.setattr(separated, "listen", None)
    again = list(hear_songs(songs, kept))
    assert [(h.stem, h.source) for h in again] == [(h.stem, h.source) for h in stems]
    for before, after in zip(stems, again, strict=True):
        assert after.truth.notes == before.truth.notes
        assert (judged(after).described == judged(before).described).all()


def test_a_stop_leaves_no_song_that_was_heard_in_part(songs, tmp_path, monkeypatch):
    def stop(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(separated, "listen", stop)
    with pytest.raises(KeyboardInterrupt):
        list(hear_songs(songs, tmp_path))
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".part"] == []


def test_every_kind_of_notes_gets_its_fit_and_the_rest_of_the_file_stays(heard, tmp_path):
    path = tmp_path / "calibration.json"
    before = json.loads((listeners_folder() / "calibration.json").read_text(encoding="utf-8"))
    path.write_text(json.dumps(before), encoding="utf-8")
    fit_confidences(heard[1], path=path, sample=tmp_path / "some.npz")
    after = json.loads(path.read_text(encoding="utf-8"))
    assert after["drums"] == before["drums"]
    for of in (confidences.LINES, confidences.CHORDS, confidences.STROKES):
        assert set(after[of]) == set(before[of])
        for family in after[of]:
            assert after[of][family] != before[of][family]
            assert _inputs(after[of][family]) == _inputs(before[of][family])
        with np.load(tmp_path / "some.npz", allow_pickle=False) as some:
            assert some[of].shape[1] == _inputs(after[of][""])
            assert len(some[of]) == len(some[f"{of}_right"]) <= confidences.SAMPLE


def _inputs(fitted: dict[str, Any]) -> int:
    """How many numbers a fit judges each note by."""
    return len(fitted.get("hidden", fitted)["weights"])


@pytest.mark.parametrize(("of", "stem"), [(confidences.LINES, "bass"), (confidences.CHORDS, "other")])
def test_fitted_confidences_keep_their_word_on_notes_that_were_not_fitted(rng, of, stem):
    """Right with chances that depend on what is described: each fifth says what it is."""

    def notes(count: int, source: str, song: str = "") -> JudgedNotes:
        x = rng.normal(0, 1.5, (count, 3))
        right = rng.random(count) < logistic(1.2 * x[:, 0] - 0.8 * x[:, 1] + 0.5)
        return JudgedNotes(of, stem, source, x, right.astype(float), song)

    songs = [notes(count, source, f"{i}") for i in range(6) for count, source in ((600, "true"), (300, "embedded"))]
    fitted = fit(songs)
    test = notes(4000, "embedded")
    for mean, right, count in reliability_of(said(fitted, test).tolist(), test.right.tolist()):
        assert abs(mean - right) < 0.07, (mean, right, count)


def test_voices_and_basses_keep_their_word_each_and_at_both_ends(rng):
    """One description for both, by which a bass promises too little and a voice too much, the more the surer it is."""

    def notes(stem: str, count: int, song: str) -> JudgedNotes:
        x = rng.normal(0, 1.5, (count, 1))
        odds = np.where(x[:, 0] > 0, 3.0, 1.0) * x[:, 0] + 1.0 if stem == "bass" else 0.5 * x[:, 0] - 0.5
        return JudgedNotes(
            confidences.LINES, stem, "embedded", x, (rng.random(count) < logistic(odds)).astype(float), song
        )

    fitted = fit([notes(stem, 300, f"{i}") for i in range(6) for stem in ("bass", "vocals")])
    assert set(fitted) == {"", "bass", "voice"}
    for stem in ("bass", "vocals"):
        test = notes(stem, 6000, "")
        for mean, right, count in reliability_of(said(fitted, test).tolist(), test.right.tolist()):
            assert count < 100 or abs(mean - right) < 0.07, (stem, mean, right, count)


def test_what_was_held_small_is_drawn_apart_again(rng, monkeypatch):
    """Under a ridge of many notes' weight a regression promises no more than the middle; its line mends that."""
    monkeypatch.setattr(confidences, "RIDGE", 500.0)
    x = rng.normal(0, 1.5, (1200, 1))
    right = (rng.random(1200) < logistic(1.5 * x[:, 0])).astype(float)
    songs = [JudgedNotes(confidences.CHORDS, "other", "embedded", x[i::6], right[i::6], f"{i}") for i in range(6)]
    assert min(fit(songs)[""]["straight"][:3]) > 1.2


def test_a_line_learns_what_no_sum_of_its_numbers_tells(rng):
    """Right where two numbers have one sign: a regression says one half of every note."""

    def notes(count: int, song: str) -> JudgedNotes:
        x = rng.choice([-1.0, 1.0], (count, 2)) + rng.normal(0, 0.2, (count, 2))
        right = (x.prod(axis=1) > 0).astype(float)
        return JudgedNotes(confidences.LINES, "bass", "embedded", x, right, song)

    songs, test = [notes(400, f"{i}") for i in range(6)], notes(400, "")
    told = said(fit(songs), test)
    assert told[test.right > 0].mean() > 0.9
    assert told[test.right == 0].mean() < 0.1
    plain = said({"": confidences.regression(songs, {})}, test)
    assert plain[test.right > 0].mean() == pytest.approx(plain[test.right == 0].mean(), abs=0.1)


def test_a_straightening_line_always_rises(rng):
    odds = rng.normal(0, 2, 500)
    for right in (np.ones(500), (odds < 0).astype(float), (rng.random(500) < 0.5).astype(float)):
        assert min(confidences.straightened(odds, right, bends=True)[:3]) > 0
    assert len(set(confidences.straightened(odds, (odds > 0).astype(float), bends=False)[:3])) == 1


@pytest.mark.parametrize(("other", "share"), [("mixture", 1.0), ("embedded", confidences.SHARES["embedded"])])
def test_sources_count_by_their_share_however_many_notes_they_have(other, share):
    """Nine hundred notes of true stems are always right, a hundred of the other source never."""
    x = np.zeros((900, 1))
    fitted = fit([
        JudgedNotes(confidences.CHORDS, "other", "true", x, np.ones(900)),
        JudgedNotes(confidences.CHORDS, "other", other, x[:100], np.zeros(100)),
    ])  # fmt: skip
    assert logistic(np.array([fitted[""]["bias"]]))[0] == pytest.approx(1 / (1 + share), abs=0.01)


def test_what_is_logged_is_said_by_fits_that_did_not_hear_the_song(rng, caplog):
    """One song of twelve is all wrong, and is told by its number: whoever had heard it would know."""
    songs = [f"song {i}" for i in range(12)]
    notes = [
        JudgedNotes(confidences.CHORDS, "other", "embedded", np.full((50, 1), float(song == songs[3])),
                    (rng.random(50) < 0.7 * (song != songs[3])).astype(float), song)
        for song in songs
    ]  # fmt: skip
    words = of_other_songs(notes, fit)
    assert words[3].mean() == pytest.approx(0.7, abs=0.1)
    assert said(fit(notes), notes[3]).mean() < words[3].mean() - 0.1
    with caplog.at_level("INFO"):
        confidences.log_reliability(notes)
    assert "other, embedded, 12 songs held out" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        confidences.log_reliability(notes[:1])
    assert "can't be held out" in caplog.text


def test_voices_without_written_notes_are_heard_too(songs, heard, tmp_path):
    """A recorded singer's notes are not known: what is heard in the true stem is the truth."""
    kept, _ = heard
    stems = [separated.read_heard(path) for path in sorted((kept / "tune").glob("*vocals*.npz"))]
    unwritten = [replace(stem, truth=stem.truth.with_notes(())) for stem in stems]
    assert {stem.source for stem in unwritten} == {"embedded", "mixture", "remixed", "true"}
    known = list(separated.with_sung_truth(unwritten))
    assert {stem.source for stem in known} == {"embedded", "mixture", "remixed"}
    assert all(len(stem.truth) >= separated.FEWEST for stem in known)


def test_another_mix_of_a_song_has_its_lines_and_adds_up(songs, rng):
    song = datasets.load_multitrack(songs / "tune")
    for _ in range(8):
        mixed = remixed(song, None, rng)
        assert set(mixed.stems) == set(song.stems)
        total = sum(audio.samples for audio in mixed.stems.values())
        assert np.abs(total - mixed.mixture.samples).max() < 1e-6
        assert np.abs(mixed.mixture.samples).max() <= PEAK + 1e-6
        for line in ("bass", "vocals"):
            was, now = song.stems[line].samples, mixed.stems[line].samples
            gain = float((was * now).sum() / np.square(was).sum())
            assert np.abs(now - gain * was).max() < 1e-6, "louder or softer, and nothing else"
        assert mixed.notes == song.notes


def test_drums_of_another_song_take_the_place_of_its_own_and_are_as_loud(songs, rng, monkeypatch):
    monkeypatch.setattr(remixing, "SWAPPED", 1.0)
    monkeypatch.setattr(remixing, "BRIGHT_DB", (0.0, 0.0))
    monkeypatch.setattr(remixing, "GAINS_DB", dict.fromkeys(remixing.GAINS_DB, (0.0, 0.0)))
    song = datasets.load_multitrack(songs / "tune")
    clicks = np.zeros((1, 11025), np.float32)
    clicks[0, ::2205] = 0.1
    mixed = remixed(song, Audio(clicks, 22050), rng)
    assert "drums" not in mixed.notes
    assert set(mixed.notes) == set(song.notes) - {"drums"}
    now, was = (s.stems["drums"].samples.astype(float) for s in (mixed, song))
    scale = np.abs(mixed.stems["bass"].samples).max() / np.abs(song.stems["bass"].samples).max()
    assert np.sqrt(np.mean(now**2)) / scale == pytest.approx(np.sqrt(np.mean(was**2)), rel=0.02)
    strokes = np.flatnonzero(now[0] > 0.5 * now[0].max())
    assert len(strokes) >= 6 / 0.1 - 1, "over and over, to the end"
    assert np.ptp(np.diff(strokes[np.diff(strokes, prepend=-9) > 9])) <= 2, "at their own tempo"


def test_the_same_song_is_mixed_the_same_way_every_time(songs):
    song = datasets.load_multitrack(songs / "tune")
    first, again, other = (remixed(song, song.stems["drums"], np.random.default_rng(s)) for s in (1, 1, 2))
    assert (first.mixture.samples == again.mixture.samples).all()
    assert not np.allclose(first.mixture.samples, other.mixture.samples)


def test_the_command_says_what_confidences_need(capsys):
    with pytest.raises(SystemExit):
        command.main(["confidences"])
    assert "--songs" in capsys.readouterr().err
