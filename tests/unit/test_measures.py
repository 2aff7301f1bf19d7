"""The measures that `make lint` holds: what is too long is said, and what says much of itself is not."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.scripts import script

SCRIPT = Path(__file__).parents[2] / "scripts" / "measures.py"


@pytest.fixture(scope="module")
def measures() -> ModuleType:
    return script("measures")


def function(lines: int, words: int = 0) -> str:
    told = ['    """What it does.', *["    More of it."] * words, '    """'] if words else []
    return "\n".join(["def work(a: int) -> int:", *told, *["    a += 1"] * (lines - 1), "    return a", ""])


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (function(40), []),
        (function(41), ["work has 41 lines, 40 at most"]),
        (function(40, words=30), []),  # a docstring is no code
        (function(41).replace("def work", "async def work"), ["work has 41 lines, 40 at most"]),
        ("x = 1\n" * 300, []),
        ("x = 1\n" * 301, ["the file has 301 lines, 300 at most"]),
    ],
)
def test_what_is_too_long_is_said(measures: ModuleType, source: str, wanted: list[str]) -> None:
    assert [what for _, what in measures.too_long(source)] == wanted


def test_the_house_keeps_its_measures(measures: ModuleType) -> None:
    assert measures.main() == 0
