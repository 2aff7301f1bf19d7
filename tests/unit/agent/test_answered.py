"""What was done before is told at once; else a process works, a spare one if there is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest
from mcp import Client

from musiclab.agent import answered, children, decode, tools, work
from musiclab.agent.jobs import AGAIN, Desk
from musiclab.agent.records import OVER, Record
from musiclab.agent.server import build, desk_for
from musiclab.progress import Watch
from musiclab.recipes import jobs

ASKED = {"key": 1.0, "engine": "embedded", "format": "wav"}
# A job that writes a file of its own, and loads nothing: what stands around it is the real thing.
QUICK = """
import os, sys
from pathlib import Path
from types import ModuleType
for name in ("tools", "decode"):
    sys.modules[f"musiclab.agent.{name}"] = ModuleType(name)
import musiclab.agent
musiclab.agent.tools = sys.modules["musiclab.agent.tools"]
from musiclab.agent import work
def run(tool, song, arguments, folder, watch):
    (folder / "made.wav").write_text(f"{tool} by {os.getpid()}")
    print("said", flush=True)
    return [folder / "made.wav"], {"by": os.getpid()}
musiclab.agent.tools.run = run
sys.modules["musiclab.agent.decode"].decoded = lambda path, limits, title: None
work.LOADED = ()
work.main(Path(sys.argv[1])) if len(sys.argv) > 1 else work.waiting_main()
"""


class Ended:
    """A process that has ended well."""

    pid = 1

    def poll(self) -> int:
        return 0

    wait = poll


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are done here and now, and do next to nothing."""

    def run(tool: str, song: None, arguments: dict[str, Any], folder: Path, watch: Watch) -> jobs.Made:
        (folder / "made.wav").write_text(f"{tool} with {arguments}")
        return [folder / "made.wav"], {"asked": arguments["engine"]}

    def spawn(folder: Path) -> Ended:
        work.main(folder)
        return Ended()

    monkeypatch.setattr(children, "spawn", spawn)
    monkeypatch.setattr(decode, "decoded", lambda path, limits, title: None)
    monkeypatch.setattr(tools, "run", run)


@pytest.fixture
def spared(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk with real processes, that load next to nothing."""
    monkeypatch.setattr(children, "PROGRAM", ("-P", "-c", QUICK))
    with closing(desk):
        desk.keep_spare()
        yield desk


def done(desk: Desk, song: str = "boats.flac", lyrics: str = "", **changed: Any) -> Record:
    """Ask for a job, and wait for its end."""
    record = desk.start("karaoke", song, {**ASKED, **changed}, lyrics=lyrics)
    if record.id in desk._children:
        desk._children[record.id].wait()
    ended = record if record.is_over else desk.get(record.id)
    assert ended.status == "done", (ended.error, (desk.root / record.id / "log.txt").read_text())
    return ended


def test_half_of_the_work_is_half_of_what_reading_the_song_left(
    quick: None, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[float, str]] = []
    at_once = tools.run

    def run(tool: str, song: None, arguments: dict[str, Any], folder: Path, watch: Watch) -> jobs.Made:
        watch(0.5, "half")
        watch(1.0, "all")
        return at_once(tool, song, arguments, folder, watch)

    monkeypatch.setattr(tools, "run", run)
    monkeypatch.setattr(work, "_reporter", lambda record, folder: lambda *said: told.append(said))
    done(desk)
    assert told == [(0.0, "reading the song"), (pytest.approx(0.51), "half"), (1.0, "all")]


def test_the_same_request_is_answered_without_a_process(quick: None, desk: Desk, songs: Path) -> None:
    first = done(desk)
    again = done(desk)
    assert (again.id, again.message, again.result) == (first.id, AGAIN, first.result)
    assert desk.get(first.id).message == ""  # the job itself is as it was
    (songs / "boats.flac").touch()  # its content is the same
    assert done(desk).id == first.id
    assert done(desk_for(songs, desk.out.root)).id == first.id  # after a restart of the server
    assert len(desk.records()) == 1


@pytest.mark.anyio
async def test_the_answer_says_that_nothing_was_done_for_it(quick: None, desk: Desk) -> None:
    done(desk, guide_db=-18.0, speed=1.0)
    async with Client(build(desk)) as client:
        told = await client.call_tool("karaoke", {"song": "boats.flac", **ASKED})
    assert AGAIN in told.content[0].text
    assert told.structured_content["message"] == AGAIN
    assert [file["name"] for file in told.structured_content["files"]] == list(desk.records()[0].files)


def test_other_requests_are_other_work(quick: None, desk: Desk, songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (songs / "words.lrc").write_text("[00:01.00]la")
    made = [done(desk), done(desk, key=2), done(desk, format="mp3"), done(desk, "live/boats again.flac")]
    made.append(done(desk, lyrics="words.lrc"))
    (songs / "words.lrc").write_text("[00:01.00]lo")
    made.append(done(desk, lyrics="words.lrc"))
    (songs / "boats.flac").write_bytes((songs / "boats.flac").read_bytes() + b"more")
    made.append(done(desk))
    monkeypatch.setattr(answered, "_package", lambda: iter([("another version", 1, 1)]))
    made.append(done(desk))
    assert len({job.id for job in made}) == len(made)


def test_weights_that_changed_are_other_work(quick: None, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from musiclab.separation import registry

    first = {engine: done(desk, engine=engine) for engine in ("embedded", "auto", "hpss")}
    version = registry.version
    monkeypatch.setattr(registry, "version", lambda name: version(name) + ("!" if name == "embedded" else ""))
    again = {engine: done(desk, engine=engine).id == job.id for engine, job in first.items()}
    assert again == {"embedded": False, "auto": False, "hpss": True}


@pytest.mark.parametrize("harm", ["removed", "changed", "same size"])
def test_files_that_are_not_as_they_were_left_are_made_again(quick: None, desk: Desk, harm: str) -> None:
    first = done(desk)
    made = desk.out.root / first.files[0]
    text = made.read_text()
    made.unlink()
    if harm != "removed":
        made.write_text("x" * len(text) + (" and more" if harm == "changed" else ""))
        os.utime(made, ns=(1, 1))
    again = done(desk)
    assert again.id != first.id
    assert made.read_text() == text
    assert done(desk).id == again.id


def test_a_job_that_failed_or_was_stopped_is_done_again(quick: None, desk: Desk) -> None:
    for status in OVER - {"done"}:
        job = done(desk)
        job.write(desk.root / job.id, status=status)
        assert done(desk).id != job.id


def test_a_spare_process_does_the_next_job_and_another_takes_its_place(spared: Desk) -> None:
    first = spared.spare and spared.spare.pid
    job = done(spared)
    assert job.result["by"] == first == job.pid
    assert (spared.root / job.id / "log.txt").read_text() == "said\n"
    assert not psutil.pid_exists(job.pid)  # one process, one job
    second = done(spared, key=3).result["by"]
    assert second != first
    now = answered.made_with(job.arguments), tuple(answered.mark_of(spared.out.root / name) for name in job.files)
    assert (job.made_with, job.marks) == now, "made by a process of its own, and as this one would make it"
    assert done(spared).id == job.id


def test_a_spare_that_was_killed_is_no_loss(spared: Desk) -> None:
    assert spared.spare
    waiting = psutil.Process(spared.spare.pid)
    waiting.kill()
    psutil.wait_procs([waiting])
    assert done(spared).result["by"] not in (waiting.pid, 0)


def test_a_spare_ends_with_whoever_keeps_it_and_its_job_does_not(songs: Path, tmp_path: Path) -> None:
    keeper = f"""
from musiclab.agent import children
children.PROGRAM = ("-P", "-c", {QUICK!r})
from musiclab.agent.jobs import Desk
desk = Desk({str(songs)!r}, {str(tmp_path / "out")!r})
desk.keep_spare()
record = desk.start("karaoke", "boats.flac", {ASKED!r})
desk.keep_spare()
print(desk.spare.pid, record.id, desk._children[record.id].pid, flush=True)
input()
"""
    with psutil.Popen([sys.executable, "-c", keeper], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout
        waiting, job, working = process.stdout.readline().split()
        ends = [psutil.Process(int(pid)) for pid in (waiting, working) if psutil.pid_exists(int(pid))]
        process.kill()
    psutil.wait_procs(ends)
    assert desk_for(songs, tmp_path / "out").get(job).status == "done"


def test_what_a_spare_loads_is_there() -> None:
    assert [name for name in work.LOADED if find_spec(name) is None] == []
