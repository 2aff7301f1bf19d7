"""Explorer and mask lab in a real JupyterLab: the page and the kernel together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat
import numpy as np
import pytest
from playwright.sync_api import expect

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.widgets.explorer.explorer import SpectrogramExplorer
from musiclab.widgets.masklab.masklab import MaskLab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SONG = """
import numpy as np, musiclab as ml
from musiclab.stems import Stems
t = np.arange(3 * 44100) / 44100
tone = lambda hz: 0.2 * np.sin(2 * np.pi * hz * t)
note = tone(1000) * ((t > 1) & (t < 2))
mixture = ml.Audio(tone(440) + tone(110) + note, 44100)
stems = Stems({"vocals": ml.Audio(tone(440), 44100), "bass": ml.Audio(tone(110) + note, 44100)}, mixture)
truth = Stems({"vocals": ml.Audio(tone(440) + note, 44100), "bass": ml.Audio(tone(110), 44100)}, mixture)
"""
SPECTRUM = """async () => {
  const { engine } = document.querySelector(".ml-lab").sound;
  const x = (await engine.render(1.2, 0.5)).getChannelData(0);
  let re = 0, im = 0;
  x.forEach((v, n) => { re += v * Math.cos(2 * Math.PI * 1000 * n / 44100); im += v * Math.sin(2 * Math.PI * 1000 * n / 44100); });
  return 20 * Math.log10(2 * Math.hypot(re, im) / x.length + 1e-9);
}"""  # noqa: E501


def test_a_note_is_painted_from_one_stem_to_the_other(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook("mask-lab.ipynb", cells=[SONG, "lab = ml.MaskLab(mixture, stems, truth=truth)\nlab"])
    notebook.run_all()
    page = notebook.page
    page.wait_for_function("document.querySelector('.ml-lab')?.sound.engine.ready", timeout=60_000)
    page.get_by_role("radio", name="This stem").click()
    assert page.evaluate(SPECTRUM) < -60
    page.get_by_role("radio", name="Rectangle").click()
    canvas = page.get_by_role("img", name="spectrogram with mask")
    canvas.scroll_into_view_if_needed()
    corners = page.evaluate("""() => {
      const { view } = document.querySelector(".ml-lab");
      const box = view.canvas.getBoundingClientRect();
      return [[0.9, 800], [2.1, 1250]].map(([t, hz]) => [box.x + view.xOf(t), box.y + view.yOf(hz)]);
    }""")
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=5)
    page.mouse.up()
    expect(page.get_by_role("button", name="undo")).to_be_enabled()
    page.wait_for_function(f"({SPECTRUM})().then((db) => db > -15)")
    check = "print(abs(sum(lab.stems[n].samples.astype(float) for n in [*lab.stems, 'residual']) - mixture.samples).max() < 3e-5)"  # noqa: E501
    assert notebook.python(check) == "True"
    page.get_by_role("button", name="undo").click()
    expect(page.get_by_role("button", name="undo")).to_be_disabled()
    assert notebook.python("print(all(lab.stems[n] is stems[n] for n in stems))") == "True"


def test_the_window_slider_reaches_the_kernel_and_changes_the_picture(open_notebook: Callable[..., Any]) -> None:
    notebook = open_notebook("explorer.ipynb", cells=[SONG, "ex = ml.SpectrogramExplorer(mixture)\nex"])
    notebook.run_all()
    page = notebook.page
    page.wait_for_function("document.querySelector('.ml-explorer')?.pictures.tile", timeout=60_000)
    page.evaluate("window.before = document.querySelector('.ml-explorer').pictures.tile")
    page.get_by_role("slider", name="Window").press("End")
    expect(page.get_by_role("status", name="resolution")).to_contain_text("2.7 Hz")
    page.wait_for_function("""() => {
      const { tile } = document.querySelector(".ml-explorer").pictures;
      return tile && tile !== before && tile.look.n_fft === 32768;
    }""")
    assert notebook.python("print(ex.n_fft)") == "32768"


def test_a_notebook_that_is_not_trusted_shows_pictures(lab: Any, open_notebook: Callable[..., Any]) -> None:
    """As it comes by mail: with outputs, and no kernel that has run them."""
    tone = Audio(0.2 * np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100), 44_100)
    widgets = [MaskLab(tone, Stems({"vocals": tone}, tone)), SpectrogramExplorer(tone)]
    cells = []
    for widget in widgets:
        data, metadata = widget._repr_mimebundle_()
        output = nbformat.v4.new_output("execute_result", data=data, metadata=metadata, execution_count=1)
        cells.append(nbformat.v4.new_code_cell("widget", outputs=[output], execution_count=1))
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), lab.files / "by-mail.ipynb")
    notebook = open_notebook("by-mail.ipynb", there=True)
    pictures = notebook.output("img")
    expect(pictures).to_have_count(2)
    for number in range(2):
        assert pictures.nth(number).evaluate("(img) => img.decode().then(() => img.naturalWidth)") == 1440
    expect(notebook.output(".musiclab")).to_have_count(0)
