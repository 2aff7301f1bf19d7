"""An offline bundle: whole for the machine that it is for, checked, licensed, and installed from with no network."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from musiclab.bundles import make, wheels
from musiclab.errors import BundleError, ExportError
from musiclab.store import Store

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def write_wheel(folder: Path, name: str, *needs: str, licence: str = "MIT", code: str = "", tag: str = "") -> Path:
    """A wheel of one module, with a program that runs its `main`."""
    info = f"{name}-1.0.dist-info"
    head = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n"
    files = {
        f"{name}.py": code or "def main(): print('it works')\n",
        f"{info}/METADATA": head + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag or 'py3-none-any'}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-1.0-{tag or 'py3-none-any'}.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for inside, text in {**files, f"{info}/RECORD": record}.items():
            file.writestr(inside, text)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the package index, with a musiclab that is nearly nothing."""
    folder = tmp_path / "index"
    needs = ("steady", "winning; platform_system == 'Windows'", "batching; extra == 'batch'")
    own = write_wheel(tmp_path, "musiclab", *needs, code="import steady\ndef main(): print('demo', steady.__name__)\n")
    write_wheel(folder, "steady", "deeper", licence="BSD-3-Clause")
    write_wheel(folder, "deeper", "colour; sys_platform == 'win32'")
    for name in ("winning", "colour", "batching"):
        write_wheel(folder, name)
    monkeypatch.setattr(wheels, "own_wheel", lambda place: Path(shutil.copy(own, place)))
    monkeypatch.setattr(wheels, "PROJECT", tmp_path)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def made_of(index: Path, folder: Path, **how: Any) -> make.Bundle:
    return make.bundle(folder, sources=[str(index)], index="", progress=False, **how)


def names(folder: Path) -> set[str]:
    return {path.name.partition("-")[0] for path in (folder / "wheels").glob("*.whl")}


class TestMaking:
    def test_it_holds_what_another_system_needs_and_not_what_this_one_does(self, index: Path, tmp_path: Path) -> None:
        made = made_of(index, tmp_path / "here")
        assert names(made.folder) == {"musiclab", "steady", "deeper"}
        other = made_of(index, tmp_path / "there", platform="windows-x86_64", python="3.13", extras=["batch"])
        assert names(other.folder) == {"musiclab", "steady", "deeper", "winning", "colour", "batching"}
        script = (other.folder / "install.ps1").read_bytes().decode()
        assert '"-3.13"' in script
        assert "musiclab[batch]" in script
        assert script.count("\r\n") == script.count("\n")

    def test_a_wheel_that_cannot_be_had_is_said(self, index: Path, tmp_path: Path) -> None:
        (index / "deeper-1.0-py3-none-any.whl").unlink()
        with pytest.raises(BundleError, match="deeper"):
            made_of(index, tmp_path / "out")
        write_wheel(index, "deeper", tag="cp311-cp311-win_amd64")  # for another system only
        with pytest.raises(BundleError, match="deeper"):
            made_of(index, tmp_path / "out", platform="linux-x86_64", python="3.12")

    def test_every_part_has_its_licence_and_every_file_its_checksum(self, index: Path, tmp_path: Path) -> None:
        own = tmp_path / "my songs"
        own.mkdir()
        (own / "mine.wav").write_bytes(b"sound")
        lesson = tmp_path / "01-first.ipynb"
        lesson.write_text("{}")
        made = made_of(index, tmp_path / "out", songs=[own], lessons=[lesson])
        with (made.folder / "LICENCES.csv").open(encoding="utf-8-sig", newline="") as file:
            table = {row["name"]: row for row in csv.DictReader(file)}
        assert table["steady"]["licence"] == "BSD-3-Clause"
        assert table["steady"]["version"] == "1.0"
        assert any(row["kind"] == "song" and row["licence"] for row in table.values())
        lines = dict(reversed(line.split("  ", 1)) for line in (made.folder / "SHA256SUMS").read_text().splitlines())
        files = {p.relative_to(made.folder).as_posix() for p in made.folder.rglob("*") if p.is_file()}
        assert files == {*lines, "SHA256SUMS"}
        assert {"songs/my songs/mine.wav", "notebooks/01-first.ipynb", "wheels/steady-1.0-py3-none-any.whl"} <= files

    def test_weights_travel_as_a_store(
        self, index: Path, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from musiclab.separation import weights

        def fill(folder: Path) -> None:
            for name in weights.entry("htdemucs").stored:
                (folder / name).write_bytes(b"weights")

        monkeypatch.setattr(weights, "verify", lambda name, folder=None: {})
        Store(own_cache).entry("htdemucs", fill, kind="weights")
        made = made_of(index, tmp_path / "out")
        assert made.weights == ("htdemucs",)
        assert Store(tmp_path / "mine", shared=[made.folder / "store"]).peek("htdemucs", "weights")
        with pytest.raises(BundleError, match="musiclab models download htdemucs_ft"):
            made_of(index, tmp_path / "more", weights=["htdemucs_ft"])

    def test_what_is_not_a_bundle_is_left_alone_and_a_bundle_is_made_anew(self, index: Path, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        mine.mkdir()
        (mine / "thesis.txt").write_text("years of work")
        with pytest.raises(ExportError, match="holds other things"):
            made_of(index, mine)
        assert (mine / "thesis.txt").read_text() == "years of work"
        made = made_of(index, tmp_path / "out")
        (made.folder / "wheels" / "stale-0.1-py3-none-any.whl").write_bytes(b"")
        assert not (made_of(index, made.folder).folder / "wheels" / "stale-0.1-py3-none-any.whl").exists()

    @pytest.mark.parametrize(("python", "platform", "said"), [("2.7", "", "3.11"), ("", "amiga", "windows-x86_64")])
    def test_places_that_are_none_are_said(self, python: str, platform: str, said: str, tmp_path: Path) -> None:
        with pytest.raises(BundleError, match=said):
            make.bundle(tmp_path / "out", python=python, platform=platform, progress=False)
        assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="a script for sh")
class TestInstalling:
    def install(self, folder: Path, target: Path) -> subprocess.CompletedProcess[str]:
        """Run the script; a proxy that isn't there stands for a network that isn't."""
        dead = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        environment = {**os.environ, **dead, "PYTHON": sys.executable}
        order = ["sh", str(folder / "install.sh"), str(target)]
        return subprocess.run(order, env=environment, capture_output=True, text=True, check=False)

    @pytest.mark.slow
    def test_it_is_installed_and_runs_with_no_network(self, index: Path, tmp_path: Path) -> None:
        made = made_of(index, tmp_path / "a bundle")
        (made.folder / "store").mkdir()
        done = self.install(made.folder, tmp_path / "a target")
        assert done.returncode == 0, done.stderr
        plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # its musiclab, not ours
        order = [tmp_path / "a target" / "musiclab"]
        said = subprocess.run(order, env=plain, capture_output=True, text=True, check=True)
        assert said.stdout == "demo steady\n"

    def test_a_damaged_bundle_is_not_installed(self, index: Path, tmp_path: Path) -> None:
        made = made_of(index, tmp_path / "out")
        (made.folder / "wheels" / "steady-1.0-py3-none-any.whl").write_bytes(b"damaged")
        done = self.install(made.folder, tmp_path / "target")
        assert done.returncode == 1
        assert "damaged" in done.stderr
        assert not (tmp_path / "target").exists()

    def test_another_python_is_refused(self, index: Path, tmp_path: Path) -> None:
        made = made_of(index, tmp_path / "out", python="3.99", platform=wheels.here().system)
        done = self.install(made.folder, tmp_path / "target")
        assert "needs Python 3.99" in done.stderr
        assert json.loads((made.folder / "bundle.json").read_text())["python"] == "3.99"
