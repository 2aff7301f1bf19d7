"""musiclab as in a browser's page (JupyterLite): no threads, no processes, and few packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_fourier import HEAVY

REPO = Path(__file__).parents[2]
CORE = REPO / "node_modules" / "pyodide"  # Python for the browser, without numpy: `npm install` brings it
ABSENT = {
    *(
        "verovio",
        "typst",
        "pyloudnorm",
        "python_stretch",
        "midirenderer",
        "resource",
        "pwd",
        "grp",
        "readline",
        "curses",
    ),
    *("_multiprocessing", "_posixshmem", "dbm", "tkinter", "ensurepip", "venv", "syslog", "pydoc_data"),
}
FEW_PACKAGES = """
import asyncio, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""
NO_THREADS = """
import subprocess, threading, types

def refused(*args, **settings):
    raise RuntimeError("can't start new thread")

def no_process(*args, **settings):
    raise OSError(138, "emscripten does not support processes.")

sys._emscripten_info = types.SimpleNamespace(pthreads=False)
threading.Thread.start, subprocess.Popen.__init__ = refused, no_process
"""
USE = """
import numpy as np
import musiclab as ml
from musiclab.errors import MusiclabError

async def until(true, patience=60):
    for _ in range(int(patience / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")

def said(call):
    try:
        call()
    except MusiclabError as error:
        return str(error)
    return "nothing"

def widgets(song, stems):
    mixer, lab = ml.Mixer(stems), ml.MaskLab(song, stems)
    whole = mixer.mix().samples
    mixer.gains_db["bass"] = -12
    assert np.abs(whole - mixer.mix().samples).max() > 0.01
    before = lab.stems[lab.stem].samples.copy()
    lab.paint_rectangle(0.5, 1.0, 60, 400)
    assert np.abs(before - lab.stems[lab.stem].samples).max() > 0.001
    assert len(ml.SpectrogramExplorer(song)._still()) > 1000
    part = ml.Part([ml.Note(0, 0.5, 40, 90, 0.9)], "bass", beats=(0.0, 0.5), downbeats=(0.0,), duration=1.0)
    assert "Engraving sheet music needs the package verovio, which" in said(lambda: part.save("bass.svg"))
    return mixer
"""
HERE = """
async def main():
    song = ml.demo()
    stems = song.stems
    mixer = widgets(song.mixture, stems)
    mixer.folder = {folder!r}
    await asyncio.sleep(0.05)
    assert mixer._sound_0 == []  # no page has asked
    mixer._on_message(None, {{"order": "sound"}}, [])
    await until(lambda: mixer._packing.done.is_set())
    assert not mixer._error, mixer._error
    packets = [getattr(mixer, f"_sound_{{number}}") for number in range(len(mixer._cuts))]
    assert {{len(packet) for packet in packets}} == {{len(mixer._pieces)}}
    assert packets[0][0][:4] == b"fLaC"
    mixer._format = "ogg"  # the page can't decode the other
    await until(lambda: mixer._sound_0 and mixer._sound_0[0][:4] == b"OggS")
    await until(lambda: mixer._packing.done.is_set() and not mixer._charting)
    assert mixer.chart.grid is not None
    mixer._on_message(None, {{"order": "save", "format": "flac"}}, [])
    assert not mixer._saving.get("done")
    await until(lambda: mixer._saving.get("done"))
    assert "needs the package verovio, which" in said(lambda: ml.ScoreView(song.part("bass"), stems))
    assert "Separating needs the package torch, which" in said(lambda: ml.separate(song.mixture, cache=False))
    assert "needs the package onnxruntime, which" in said(lambda: ml.transcribe(song.mixture, instrument="bass"))
    print(len(stems._repr_html_()) > 10_000)

asyncio.run(main())
import ast
from pathlib import Path
ours = [Path(module.__file__) for name, module in list(sys.modules.items()) if name.split(".")[0] == "musiclab"]
nodes = [node for path in ours for node in ast.walk(ast.parse(path.read_text("utf-8")))]
names = {{name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}}
names |= {{node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}}
print(*sorted(name for name in names if name.split(".")[0] in sys.stdlib_module_names and name != "__future__"))
"""
LESSON = """
import json
import matplotlib
matplotlib.use("Agg")
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

HistoryManager.enabled = False  # it has a thread of its own
shell = InteractiveShell.instance()

async def main():
    with open({path!r}, encoding="utf-8") as file:
        cells = [cell for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
    for cell in cells:
        if "exercise" not in cell["metadata"].get("tags", []):
            assert shell.run_cell("".join(cell["source"])).success

asyncio.run(main())
"""
IN_PYODIDE = """
from musiclab.audio import Audio

t = np.arange(2 * 44100) / 44100
vocals, bass = (Audio(np.float32(0.2 * np.sin(2 * np.pi * f * t))[None].repeat(2, 0), 44100) for f in (440, 110))
song = Audio(vocals.samples + bass.samples, 44100)
mixer = widgets(song, ml.Stems({"vocals": vocals, "bass": bass}, song))
print(sys.platform, mixer.mix().frames, np.__version__)
"""
RUN = """
const [, , core, script, ...packages] = process.argv;
const { loadPyodide } = await import(`${core}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${core}/`, stdout: console.log, stderr: console.error });
if (packages.length) await python.loadPackage(packages, { messageCallback() {} });
python.mountNodeFS("/host", process.env.HOST);
python.mountNodeFS("/site", process.env.SITE);
try {
  await python.runPythonAsync(script);
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The modules of the standard library that musiclab asks for in a page, after it did there all that it can."""
    folder = tmp_path_factory.mktemp("page")
    script = FEW_PACKAGES.format(missing=HEAVY | ABSENT) + NO_THREADS + USE + HERE.format(folder=str(folder))
    settings = {**os.environ, "MUSICLAB_CACHE": str(folder / "store"), "HF_HUB_OFFLINE": ""}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=settings)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    told, modules = done.stdout.splitlines()
    assert told == "True"
    assert list(folder.glob("*.flac"))
    return modules.split()


def in_pyodide(core: Path, script: str, *packages: str) -> str:
    """What a script prints in the browser's Python, run by Node.js."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node.js here")
    import anywidget

    settings = {**os.environ, "HOST": str(REPO), "SITE": str(Path(anywidget.__file__).parents[1])}
    order = [node, "--input-type=module", "-", str(core), script, *packages]
    done = subprocess.run(order, input=RUN, capture_output=True, text=True, check=False, env=settings)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_what_works_in_a_page_works_without_threads_and_processes(imported: list[str]) -> None:
    assert {"asyncio", "threading", "pathlib"} <= set(imported)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["start", "02-sound-and-spectrogram", "04-phase-and-reconstruction"])
def test_a_lesson_of_the_site_needs_nothing_that_a_page_lacks(name: str, tmp_path: Path) -> None:
    path = REPO / ("deploy/lite" if name == "start" else "notebooks") / f"{name}.ipynb"
    script = FEW_PACKAGES.format(missing=HEAVY | ABSENT) + NO_THREADS + LESSON.format(path=str(path))
    settings = {**os.environ, "MUSICLAB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": ""}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=settings)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stdout + done.stderr
    assert "a page without" not in done.stdout
    assert "not installed here" not in done.stdout


@pytest.mark.slow
def test_the_browsers_python_has_the_modules_that_it_asks_for(imported: list[str]) -> None:
    if not (CORE / "pyodide.mjs").is_file():
        pytest.skip("there is no Pyodide in node_modules: npm install")
    script = f"import importlib, json\nfor name in {imported!r}: importlib.import_module(name)\n"
    script += """
import sys
sys.path += ["/host", "/site"]
from musiclab.threads import has_threads, pool
with pool() as workers:
    print(json.dumps([sys.platform, has_threads(), list(workers.map(abs, [-1]))]))
"""
    assert json.loads(in_pyodide(CORE, script)) == ["emscripten", False, [1]]


@pytest.mark.slow
def test_mixer_mask_lab_and_explorer_in_the_browsers_python() -> None:
    """In a Pyodide with numpy: MUSICLAB_PYODIDE names the folder of its distribution."""
    folder = os.environ.get("MUSICLAB_PYODIDE")
    if not folder:
        pytest.skip("MUSICLAB_PYODIDE names no folder of a Pyodide distribution with numpy and SciPy")
    script = FEW_PACKAGES.format(missing=HEAVY | ABSENT) + 'sys.path += ["/host", "/site"]\n' + USE + IN_PYODIDE
    told = in_pyodide(Path(folder), script, "numpy", "scipy", "pillow", "ssl")
    assert told.startswith("emscripten 88200 ")
