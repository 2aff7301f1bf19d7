"""How quick transcription is, beside the `basic-pitch` package with its ONNX model, in pairs.

    python tests/benchmarks/bench_transcription.py [--pairs 3] [--minutes 4]

Each run is a process of its own, so that imports count. `first`: a clip of 10 s. `song`: a file of 4 minutes. Both are
done in turn, so that a busy machine slows both; CPU seconds (user + system) are given beside wall seconds. The package
must be installed (`pip install --no-deps basic-pitch==0.4.0`); it is used here only.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
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
THEIRS = """
import sys, logging, pathlib
logging.disable(logging.WARNING)
import basic_pitch
from basic_pitch.inference import predict
model = pathlib.Path(basic_pitch.__file__).parent / "saved_models/icassp_2022/nmp.onnx"
print(len(predict(sys.argv[1], model)[2]))
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
                for instrument in ("guitar", "bass", "drums"):
                    rows.setdefault(f"{name}: musiclab, {instrument}", []).append(timed(OURS, str(path), instrument))
                rows.setdefault(f"{name}: basic-pitch, ONNX", []).append(timed(THEIRS, str(path)))
    table = {}
    for name, runs in rows.items():
        wall, cpu = (round(statistics.median(times), 2) for times in zip(*runs, strict=True))
        table[name] = {"wall": wall, "cpu": cpu}
    sys.stdout.write(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
