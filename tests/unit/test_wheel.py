"""The wheel that users install works without the training wing: it is for tests, notebooks and making data sets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
USE = """
import sys
from pathlib import Path
import anywidget
import musiclab as ml

home, out = Path(sys.argv[1]), Path(sys.argv[2])
assert home in Path(ml.__file__).parents, ml.__file__
song = ml.demo("paper-boats").stems.mixture[8:14]
for engine in ("hpss", "embedded"):
    stems = ml.separate(song, engine=engine, progress=False)
    assert {"drums", "bass"} <= set(stems)
part = ml.in_context(ml.transcribe(stems["bass"], instrument="bass"), stems)
assert part.notes
for kind in ("pdf", "musicxml", "mid"):
    assert part.save(out / f"bass.{kind}").stat().st_size > 100
opened = [
    ml.Mixer(stems),
    ml.MaskLab(song, stems),
    ml.SpectrogramExplorer(song),
    ml.ScoreView(part, stems),
    ml.ListeningTest(song, stems["bass"], folder=out),
    ml.RatingTest(song, {"one": stems["bass"], "two": stems["drums"]}, folder=out),
]
public = [getattr(ml, name) for name in ml.__all__]
widgets = {kind for kind in public if isinstance(kind, type) and issubclass(kind, anywidget.AnyWidget)}
missing = [kind for kind in widgets if not any(isinstance(widget, kind) for widget in opened)]
assert widgets and not missing, missing
loaded = [name for name in sys.modules if name.startswith("musiclab.training")]
assert not loaded, loaded
print("all of it")
"""


@pytest.mark.slow
@pytest.mark.skipif(not (PROJECT / "pyproject.toml").exists(), reason="only in a checkout")
def test_a_wheel_without_the_training_wing_does_all_that_it_is_for(tmp_path: Path) -> None:
    order = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(order, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("musiclab-*.whl")
    home = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as file:
        file.extractall(home)
        assert any(
            name.endswith(".data/data/etc/jupyter/jupyter_server_config.d/musiclab.json") for name in file.namelist()
        )
    shutil.rmtree(home / "musiclab" / "training")
    environment = {**os.environ, "PYTHONPATH": str(home)}
    order = [sys.executable, "-c", USE, str(home), str(tmp_path)]
    done = subprocess.run(order, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["all of it"], done.stderr[-2000:]
