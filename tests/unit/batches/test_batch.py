"""A library of songs through one job: each once, whatever is wrong with some of them, and again only what changed."""

from __future__ import annotations

import csv
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import psutil
import pytest
import soundfile as sf
from filelock import FileLock

import musiclab as ml
from musiclab.batches import perform, places, run
from musiclab.batches.report import read_report
from musiclab.batches.request import request_for
from musiclab.batches.songs import _below
from musiclab.batches.workers import Inline
from musiclab.errors import AudioError, BatchError, Cancelled, EngineError, ExportError
from tests.sounds import SR, noise, tone

CENTRE = {"engine": "centre"}


def write_song(path: Path, pitch: float = 220.0, *, seconds: float = 0.3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound = tone(pitch, seconds, level=0.3)
    sf.write(path, np.stack([sound, 0.5 * sound + noise(sound.size, level=0.01)], axis=1), SR)
    return path


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Three songs in two albums, one of them no song at all."""
    folder = tmp_path / "songs"
    write_song(folder / "one" / "a.wav", 220.0)
    write_song(folder / "two" / "b.flac", 330.0)
    (folder / "two" / "broken.mp3").write_text("this is no music")
    return folder


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """All work in this process: nothing has to be started."""
    monkeypatch.setattr(run, "pool_here", lambda count, *, most: Inline())


@pytest.fixture
def bucket() -> Iterator[str]:
    """A place in memory, as fsspec calls it."""
    yield "memory://musiclab-test"
    fsspec.filesystem("memory").rm("/musiclab-test", recursive=True)


def rows_of(out: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()]
    assert len({row["song"] for row in rows}) == len(rows), "each song once"
    return {Path(row["song"]).name: row for row in rows}


@pytest.mark.usefixtures("here")
class TestBatch:
    def test_each_song_gets_a_folder_and_a_row_and_a_bad_one_stops_no_other(
        self, library: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        made = ml.batch(library, out=out, options=CENTRE, progress=False)
        assert (made.done, len(made.failed), made.kept) == (2, 1, 0)
        assert "holds text, not audio" in made.failed[0].error
        rows = rows_of(out)
        assert rows["a.wav"]["folder"] == "one/a"
        assert rows["a.wav"]["engine"] == "centre"
        assert rows["a.wav"]["duration"] == pytest.approx(0.3)
        assert rows["a.wav"]["level_db"] == pytest.approx(ml.load(library / "one" / "a.wav").rms_db)
        assert set(rows["a.wav"]["sounds"]) == {"centre", "sides", "residual"}
        assert rows["a.wav"]["facts"]["null_db"] < -120, "the files add up to the song"
        assert all((out / "one" / "a" / name).is_file() for name in rows["a.wav"]["files"])
        with (out / "report.csv").open(encoding="utf-8-sig", newline="") as file:
            table = {Path(line["song"]).name: line for line in csv.DictReader(file)}
        assert table["broken.mp3"]["status"] == "failed"
        assert float(table["b.flac"]["seconds"]) > 0
        assert read_report(out).summary == "separate: 2 of 3 songs are done, 1 failed"

    def test_what_is_done_is_kept_and_what_changed_is_made_again(self, library: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        ml.batch(library, out=out, options=CENTRE, progress=False)
        stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*.wav")}
        moved = library / "two" / "b.flac"
        moved.touch()  # another time, the same sound
        write_song(library / "one" / "a.wav", 440.0)  # another sound
        again = ml.batch(library, out=out, options=CENTRE, progress=False)
        assert {Path(row.song).name: row.kept for row in again.rows} == {
            "a.wav": False,
            "b.flac": True,
            "broken.mp3": False,
        }
        changed = {path for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp}
        assert changed == {path for path in stamps if path.parent.name == "a"}

    def test_a_result_that_lost_a_file_is_made_again(self, library: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        ml.batch(library, out=out, options=CENTRE, progress=False)
        (out / "one" / "a" / "centre.wav").unlink()
        again = ml.batch(library, out=out, options=CENTRE, progress=False)
        assert again.kept == 1
        assert (out / "one" / "a" / "centre.wav").is_file()

    def test_other_options_are_another_request(self, library: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        ml.batch(library, out=out, options=CENTRE, progress=False)
        again = ml.batch(library, out=out, options={**CENTRE, "format": "flac"}, progress=False)
        assert again.kept == 0
        assert (out / "one" / "a" / "centre.flac").is_file()

    def test_it_is_resumed_from_its_folder_alone_after_a_kill(self, library: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        ml.batch(library, out=out, options=CENTRE, progress=False)
        lines = (out / "report.jsonl").read_text().splitlines(keepends=True)
        (out / "report.jsonl").write_text(lines[0] + lines[1][:40])  # a kill in the middle of a line
        again = ml.batch(out=out, resume=True, progress=False)
        assert (again.done, again.kept, len(again.failed)) == (2, 2, 1)
        assert len(rows_of(out)) == 3

    def test_a_batch_that_is_stopped_leaves_what_is_done_and_goes_on(self, library: Path, tmp_path: Path) -> None:
        out, stop = tmp_path / "out", threading.Event()

        def watch(fraction: float, text: str) -> None:
            if fraction > 0:
                stop.set()

        with pytest.raises(Cancelled):
            ml.batch(library, out=out, options=CENTRE, progress=watch, cancel=stop)
        before = len(rows_of(out))
        assert 1 <= before < 3
        assert (out / "report.csv").is_file()
        again = ml.batch(out=out, resume=True, progress=False)
        assert (again.done, again.kept) == (2, before)

    def test_a_file_that_is_not_ours_is_never_replaced(self, library: Path, tmp_path: Path) -> None:
        mine = tmp_path / "out" / "one" / "a" / "centre.wav"
        mine.parent.mkdir(parents=True)
        mine.write_text("mine")
        made = ml.batch(library, out=tmp_path / "out", options=CENTRE, progress=False)
        assert mine.read_text() == "mine"
        assert any("is there already" in row.error for row in made.failed)
        assert made.done == 1

    def test_results_inside_the_library_are_no_songs(self, library: Path) -> None:
        first = ml.batch(library, out=library / "made", options=CENTRE, progress=False)
        again = ml.batch(library, out=library / "made", options=CENTRE, progress=False)
        assert len(first.rows) == len(again.rows) == 3

    def test_songs_that_all_fail_alike_stop_it(self, tmp_path: Path) -> None:
        for number in range(12):
            write_song(tmp_path / "songs" / f"{number:02d}.wav")
        how: dict[str, Any] = {"job": "karaoke", "options": {**CENTRE, "key": 99}, "progress": False}
        with pytest.raises(BatchError, match=r"first 10 songs all failed alike.*semitones"):
            ml.batch(tmp_path / "songs", out=tmp_path / "out", **how)
        made = ml.batch(tmp_path / "songs", out=tmp_path / "out", keep_going=True, **how)
        assert len(made.failed) == 12

    def test_two_batches_in_one_folder_are_refused(self, library: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        (out / ".musiclab").mkdir(parents=True)
        with FileLock(out / ".musiclab" / "batch.lock"), pytest.raises(BatchError, match="Another batch is at work"):
            ml.batch(library, out=out, options=CENTRE, progress=False)

    def test_a_connection_that_breaks_is_tried_again(
        self, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries: list[str] = []
        whole = perform._made

        def flaky(path: Path, *rest: Any) -> Any:
            tries.append(path.name)
            if tries.count("a.wav") < 3 and path.name == "a.wav":
                raise ConnectionResetError("the line is dead")
            return whole(path, *rest)

        monkeypatch.setattr(perform, "_made", flaky)
        made = ml.batch(library, out=tmp_path / "out", options=CENTRE, progress=False)
        assert made.done == 2
        assert rows_of(tmp_path / "out")["a.wav"]["attempts"] == 3
        tries.clear()
        made = ml.batch(library / "one", out=tmp_path / "other", options=CENTRE, retries=1, progress=False)
        assert "the line is dead" in made.failed[0].error


class TestRequests:
    @pytest.mark.parametrize(
        ("job", "options", "said"),
        [
            ("polka", {}, "no job 'polka'"),
            ("karaoke", {"volume": 3}, "karaoke has no option 'volume'"),
            ("minus-one", CENTRE, "has to be told its stem"),
            ("play_as", CENTRE, "its stem and instrument"),
            ("separate", {"engine": "centre", "overlap": object()}, "texts, numbers"),
        ],
    )
    def test_what_is_wrong_with_it_is_said_before_the_first_song(
        self, job: str, options: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(BatchError, match=said):
            request_for(job, options)

    def test_engines_and_formats_are_checked_too(self) -> None:
        with pytest.raises(EngineError, match="no engine 'best'"):
            request_for("karaoke", {"engine": "best"})
        with pytest.raises(ExportError, match="aiff"):
            request_for("karaoke", {**CENTRE, "format": "aiff"})
        with pytest.raises(ExportError, match="docx"):
            request_for("score", {**CENTRE, "formats": ["docx"]})

    def test_auto_is_one_engine_for_all_songs(self) -> None:
        request = request_for("karaoke", {})
        assert request.options["engine"] not in ("", "auto")
        assert request.version

    def test_the_device_is_no_part_of_what_was_asked_for(self) -> None:
        one, two, three = (
            request_for("separate", {**CENTRE, **more}).digest for more in ({}, {"device": "cpu"}, {"shifts": 1})
        )
        assert one == two != three


class TestPlaces:
    @pytest.mark.usefixtures("here")
    def test_songs_and_results_may_lie_in_a_bucket(self, bucket: str, library: Path) -> None:
        memory = fsspec.filesystem("memory")
        memory.put(str(library), "/musiclab-test/songs", recursive=True)
        memory.pipe_file("/musiclab-test/songs/.hidden/x.wav", b"")
        how: dict[str, Any] = {"out": f"{bucket}/out", "options": CENTRE, "progress": False}
        made = ml.batch(f"{bucket}/songs", **how)
        assert (made.done, len(made.failed)) == (2, 1)
        found = memory.find("/musiclab-test/out")
        assert "/musiclab-test/out/one/a/centre.wav" in found
        assert {name.rpartition("/")[2] for name in found} >= {"report.jsonl", "report.csv", "job.json"}
        kept = ml.batch(f"{bucket}/songs", **how)
        assert kept.kept == 2
        assert len(kept.rows) == 3, "what was made is no song"

    @pytest.mark.usefixtures("here")
    def test_in_a_bucket_nothing_that_is_not_ours_is_replaced(self, bucket: str, library: Path) -> None:
        memory = fsspec.filesystem("memory")
        memory.pipe_file("/musiclab-test/out/a/sides.wav", b"mine")
        how: dict[str, Any] = {"out": f"{bucket}/out", "options": CENTRE, "progress": False}
        made = ml.batch(library / "one", **how)
        assert "is not musiclab's" in made.failed[0].error
        assert memory.cat_file("/musiclab-test/out/a/sides.wav") == b"mine"

    @pytest.mark.usefixtures("here")
    def test_a_kill_while_results_are_taken_to_a_bucket_is_made_good(
        self, bucket: str, library: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        memory = fsspec.filesystem("memory")
        whole = type(memory).put_file

        def dies(self: Any, local: str, remote: str, **more: Any) -> None:
            whole(self, local, remote, **more)
            if remote.endswith("residual.wav"):
                raise KeyboardInterrupt

        monkeypatch.setattr(type(memory), "put_file", dies)
        how: dict[str, Any] = {"out": f"{bucket}/out", "options": CENTRE, "progress": False}
        with pytest.raises(KeyboardInterrupt):
            ml.batch(library / "one", **how)
        assert memory.exists("/musiclab-test/out/a/centre.wav")
        monkeypatch.undo()
        monkeypatch.setattr(run, "pool_here", lambda count, *, most: Inline())
        assert ml.batch(library / "one", **how).done == 1

    @pytest.mark.usefixtures("here")
    def test_a_zip_archive_is_a_folder_of_songs(self, library: Path, tmp_path: Path) -> None:
        archive = tmp_path / "songs.zip"
        with zipfile.ZipFile(archive, "w") as file:
            for path in library.rglob("*.*"):
                file.write(path, path.relative_to(library))
        out = tmp_path / "out"
        made = ml.batch(archive, out=out.as_uri(), options=CENTRE, progress=False)
        assert (made.done, len(made.failed)) == (2, 1)
        assert (out / "one" / "a" / "centre.wav").is_file()
        assert ml.batch(f"zip://two::{archive}", out=tmp_path / "two", options=CENTRE, progress=False).done == 1

    def test_results_cannot_go_into_an_archive(self, library: Path) -> None:
        with pytest.raises(BatchError, match="Results can't be written"):
            ml.batch(library, out="zip://x::out.zip", options=CENTRE)

    def test_what_cannot_be_found_or_opened_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(AudioError, match="There is no folder"):
            places.find([tmp_path / "nowhere"])
        with pytest.raises(AudioError, match="holds no audio"):
            places.find(["memory://nothing-here"])
        with pytest.raises(BatchError, match="can't be opened"):
            places.find(["gopher://songs"])

    @pytest.mark.parametrize(
        ("error", "said"),
        [(OSError("no such bucket\nand much more"), "no such bucket"), (TimeoutError(), "TimeoutError")],
    )
    def test_what_a_place_says_is_passed_on_in_a_line(self, error: Exception, said: str) -> None:
        with (
            pytest.raises(BatchError, match=rf"^'s3://songs' can't be read \({said}\): "),
            places._as_trouble("s3://songs"),
        ):
            raise error

    def test_a_windows_drive_is_no_protocol(self) -> None:
        assert places.protocol_of("c://songs") == ""
        assert places.protocol_of("s3://songs") == "s3"
        assert places.local_path("file:///tmp/x") == Path("/tmp/x")


class TestJobs:
    @pytest.mark.usefixtures("here")
    @pytest.mark.parametrize(
        ("job", "options", "ends"),
        [
            ("karaoke", {"format": "flac"}, {"(instrumental).flac", "(vocals).flac", "(with guide voice).flac"}),
            ("minus-one", {"stem": "bass"}, {"(without bass).wav", "(bass).wav"}),
            ("rebalance", {"gains_db": {"vocals": 3}}, {"(rebalanced).wav"}),
            ("score", {"stem": "bass", "formats": ["mid"]}, {"bass.mid"}),
            ("describe", {}, {"(describe).json"}),
        ],
    )
    def test_every_job_writes_its_files(
        self, job: str, options: dict[str, Any], ends: set[str], tmp_path: Path
    ) -> None:
        write_song(tmp_path / "songs" / "s.wav", 110.0, seconds=2.0)
        engine = {} if job == "describe" else {"engine": "hpss"}
        made = ml.batch(tmp_path / "songs", job=job, out=tmp_path / "out", options=engine | options, progress=False)
        assert not made.failed, made.failed
        (row,) = made.rows
        assert all(any(name.endswith(end) for name in row.files) for end in ends), row.files
        assert all((tmp_path / "out" / row.folder / name).stat().st_size for name in row.files)

    def test_every_job_names_its_options(self) -> None:
        from musiclab.recipes.jobs import JOBS

        for job in JOBS.values():
            assert not {"song", "mixture", "progress", "cancel"} & set(job.options)

    @pytest.mark.usefixtures("here")
    def test_an_engine_is_loaded_once_for_all_songs(
        self, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from musiclab.separation import registry
        from musiclab.separation.engines import builtin

        monkeypatch.setattr(registry, "_kept", {})
        loaded: list[str] = []
        load = builtin.load
        monkeypatch.setattr(builtin, "load", lambda name, **how: (loaded.append(name), load(name, **how))[1])
        for engine in ("centre", "hpss"):
            made = ml.batch(library, out=tmp_path / engine, options={"engine": engine}, progress=False)
            assert made.done == 2
        assert loaded == ["centre", "hpss"]
        assert list(registry._kept) == ["hpss"], "no more than one takes memory"


def workers() -> list[psutil.Process]:
    """The pool's processes; other tests may have left Python's own helpers running."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended
            if "musiclab.batches.child" in child.cmdline():
                found.append(child)
    return found


@pytest.mark.slow
class TestPool:
    def test_a_process_that_is_killed_is_replaced_and_its_song_done_by_the_next(
        self, library: Path, tmp_path: Path
    ) -> None:
        killed: list[int] = []

        def kill_one(fraction: float, text: str) -> None:
            children = workers()
            if text.startswith("0 of") and children and not killed:
                killed.append(children[0].pid)
                children[0].kill()

        made = ml.batch(library, out=tmp_path / "out", options=CENTRE, workers=2, progress=kill_one)
        assert killed
        assert (made.done, len(made.failed)) == (2, 1)
        assert max(row.attempts for row in made.rows) == 2
        assert not workers(), "nothing is left running"

    def test_a_song_that_kills_every_process_is_told(self, library: Path, tmp_path: Path) -> None:
        def kill_all(fraction: float, text: str) -> None:
            for victim in workers():
                victim.kill()

        made = ml.batch(library / "one", out=tmp_path / "out", options=CENTRE, retries=1, progress=kill_all)
        assert "ended by signal 9" in made.failed[0].error
        assert made.failed[0].attempts == 2


def test_an_album_that_is_deleted_while_folders_are_looked_through(tmp_path: Path) -> None:
    for name in ("a/a.wav", "album/b.wav", "other/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = _below(tmp_path)
    assert next(found).name == "a.wav"
    shutil.rmtree(tmp_path / "album")
    assert [path.name for path in found] == ["c.wav"]
