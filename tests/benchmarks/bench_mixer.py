"""From the start of a cell to a mixer that plays, in a real JupyterLab and Chromium: the first time and the second.

    python tests/benchmarks/bench_mixer.py [--json out.json]

Four minutes of a demo song (its stems over and over), four stems and the residual, as a user has them: in memory, from
`separate`. Wall seconds, and processor seconds of server, kernel and browser together: they tell on a busy machine too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

BROWSER = Path(__file__).parents[1] / "browser"
BUDGET = 5.0  # s, until it can play
SONG = """
import os, time
import numpy as np, musiclab as ml
from musiclab.datasets import demo
from musiclab.stems import Stems
song = demo("paper-boats")
times = -(-240 * song.mixture.sr // song.mixture.frames)
long = lambda x: ml.Audio(np.tile(x.samples, times)[:, : 240 * x.sr], x.sr)
parts = {name: long(sound) for name, sound in song.stems.items()}
rest = 0.001 * np.random.default_rng(0).standard_normal(long(song.mixture).samples.shape, dtype=np.float32)
stems = Stems(parts, ml.Audio(sum(part.samples for part in parts.values()) + rest, song.mixture.sr))
"""
MIXER = """
began = time.time()
mixer = ml.Mixer(stems)
mixer
"""
PLAYABLE = """async (all) => {
  const done = () => {
    const mixer = document.querySelector(".ml-mixer");
    const play = mixer?.querySelector("[aria-label=play]");
    return play?.getAttribute("aria-disabled") === "false" && (!all || mixer.engine.complete);
  };
  while (!done()) await new Promise((next) => setTimeout(next, 10));
  return Date.now() / 1000;
}"""


def load(name: str) -> Any:
    """A helper of the browser tests."""
    spec = importlib.util.spec_from_file_location(f"musiclab_{name}", BROWSER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def processor_seconds() -> float:
    """Of this process's descendants: the server, the kernel, the browser."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            total += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
    return total


def measure(page: Page, notebook: Any, name: str) -> list[dict[str, object]]:
    """One run of the cell, from its start until it can play, and until all of the song is there."""
    notebook.python(SONG)
    before = processor_seconds()
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    rows = []
    for what, everything in ((f"mixer playable, {name}", False), (f"all of its sound, {name}", True)):
        at = page.evaluate(PLAYABLE, everything)
        spent = processor_seconds() - before
        wall = at - float(notebook.python("print(began)"))
        rows.append({"what": what, "seconds": wall, "processor_s": spent, "budget": None if everything else BUDGET})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    jupyter, conftest = load("jupyter"), load("conftest")
    rows = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        lab = jupyter.Lab(Path(folder), {**os.environ, "MUSICLAB_CACHE": f"{folder}/cache"})
        try:
            browser = playwright.chromium.launch(executable_path=conftest.chromium_path(), args=conftest.FLAGS)
            for name in ("first time", "second time"):
                page = browser.new_page()
                page.set_default_timeout(120_000)
                jupyter.write_notebook(lab, f"{name}.ipynb", [MIXER])
                rows += measure(page, jupyter.OpenNotebook(page, lab, f"{name}.ipynb"), name)
                page.close()
            browser.close()
        finally:
            lab.stop()
    for row in rows:
        print(f"{row['what']:40}{row['seconds']:7.2f} s{row['processor_s']:7.2f} s of processor")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
