"""Draw how a training went: ``python -m musiclab.training.separator curves RUN --out curve.png``.

Reads ``log.csv`` and ``dev.csv`` (or ``held.csv``), which `running` writes. Rows that a later run went over again
(after going back to an earlier checkpoint) are left out, and so are rows without a loss.

Notebook: 06
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

from musiclab.separation.engines.embedded.network import STEMS


def read(path: Path) -> dict[str, list[float]]:
    """Columns of a CSV file by name, without what was overtaken."""
    rows: list[dict[str, float]] = []
    with path.open(newline="") as file:
        for raw in csv.DictReader(file):
            row = {name: float(value) for name, value in raw.items()}
            rows = [earlier for earlier in rows if earlier["step"] < row["step"]]
            if math.isfinite(row.get("loss", 0.0)):  # a stem that no song has is drawn as nothing
                rows.append(row)
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def draw(run: Path, out: Path) -> None:
    """Loss on the training songs and SDR on the development songs over the steps, as a picture in `out`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    log = read(run / "log.csv")
    left.plot(log["step"], log["loss"], linewidth=1)
    left.set(xlabel="step", ylabel="loss (nepers)", title="Training songs")
    scored = next((run / f"{kind}.csv" for kind in ("dev", "held") if (run / f"{kind}.csv").exists()), None)
    if scored is not None:
        dev = read(scored)
        for name in STEMS:
            right.plot(dev["step"], dev[name], marker=".", label=name)
        right.plot(dev["step"], dev["average"], color="black", linestyle="--", label="average")
        right.set(
            xlabel="step", ylabel="SDR (dB)", title="Development songs" if scored.stem == "dev" else "Songs held out"
        )
        right.legend(fontsize="small")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=100)
