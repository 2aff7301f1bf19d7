"""What needs a package that is not there says so in one sentence, and what to install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from musiclab.audio import Audio
from musiclab.errors import MissingPackageError, MusiclabError
from musiclab.packages import need
from tests.sounds import SR, tone

HIDDEN = """
import json, sys, warnings

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import numpy as np
import musiclab as ml
from musiclab.errors import MissingPackageError
from musiclab.metrics.loudness import loudness
from musiclab.metrics.notes import matched_notes
from musiclab.plots.canvas import new_axes
from musiclab.separation.engines.decompose import nmf, repeating

folder = {folder!r}
song = ml.load(folder + "/song.wav")
stems = ml.Stems({{"vocals": song, "drums": song.gained(-90)}}, song)
S = np.ones((9, 9), np.float32)
part = ml.Part([ml.Note(0, 0.5, 60, 90, 0.9)], "bass", duration=1.0)
calls = {{
    "separate": lambda: ml.separate(song, engine="embedded", cache=False, progress=True),
    "hpss": lambda: ml.separate(song, engine="hpss", cache=False),
    "karaoke": lambda: ml.karaoke(song, cache=False),
    "pack": lambda: ml.remix_pack(song, engine="nmf", cache=False),
    "bass": lambda: ml.transcribe(song, instrument="bass"),
    "piano": lambda: ml.transcribe(song, instrument="piano"),
    "voice": lambda: ml.transcribe(song, instrument="voice"),
    "drums": lambda: ml.transcribe(song, instrument="drums"),
    "read": lambda: ml.load(folder + "/song.m4a"),
    "write": lambda: song.save(folder + "/song.opus"),
    "loudness": lambda: loudness(song),
    "repeating": lambda: repeating(S),
    "nmf": lambda: nmf(S, 2),
    "notes": lambda: matched_notes(part, part),
    "draw": lambda: new_axes(None),
    "engrave": lambda: part.save(folder + "/bass.svg"),
    "print": lambda: part.save(folder + "/bass.pdf"),
}}
told = {{}}
for name in calls:
    try:
        told[name] = [type(calls[name]()).__name__, ""]
    except MissingPackageError as error:
        told[name] = [error.name, str(error)]
    except Exception as error:
        told[name] = [repr(error), ""]
print(json.dumps(told))
"""


def told(folder: Path, hidden: set[str]) -> dict[str, list[str]]:
    """What each call says where these packages are not installed."""
    Audio(tone(220, 1.0, level=0.2), SR).save(folder / "song.wav")
    Audio(tone(220, 1.0, level=0.2), SR).save(folder / "song.m4a")
    script = HIDDEN.format(hidden=hidden, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_light_install_says_what_it_lacks(tmp_path: Path) -> None:
    left_out = {"torch", "onnxruntime", "av", "swift_f0", "pyloudnorm", "mir_eval", "matplotlib", "tqdm", "safetensors"}
    said = told(tmp_path, left_out | {"verovio"})
    assert {name: package for name, (package, _) in said.items()} == {
        **dict.fromkeys(["separate", "hpss", "karaoke", "pack", "repeating", "nmf"], "torch"),
        **dict.fromkeys(["bass", "piano", "voice", "drums"], "onnxruntime"),
        "read": "av",
        "write": "av",
        "notes": "mir_eval",
        "loudness": "pyloudnorm",
        "draw": "matplotlib",
        "engrave": "verovio",
        "print": "verovio",
    }
    for package, sentence in said.values():
        assert f"pip install {package.replace('_', '-')}," in sentence
        assert sentence.count(". ") == 0
        assert sentence.endswith(".")


def test_what_is_there_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    need("json", "Reading")
    with pytest.raises(MissingPackageError, match=r"^Juggling needs .* no-such-balls, .*pip install no-such-balls"):
        need("no_such_balls", "Juggling")
    with monkeypatch.context() as browser:
        browser.setattr(sys, "platform", "emscripten")
        with pytest.raises(MissingPackageError, match=r"which a page without a server has not") as raised:
            need("no_such_balls", "Juggling")
    assert "pip" not in str(raised.value)  # nothing can be installed there
    assert issubclass(MissingPackageError, MusiclabError)
    assert issubclass(MissingPackageError, ImportError)


def test_what_a_package_lacks_itself_is_not_blamed_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "halfway_there.py").write_text("import no_such_balls")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_balls") as raised:
        need("halfway_there", "Juggling")
    assert not isinstance(raised.value, MusiclabError)
