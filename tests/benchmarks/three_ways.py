"""Every whole job three ways, through Python, the terminal and the agents' server: are the files the same to the bit?

    python tests/benchmarks/three_ways.py SONG [SONG ...] [--engine embedded] [--seconds 20] [--json out.json]

For each song (the bundled one if none is given) and each job: whether all files are equal, and the seconds that each
way took; the first way separates, the others find the stems in the store, as a user would.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

import musiclab as ml
from musiclab.agent.server import build, desk_for

# Each job: what is typed, what an agent asks for, what is called.
JOBS: dict[str, tuple[list[str], dict[str, Any], Callable[..., Any]]] = {
    "karaoke": (["--key", "-2"], {"key": -2}, lambda song, **how: ml.karaoke(song, key=-2, **how)),
    "minus-one": (["bass", "--click"], {"stem": "bass", "click": True},
                  lambda song, **how: ml.minus_one(song, "bass", click=True, **how)),
    "rebalance": (["vocals=+3"], {"gains_db": {"vocals": 3}},
                  lambda song, **how: ml.rebalance(song, {"vocals": 3}, **how)),
    "play-as": (["bass", "tuba"], {"stem": "bass", "instrument": "tuba"},
                lambda song, **how: ml.play_as(song, "bass", instrument="tuba", **how)),
    "score": (["--stem", "bass"], {"stem": "bass"}, lambda song, **how: ml.sheet_music(song, "bass", **how)),
    "remix-pack": ([], {}, ml.remix_pack),
    "samples": ([], {}, ml.samples),
}  # fmt: skip
TOOLS = {"score": "sheet_music"}  # what an agent calls it, where that is another word
FREE = ("karaoke", "minus-one", "rebalance", "play-as")  # whose sounds can have any format


def in_python(job: str, song: Path, out: Path, engine: str) -> list[Path]:
    """The files of a job, called."""
    options = {"format": "wav"} if job in FREE else {}
    return list(JOBS[job][2](song, engine=engine, progress=False).save(out, **options))


def in_a_terminal(job: str, song: Path, out: Path, engine: str) -> list[Path]:
    """The files of a job, typed."""
    typed = [job, str(song), *JOBS[job][0], "-e", engine, "-o", str(out), "--json"]
    typed += ["-f", "wav"] if job in FREE else []
    done = subprocess.run([sys.executable, "-m", "musiclab", *typed], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    files = json.loads(done.stdout)["files"]
    return [Path(path) for path in (files.values() if isinstance(files, dict) else files)]


def through_the_server(job: str, song: Path, out: Path, engine: str) -> list[Path]:
    """The files of a job, asked for by an agent."""
    asked = {"song": song.name, **JOBS[job][1], "engine": engine, "wait_s": 50}
    asked |= {"format": "wav"} if job in FREE else {}

    async def ask() -> list[Path]:
        async with Client(build(desk_for(song.parent, out)), raise_exceptions=True) as client:
            told = await client.call_tool(TOOLS.get(job, job.replace("-", "_")), asked)
            while told.structured_content["status"] in ("waiting", "working"):
                told = await client.call_tool("job_status", {"job": told.structured_content["job"], "wait_s": 50})
            if told.structured_content["status"] != "done":
                raise SystemExit(told.structured_content["error"])
            return [out / file["name"] for file in told.structured_content["files"]]

    return anyio.run(ask)


WAYS = {"python": in_python, "terminal": in_a_terminal, "server": through_the_server}


def compare(job: str, song: Path, engine: str, out: Path) -> dict[str, object]:
    """One job of one song, each way."""
    seconds, made = {}, {}
    for name, way in WAYS.items():
        start = time.perf_counter()
        found = way(job, song, out / name, engine)
        seconds[name] = round(time.perf_counter() - start, 2)
        made[name] = {path.name: path.read_bytes() for path in found}
    differ = sorted({n for files in made.values() for n in files} - {
        n for n in made["python"] if all(files.get(n) == made["python"][n] for files in made.values())
    })  # fmt: skip
    return {"song": song.name, "job": job, "files": len(made["python"]), "differ": differ, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", nargs="*", type=Path)
    parser.add_argument("--engine", default="embedded")
    parser.add_argument("--seconds", type=float, default=20.0, help="how much of each song, from its beginning")
    parser.add_argument("--jobs", nargs="*", default=list(JOBS))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for path in options.songs or [None]:
        song = ml.load(path) if path else ml.demo().mixture
        for job in options.jobs:
            with tempfile.TemporaryDirectory() as folder:
                songs = Path(folder) / "songs"
                songs.mkdir()
                name = path.parent.name if path and path.stem == "mixture" else path.stem if path else "bundled"
                excerpt = song[0 : options.seconds].save(songs / f"{name}.flac")
                rows.append(compare(job, excerpt, options.engine, Path(folder) / "made"))
            print(rows[-1], flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    sys.exit(any(row["differ"] for row in rows))


if __name__ == "__main__":
    main()
