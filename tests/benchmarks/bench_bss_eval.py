"""Is our BSS-Eval museval's, on whole real songs, and how long do both take?

    MUSICLAB_REAL_DATA=... python tests/benchmarks/bench_bss_eval.py [NAME ...] [--json out.json]

Every stem of every song of ``multitracks``, both channels, windows of one second without overlap (museval's own
setting), as the engine ``hpss`` has separated it. The difference is the largest of all windows, stems and ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from musiclab import datasets, metrics
from musiclab.separation import separate

sys.path.append(str(Path(__file__).parents[2]))  # for what the tests share
RATIOS = ("sdr", "isr", "sir", "sar")


def compare(folder: Path) -> dict[str, object]:
    """One song: largest differences in dB, seconds of processor time."""
    from tests.references import museval_metrics

    bss_eval = museval_metrics().bss_eval

    song = datasets.load_multitrack(folder)
    estimates = separate(song.mixture, engine="hpss", cache=False, progress=False)
    references = np.stack([song.stems[name].samples for name in song.stems])
    guesses = np.stack([estimates[name].samples for name in song.stems])
    began = time.process_time()
    ours = metrics.bss_eval(references, guesses)
    between = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = bss_eval(references.transpose(0, 2, 1), guesses.transpose(0, 2, 1), window=44100, hop=44100)
    took = time.process_time() - between
    apart = [np.nanmax(np.abs(getattr(ours, name) - values)) for name, values in zip(RATIOS, theirs, strict=False)]
    return {
        "song": folder.name, "s": round(song.mixture.duration, 1), "windows": int(np.sum(~np.isnan(ours.sdr))),
        "largest difference (dB)": float(f"{max(apart):.1e}"), "ours (CPU s)": round(between - began, 1),
        "museval (CPU s)": round(took, 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="BSS-Eval against museval on real songs.")
    parser.add_argument("names", nargs="*", help="songs; all if left out")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    root = os.environ.get("MUSICLAB_REAL_DATA")
    if not root:
        print("MUSICLAB_REAL_DATA names no folder of real recordings: nothing to compare.")
        return
    rows = []
    for folder in sorted((Path(root) / "multitracks").iterdir()):
        if folder.is_dir() and (not arguments.names or folder.name in arguments.names):
            rows.append(compare(folder))
            print(rows[-1], flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
