"""The whole jobs, on a short song whose stems are known: what is heard, told, refused and stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import musiclab as ml
from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.errors import AudioError, Cancelled, EngineError, LyricsError, MusiclabError, TranscriptionError
from musiclab.metrics.loudness import loudness
from musiclab.notes import Note, Part
from musiclab.recipes.play_as import courses
from musiclab.recipes.result import Result
from musiclab.separation import Engine, Licence
from musiclab.stems import Stems

SECONDS = 8.0
JOBS: dict[str, Callable[..., Result]] = {
    "karaoke": lambda song, **how: ml.karaoke(song, key=1, **how),
    "minus_one": lambda song, **how: ml.minus_one(song, "bass", count_in=True, click=True, **how),
    "rebalance": lambda song, **how: ml.rebalance(song, {"vocals": 3}, **how),
    "play_as": lambda song, **how: ml.play_as(song, "bass", instrument="tuba", **how),
    "sheet_music": lambda song, **how: ml.sheet_music(song, "bass", **how),
}


class Quarters(Engine):
    """Gives each stem a quarter of the song."""

    name, stems, sr = "quarters", ("vocals", "drums", "bass", "other"), 44_100
    licence, segment, normalise = Licence("MIT", "none needed"), Fraction(2), False

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        return torch.stack([mixture / 4] * 4, dim=1)


@pytest.fixture(scope="module")
def stems() -> Stems:
    """The first eight seconds of a bundled song."""
    song = ml.demo()
    parts = {name: stem[:SECONDS] for name, stem in song.stems.items()}
    return Stems(parts, song.mixture[:SECONDS], engine="the truth")


def db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=np.float64))) + 1e-12))


def _same(a: Note, b: Note) -> bool:
    """Whether it is the same note, an octave apart or not: a slow attack may come a little later."""
    return abs(a.onset - b.onset) < 0.15 and (a.semitone - b.semitone) % 12 == 0


class TestKaraoke:
    def test_the_three_sounds_are_what_they_say(self, stems: Stems) -> None:
        made = ml.karaoke(stems, guide_db=-18)
        rest = stems.mixture.samples - stems["vocals"].samples
        assert db(made.instrumental.samples - rest) < -120
        assert db(made.vocals.samples - stems["vocals"].samples) < -120
        guide = made.guided.samples - made.instrumental.samples
        assert db(guide) == pytest.approx(stems["vocals"].rms_db - 18, abs=0.01)
        assert "Backing voices go with the lead" in " ".join(made.remarks)

    def test_key_and_speed_are_in_sound_and_notes_alike(self, stems: Stems) -> None:
        plain, moved = ml.karaoke(stems), ml.karaoke(stems, key=-3, speed=0.8)
        assert moved.instrumental.frames == round(stems.mixture.frames / 0.8)
        assert len(moved.part) == len(plain.part) > 5
        for before, after in zip(plain.part.notes, moved.part.notes, strict=True):
            assert after.pitch == pytest.approx(before.pitch - 3)
            assert after.onset == pytest.approx(before.onset / 0.8)
        heard = ml.transcribe(moved.vocals, instrument="voice", progress=False)
        found = {round(note.pitch) for note in heard.notes if note.confidence > 0.8}
        assert found <= {round(note.pitch) for note in moved.part.notes}

    def test_lyrics_are_checked_before_the_work_and_come_along(self, stems: Stems, tmp_path: Path) -> None:
        words = tmp_path / "words.lrc"
        words.write_text("[ti:Boats]\n[00:02.00]paper boats\n[00:05.00]<down & out>\n", encoding="utf-8")
        made = ml.karaoke(stems, lyrics=words, speed=0.5)
        assert made.lyrics is not None
        assert made.lyrics.lines[0].time == pytest.approx(4.0)
        assert "&lt;down &amp; out&gt;" in made._repr_html_()
        files = made.save(tmp_path / "out")
        assert [path.suffix for path in files] == [".wav", ".wav", ".wav", ".txt", ".lrc"]
        assert "[00:04.00]paper boats" in files[4].read_text()
        assert f"#AUDIO:{files[2].name}" in files[3].read_text()
        words.write_text("[09:00.00]late\n", encoding="utf-8")
        with pytest.raises(LyricsError, match="another song"):
            ml.karaoke(stems, lyrics=words)


class TestMinusOne:
    def test_it_and_the_part_are_the_song(self, stems: Stems, tmp_path: Path) -> None:
        made = ml.minus_one(stems, ["bass", "drums"])
        assert db(made.track.samples + made.part.samples - stems.mixture.samples) < -120
        files = made.save(tmp_path)
        total = sum(load(path).samples.astype(np.float64) for path in files)
        gain = 10 ** (files.gain_db / 20)
        assert db(total - gain * stems.mixture.samples) < -120
        assert [path.name for path in files] == [
            "Paper Boats (without bass and drums).wav",
            "Paper Boats (bass and drums).wav",
        ]

    def test_clicks_lie_on_the_beats_and_a_bar_leads_in(self, stems: Stems) -> None:
        made = ml.minus_one(stems, "bass", count_in=True, click=True)
        plain = ml.minus_one(stems, "bass")
        lead = round(made.lead_in * stems.sr)
        assert made.grid is not None
        assert made.track.frames == made.part.frames == stems.mixture.frames + lead
        clicks = made.track.samples[0] - np.pad(plain.track.samples[0], (lead, 0))
        for beat in made.grid.times:
            near = clicks[round(beat * stems.sr) : round((beat + 0.02) * stems.sr)]
            assert np.abs(near).max() > 0.1
        counted = made.grid.beats_per_bar + made.grid.first - 1
        starts = np.flatnonzero(np.abs(clicks[: round((made.grid.times[0] - 0.01) * stems.sr)]) > 0.1)
        assert 1 + np.count_nonzero(np.diff(starts) > 0.1 * stems.sr) == counted
        assert starts[0] / stems.sr < 0.05 or made.lead_in == 0
        assert db(made.part.samples[:, lead:] - stems["bass"].samples) < -120

    def test_only_what_was_asked_for_clicks(self, stems: Stems) -> None:
        counted, plain = ml.minus_one(stems, "bass", count_in=True), ml.minus_one(stems, "bass")
        lead = round(counted.lead_in * stems.sr)
        clicks = counted.track.samples - np.pad(plain.track.samples, ((0, 0), (lead, 0)))
        assert counted.grid is not None
        after = round((counted.grid.times[0] + 0.001) * stems.sr)
        assert np.abs(clicks[:, after:]).max() < 1e-6
        assert np.abs(clicks).max() > 0.1


class TestRebalance:
    def test_it_is_as_loud_as_before_and_tells_numbers(self, stems: Stems) -> None:
        made = ml.rebalance(stems, {"vocals": -12, "drums": -3})
        assert loudness(made.audio) == pytest.approx(loudness(stems.mixture), abs=0.1) or made.audio.peak_db > -0.2
        change = made.audio.samples / 10 ** (made.gain_db / 20) - stems.mixture.samples
        vocals = stems["vocals"].samples * (10 ** (-12 / 20) - 1)
        drums = stems["drums"].samples * (10 ** (-3 / 20) - 1)
        assert db(change - vocals - drums) < -100
        assert made.facts["loudness_lufs"]["after"] == pytest.approx(loudness(made.audio))
        assert "vocals −12.0 dB" in made.remarks[-1]

    def test_nothing_clips(self, stems: Stems) -> None:
        made = ml.rebalance(stems, {"drums": 20}, match_loudness=False)
        assert made.audio.peak_db <= -0.09
        assert made.gain_db < 0
        assert "so that nothing clips" in made.remarks[-1]

    def test_mono_stays_mono(self, stems: Stems, tmp_path: Path) -> None:
        mono = Stems({name: stem.mono() for name, stem in stems.items()}, stems.mixture.mono())
        made = ml.rebalance(mono, {"vocals": 3})
        (path,) = made.save(tmp_path / "louder.flac")
        assert load(path).channels == 1

    @pytest.mark.parametrize("gains", [{}, {"vocals": 30}, {"vocals": "loud"}, {"vocals": float("nan")}])
    def test_a_gain_that_is_none_is_said(self, stems: Stems, gains: dict[str, Any]) -> None:
        with pytest.raises(AudioError):
            ml.rebalance(stems, gains)


class TestPlayAs:
    def test_the_new_instrument_plays_the_same_notes_as_loud(self, stems: Stems) -> None:
        made = ml.play_as(stems, "bass", instrument="acoustic grand piano")
        assert made.instrument == "Acoustic Grand Piano"
        assert made.solo.samples.shape == stems.mixture.samples.shape
        assert loudness(made.solo) == pytest.approx(loudness(stems["bass"]), abs=0.2)
        heard = ml.transcribe(made.solo, instrument="bass", progress=False)
        kept = [n for n in made.part.notes if any(_same(n, other) for other in heard.notes)]
        assert len(kept) > 0.6 * len(made.part)
        assert db(made.instead.samples - stems.without("bass").samples - made.solo.samples) < -110
        assert db(made.beside.samples - stems.mixture.samples - made.solo.samples) < -110

    def test_a_note_too_short_to_follow_stands_as_it_is(self, stems: Stems) -> None:
        """Two columns of 16 ms tell no course; three do."""
        short, long = Note(0.999, 1.031, 40), Note(1.999, 2.047, 40)
        assert set(courses(Part((short, long), "bass"), stems["bass"])) == {long}

    def test_drums_are_no_melody(self, stems: Stems) -> None:
        with pytest.raises(TranscriptionError, match="Drums have no pitches"):
            ml.play_as(stems, "drums", instrument="tuba")


class TestSheetMusic:
    def test_it_is_written_in_context_and_never_over_what_is_not_ours(self, stems: Stems, tmp_path: Path) -> None:
        made = ml.sheet_music(stems, "bass", tab=True)
        assert made.part.key
        assert len(made.part.beats) > 8
        assert "<svg" in made._repr_html_()
        stem, notes = made.sounds.values()
        assert notes.rms_db == pytest.approx(stem.rms_db, abs=0.1)
        files = made.save(tmp_path)
        assert [path.name for path in files] == [f"Paper Boats - bass.{kind}" for kind in ("pdf", "musicxml", "mid")]
        assert files[0].read_bytes().startswith(b"%PDF")
        files[0].write_text("my notes on it")
        with pytest.raises(MusiclabError, match="not as musiclab left it"):
            made.save(tmp_path)
        (single,) = made.save(tmp_path / "other.musicxml")
        assert "<score-partwise" in single.read_text()


@pytest.mark.parametrize("job", JOBS)
class TestEveryJob:
    def test_it_shows_players_and_tells_programs(self, stems: Stems, job: str) -> None:
        made = JOBS[job](stems)
        assert made._repr_html_().count("<audio") >= 2
        told = made.as_dict()
        assert told["title"] == "Paper Boats"
        assert told["engine"] == "the truth"

    def test_asked_twice_it_does_not_work_twice(self, stems: Stems, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
        first = JOBS[job](stems)
        for place in (
            "musiclab.recipes.remembered.transcribe",
            "musiclab.recipes.remembered.track_beats",
            "musiclab.recipes.stretching._stretched",
            "musiclab.soundfont.render",
        ):
            monkeypatch.setattr(place, None)
        again = JOBS[job](stems)
        for name, sound in first.sounds.items():
            np.testing.assert_array_equal(sound.samples, again.sounds[name].samples)

    def test_progress_rises_and_a_cancel_stops_it(self, stems: Stems, job: str) -> None:
        told: list[float] = []
        stop = threading.Event()

        def report(done: float, what: str) -> None:
            told.append(done)
            stop.set()

        with pytest.raises(Cancelled):
            JOBS[job](stems, progress=report, cancel=stop, cache=False)
        assert len(told) == 1

        told.clear()
        JOBS[job](stems, progress=lambda done, what: told.append(done))
        assert told == sorted(told)
        assert told[0] >= 0
        assert told[-1] == 1.0

    def test_progress_rises_where_a_song_is_separated_first(self, stems: Stems, job: str) -> None:
        told: list[float] = []
        JOBS[job](stems.mixture, engine=Quarters(), progress=lambda done, what: told.append(done))
        assert told == sorted(told)
        assert told[0] >= 0
        assert told[-1] == 1.0

    def test_bad_input_is_said_before_the_work(self, stems: Stems, job: str, tmp_path: Path) -> None:
        with pytest.raises(MusiclabError, match="nowhere"):
            JOBS[job](tmp_path / "nowhere.mp3")
        drums = Stems({"drums": stems["drums"]}, stems.mixture, engine="a drummer")
        if job != "minus_one":
            with pytest.raises(EngineError, match=r"a drummer finds no (vocals|bass): it finds drums"):
                JOBS[job](drums)


@pytest.mark.parametrize(
    ("options", "said"), [({"key": 13}, "12 semitones"), ({"speed": 3}, "factor"), ({"speed": 0.1}, "factor")]
)
def test_key_and_speed_have_bounds(stems: Stems, options: dict[str, float], said: str) -> None:
    for job in (lambda **how: ml.karaoke(stems, **how), lambda **how: ml.minus_one(stems, "bass", **how)):
        with pytest.raises(AudioError, match=said):
            job(**options)


def test_a_song_is_left_as_it_was(stems: Stems) -> None:
    before = {name: stem.samples.copy() for name, stem in stems.items()}
    samples = np.array(stems.mixture.samples)
    for job in JOBS.values():
        job(Stems(dict(stems), Audio(samples, stems.sr, title="x")))
    np.testing.assert_array_equal(samples, stems.mixture.samples)
    for name, stem in stems.items():
        np.testing.assert_array_equal(stem.samples, before[name])
