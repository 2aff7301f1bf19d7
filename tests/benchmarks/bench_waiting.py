"""What a user waits for besides the separation itself, against its budget.

    python tests/benchmarks/bench_waiting.py [--json out.json]

Four minutes of stereo, four stems. Each figure is the best of three, in processor time with one thread: what a user of
an idle machine waits, and what other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SECONDS, SR, ROUNDS = 240, 44100, 3


def best(action: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return min(spent)


def fresh(code: str) -> float:
    """Seconds that `code` takes in a new process, without the start of Python."""
    timed = f"import time; t = time.process_time()\n{code}\nprint(time.process_time() - t)"
    return min(
        float(subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    )


def measure() -> list[dict[str, object]]:
    import matplotlib as mpl
    import numpy as np
    import torch

    from musiclab import plots
    from musiclab.audio import Audio
    from musiclab.separation import Engine, Licence, separate
    from musiclab.widgets.mixer import Mixer

    torch.set_num_threads(1)

    class Quarter(Engine):
        """Costs nothing, so that what remains is ours."""

        name, stems, sr = "quarter", ("vocals", "drums", "bass", "other"), SR
        licence, segment, normalise, fixed, version = Licence("MIT", "none needed"), 7.8, True, True, "1"

        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            return torch.stack([mixture / 4] * 4, 1)

    samples = 0.1 * np.random.default_rng(0).standard_normal((2, SECONDS * SR), dtype=np.float32)

    def cached() -> object:
        return separate(Audio(samples, SR), engine=Quarter(), progress=False)

    def figure() -> None:
        mpl.use("Agg")
        drawn = plots.spectrogram(song)
        drawn.figure.savefig(io.BytesIO(), format="png")

    song = Audio(samples, SR)
    loop = best(lambda: separate(song, engine=Quarter(), cache=False, progress=False))
    stems = cached()
    rows = [
        ("import musiclab", fresh("import musiclab"), 0.3),
        ("the table of engines, in a new process", fresh("import musiclab; repr(musiclab.engines())"), 0.5),
        ("a song separated before, to its Stems", best(cached), 0.5),
        ("the loop around a network that costs nothing", loop, 12.0),
        ("the spectrogram of the whole song, as PNG", best(figure), 0.5),
        ("Mixer(stems), to the end of the cell", best(lambda: Mixer(stems).close()), 5.0),
    ]
    return [{"what": what, "seconds": seconds, "budget": budget} for what, seconds, budget in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store:
        os.environ["MUSICLAB_CACHE"] = store
        rows = measure()
    for row in rows:
        met = "met" if row["seconds"] <= row["budget"] else "MISSED"
        print(f"{row['what']:50}{row['seconds']:8.3f} s  of {row['budget']:5.1f} s  {met}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
