"""The command line: what is written, what is said, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from typer.testing import CliRunner, Result

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.batches.songs import find_songs, song_folders
from musiclab.cli import app, lab, separate
from musiclab.codecs import load
from musiclab.errors import AudioError, ExportError
from musiclab.notes import Part
from musiclab.recipes.report import null_db
from musiclab.separation import weights
from musiclab.stems import Stems
from musiclab.store import Store
from tests.sounds import tone

SR = 44100
PARTS = ("vocals", "drums", "bass", "other")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def song(tmp_path: Path, rng: np.random.Generator) -> Path:
    """One second of a held chord with clicks: something for each stem of HPSS."""
    time_s = np.arange(SR) / SR
    chord = sum(tone(pitch, level=0.1) for pitch in (82.4, 440.0, 554.4))
    clicks = np.where(time_s % 0.25 < 0.01, 0.3, 0.0) * rng.standard_normal(SR)
    path = tmp_path / "a söng.wav"
    sf.write(path, np.stack([chord + clicks, chord]).T, SR, subtype="FLOAT")
    return path


def make_multitrack(folder: Path, rng: np.random.Generator, **extra: object) -> None:
    """A song whose stems are known: noise in bands that HPSS can't tell apart too well."""
    folder.mkdir(parents=True)
    time_s = np.arange(2 * SR) / SR
    stems = {
        "vocals": tone(440, level=0.2),
        "drums": np.where(time_s % 0.5 < 0.02, 0.4, 0.0) * rng.standard_normal(2 * SR),
        "bass": tone(60, level=0.2),
        "other": 0.001 * rng.standard_normal(2 * SR),  # more than 15 dB under the mixture
    }
    for name, samples in stems.items():
        sf.write(folder / f"{name}.flac", np.stack([samples, samples]).T, SR)
    (folder / "song.json").write_text(json.dumps({"title": folder.name, **extra}))


LINE = (40, 43, 45, 47, 52, 50, 47, 43)
ONSETS = tuple(0.5 * number for number in range(len(LINE)))


def write_line(path: Path) -> None:
    """A plucked bass line: two notes a second, four partials each."""
    time_s = np.arange(SR // 2) / SR
    shape = np.minimum(1, time_s * 100) * np.exp(-3 * time_s)
    turns = [440 * 2 ** ((pitch - 69) / 12) * time_s for pitch in LINE]
    tones = [shape * sum(np.sin(2 * np.pi * k * turn) / k for k in (1, 2, 3, 4)) for turn in turns]
    sf.write(path, 0.3 * np.concatenate(tones), SR)


class TestSeparate:
    def test_writes_stems_that_add_up_to_the_song(self, song: Path, tmp_path: Path) -> None:
        result = run("separate", song, "--engine", "hpss", "--out", tmp_path / "out")
        assert result.exit_code == 0, result.stderr
        folder = tmp_path / "out" / "a söng"
        files = {path.stem: path for path in folder.glob("*.wav")}
        assert set(files) == {*PARTS, "residual"}
        total = sum(load(path).samples.astype(np.float64) for path in files.values())
        assert np.abs(total - load(song).samples).max() < 10 ** (-90 / 20)
        for word in (*PARTS, "residual", "hpss", "dBFS", "add up"):
            assert word in result.stdout

    def test_another_process_with_another_song_of_this_name_comes_first(
        self, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def slow(mixture: Audio, name: str, how: separate.How) -> Stems:
            made = apart(mixture, name, how)
            other = mixture.gained(-6)
            Stems({"vocals": other}, other).save(tmp_path / "a söng")
            return made

        apart = separate.apart
        monkeypatch.setattr(separate, "apart", slow)
        assert run("separate", song, "-e", "hpss", "-o", tmp_path).exit_code == 0
        assert {path.stem for path in (tmp_path / "a söng (2)").glob("*.wav")} == {*PARTS, "residual"}
        assert {path.stem for path in (tmp_path / "a söng").glob("*.wav")} == {"vocals", "residual"}

    def test_json_is_one_document_and_tells_the_truth(self, song: Path, tmp_path: Path) -> None:
        result = run("separate", song, "-e", "hpss", "-o", tmp_path / "out", "-f", "flac", "--json")
        (told,) = json.loads(result.stdout)["songs"]
        assert (told["engine"], told["duration"], told["error"]) == ("hpss", 1.0, "")
        assert told["null_db"] < -90
        for stem in told["stems"]:
            assert load(stem["file"]).rms_db == pytest.approx(stem["level_db"], abs=0.1) or stem["level_db"] < -90

    def test_only_some_stems_leaves_the_rest_of_the_song_in_the_residual(self, song: Path, tmp_path: Path) -> None:
        assert run("separate", song, "-e", "hpss", "-o", tmp_path, "--stems", "drums").exit_code == 0
        folder = tmp_path / "a söng"
        assert {path.stem for path in folder.glob("*.wav")} == {"drums", "residual"}
        both = load(folder / "drums.wav").samples + load(folder / "residual.wav").samples
        np.testing.assert_allclose(both, load(song).samples, atol=1e-6)

    def test_a_folder_with_a_broken_song_does_the_others_and_says_which_failed(
        self, song: Path, tmp_path: Path
    ) -> None:
        (song.parent / "broken.mp3").write_bytes(b"this is no music")
        (song.parent / "notes.txt").write_text("not a song")
        result = run("separate", song.parent, "-e", "hpss", "-o", tmp_path / "out", "--json")
        songs = {Path(told["song"]).name: told for told in json.loads(result.stdout)["songs"]}
        assert result.exit_code == 1
        assert set(songs) == {"a söng.wav", "broken.mp3"}
        assert songs["a söng.wav"]["error"] == ""
        assert songs["broken.mp3"]["error"].endswith(".")
        assert len(list((tmp_path / "out" / "a söng").glob("*.wav"))) == 5

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["no such.mp3"], "no such.mp3"),
            (["{song}", "--engine", "nonsense"], "nonsense"),
            (["{song}", "--format", "doc"], "'doc'"),
            (["{song}", "--subtype", "12"], "'12'"),
            (["{song}", "--engine", "hpss", "--stems", "tuba"], "no tuba: it finds vocals, drums"),
            (["{song}", "--engine", "hpss", "--device", "abacus"], "abacus"),
            (["{empty}"], "holds no audio file"),
            (["{song}", "--engine", "hpss", "--out", "{song}"], "a söng"),
        ],
    )
    def test_a_mistake_is_answered_in_one_sentence(
        self, song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "empty").mkdir()
        result = run("separate", *(word.format(song=song, empty=tmp_path / "empty") for word in arguments))
        assert result.exit_code == 1
        assert said in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
        assert "Traceback" not in result.output

    @pytest.mark.parametrize("arguments", [["--quality", "superb", "x"], ["--nonsense", "x"], []])
    def test_a_wrongly_typed_command_ends_with_two(self, arguments: list[str]) -> None:
        assert run("separate", *arguments).exit_code == 2

    def test_without_a_cache_nothing_is_kept(self, song: Path, tmp_path: Path, own_cache: Path) -> None:
        assert run("separate", song, "-e", "hpss", "-o", tmp_path / "out", "--no-cache").exit_code == 0
        assert Store(own_cache).info().kinds == {}


class TestSongs:
    def test_folders_are_looked_into_and_nothing_comes_twice(self, tmp_path: Path) -> None:
        for name in ("b.mp3", "a.WAV", ".hidden.mp3", "cover.jpg"):
            (tmp_path / name).touch()
        (tmp_path / "folder.mp3").mkdir()
        assert [path.name for path in find_songs([tmp_path, tmp_path / "a.WAV"])] == ["a.WAV", "b.mp3"]

    def test_a_folder_without_songs_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(AudioError, match="holds no audio file"):
            find_songs([tmp_path])

    def test_songs_of_one_name_get_different_folders(self) -> None:
        songs = [Path("x/a.mp3"), Path("y/a.flac"), Path("a.wav"), Path("b.wav")]
        assert [folder.name for folder in song_folders(songs, Path("out"))] == ["a", "a (2)", "a (3)", "b"]

    def test_albums_in_folders_are_found_and_keep_their_folders(self, tmp_path: Path) -> None:
        names = ["x/CD 1/01.ogg", "x/CD 2/01.OGA", "x/.hidden/01.ogg", "y/..wav.wav", "01.wav", "z/notes.txt"]
        for name in [*names, "stems/01/.musiclab/vocals.wav.sha256", "stems/01/vocals.wav"]:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        songs = find_songs([tmp_path])
        assert [str(song.relative_to(tmp_path)) for song in songs] == ["01.wav", "x/CD 1/01.ogg", "x/CD 2/01.OGA"]
        folders = song_folders(songs, Path("out"), given=[tmp_path])
        assert [folder.as_posix() for folder in folders] == ["out/01", "out/x/CD 1/01", "out/x/CD 2/01"]

    @pytest.mark.parametrize("name", ["...wav", "....wav", "  .wav", "a:b?.wav", "x" * 300 + ".wav", "CON .wav"])
    def test_a_name_never_leads_out_of_the_folder(self, name: str) -> None:
        (folder,) = song_folders([Path("x") / name], Path("out"))
        assert folder.parent == Path("out")
        assert folder.name.strip(" .")
        assert len(folder.name.encode()) <= 200

    def test_names_that_differ_in_case_only_get_different_folders(self) -> None:
        songs = [Path("x/Song.mp3"), Path("y/song.mp3")]
        assert [folder.name for folder in song_folders(songs, Path("out"))] == ["Song", "song (2)"]

    def test_a_fault_of_ours_in_one_song_stops_no_other(self, song: Path, tmp_path: Path, monkeypatch: Any) -> None:
        def failing(*arguments: Any, **settings: Any) -> Any:
            raise ZeroDivisionError("division by zero\nand more")

        monkeypatch.setattr("musiclab.separation.separate", failing)
        result = run("separate", song, song, "-e", "hpss", "-o", tmp_path / "out", "--json")
        assert result.exit_code == 1
        errors = [one["error"] for one in json.loads(result.stdout)["songs"]]
        assert errors[0].startswith("This is a fault of musiclab (ZeroDivisionError: division by zero): please report")

    def test_a_fault_of_ours_is_a_sentence(self, song: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr("musiclab.batches.songs.find_songs", None)
        monkeypatch.setattr("musiclab.cli.separate.find_songs", None)
        result = run("separate", song)
        assert result.exit_code == 1
        assert "This is a fault of musiclab (TypeError" in " ".join(result.stderr.split())
        monkeypatch.setenv("MUSICLAB_DEBUG", "1")
        assert isinstance(run("separate", song).exception, TypeError)

    def test_the_sum_check_finds_what_is_missing(self, song: Path, tmp_path: Path) -> None:
        whole = load(song)
        sf.write(tmp_path / "half.wav", whole.samples.T / 2, SR, subtype="FLOAT")
        halves = [tmp_path / "half.wav"] * 2
        assert null_db(whole, halves, 0.0) == -200.0
        assert null_db(whole, halves[:1], 0.0) == pytest.approx(whole.rms_db - 6.02, abs=0.01)
        assert null_db(whole, halves[:1], -6.0206) < -100  # all files were made 6 dB softer, and that is known
        assert null_db(whole, [tmp_path / "half.mp3"], 0.0) is None


class TestDemo:
    @pytest.fixture(autouse=True)
    def bundled(self, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
        make_multitrack(tmp_path / "songs" / "waltz", rng)
        monkeypatch.setattr(datasets, "root", lambda: tmp_path / "songs")

    def test_writes_stems_and_tells_levels_files_engine_time_and_what_is_next(self, tmp_path: Path) -> None:
        result = run("demo", "--engine", "hpss", "--out", tmp_path / "out")
        assert result.exit_code == 0, result.stderr
        files = {path.stem for path in (tmp_path / "out" / "waltz").glob("*.wav")}
        assert files == {*PARTS, "residual"}
        for word in (*PARTS, "dBFS", "SDR", "by hpss in", "waltz", "musiclab lab", str(tmp_path / "out" / "waltz")):
            assert word in result.stdout

    def test_a_song_that_is_not_there(self) -> None:
        result = run("demo", "--song", "tango")
        assert result.exit_code == 1
        assert "waltz" in result.stderr

    def test_json_has_the_sdr_of_each_stem_since_the_truth_is_known(self, tmp_path: Path) -> None:
        (told,) = json.loads(run("demo", "-e", "hpss", "-o", tmp_path, "--json").stdout)["songs"]
        sdr = {stem["name"]: stem["sdr_db"] for stem in told["stems"]}
        assert sdr["bass"] > 6
        assert sdr["drums"] > 6
        assert sdr["residual"] is None


class TestScore:
    def test_score_of_a_solo_recording(self, tmp_path: Path) -> None:
        write_line(tmp_path / "line.wav")
        options = ("--stem", "song", "-i", "bass", "-f", "mid,musicxml", "-o", tmp_path, "--json")
        result = run("score", tmp_path / "line.wav", *options)
        assert result.exit_code == 0, result.stderr
        told = json.loads(result.stdout)
        assert told["instrument"] == "bass"
        assert told["notes"] == len(LINE)
        assert (tmp_path / "line - song.musicxml").read_text().count("<step>") >= len(LINE)
        assert (tmp_path / "line - song.mid").read_bytes().startswith(b"MThd")

    def test_the_seconds_are_those_that_it_took(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_line(tmp_path / "line.wav")
        clock = iter([1000.0, 1007.5])
        monkeypatch.setattr("musiclab.cli.score.time", SimpleNamespace(perf_counter=lambda: next(clock)))
        options = ("--stem", "song", "-i", "bass", "-f", "mid", "-o", tmp_path, "--json")
        assert json.loads(run("score", tmp_path / "line.wav", *options).stdout)["seconds"] == 7.5

    def test_the_user_decides_what_is_on_the_page(self, tmp_path: Path) -> None:
        write_line(tmp_path / "line.wav")
        (tmp_path / "words.txt").write_text("la-la la", encoding="utf-8")
        decided = (
            *("--tempo", "90", "--metre", "6/8", "--key", "D minor", "--chords", "--for", "Bb"),
            *("--tuning", "drop D", "--tab", "--lyrics", tmp_path / "words.txt"),
        )
        options = ("--stem", "song", "-i", "bass", "-f", "json,musicxml", "-o", tmp_path, *decided)
        result = run("score", tmp_path / "line.wav", *options)
        assert result.exit_code == 0, result.stderr
        part = Part.from_json((tmp_path / "line - song.json").read_text("utf-8"))
        assert (part.time_signature, part.key) == ((6, 8), "D minor")
        assert part.tempo == pytest.approx(90, rel=0.1)
        assert (part.decisions.pitch, part.decisions.tuning, part.lyrics) == ("Bb", "drop D", "la-la la")
        text = (tmp_path / "line - song.musicxml").read_text("utf-8")
        for shown in ("<beats>6</beats>", "<fifths>1</fifths>", "<text>la</text>", "<tuning-step>D</tuning-step>"):
            assert shown in text

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["-i", "kazoo-o-phone"], "kazoo-o-phone"),
            (["-f", "docx"], "'docx'"),
            (["-s", "tuba", "-i", "bass"], "no tuba"),
            (["--tempo", "fast"], "half or double"),
            (["--metre", "waltz"], "3/4"),
            (["--tuning", "drop Q", "-i", "guitar"], "drop D"),
            (["--for", "Q"], "Bb"),
            (["--key", "H dur"], "H"),
            (["--lyrics", "nowhere.txt"], "nowhere.txt"),
        ],
    )
    def test_a_mistake_is_said(self, song: Path, arguments: list[str], said: str) -> None:
        result = run("score", song, "-e", "hpss", *arguments)
        assert result.exit_code == 1
        assert said in result.stderr


class TestEvaluate:
    def test_measures_engines_beside_silence_and_ideal_masks(self, tmp_path: Path, rng: np.random.Generator) -> None:
        make_multitrack(tmp_path / "songs" / "one", rng)
        make_multitrack(tmp_path / "songs" / "two", rng)
        result = run("evaluate", "separation", tmp_path / "songs", "--engine", "hpss", "--json")
        assert result.exit_code == 0, result.stderr
        told = json.loads(result.stdout)
        mean = told["mean"]
        assert set(mean) == {"silence", "hpss", "ideal ratio masks"}
        assert mean["silence"]["average"] == 0
        assert mean["ideal ratio masks"]["average"] > mean["hpss"]["average"] > 3
        assert told["left_out"] == ["one/other", "two/other"]
        assert {score["song"] for score in told["scores"]} == {"one", "two"}

    def test_prints_a_table(self, tmp_path: Path, rng: np.random.Generator) -> None:
        make_multitrack(tmp_path / "songs" / "one", rng)
        order = ("evaluate", "separation", tmp_path / "songs", "--engine", "hpss")
        assert "one" not in run(*order).stdout.splitlines()  # the means alone
        result = run(*order, "--songs")
        assert "one" in result.stdout.splitlines()
        heading = next(line for line in result.stdout.splitlines() if "vocals" in line)
        assert heading.split() == ["vocals", "drums", "bass", "average"]
        assert "ideal ratio masks" in result.stdout
        assert "one/other" in result.stderr

    def test_transcription_of_a_line_whose_notes_are_known(self, tmp_path: Path) -> None:
        folder = tmp_path / "transcription" / "bass_line"
        folder.mkdir(parents=True)
        write_line(folder / "audio.wav")
        late = 0.12  # such tables are, by as much throughout
        true = zip(ONSETS, LINE, strict=True)
        rows = (f"{onset + late}\t{onset + late + 0.5}\t{pitch}\t90" for onset, pitch in true)
        (folder / "notes.tsv").write_text("\n".join(rows))
        (told,) = json.loads(run("evaluate", "transcription", tmp_path, "--json").stdout)["recordings"]
        assert told["name"] == "bass_line"
        assert told["shift"] == pytest.approx(0.12, abs=0.03)  # found in the recording, and taken back
        assert told["score"]["true_notes"] == len(LINE)
        assert told["score"]["f"] > 0.8
        assert "bass_line" in run("evaluate", "transcription", tmp_path).stdout
        assert run("evaluate", "transcription", folder).exit_code == 1

    def test_a_folder_without_multitracks_is_said(self, tmp_path: Path) -> None:
        result = run("evaluate", "separation", tmp_path)
        assert result.exit_code == 1
        assert "vocals.flac" in result.stderr


class TestModelsAndCache:
    def test_engines_show_their_licences_and_what_is_disputed(self) -> None:
        result = run("engines")
        assert result.exit_code == 0
        assert "htdemucs_ft" in result.stdout
        assert len({line.index(" MB ") for line in result.stdout.splitlines() if " MB " in line}) == 1  # flush right
        assert "facebookresearch/demucs" in result.stdout
        assert "Disputed" in result.stdout
        told = {engine["name"]: engine for engine in json.loads(run("engines", "--json").stdout)["engines"]}
        assert told["hpss"]["ready"] is True
        assert told["htdemucs"]["ready"] is False
        assert told["htdemucs"]["licence"]["weights"]

    def test_models_that_are_not_here(self) -> None:
        models = json.loads(run("models", "list", "--json").stdout)["models"]
        assert {model["name"]: model["here"] for model in models}["htdemucs"] is False
        assert "nothing to check" in run("models", "verify").stdout

    def test_the_table_of_models_tells_where_each_comes_from(self) -> None:
        told = "".join(run("models", "list").stdout.split())
        for name in weights.names():
            assert name in told
            assert weights.entry(name).sources[-1].place in told

    def test_download_with_no_network_is_told(self) -> None:
        result = run("models", "download", "htdemucs")
        assert result.exit_code == 1
        assert "go online" in result.stderr

    def test_changed_weights_are_found_and_can_be_removed(self) -> None:
        def fill(folder: Path) -> None:
            for name in ("htdemucs.yaml", "955717e8.safetensors"):
                (folder / name).write_text(name)

        folder = Store().entry("htdemucs", fill, kind="weights")
        assert run("models", "verify").exit_code == 0
        (folder / "955717e8.safetensors").write_text("something else")
        result = run("models", "verify", "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout)["models"]["htdemucs"]["ok"] is False
        assert run("models", "remove", "htdemucs").exit_code == 0
        assert Store().peek("htdemucs", "weights") is None
        assert run("models", "remove", "nonsense").exit_code == 1

    def test_cache_info_and_clear(self, own_cache: Path) -> None:
        store = Store(own_cache)
        store.entry("k1", lambda folder: (folder / "x").write_text("x" * 10_000) and None)
        store.entry("net", lambda folder: (folder / "x").write_text("x") and None, kind="weights")
        told = json.loads(run("cache", "info", "--json").stdout)
        assert told["folder"] == str(own_cache)
        assert told["kinds"]["results"]["entries"] == 1
        assert str(own_cache) in run("cache", "info").stdout
        assert "MB freed" in run("cache", "clear").stdout
        assert set(store.info().kinds) == {"weights"}
        run("cache", "clear", "--weights")
        assert store.info().kinds == {}


class TestLab:
    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "bundled"
        (folder / "exports").mkdir(parents=True)
        for name in (lab.FIRST, "02-more.ipynb", "exports/vocals.wav", "Untitled.ipynb", "song.mp3"):
            (folder / name).write_text("original")
        monkeypatch.setattr(lab, "bundled_notebooks", lambda: folder)
        return folder

    @pytest.mark.usefixtures("source")
    def test_copies_what_is_missing_and_never_overwrites_your_work(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        mine.mkdir()
        (mine / lab.FIRST).write_text("my answers")
        assert lab.copy_notebooks(mine) == mine / lab.FIRST
        assert (mine / lab.FIRST).read_text() == "my answers"
        assert (mine / "02-more.ipynb").read_text() == "original"

    @pytest.mark.usefixtures("source")
    def test_leaves_behind_what_others_have_made_beside_the_notebooks(self, tmp_path: Path) -> None:
        lab.copy_notebooks(tmp_path / "mine")
        assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [lab.FIRST, "02-more.ipynb"]

    @pytest.mark.usefixtures("source")
    def test_a_folder_that_can_not_be_made_is_told_in_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ExportError, match=r"can't be copied to .*file.*--folder"):
            lab.copy_notebooks(tmp_path / "file" / "mine")

    def test_its_own_notebooks_are_opened_where_they_are(self, source: Path) -> None:
        assert lab.copy_notebooks(source) == source / lab.FIRST


def test_version_and_python_dash_m() -> None:
    from musiclab import __version__

    said = subprocess.run([sys.executable, "-m", "musiclab", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == __version__


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C otherwise")
def hear_interrupts() -> None:
    """As in a terminal: a shell starts what it runs in the background deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_ends_with_130_and_leaves_nothing_behind(
    tmp_path: Path, own_cache: Path, rng: np.random.Generator
) -> None:
    sf.write(tmp_path / "long.wav", 0.1 * rng.standard_normal((SR * 90, 2)), SR)
    command = [sys.executable, "-m", "musiclab", "separate", "long.wav", "-e", "nmf"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, preexec_fn=hear_interrupts, **pipes) as child:
        limit = time.monotonic() + 60
        while not list(own_cache.glob("tmp/*")) and time.monotonic() < limit:
            assert child.poll() is None, child.communicate()
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert "Cancelled" in said
    assert "Traceback" not in said
    assert not (tmp_path / "stems").exists()
    assert list(own_cache.glob("tmp/*")) == []
    assert Store(own_cache).info().kinds == {}
