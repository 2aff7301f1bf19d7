"""The site for a classroom without a server, built on Pyodide's core and opened: nothing else answers, and Python does.

The core comes with ``npm install``; numpy for the browser doesn't, so that wheels without content stand in for what is
compiled. All else is real: JupyterLite, the kernel, musiclab's wheel, the widgets' front-ends.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.scripts import script, served

REPO = Path(__file__).parents[2]
CORE = REPO / "node_modules" / "pyodide"
PATIENCE = 240_000  # ms: the browser compiles Python, on a machine that has much else to do
CELL = """
import anywidget, traitlets
import musiclab as ml
from musiclab.threads import has_threads

class Sound(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
      const [first, second] = model.get("packets");
      el.textContent = `came: ${first.byteLength} ${first.getUint8(255)} ${second.byteLength}`;
      el.onclick = () => model.send({ order: "back" }, undefined, [new Uint8Array([7, 8, 9]).buffer]);
      el.className = "came";
    } }'''
    packets = traitlets.List(traitlets.Bytes()).tag(sync=True)

heard = []
sound = Sound(packets=[bytes(range(256)) * 4000, b""])
sound.on_msg(lambda _, content, buffers: heard.append((content["order"], [bytes(buffer) for buffer in buffers])))
try:
    ml.Mixer
except ModuleNotFoundError as error:
    print(error.name, "lacks,", ml.__version__, has_threads())
sound
"""


@pytest.fixture(scope="module")
def lite() -> ModuleType:
    for name in ("jupyterlite_core", "jupyterlite_pyodide_kernel"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install 'musiclab[lite-site]'")
    if not (CORE / "pyodide.mjs").is_file():
        pytest.skip("there is no Pyodide in node_modules: npm install")
    return script("lite")


def stand_in(path: Path, entry: dict[str, Any]) -> None:
    """A wheel without content."""
    info = f"{entry['name'].replace('-', '_')}-{entry['version']}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        told = f"Metadata-Version: 2.4\nName: {entry['name']}\nVersion: {entry['version']}\n"
        file.writestr(f"{info}/METADATA", told)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


def fill(lite: ModuleType, folder: Path) -> None:
    """Make a distribution of Pyodide's core: the pure packages from the index, stand-ins for the compiled ones."""
    lock = lite.read_lock(str(CORE), folder)
    entries = lite.chosen(lock, [*lite.light(), "typing-extensions"])
    pure = [f"{one['name']}=={one['version']}" for one in entries.values() if one["file_name"].endswith("-any.whl")]
    order = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    order += ["--platform", "any", "--python-version", "3.14", "--dest", str(folder), *pure]
    done = subprocess.run(order, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the package index can't be reached: {done.stderr.strip()[-200:]}")
    for entry in entries.values():
        path = folder / entry["file_name"]
        if not path.exists():
            stand_in(path, entry)
        entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / lite.LOCK).write_text(json.dumps(lock))


@pytest.fixture(scope="module")
def site(lite: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the site."""
    folder, out = tmp_path_factory.mktemp("pyodide") / "full", tmp_path_factory.mktemp("site") / "lite"
    shutil.copytree(CORE, folder)
    fill(lite, folder)
    lite.build(str(folder), out)

    with served(out) as address:
        yield address


def run(page: Page, number: int, code: str) -> Any:
    """Write code into a cell of the notebook and run it; its outputs."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    expect(cell.locator(".jp-InputPrompt")).to_have_text(f"[{number + 1}]:", timeout=PATIENCE)
    return cell.locator(".jp-OutputArea-output")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_page_of_the_site_runs_python_alone(site: str, new_context: Callable[..., BrowserContext]) -> None:
    page, elsewhere = new_context().new_page(), list[str]()

    def only_here(route: Any) -> None:
        if route.request.url.startswith(site):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    page.context.route("**/*", only_here)
    page.goto(f"{site}/notebooks/index.html?path=start.ipynb")
    expect(page.get_by_role("heading", name="without a server")).to_be_visible(timeout=PATIENCE)
    expect(run(page, 0, "1 + 1")).to_have_text("2")
    output = run(page, 1, CELL)
    expect(output.first).to_have_text("numpy lacks, 0.1.0 False")
    expect(page.locator(".came")).to_have_text("came: 1024000 255 0")
    page.locator(".came").click()
    expect(run(page, 2, "print(heard)")).to_have_text("[('back', [b'\\x07\\x08\\t'])]")
    page.goto(f"{site}/notebooks/index.html?path=02-sound-and-spectrogram.ipynb")
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("Python (Pyodide)", timeout=PATIENCE)
    assert elsewhere == []
