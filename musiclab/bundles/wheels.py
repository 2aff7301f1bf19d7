"""The wheels of musiclab and of all that it needs, for another Python or another system than this one, too.

``pip download`` asks this machine which requirements apply, whatever system it fetches for. What the other system needs
besides (colorama on Windows, say) is found in the wheels' own metadata, and fetched until nothing lacks.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from importlib.util import find_spec
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from musiclab.errors import BundleError

PROJECT = Path(__file__).resolve().parents[2]  # in a checkout
ROUNDS = 10
_GLIBC = [f"manylinux_2_{minor}" for minor in range(28, 4, -1)] + ["manylinux2014", "manylinux2010", "manylinux1"]
# What pip calls a system, and what the markers of requirements ask of it.
SYSTEMS: dict[str, tuple[list[str], dict[str, str]]] = {
    "linux-x86_64": ([f"{tag}_x86_64" for tag in [*_GLIBC, "linux"]], {"sys_platform": "linux"}),
    "linux-aarch64": ([f"{tag}_aarch64" for tag in _GLIBC], {"sys_platform": "linux"}),
    "macos-arm64": (
        [f"macosx_{major}_0_{kind}" for major in range(14, 10, -1) for kind in ("arm64", "universal2")],
        {"sys_platform": "darwin"},
    ),
    "windows-x86_64": (["win_amd64"], {"sys_platform": "win32", "platform_machine": "AMD64"}),
}
_OTHER_NAMES = {"win_amd64": "windows-x86_64", "windows": "windows-x86_64", "linux": "linux-x86_64",
                "macos": "macos-arm64", "manylinux2014_x86_64": "linux-x86_64"}  # fmt: skip
_SYSTEM_NAMES = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}


@dataclass(frozen=True)
class Place:
    """A Python on a system: ``"3.12"`` and one of `SYSTEMS`."""

    python: str
    system: str

    @property
    def is_here(self) -> bool:
        """Whether it is the Python that runs."""
        return self == here()

    @property
    def options(self) -> list[str]:
        """What pip has to be told to fetch for it."""
        if self.is_here:
            return []
        short = self.python.replace(".", "")
        told = ["--python-version", self.python, "--implementation", "cp", "--abi", f"cp{short}", "--abi", "abi3"]
        return [*told, "--abi", "none", *(word for tag in SYSTEMS[self.system][0] for word in ("--platform", tag))]

    @property
    def environment(self) -> dict[str, str]:
        """What the markers of requirements are asked against."""
        known = {name: str(value) for name, value in default_environment().items()}
        if self.is_here:
            return known
        asked = SYSTEMS[self.system][1]
        system, os_name = _SYSTEM_NAMES[asked["sys_platform"]]
        machine = self.system.partition("-")[2]
        named = {"platform_system": system, "os_name": os_name, "platform_machine": machine}
        version = {"python_version": self.python, "python_full_version": f"{self.python}.0"}
        return {**known, **named, **version, **asked}


def here() -> Place:
    """The Python that runs."""
    tag = sysconfig.get_platform().lower()
    system = "windows" if tag.startswith("win") else "macos" if tag.startswith("macos") else "linux"
    machine = "arm64" if system == "macos" else "aarch64" if "aarch64" in tag else "x86_64"
    return Place(f"{sys.version_info.major}.{sys.version_info.minor}", f"{system}-{machine}")


def place_of(python: str, system: str) -> Place:
    """A place by its names; empty ones mean this machine's. `BundleError` if there is none."""
    system = _OTHER_NAMES.get(system, system) or here().system
    if system not in SYSTEMS:
        raise BundleError(f"There is no platform {system!r}: choose one of {', '.join(SYSTEMS)}.")
    python = python or here().python
    major, _, minor = python.partition(".")
    if major != "3" or not minor.isdigit() or int(minor) < 11:
        raise BundleError(f"musiclab needs Python 3.11 or newer: {python!r} is none. Write it as 3.12.")
    return Place(python, system)


def fetch(folder: Path, *, place: Place, extras: Sequence[str], sources: Sequence[str], index: str | None) -> None:
    """Put the wheels of musiclab and of all that it needs into `folder`.

    Parameters
    ----------
    folder : Path
        It has to be there.
    place : Place
        What they are for.
    extras : sequence of str
        Of musiclab, such as ``"batch"``.
    sources : sequence of str
        More places that pip looks for wheels in.
    index : str, optional
        The package index, if not pip's own; empty for none.

    Raises
    ------
    BundleError
        If one can't be had; it says what pip says.
    """
    own = own_wheel(folder)
    asking = [word for source in sources for word in ("--find-links", source)]
    if index is not None:
        asking += ["--index-url", index] if index else ["--no-index"]
    constraints = PROJECT / "constraints.txt"
    pinned = ["--constraint", str(constraints)] if constraints.is_file() else []
    wanted = [f"{own}[{','.join(extras)}]" if extras else str(own)]
    for _ in range(ROUNDS):
        order = ["download", "--only-binary", ":all:", "--dest", str(folder), "--find-links", str(folder)]
        pip([*order, *place.options, *asking, *pinned, *wanted])
        wanted = [str(need) for need in missing(folder, place=place, extras=extras)]
        if not wanted:
            return
    raise BundleError(f"The wheels still lack {', '.join(wanted)}: give a place that has them with --find-links.")


def missing(folder: Path, *, place: Place, extras: Sequence[str]) -> list[Requirement]:
    """What the wheels in `folder` need in this place and is not among them."""
    there = {name for name, _ in metadata(folder)}
    lacking: dict[str, Requirement] = {}
    for name, told in metadata(folder):
        chosen = {"", *extras} if name == "musiclab" else {""}
        for line in told.get_all("Requires-Dist") or []:
            need = Requirement(line)
            asked = need.marker is None or any(need.marker.evaluate({**place.environment, "extra": e}) for e in chosen)
            if asked and canonicalize_name(need.name) not in there:
                need.marker = None
                lacking.setdefault(canonicalize_name(need.name), need)
    return list(lacking.values())


def metadata(folder: Path) -> Iterator[tuple[str, Message]]:
    """Name and metadata of each wheel of a folder, in the order of their names."""
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as file:
            inside = next(name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
            told = HeaderParser().parsestr(file.read(inside).decode("utf-8", errors="replace"))
        yield canonicalize_name(str(told["Name"])), told


def own_wheel(folder: Path) -> Path:
    """musiclab's own wheel: built from a checkout, or as it was published."""
    from musiclab import __version__

    if (PROJECT / "pyproject.toml").is_file():
        if find_spec("hatchling") is not None:
            _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=PROJECT)
        else:
            pip(["wheel", "--no-deps", "--wheel-dir", str(folder), str(PROJECT)])
    else:
        pip(["download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), f"musiclab=={__version__}"])
    return next(folder.glob("musiclab-*.whl"))


def pip(words: Sequence[str]) -> None:
    """Run pip with these words; `BundleError` with what it says, if it fails."""
    _run([sys.executable, "-m", "pip", *words, "--quiet", "--disable-pip-version-check", "--no-input"])


def _run(order: Sequence[str], *, cwd: Path | None = None) -> None:
    done = subprocess.run(order, cwd=cwd, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()[-1:]
        raise BundleError(f"The wheels can't be had: {' '.join(said)[-500:].strip().rstrip('.')}.")
