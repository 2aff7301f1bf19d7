"""How long an agent waits: karaoke of half a minute through the server, over standard input, the first and second time.

    python tests/benchmarks/bench_server.py [--seconds 30] [--engine embedded] [--runs 3] [--json server.json]

Each run has an empty store and output folder, and a server that was started some seconds ago, as in a chat program:
its spare process has loaded what it needs. Without `--spare` every job loads everything itself. What Python compiles
is kept between runs, as it is where musiclab is installed. Wall time counts here, so the machine has to be idle; the
processor time of a job, all its threads and processes together, is told as well.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio
import psutil
from mcp import Client, StdioServerParameters

import musiclab as ml


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    flags = next((line for line in lines if line.startswith("flags")), "")
    kind = "AVX-512" if "avx512f" in flags else "AVX2"
    return f"{next(line for line in lines if line.startswith('model name')).split(': ')[1]}, {kind}"


def used(process: psutil.Process) -> float:
    """Processor time of a process and of all that it has waited for, s."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


async def asked(folder: Path, options: argparse.Namespace, environment: dict[str, str]) -> dict[str, float]:
    """Seconds of the first and the second call, of the processor too, and the memory (MB) of the process that waits."""
    command = ["-m", "musiclab", "serve", "--folder", str(folder / "songs"), "--out", str(folder / "made")]
    command += [] if options.spare else ["--no-spare"]
    environment = environment | {"MUSICLAB_CACHE": str(folder / "store")}
    told = {}
    async with Client(StdioServerParameters(command=sys.executable, args=command, env=environment)) as client:
        await client.call_tool("list_songs", {})
        await anyio.sleep(options.settle)
        server = next(child for child in psutil.Process().children() if "serve" in child.cmdline())
        told["spare_mb"] = sum(child.memory_info().rss for child in server.children()) / 1e6
        for name in ("first", "second"):
            there = server.children()
            before = used(server) + sum(used(child) for child in there)
            start = time.perf_counter()
            asked_for = {"song": "song.wav", "wait_s": 50, "engine": options.engine}
            answer = (await client.call_tool("karaoke", asked_for)).structured_content
            while answer["status"] in ("waiting", "working"):
                job = {"job": answer["job"], "wait_s": 50}
                answer = (await client.call_tool("job_status", job)).structured_content
            told[name] = time.perf_counter() - start
            if name == "first":
                psutil.wait_procs(there)  # what worked is counted where it is waited for
            told[f"{name}_cpu"] = used(server) - before + sum(used(child) for child in there if child.is_running())
            if answer["status"] != "done":
                raise SystemExit(answer["error"])
    return told


def run(options: argparse.Namespace, compiled: str) -> dict[str, float]:
    """One run, from nothing."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "songs").mkdir()
        ml.demo("paper-boats").mixture[0 : options.seconds].save(Path(folder) / "songs/song.wav")
        return anyio.run(asked, Path(folder), options, environment | {"PYTHONPYCACHEPREFIX": compiled})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of the song")
    parser.add_argument("--engine", default="embedded")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--settle", type=float, default=8.0, help="seconds between the server's start and the call")
    parser.add_argument("--spare", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as compiled:
        run(options, compiled)  # what Python compiles
        runs = [run(options, compiled) for _ in range(options.runs)]
    told = {name: round(statistics.median(each[name] for each in runs), 2) for name in runs[0]}
    told |= {"processor": processor(), "cores": os.cpu_count(), "seconds": options.seconds, "spare": options.spare}
    print(json.dumps(told))
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
