"""A site for a classroom without a server: JupyterLite, with musiclab and its songs, as files for any web server.

    python scripts/lite.py --pyodide FOLDER-OR-URL [--out build/lite]

The folder (or address) is a full Pyodide distribution: the Python of the browser, with numpy, SciPy, soundfile and soxr
built for it. What of it is needed goes into the site, checked against its lock file, and musiclab's own wheel and the
pure ones of the package index beside it: a page of the site loads nothing from anywhere else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable
from email.message import Message
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from musiclab.bundles import wheels
from musiclab.errors import BundleError

ROOT = Path(__file__).resolve().parents[1]
LOCK = "pyodide-lock.json"
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
LESSONS = ("02-sound-and-spectrogram", "04-phase-and-reconstruction")  # those that separate and transcribe nothing
START = ROOT / "deploy" / "lite" / "start.ipynb"
ALSO = ("matplotlib", "micropip", "ipython", "jedi", "comm")  # of the lessons, and of the kernel
NOT_IN_A_PAGE = {"jupyterlab", "jupyterlab-widgets", "widgetsnbextension", "verovio", "typst"}
LEFT_OUT = ("musiclab/training/", "musiclab/_notebooks/")  # of our wheel; and weights, for which the networks lack
KERNEL = "@jupyterlite/pyodide-kernel-extension"
WIDGETS = "@jupyter-widgets/jupyterlab-manager"
KERNEL_WHEELS = ("piplite", "pyodide-kernel", "ipykernel")  # they come with the extension
Lock = dict[str, Any]


def light() -> list[str]:
    """The packages of the light install that a page can have, by name."""
    lines = (ROOT / "requirements-lite.txt").read_text("utf-8").splitlines()
    names = [canonicalize_name(Requirement(line).name) for line in lines if line and not line.startswith("#")]
    return [name for name in [*names, *ALSO] if name not in NOT_IN_A_PAGE]


# --- of the Pyodide distribution


def bring(source: str, name: str, target: Path) -> bool:
    """Copy a file of the distribution, from a folder or an address; whether it is there."""
    try:
        if "://" in source:
            with urllib.request.urlopen(f"{source.rstrip('/')}/{name}", timeout=60) as answer:
                target.write_bytes(answer.read())
        else:
            shutil.copyfile(Path(source).expanduser() / name, target)
    except (FileNotFoundError, NotADirectoryError, urllib.error.HTTPError):
        target.unlink(missing_ok=True)
        return False
    except OSError as error:
        raise BundleError(f"{source} can't be read ({error}): give the folder or address of a distribution.") from None
    return True


def read_lock(source: str, folder: Path) -> Lock:
    """The distribution's list of packages."""
    if not bring(source, LOCK, folder / LOCK):
        raise BundleError(f"{source} has no {LOCK}: give the folder or address of a full Pyodide distribution.")
    try:
        lock: Lock = json.loads((folder / LOCK).read_bytes())
        lock["packages"] = {canonicalize_name(name): entry for name, entry in lock["packages"].items()}
        place(lock["info"])
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BundleError(f"{LOCK} of {source} is none: give a full Pyodide distribution, 314 or newer.") from None
    return lock


def place(info: dict[str, str]) -> list[str]:
    """What pip has to be told to fetch for the browser's Python."""
    version = "".join(info["python"].split(".")[:2])
    told = ["--python-version", version, "--implementation", "cp", "--abi", f"cp{version}", "--abi", "abi3"]
    return [*told, "--abi", "none", "--platform", f"pyemscripten_{info['abi_version']}_wasm32"]


def chosen(lock: Lock, names: Iterable[str]) -> dict[str, Any]:
    """Entries of the lock for `names`, as far as it has them, and for all that they need."""
    found: dict[str, Any] = {}
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in lock["packages"] and name not in found:
            found[name] = lock["packages"][name]
            waiting += [canonicalize_name(need) for need in found[name]["depends"]]
    return dict(sorted(found.items()))


def distribution(source: str, folder: Path, entries: dict[str, Any]) -> None:
    """Bring the core and these packages, checked. `BundleError` names what is missing, or not the file it should be."""
    files = [*CORE, *(entry["file_name"] for entry in entries.values())]
    absent = [name for name in files if not ((folder / name).exists() or bring(source, name, folder / name))]
    if absent:
        absent.sort(key=lambda name: not name.endswith("wasm32.whl"))  # first what nothing else can stand for
        rest = f" and {len(absent) - 6} more" if len(absent) > 6 else ""
        raise BundleError(
            f"{source} is no full Pyodide distribution, it lacks {', '.join(absent[:6])}{rest}: get the full one."
        )
    if other := [e["file_name"] for e in entries.values() if digest(folder / e["file_name"]) != e["sha256"]]:
        raise BundleError(f"{', '.join(other)} of {source} differs from what {LOCK} says: get the distribution anew.")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- of the package index, and our own


def needs(told: Message, info: dict[str, str]) -> list[str]:
    """What a wheel needs in the browser's Python, by name."""
    version = ".".join(info["python"].split(".")[:2])
    page = {"sys_platform": "emscripten", "platform_system": "Emscripten", "platform_machine": "wasm32", "extra": "",
            "python_version": version, "python_full_version": info["python"], "os_name": "posix"}  # fmt: skip
    asked = [Requirement(line) for line in told.get_all("Requires-Dist") or []]
    known = {**default_environment(), **page}
    names = [canonicalize_name(need.name) for need in asked if need.marker is None or need.marker.evaluate(known)]
    return [name for name in names if name not in NOT_IN_A_PAGE]


def fetch(folder: Path, names: Iterable[str], lock: Lock) -> None:
    """Bring wheels that run in the browser from the package index, and what they need, unless the lock has it."""
    pinned = ["--constraint", str(ROOT / "constraints.txt")]
    waiting = {name for name in names if name not in lock["packages"]}
    while waiting:
        order = ["download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *pinned]
        wheels.pip([*order, *place(lock["info"]), *sorted(waiting)])
        there = dict(wheels.metadata(folder))
        waiting = {need for told in there.values() for need in needs(told, lock["info"])} - there.keys()
        waiting -= lock["packages"].keys()


def own_wheel(folder: Path) -> Path:
    """musiclab's wheel, without what a page can't use."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = wheels.own_wheel(Path(scratch))
        slim = folder / whole.name
        with zipfile.ZipFile(whole) as old, zipfile.ZipFile(slim, "w", zipfile.ZIP_DEFLATED) as new:
            for name in (name for name in old.namelist() if not left_out(name)):
                content = old.read(name)
                if name.endswith(".dist-info/RECORD"):
                    rows = content.decode().splitlines(keepends=True)
                    content = "".join(row for row in rows if not left_out(row.split(",")[0])).encode()
                new.writestr(name, content)
    return slim


def left_out(name: str) -> bool:
    """Whether a file of our wheel stays out."""
    return name.startswith(LEFT_OUT) or name.endswith((".onnx", ".safetensors"))


def entry_of(path: Path, told: Message, info: dict[str, str]) -> dict[str, Any]:
    """A wheel as the lock lists it."""
    with zipfile.ZipFile(path) as file:
        tops = {name.partition("/")[0] for name in file.namelist()}
    modules = sorted(top.removesuffix(".py") for top in tops if not top.endswith((".dist-info", ".data", ".pth")))
    return {
        "name": canonicalize_name(str(told["Name"])), "version": str(told["Version"]), "file_name": path.name,
        "sha256": digest(path), "imports": modules, "depends": needs(told, info),
        "install_dir": "site", "package_type": "package", "unvendored_tests": False,
    }  # fmt: skip


# --- the site


def front_end(name: str, version: str = "") -> Path:
    """Where the front-end of a package is installed; a widget and its front-end have to be of one `version`."""
    from jupyter_core.paths import jupyter_path

    for folder in (Path(place) / name for place in jupyter_path("labextensions")):
        if (folder / "package.json").is_file():
            there = json.loads((folder / "package.json").read_text("utf-8"))["version"]
            if version and there.replace("~", "") != version:
                raise BundleError(
                    f"The front-end {name} here is {there}: pip install {name}=={version}, as in the site."
                )
            return folder
    raise BundleError(f"The front-end {name} is not installed here: pip install 'musiclab[lite-site]'.")


def build(source: str, out: Path) -> None:
    """Write the site. `BundleError` says in a sentence what is missing."""
    if find_spec("jupyterlite_core") is None or find_spec("jupyterlite_pyodide_kernel") is None:
        raise BundleError("JupyterLite is not installed here: pip install 'musiclab[lite-site]'.")
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / "jupyter-lite.json").is_file()):
        raise BundleError(f"{str(out)!r} holds other things: give a new folder.")
    with tempfile.TemporaryDirectory() as scratch:
        lite = Path(scratch)
        pyodide = lite / "static" / "pyodide"
        pyodide.mkdir(parents=True)
        lock, fetched = read_lock(source, pyodide), lite / "wheels"
        entries = chosen(lock, light())
        distribution(source, pyodide, entries)  # first: it may lack something
        fetched.mkdir()
        for path in (front_end(KERNEL) / "static" / "pypi").glob("*.whl"):
            if canonicalize_name(path.name.split("-")[0]) in KERNEL_WHEELS:
                shutil.copy(path, fetched)
        fetch(fetched, light(), lock)
        own_wheel(fetched)
        told = dict(wheels.metadata(fetched))
        front_ends = [front_end(KERNEL), front_end(WIDGETS), front_end("anywidget", str(told["anywidget"]["Version"]))]
        for path, (name, one) in zip(sorted(fetched.glob("*.whl")), told.items(), strict=True):
            entries[name] = entry_of(path, one, lock["info"])
            shutil.move(path, pyodide)
        entries["musiclab"]["depends"] = light()  # not all that it can use
        entries |= chosen(lock, {need for entry in entries.values() for need in entry["depends"]} - entries.keys())
        distribution(source, pyodide, entries)
        (pyodide / LOCK).write_text(json.dumps({**lock, "packages": entries}), "utf-8")
        write(lite, out, front_ends, ["micropip", *KERNEL_WHEELS, "comm", "jedi", "ipython"])


def write(lite: Path, out: Path, front_ends: list[Path], packages: list[str]) -> None:
    """Let JupyterLite make the site of what lies in `lite`; the kernel begins with these packages."""
    lessons = lite / "lessons"
    lessons.mkdir()
    for path in (START, *(ROOT / "notebooks" / f"{name}.ipynb" for name in LESSONS)):
        lesson = json.loads(path.read_text("utf-8"))
        lesson["metadata"]["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
        (lessons / path.name).write_text(json.dumps(lesson), "utf-8")
    kernel = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": packages}}
    settings = {"appName": "musiclab", "litePluginSettings": {f"{KERNEL}:kernel": kernel}}
    (lite / "jupyter-lite.json").write_text(
        json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": settings}), "utf-8"
    )
    shutil.rmtree(out, ignore_errors=True)
    order = [sys.executable, "-m", "jupyterlite_core", "build", "--lite-dir", str(lite), "--output-dir", str(out),
             "--contents", str(lessons), "--no-sourcemaps", "--no-unused-shared-packages", "--apps", "lab",
             "--apps", "notebooks", "--apps", "tree", "--ignore-sys-prefix", "federated_extensions",
             *(f"--LiteBuildConfig.federated_extensions={path}" for path in front_ends)]  # fmt: skip
    done = subprocess.run(order, cwd=lite, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(f"JupyterLite could not build the site: {(done.stderr or done.stdout).strip()[-500:]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pyodide", required=True, help="folder or address of a full Pyodide distribution")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "lite", help="where the site goes")
    asked = parser.parse_args()
    try:
        build(asked.pyodide, asked.out.absolute())
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in asked.out.rglob("*") if path.is_file())
    print(f"{asked.out}: {size / 1e6:.0f} MB, for any web server; here: python -m http.server --directory {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
