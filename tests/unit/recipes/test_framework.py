"""What all jobs share: songs of three kinds, results that are saved and told, things that are asked for twice."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.errors import Cancelled, EngineError, ExportError
from musiclab.progress import Watch, watching
from musiclab.recipes import remembered, source
from musiclab.recipes.result import Result
from musiclab.stems import Stems

SR = 8000


@dataclass(frozen=True, eq=False, kw_only=True)
class Halves(Result):
    """A job that makes a loud and a soft sound."""

    loud: Audio
    soft: Audio

    @property
    def sounds(self) -> Mapping[str, Audio]:
        return {"loud": self.loud, "soft": self.soft}

    def extra_files(self, sounds: Mapping[str, str]) -> dict[str, bytes]:
        assert sounds == {
            "loud": f"{self.stem_of(self.title)} (loud).wav",
            "soft": f"{self.stem_of(self.title)} (soft).wav",
        }
        return {".txt": b"words"}


@pytest.fixture
def halves(rng: np.random.Generator) -> Halves:
    loud = Audio(np.float32(0.5) * rng.uniform(-1, 1, (2, SR)), SR)
    return Halves(title="A/B", engine="hpss", remarks=("Mind <this>.",), loud=loud, soft=loud.gained(-20))


class TestResult:
    def test_saves_all_its_files_under_names_that_every_system_accepts(self, halves: Halves, tmp_path: Path) -> None:
        files = halves.save(tmp_path / "out")
        assert [path.name for path in files] == ["A_B (loud).wav", "A_B (soft).wav", "A_B.txt"]
        np.testing.assert_allclose(load(files[0]).samples, halves.loud.samples, atol=2**-23)
        assert files[2].read_bytes() == b"words"

    def test_what_would_clip_is_lowered_alike(self, halves: Halves, tmp_path: Path) -> None:
        hot = Halves(title="hot", loud=halves.loud.gained(12), soft=halves.soft)
        files = hot.save(tmp_path)
        assert files.gain_db < -5
        levels = [load(path).rms_db for path in files[:2]]
        assert levels[0] - levels[1] == pytest.approx(hot.loud.rms_db - hot.soft.rms_db, abs=1e-3)

    def test_never_replaces_what_is_not_ours(self, halves: Halves, tmp_path: Path) -> None:
        (tmp_path / "A_B.txt").write_text("my poem")
        with pytest.raises(ExportError, match="already"):
            halves.save(tmp_path)
        assert [path.name for path in tmp_path.glob("A_B*")] == ["A_B.txt"]

    def test_tells_numbers_to_programs_and_shows_players_to_people(self, halves: Halves) -> None:
        told = halves.as_dict()
        assert told["sounds"]["soft"]["level_db"] == pytest.approx(halves.soft.rms_db)
        page = halves._repr_html_()
        assert page.count("<audio") == 2
        assert "Mind &lt;this&gt;." in page


class TestSource:
    def test_path_audio_and_stems_are_the_same_song(self, tmp_path: Path, rng: np.random.Generator) -> None:
        audio = Audio(0.1 * rng.standard_normal((2, 3 * SR)), SR, title="x")
        path = audio.save(tmp_path / "x.wav")
        how, watch = source.How(engine="hpss"), Watch()
        made = [source.stems_of(song, how, watch) for song in (path, audio)]
        made.append(source.stems_of(made[0], how, watch))
        for stems in made[1:]:
            for name in made[0]:
                np.testing.assert_array_equal(stems[name].samples, made[0][name].samples)

    def test_a_stem_that_an_engine_does_not_find_is_said_before_the_work(self, rng: np.random.Generator) -> None:
        audio = Audio(0.1 * rng.standard_normal((2, SR)), SR)
        reports: list[float] = []
        watch = Watch(lambda done, what: reports.append(done))
        with pytest.raises(EngineError, match="hpss finds no tuba: it finds vocals, drums"):
            source.stems_of(audio, source.How(engine="hpss"), watch, wanted=["tuba"])
        assert not reports

    def test_only_leaves_the_rest_to_the_residual(self, rng: np.random.Generator) -> None:
        a, b = (Audio(0.1 * rng.standard_normal((1, SR)), SR) for _ in range(2))
        stems = Stems({"a": a, "b": b}, Audio(a.samples + b.samples, SR))
        np.testing.assert_allclose(source.only(stems, ["a"]).residual.samples, b.samples, atol=1e-6)


class TestRemembered:
    def test_beats_and_parts_are_found_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        song = datasets.demo()
        stems = Stems(dict(song.stems), song.mixture)
        first = remembered.part_of(stems, stems["bass"], "bass", Watch())
        grid = remembered.beats_of(song.mixture, Watch())
        for name in ("transcribe", "track_beats", "in_context"):
            monkeypatch.setattr(remembered, name, None)
        assert remembered.part_of(stems, stems["bass"], "bass", Watch()) == first
        assert remembered.beats_of(song.mixture, Watch()) == grid
        assert first.beats == grid.times
        assert first.key

    def test_a_song_without_beats_is_written_without(self) -> None:
        tone = Audio(0.2 * np.sin(2 * np.pi * 220 * np.arange(int(1.5 * 22050)) / 22050), 22050)
        part = remembered.part_of(tone, tone, "violin", Watch(), cache=False)
        assert part.beats == ()
        assert "120 beats a minute" in part.remarks[-1]

    def test_sound_comes_back_as_it_was(self, rng: np.random.Generator) -> None:
        audio = Audio(rng.standard_normal((2, SR)), SR, title="kept")
        made = [remembered.sound_of(("x", 1), lambda: audio) for _ in range(2)]
        np.testing.assert_array_equal(made[1].samples, audio.samples)
        assert (made[1].title, made[1].sr) == ("kept", SR)


class TestWatch:
    def test_a_part_of_a_watch_reports_its_share(self) -> None:
        told: list[tuple[float, str]] = []
        watch = Watch(lambda done, what: told.append((done, what))).part(0.5, 1.0).part(0.0, 0.5)
        watch(0.5, "half of a quarter")
        assert told == [(0.625, "half of a quarter")]

    def test_whoever_reports_is_stopped(self) -> None:
        stop = threading.Event()
        with watching(False, stop) as watch:
            watch(0.1, "going")
            stop.set()
            with pytest.raises(Cancelled):
                watch.part(0.2, 0.3)(0.0, "not any more")
