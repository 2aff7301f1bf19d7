"""Write constraints.txt: the version of everything that musiclab needs, as installed here and tested together.

Run it in an environment in which `make test` passes: ``make lock``.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "musiclab"
EXTRAS = {"dev"}
HEAD = """\
# Versions that were tested together; written by scripts/lock.py (`make lock`).
# torch is pinned exactly everywhere: a range would take a newer build, with gigabytes of CUDA on a machine without it.
"""


def requirements(name: str, extras: set[str]) -> list[Requirement]:
    """What an installed distribution needs here, with these extras."""
    wanted = [Requirement(line) for line in distribution(name).requires or []]
    return [need for need in wanted if _applies(need, extras)]


def _applies(need: Requirement, extras: set[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (extras or {""}) | {""})


def closure() -> dict[str, str]:
    """Name and version of everything that musiclab with its extras needs."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(ROOT, EXTRAS)]
    while waiting:
        name, extras = waiting.pop()
        for need in requirements(name, extras):
            key = canonicalize_name(need.name)
            if (key, str(sorted(need.extras))) in seen:
                continue
            seen.add((key, str(sorted(need.extras))))
            try:
                found[key] = re.sub(r"\+.*", "", version(key))  # 2.13.0+cpu is a build of 2.13.0
            except PackageNotFoundError:
                continue  # another platform's
            waiting.append((key, set(need.extras)))
    for name in (ROOT, "pip", "setuptools"):  # ours, and what every Python brings in its own version
        found.pop(name, None)
    return found


def main() -> None:
    lines = [f"{name}=={number}" for name, number in sorted(closure().items())]
    Path(__file__).parents[1].joinpath("constraints.txt").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
