"""Check what would be released: build wheel and sdist, look into both, and use the wheel away from the checkout.

Run by ``make release-check``. Nothing is uploaded. Exit code 1 and a sentence if something is wrong.
"""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
IN_WHEEL = (
    "musiclab/__init__.pyi",
    "musiclab/separation/engines/embedded/weights.safetensors",
    "musiclab/separation/manifest.json",
    "musiclab/widgets/mixer/mixer.js",
    "musiclab/_notebooks/01-hear-each-instrument.ipynb",
    "musiclab/_datasets/paper-boats/song.json",
)
NOT_IN_WHEEL = re.compile(r"(^|/)(tests|node_modules|\.ci|__pycache__|\.ipynb_checkpoints)/|\.pyc$|\.part$")
USE = "import musiclab, sys; assert sys.argv[1] in musiclab.__file__, musiclab.__file__; print(musiclab.__version__)"


def run(*order: object, cwd: Path = PROJECT) -> str:
    """A program's output; if it fails, what it said is the end of this one."""
    done = subprocess.run([str(word) for word in order], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, order[:6]))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def build(out: Path) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, PROJECT)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def check_wheel(wheel: Path) -> str:
    """Look into it; returns its version."""
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
        told = HeaderParser().parsestr(file.read(next(n for n in names if n.endswith("METADATA"))).decode())
    if missing := [name for name in IN_WHEEL if name not in names]:
        sys.exit(f"The wheel lacks {', '.join(missing)}.")
    if strange := [name for name in names if NOT_IN_WHEEL.search(name)]:
        sys.exit(f"The wheel holds what isn't for users: {', '.join(strange[:5])}.")
    for field in ("Name", "Version", "Summary", "License-Expression", "Requires-Python", "Description-Content-Type"):
        if not told[field]:
            sys.exit(f"The metadata lack {field}.")
    version = str(told["Version"])
    first = re.search(r"^## (.+)$", (PROJECT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    if first is None or (not first[1].startswith(version) and first[1] != "Unreleased"):
        sys.exit(f"CHANGELOG.md doesn't open with {version} or Unreleased.")
    return version


def check_sdist(sdist: Path) -> None:
    """What is needed to build and to test is in it."""
    with tarfile.open(sdist) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    if missing := [n for n in ("pyproject.toml", "LICENSE", "tests/conftest.py", "constraints.txt") if n not in names]:
        sys.exit(f"The sdist lacks {', '.join(missing)}.")


def use(wheel: Path, folder: Path, version: str) -> None:
    """Install the wheel by itself, with what it needs from this environment, and use it from elsewhere."""
    run(sys.executable, "-m", "venv", folder / "env")
    python = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)
    here = sysconfig.get_path("purelib")
    Path(site, "environment.pth").write_text(f"import site; site.addsitedir({here!r})\n", encoding="utf-8")
    found = run(python, "-I", "-c", USE, folder, cwd=folder).strip()
    if found != version:
        sys.exit(f"The wheel says {version}, and musiclab {found}.")
    run(python, "-I", "-m", "musiclab", "engines", "--json", cwd=folder)
    run(
        python,
        "-I",
        "-m",
        "musiclab",
        "demo",
        "--song",
        "paper-boats",
        "--engine",
        "hpss",
        "--out",
        folder / "out",
        cwd=folder,
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="musiclab-release-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        wheel, sdist = build(folder / "dist")
        version = check_wheel(wheel)
        check_sdist(sdist)
        run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
        use(wheel, folder, version)
        size = wheel.stat().st_size / 1e6
        sys.stdout.write(f"musiclab {version}: wheel ({size:.1f} MB) and sdist are as they should be.\n")


if __name__ == "__main__":
    main()
