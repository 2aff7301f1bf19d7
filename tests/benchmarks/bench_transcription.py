"""How quick transcription is, beside the `basic-pitch` package with its ONNX model, in pairs.

    python tests/benchmarks/bench_transcription.py [--pairs 3] [--minutes 4]

Each run is a process of its own, so that imports count. `first`: a clip of 10 s. `song`: a file of 4 minutes. Both are
done in turn, so that a busy machine slows both; CPU seconds (user + system) are given beside wall seconds, and
`paired` is the median ratio of the package's time to ours, pair by pair. The package must be installed
(`pip install --no-deps basic-pitch==0.4.0`); it is used here only. `again`: the part with other thresholds, from what
was heard (milliseconds of CPU).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

OURS = """
import sys
import musiclab as ml
from musiclab.transcription import transcribe
print(len(transcribe(ml.load(sys.argv[1]), instrument=sys.argv[2])))
"""
INSTRUMENTS = ("guitar", "bass", "drums")
PACKAGE = "basic-pitch, ONNX"
THEIRS = """
import sys, logging, pathlib
logging.disable(logging.WARNING)
import basic_pitch
from basic_pitch.inference import predict
model = pathlib.Path(basic_pitch.__file__).parent / "saved_models/icassp_2022/nmp.onnx"
print(len(predict(sys.argv[1], model)[2]))
"""


AGAIN = """
import json, sys, time
import musiclab as ml
from musiclab.transcription import listen
heard = listen(ml.load(sys.argv[1]), instrument=sys.argv[2])
heard.part()
times = {}
for name, value in (("onset_threshold", 0.5), ("frame_threshold", 0.4), ("min_length", 0.1)):
    began = time.process_time()
    heard.part(**{name: value})
    times[name] = round(1000 * (time.process_time() - began), 1)
print(json.dumps(times))
"""


def song(seconds: float, path: Path) -> Path:
    """Plucked chords and a melody, 44.1 kHz stereo."""
    from musiclab.notes import Note, Part

    rng = np.random.default_rng(0)
    notes = []
    for beat in np.arange(0, seconds - 1, 0.5):
        root = int(rng.integers(40, 52))
        notes += [Note(beat, beat + 0.45, root + k) for k in (0, 7, 12, 16)] if beat % 1 == 0 else []
        notes.append(Note(beat, beat + 0.3, int(rng.integers(60, 80))))
    samples = Part(tuple(notes), "guitar").audio().samples[0]
    soundfile.write(path, np.stack([samples, samples], axis=1), 44100)
    return path


def timed(code: str, *args: str) -> tuple[float, float]:
    """Wall and CPU seconds of a new Python that runs `code`."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code, *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=4.0)
    options = parser.parse_args()
    rows: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        clips = {
            "first": song(10, Path(folder) / "clip.wav"),
            "song": song(60 * options.minutes, Path(folder) / "s.wav"),
        }
        for _ in range(options.pairs):
            for name, path in clips.items():
                for instrument in INSTRUMENTS:
                    rows.setdefault(f"{name}: musiclab, {instrument}", []).append(timed(OURS, str(path), instrument))
                rows.setdefault(f"{name}: {PACKAGE}", []).append(timed(THEIRS, str(path)))
        again = {instrument: rethresholded(clips["song"], instrument) for instrument in INSTRUMENTS[:2]}
    table: dict[str, object] = {
        name: as_row(runs, rows[f"{name.split(':')[0]}: {PACKAGE}"]) for name, runs in rows.items()
    }
    sys.stdout.write(json.dumps({**table, "again, ms": again}, indent=1) + "\n")


def as_row(runs: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> dict[str, float]:
    """Medians over the runs, and of the package's time over ours."""
    wall, cpu = np.median(runs, axis=0)
    faster = np.median(np.array(theirs) / np.array(runs), axis=0)
    figures = {"wall": wall, "cpu": cpu, "paired wall": faster[0], "paired cpu": faster[1]}
    return {name: round(float(value), 2) for name, value in figures.items()}


def rethresholded(path: Path, instrument: str) -> dict[str, float]:
    """Milliseconds of CPU for the part of `path` with each other threshold."""
    done = subprocess.run([sys.executable, "-c", AGAIN, str(path), instrument], check=True, stdout=subprocess.PIPE)
    times: dict[str, float] = json.loads(done.stdout)
    return times


if __name__ == "__main__":
    main()
