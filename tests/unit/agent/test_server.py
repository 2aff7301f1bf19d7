"""The server through the SDK's own client: in memory, over standard input, over HTTP."""

from __future__ import annotations

import base64
import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import psutil
import pytest
import soundfile as sf
from filelock import FileLock
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ResourceLink

from musiclab.agent import web
from musiclab.agent.jobs import Desk
from musiclab.agent.records import Limits
from musiclab.agent.server import build, desk_for
from musiclab.errors import RequestError
from tests.unit.agent.conftest import finished, until

pytestmark = pytest.mark.anyio
TOOLS = {
    *("list_songs", "separate", "karaoke", "minus_one", "remix_pack", "samples", "rebalance", "sheet_music"),
    *("play_as", "describe", "job_status", "job_cancel", "list_jobs"),
}
JOBS: dict[str, tuple[dict[str, Any], set[str]]] = {  # arguments, and endings of what is made
    "separate": ({"format": "flac"}, {".flac"}),
    "karaoke": ({"format": "wav", "key": -2}, {".wav", ".txt"}),
    "minus_one": ({"stem": "bass", "format": "wav"}, {".wav"}),
    "remix_pack": ({}, {".wav", ".mid", ".dawproject", ".rpp", ".mp4", ".json"}),
    "samples": ({"bars": [1, 2], "most": 1}, {".wav"}),
    "rebalance": ({"gains_db": {"vocals": 3}}, {".flac"}),
    "sheet_music": ({"stem": "bass"}, {".pdf", ".musicxml", ".mid"}),
    "play_as": ({"stem": "bass", "instrument": "tuba", "format": "wav"}, {".wav"}),
}


@contextmanager
def nobody_gets_a_turn(desk: Desk) -> Iterator[None]:
    """All places at work are taken: jobs wait, and take no time."""
    with ExitStack() as held:
        for number in range(desk.limits.at_once):
            held.enter_context(FileLock(desk.root / f"slot{number}.lock"))
        yield


async def test_tools_tell_what_they_take_and_give(desk: Desk) -> None:
    async with Client(build(desk)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == TOOLS
        for name, tool in tools.items():
            assert tool.description
            assert tool.output_schema is not None
            if name not in ("list_songs", "list_jobs", "job_cancel"):
                assert "wait_s" in tool.input_schema["properties"]
        for name in ("karaoke", "minus_one"):
            takes = tools[name].input_schema["properties"]
            bounds = {what: (takes[what]["minimum"], takes[what]["maximum"]) for what in ("key", "speed")}
            assert bounds == {"key": (-12, 12), "speed": (0.5, 2.0)}  # an octave, and half to double
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        assert prompts == {"karaoke", "remix", "transcription", "samples"}
        for name in prompts:
            text = (await client.get_prompt(name, {"song": "Paper Boats"})).messages[0].content.text
            assert "list_songs" in text
            assert "job_status" in text
        listed = (await client.call_tool("list_songs", {})).structured_content
        assert [song["name"] for song in listed["songs"]] == ["boats.flac", "live/boats again.flac"]


async def test_a_job_tells_rising_progress_and_links_its_files(desk: Desk, song_file: Path) -> None:
    told: list[float] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        assert total == 100
        told.append(done)

    async with Client(build(desk)) as client:
        asked = {"song": "live/boats again.flac", "engine": "hpss", "wait_s": 0}
        job = (await client.call_tool("separate", asked)).structured_content["job"]
        while True:
            result = await client.call_tool("job_status", {"job": job, "wait_s": 600}, progress_callback=progress)
            if result.structured_content["status"] == "done":
                break
        assert told == sorted(told)
        assert told[-1] == 100
        state = result.structured_content
        assert state["progress"] == 1
        assert set(state["result"]["stems"]) == {"vocals", "drums", "bass", "other", "residual"}
        links = [block for block in result.content if isinstance(block, ResourceLink)]
        assert [link.uri for link in links] == [file["uri"] for file in state["files"]]
        total = 0.0
        for link in links:
            data = base64.b64decode((await client.read_resource(link.uri)).contents[0].blob)
            assert len(data) == link.size
            total = total + sf.read(io.BytesIO(data))[0]
        assert abs(total - sf.read(song_file)[0]).max() < 1e-6
        again = await client.call_tool("separate", asked)  # another job, from the store
        assert (await finished(client, again.structured_content["job"])).structured_content["files"] == state["files"]
    assert not list(desk.root.glob("*/input*"))
    assert not list(desk.root.glob("*/song.npy"))


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.mark.slow
@pytest.mark.parametrize("tool", sorted(JOBS))
async def test_every_tool_makes_its_files(
    desk: Desk, tool: str, shared_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for somebody who asks for one after the other: the song is taken apart once."""
    monkeypatch.setenv("MUSICLAB_CACHE", str(shared_store))
    arguments, endings = JOBS[tool]
    async with Client(build(desk)) as client:
        asked = {"song": "boats.flac", "engine": "hpss", "wait_s": 0, **arguments}
        told = await finished(client, (await client.call_tool(tool, asked)).structured_content["job"])
        state = told.structured_content
        assert state["status"] == "done", state["error"]
        files = {desk.out.root / file["name"]: file for file in state["files"]}
        assert endings <= {path.suffix for path in files}
        for path, file in files.items():
            assert path.stat().st_size == file["bytes"] > 0
        assert str(desk.out.root) not in str(state["result"])


async def test_describing_a_song_makes_no_files(desk: Desk) -> None:
    async with Client(build(desk)) as client:
        job = (await client.call_tool("describe", {"song": "boats.flac", "wait_s": 0})).structured_content["job"]
        state = (await finished(client, job)).structured_content
    assert state["status"] == "done", state["error"]
    assert state["files"] == []
    assert state["result"]["tempo"] == pytest.approx(116, abs=1)
    assert state["result"]["metre"] == "4/4"
    assert {"key", "form", "chords", "level_db", "duration"} <= set(state["result"])


async def test_a_job_that_waits_or_works_can_be_cancelled(desk: Desk, songs: Path, song_file: Path) -> None:
    async with Client(build(desk)) as client:
        with nobody_gets_a_turn(desk):
            asked = {"song": "boats.flac", "wait_s": 0}
            job = (await client.call_tool("describe", asked)).structured_content["job"]
            told = await until(client, job, lambda state: desk.get(job).pid > 0)
            assert told.structured_content["status"] == "waiting"
            assert (await client.call_tool("job_cancel", {"job": job})).structured_content["status"] == "cancelled"
        job = (await client.call_tool("separate", {**asked, "engine": "nmf"})).structured_content["job"]
        told = await until(client, job, lambda state: state["progress"] > 0)
        assert told.structured_content["status"] == "working"
        pid = desk.get(job).pid
        with anyio.fail_after(60):  # the tool itself gives it a second, then ends it: its answer is final
            state = (await client.call_tool("job_cancel", {"job": job})).structured_content
        assert state["status"] == "cancelled"
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        assert state["files"] == []
        again = (await client.call_tool("job_cancel", {"job": job})).structured_content
        assert again["status"] == "cancelled"
    assert not list(desk.out.root.rglob("*.flac"))


async def test_twenty_calls_at_once_and_no_more_than_may_wait(songs: Path, tmp_path: Path) -> None:
    desk = desk_for(songs, tmp_path / "out")
    desk.limits = Limits(at_once=1, waiting=2)
    answers: list[Any] = []
    async with Client(build(desk)) as client:

        async def ask(number: int) -> None:
            asked = {"song": "boats.flac", "engine": "hpss", "wait_s": 0}
            if number % 2:
                answers.append(await client.call_tool("list_songs", {}))
            else:
                bars = [1 + number // 2 % 5]
                answers.append(await client.call_tool("samples", {**asked, "bars": bars}))

        with nobody_gets_a_turn(desk):
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(ask, number)
            jobs = [
                answer.structured_content["job"] for answer in answers if "job" in (answer.structured_content or {})
            ]
            refused = [answer for answer in answers if answer.is_error]
            assert len(answers) == 20
            assert len(set(jobs)) == 3  # the same request twice is one job
            assert len(jobs) == 6
            assert len(refused) == 4
            assert all("on their way" in answer.content[0].text for answer in refused)
            listed = (await client.call_tool("list_jobs", {})).structured_content["jobs"]
            assert {job["job"] for job in listed} == set(jobs)
            for job in set(jobs):
                await client.call_tool("job_cancel", {"job": job})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"RIFF\xff\xff\xff\xffWAVEfmt " + os.urandom(4000), ""),
        (b"OggS" + bytes(20000), ""),
        (b"words and words", "text"),
        (b"", "empty"),
    ],
)
async def test_a_file_that_is_no_song_is_told_in_one_sentence(desk: Desk, songs: Path, data: bytes, told: str) -> None:
    (songs / "bad.ogg").write_bytes(data)
    async with Client(build(desk)) as client:
        job = (await client.call_tool("describe", {"song": "bad.ogg", "wait_s": 0})).structured_content["job"]
        state = (await finished(client, job)).structured_content
    assert state["status"] == "failed"
    assert told in state["error"]
    assert state["error"].endswith(".")
    assert "/" not in state["error"].replace("and/or", "")
    assert "Traceback" not in state["error"]


async def test_limits_of_size_length_memory_and_engines(desk: Desk, songs: Path) -> None:
    cases = [
        (Limits(seconds=5.0), {}, "longer than"),
        (Limits(decode_bytes=60_000_000), {}, "memory"),
        (Limits(), {"engine": "demucs:elsewhere"}, "no engine"),
    ]
    async with Client(build(desk)) as client:
        for limits, arguments, told in cases:
            desk.limits = limits
            asked = {"song": "boats.flac", "wait_s": 0, "engine": "hpss", **arguments}
            job = (await client.call_tool("separate", asked)).structured_content["job"]
            state = (await finished(client, job)).structured_content
            assert state["status"] == "failed"
            assert told in state["error"]
        desk.limits = Limits(file_bytes=1000)
        assert "larger" in (await client.call_tool("describe", {"song": "boats.flac"})).content[0].text
        desk.limits = Limits(disk_bytes=10)
        assert "full" in (await client.call_tool("describe", {"song": "boats.flac"})).content[0].text


async def test_a_job_outlives_the_server(songs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["-m", "musiclab", "serve", "--folder", str(songs), "--out", str(out)]
    server = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))
    before = set(psutil.Process().children())
    ended = False
    try:
        async with Client(server) as client:
            asked = {"song": "boats.flac", "engine": "hpss", "wait_s": 0}
            job = (await client.call_tool("separate", asked)).structured_content["job"]
            await until(client, job, lambda state: state["status"] == "working")
            for process in set(psutil.Process().children()) - before:
                if "serve" in process.cmdline():
                    process.kill()
                    ended = True
    except Exception:  # the client notices, one way or another
        assert ended
    assert ended
    async with Client(build(desk_for(songs, out))) as client:
        state = (await finished(client, job)).structured_content
        assert state["status"] == "done", state["error"]
        assert len(state["files"]) == 5


async def test_a_job_whose_process_was_killed_is_told_as_failed(desk: Desk) -> None:
    async with Client(build(desk)) as client:
        with nobody_gets_a_turn(desk):
            job = (await client.call_tool("describe", {"song": "boats.flac", "wait_s": 0})).structured_content["job"]
            await until(client, job, lambda _: desk.get(job).pid > 0)
            psutil.Process(desk.get(job).pid).kill()
            state = (await finished(client, job)).structured_content
    assert state["status"] == "failed"
    assert "ask for it again" in state["error"]


async def test_over_http_with_a_token(songs: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token-of-enough-letters\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "musiclab", "serve", "--folder", str(songs), "--out", str(tmp_path / "out")]
    command += ["--http", "--port", str(port), "--token-file", str(token), "--no-spare"]
    url = f"http://127.0.0.1:{port}/mcp"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            async with httpx2.AsyncClient(timeout=120) as plain:
                while True:  # until it listens
                    try:
                        answer = await plain.post(url, json={})
                        break
                    except httpx2.ConnectError:
                        assert process.poll() is None
                        await anyio.sleep(0.05)
                assert answer.status_code == 401
                wrong = await plain.post(url, json={}, headers={"Authorization": "Bearer nothing-of-the-kind"})
                assert wrong.status_code == 401
            right = {"Authorization": "Bearer a-token-of-enough-letters"}
            async with httpx2.AsyncClient(headers=right, timeout=120) as known:
                large = await known.post(url, content=b'{"x": "' + b"a" * 10_000_000 + b'"}')
                assert large.status_code == 413
                async with Client(streamable_http_client(url, http_client=known)) as client:
                    listed = (await client.call_tool("list_songs", {})).structured_content
                    assert len(listed["songs"]) == 2
                    asked = {"song": "boats.flac", "engine": "hpss", "wait_s": 0}
                    job = (await client.call_tool("separate", asked)).structured_content["job"]
                    assert (await finished(client, job)).structured_content["status"] == "done"
        finally:
            process.terminate()


async def test_ten_megabytes_in_memory_are_refused(desk: Desk) -> None:
    async with Client(build(desk)) as client:
        told = await client.call_tool("describe", {"song": "a" * 10_000_000})
        assert told.is_error
        assert len(told.content[0].text) < 1000


def test_other_machines_need_a_token(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="token"):
        web.http_server(desk, "0.0.0.0", 1, None)
    short = tmp_path / "short"
    short.write_text("abc")
    with pytest.raises(RequestError, match="at least 16"):
        web.http_server(desk, "0.0.0.0", 1, short)
    with pytest.raises(RequestError, match="can't be read"):
        web.http_server(desk, "0.0.0.0", 1, tmp_path / "none")
    assert [web.is_local(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")] == [
        *(True, True, True, False, False)
    ]
