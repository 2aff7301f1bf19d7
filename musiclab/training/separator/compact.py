"""A compact copy of the samples, for a machine that takes little: mono Ogg Vorbis of some from every instrument.

Notebook: 06
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from musiclab.errors import DatasetError

BYTES_A_SECOND = 9_000  # of mono Vorbis at these qualities; the choice is made before anything is encoded
LONGEST = 8.0  # s that are kept of a note; voices are kept whole
QUALITY = {"voice": 0.5, "": 0.7}  # as soundfile counts compression: lower is better
BLOCK = 65_536  # frames: the encoder fails on very long writes

Row = Mapping[str, Any]


def compact(samples: Path, out: Path, *, megabytes: float = 35.0) -> int:
    """Copy a thinned set of samples.

    From every instrument, kit and voice some are taken in turn, spread over its range, until the size is reached.

    Parameters
    ----------
    samples : Path
        Folder with `index.json`.
    out : Path
        Folder to make; with an index of its own, licences and attributions kept.
    megabytes : float
        About the size of the copy.

    Returns
    -------
    int
        How many files were copied.

    Raises
    ------
    DatasetError
        If there is no index.
    """
    try:
        rows = json.loads((samples / "index.json").read_text(encoding="utf-8"))["entries"]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{samples / 'index.json'} is no index of samples ({error}).") from error
    chosen = choose(rows, megabytes * 1e6)
    copied = [dict(row, file=_copy(row, samples, out)) for row in chosen]
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.json").write_text(json.dumps({"entries": copied}), encoding="utf-8")
    return len(copied)


def choose(rows: list[Row], size: float) -> list[Row]:
    """Rows of the index, in its order, whose copies take about `size` bytes."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number in sorted(range(len(rows)), key=lambda n: (rows[n].get("pitch") or 0, str(rows[n]["file"]))):
        row = rows[number]
        who = str(row.get("voice_id") or row.get("kit") or row.get("library"))
        groups[str(row["family"]), who, str(row["kind"])].append(number)
    turns = [[group[at] for at in _spread(len(group))] for _, group in sorted(groups.items())]
    taken: list[int] = []
    spent = 0.0
    for turn in range(max((len(group) for group in turns), default=0)):
        for number in (group[turn] for group in turns if turn < len(group)):
            spent += _seconds(rows[number]) * BYTES_A_SECOND
            if spent > size:
                return [rows[n] for n in sorted(taken)]
            taken.append(number)
    return [rows[n] for n in sorted(taken)]


def _spread(count: int) -> list[int]:
    """0 to ``count - 1``, each as far from those before as can be: the middle, the quarters, the eighths."""
    bits = max(count - 1, 1).bit_length()
    reversed_bits = [int(format(n, f"0{bits}b")[::-1], 2) for n in range(2**bits)]
    return [n for n in reversed_bits if n < count]


def _seconds(row: Row) -> float:
    seconds = float(row.get("dur") or 1.0)
    return seconds if row["family"] == "voice" else min(seconds, LONGEST)


def _copy(row: Row, samples: Path, out: Path) -> str:
    path = (out / str(row["file"])).with_suffix(".ogg")
    path.parent.mkdir(parents=True, exist_ok=True)
    x, sr = soundfile.read(samples / str(row["file"]), dtype="float32", always_2d=True)
    mono = x.mean(axis=1)
    if row["family"] != "voice":
        mono = mono[: int(LONGEST * sr)]
    quality = QUALITY.get(str(row["family"]), QUALITY[""])
    with soundfile.SoundFile(path, "w", sr, 1, format="OGG", subtype="VORBIS", compression_level=quality) as file:
        for start in range(0, len(mono), BLOCK):
            file.write(np.ascontiguousarray(mono[start : start + BLOCK]))
    return path.relative_to(out).as_posix()
