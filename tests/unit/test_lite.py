"""The site for a classroom without a server: what goes into it of a Pyodide distribution, and what is said of one."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from musiclab.bundles import wheels
from musiclab.errors import BundleError
from tests.scripts import script, served

SCRIPT = Path(__file__).parents[2] / "scripts" / "lite.py"
COMPILED = "cp314-cp314-pyemscripten_2026_0_wasm32"
INFO = {"abi_version": "2026_0", "arch": "wasm32", "platform": "emscripten_5_0_3", "python": "3.14.2"}
NEEDS = {
    "numpy": [],
    "scipy": ["numpy"],
    "pillow": [],
    "cffi": ["pycparser"],
    "pycparser": [],
    "jedi": [],
    "micropip": [],
    "soundfile": ["cffi", "numpy"],
    "soxr": ["numpy"],
    "matplotlib": ["numpy", "pillow"],
    "pandas": ["numpy"],
    "ipython": ["traitlets", "prompt_toolkit"],
    "traitlets": [],
    "prompt-toolkit": [],
    "lazy-loader": [],
    "packaging": [],
    "platformdirs": [],
    "typing-extensions": [],
}
NOT_PURE = {"numpy", "scipy", "pillow", "cffi", "soundfile", "soxr", "matplotlib", "pandas"}


@pytest.fixture(scope="module")
def lite() -> ModuleType:
    return script("lite")


def write_wheel(folder: Path, name: str, *needs: str, tag: str = "py3-none-any", **more: str) -> Path:
    """A wheel of one empty module, and more files if they are given."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    told = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n" + "".join(
        f"Requires-Dist: {need}\n" for need in needs
    )
    files = {f"{name}.py": "", f"{info}/METADATA": told, f"{info}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n", **more}
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as file:
        for inside, text in files.items():
            file.writestr(inside, text)
        file.writestr(f"{info}/RECORD", "".join(f"{inside},,\n" for inside in files))
    return path


@pytest.fixture
def pyodide(lite: ModuleType, tmp_path: Path) -> Path:
    """A folder that looks like a Pyodide distribution."""
    folder, packages = tmp_path / "pyodide", dict[str, Any]()
    folder.mkdir()
    for name in lite.CORE:
        (folder / name).write_text(name)
    for name, needs in NEEDS.items():
        tag = COMPILED if name in NOT_PURE else "py3-none-any"
        path = write_wheel(folder, name.replace("-", "_"), tag=tag)
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        packages[name] = {"name": name, "file_name": path.name, "depends": needs, "sha256": sha, "imports": [name]}
    (folder / lite.LOCK).write_text(json.dumps({"info": INFO, "packages": packages}))
    return folder


@pytest.fixture
def address(pyodide: Path) -> Iterator[str]:
    with served(pyodide) as address:
        yield f"{address}/"


def brought(lite: ModuleType, source: str, folder: Path) -> set[str]:
    """The files that come from a distribution into a new folder."""
    folder.mkdir()
    lock = lite.read_lock(source, folder)
    lite.distribution(source, folder, lite.chosen(lock, lite.light()))
    return {path.name for path in folder.iterdir()}


def test_what_is_needed_comes_and_nothing_else(lite: ModuleType, pyodide: Path, tmp_path: Path) -> None:
    unneeded = {path.name for path in pyodide.glob("pandas*")} | {path.name for path in pyodide.glob("typing*")}
    assert len(unneeded) == 2
    assert brought(lite, str(pyodide), tmp_path / "site") == {path.name for path in pyodide.iterdir()} - unneeded


def test_from_an_address_as_from_a_folder(lite: ModuleType, pyodide: Path, address: str, tmp_path: Path) -> None:
    assert brought(lite, address, tmp_path / "there") == brought(lite, str(pyodide), tmp_path / "here")
    next(pyodide.glob("soxr*")).unlink()
    with pytest.raises(BundleError, match=rf"{address} is no full .* lacks soxr-1.0-{COMPILED}.whl: get"):
        brought(lite, address, tmp_path / "again")


def test_what_is_missing_is_said_at_once_and_what_can_not_be_replaced_first(
    lite: ModuleType, pyodide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in pyodide.glob("*.whl"):
        path.unlink()
    for late in ("fetch", "own_wheel", "write"):
        monkeypatch.setattr(lite, late, lambda *args: pytest.fail("it goes on"))
    monkeypatch.setattr(lite, "find_spec", lambda name: True)
    monkeypatch.setattr(sys, "argv", ["lite.py", "--pyodide", str(pyodide), "--out", str(tmp_path / "out")])
    assert lite.main() == 1
    said = capsys.readouterr().err
    assert all(f"{name}-1.0-{COMPILED}.whl" in said for name in ("cffi", "matplotlib", "numpy", "scipy"))
    assert "and 10 more: get the full one." in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_changed_file_is_found(lite: ModuleType, pyodide: Path, tmp_path: Path) -> None:
    with next(pyodide.glob("numpy*")).open("ab") as file:
        file.write(b"more")
    with pytest.raises(BundleError, match=rf"^numpy-1.0-{COMPILED}.whl of .* differs from what pyodide-lock.json says"):
        brought(lite, str(pyodide), tmp_path / "site")


@pytest.mark.parametrize("text", ["[]", "{", '{"packages": {}}', '{"packages": {}, "info": {"python": "3.12"}}'])
def test_another_lock_is_refused(lite: ModuleType, pyodide: Path, tmp_path: Path, text: str) -> None:
    (pyodide / lite.LOCK).write_text(text)
    with pytest.raises(BundleError, match="a full Pyodide distribution, 314 or newer"):
        brought(lite, str(pyodide), tmp_path / "site")


@pytest.mark.parametrize("source", ["nowhere", "http://127.0.0.1:1"])
def test_no_distribution_at_all(lite: ModuleType, tmp_path: Path, source: str) -> None:
    with pytest.raises(BundleError, match=f"^{source} .*: give the folder or address of a"):
        brought(lite, source, tmp_path / "site")


def test_wheels_come_from_the_index_unless_the_distribution_has_them(
    lite: ModuleType, pyodide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, folder = tmp_path / "index", tmp_path / "wheels"
    write_wheel(index, "steady", "deeper; sys_platform == 'emscripten'", "numpy", "winning; sys_platform == 'win32'")
    write_wheel(index, "deeper", "widgetsnbextension", "batching; extra == 'more'", "typing-extensions")
    write_wheel(index, "built", tag="cp314-cp314-pyemscripten_2026_0_wasm32")
    write_wheel(index, "built", tag="cp314-cp314-manylinux2014_x86_64")
    folder.mkdir()
    monkeypatch.setattr(lite, "ROOT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    (tmp_path / "constraints.txt").write_text("steady==1.0\n")
    lock = lite.read_lock(str(pyodide), tmp_path)
    lite.fetch(folder, ["steady", "numpy", "built"], lock)
    assert {path.name for path in folder.iterdir()} == {
        *("steady-1.0-py3-none-any.whl", "deeper-1.0-py3-none-any.whl", f"built-1.0-{COMPILED}.whl")
    }
    told = dict(wheels.metadata(folder))
    entry = lite.entry_of(folder / "deeper-1.0-py3-none-any.whl", told["deeper"], lock["info"])
    assert entry["depends"] == ["typing-extensions"]
    assert entry["imports"] == ["deeper"]
    assert entry["sha256"] == hashlib.sha256((folder / entry["file_name"]).read_bytes()).hexdigest()


def test_our_wheel_goes_without_what_a_page_cannot_use(
    lite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = dict.fromkeys(
        ["musiclab/training/a.py", "musiclab/b.onnx", "musiclab/c.js", "musiclab/_datasets/d.ogg"], "-"
    )
    whole = write_wheel(tmp_path / "whole", "musiclab", **more)
    monkeypatch.setattr(lite.wheels, "own_wheel", lambda place: Path(shutil.copy(whole, place)))
    with zipfile.ZipFile(lite.own_wheel(tmp_path)) as file:
        names = set(file.namelist())
        record = file.read("musiclab-1.0.dist-info/RECORD").decode()
    assert {"musiclab.py", "musiclab/c.js", "musiclab/_datasets/d.ogg"} < names
    assert not {"musiclab/training/a.py", "musiclab/b.onnx"} & names
    assert "c.js" in record
    assert "b.onnx" not in record


def test_a_widget_and_its_front_end_are_of_one_version(
    lite: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    folder = tmp_path / "labextensions" / "anywidget"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"version": "1.2.0"}))
    assert lite.front_end("anywidget", "1.2.0") == folder
    with pytest.raises(BundleError, match=r"^The front-end anywidget here is 1.2.0: pip install anywidget==1.3.0"):
        lite.front_end("anywidget", "1.3.0")
    with pytest.raises(
        BundleError, match=r"no-such-front-end is not installed here: pip install 'musiclab\[lite-site\]'"
    ):
        lite.front_end("no-such-front-end")


def test_a_folder_of_other_things_is_left_alone(
    lite: ModuleType, pyodide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lite, "find_spec", lambda name: True)
    before = sorted(pyodide.iterdir())
    with pytest.raises(BundleError, match="holds other things: give a new folder"):
        lite.build(str(pyodide), pyodide)
    assert sorted(pyodide.iterdir()) == before


def test_without_jupyterlite_it_says_what_to_install(lite: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "find_spec", lambda name: None)
    with pytest.raises(BundleError, match=r"pip install 'musiclab\[lite-site\]'"):
        lite.build("nowhere", Path("nowhere"))


def test_the_packages_of_a_page_are_those_of_the_light_install(lite: ModuleType) -> None:
    assert {"numpy", "scipy", "soundfile", "soxr", "anywidget", "pretty-midi", "ipython"} <= set(lite.light())
    assert not {"verovio", "typst", "jupyterlab", "torch"} & set(lite.light())
