"""From the start of a cell to a mixer that plays, to its bars, and how smoothly it zooms: in JupyterLab and Chromium.

    python tests/benchmarks/bench_mixer.py [--json out.json]

Four minutes of a demo song (its stems over and over), four stems and the residual, as a user has them: in memory, from
`separate`. Wall seconds, and processor seconds of server, kernel and browser together: they tell on a busy machine too.
Of a zoom from the whole song to a beat and back: frames a second, the processor's time that the page's thread takes for
one, and the bytes that the page holds as decoded sound.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

BROWSER = Path(__file__).parents[1] / "browser"
BUDGET = 4.0  # s, until it can play
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
WHAT = {"play": "mixer playable", "sound": "all of its sound", "bars": "bars, chords, sections"}
MIXER = """
began = time.time()
mixer = ml.Mixer(stems)
mixer
"""
PLAYABLE = """async (what) => {
  const done = () => {
    const mixer = document.querySelector(".ml-mixer");
    if (what === "bars") return mixer?.querySelectorAll(".ml-section").length > 0;
    const all = what === "sound";
    const play = mixer?.querySelector("[aria-label=play]");
    return play?.getAttribute("aria-disabled") === "false" && (!all || mixer.engine.complete);
  };
  while (!done()) await new Promise((next) => setTimeout(next, 10));
  return Date.now() / 1000;
}"""
ZOOM = """async () => {
  const lanes = document.querySelector(".ml-lanes");
  const { left, width } = lanes.getBoundingClientRect();
  const frame = () => new Promise(requestAnimationFrame);
  const began = await frame();
  let [now, frames] = [began, 0];
  for (; now - began < 4000; frames++) {
    const deltaY = now - began < 2000 ? -12 : 12;
    lanes.dispatchEvent(new WheelEvent("wheel", {
      deltaY, ctrlKey: true, clientX: left + width / 3, bubbles: true, cancelable: true,
    }));
    now = await frame();
  }
  const { buffers } = document.querySelector(".ml-mixer").engine;
  const bytes = buffers.reduce((sum, { length, numberOfChannels }) => sum + 4 * length * numberOfChannels, 0);
  return { frames, fps: (1000 * frames) / (now - began), bytes };
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
    for what in ("play", "sound", "bars"):
        at = page.evaluate(PLAYABLE, what)
        spent = processor_seconds() - before
        wall = at - float(notebook.python("print(began)"))
        budget = BUDGET if what == "play" else None
        rows.append({"what": f"{WHAT[what]}, {name}", "seconds": wall, "processor_s": spent, "budget": budget})
    return rows


def zoom(page: Page) -> dict[str, float]:
    """Frames a second of a zoom, what one costs (ms of the page's thread), and the sound that the page holds (MB)."""
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        listed = metrics.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in listed if metric["name"] == "TaskDuration"))

    before = spent()
    told = page.evaluate(ZOOM)
    return {"fps": told["fps"], "frame_ms": 1000 * (spent() - before) / told["frames"], "page_mb": told["bytes"] / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    jupyter, conftest = load("jupyter"), load("conftest")
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        lab = jupyter.Lab(Path(folder), {**os.environ, "MUSICLAB_CACHE": f"{folder}/cache"})
        try:
            named = os.environ.get("MUSICLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=named, args=conftest.FLAGS)
            for name in ("first time", "second time"):
                page = browser.new_page()
                page.set_default_timeout(120_000)
                jupyter.write_notebook(lab, f"{name}.ipynb", [MIXER])
                rows += measure(page, jupyter.OpenNotebook(page, lab, f"{name}.ipynb"), name)
                zoomed = zoom(page)
                page.close()
            browser.close()
        finally:
            lab.stop()
    for row in rows:
        print(f"{row['what']:40}{row['seconds']:7.2f} s{row['processor_s']:7.2f} s of processor")
    print(
        "zoom: {fps:.0f} frames a second, {frame_ms:.1f} ms each; {page_mb:.0f} MB of sound in the page".format(
            **zoomed
        )
    )
    rows.append({"what": "zoom", **zoomed})
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
