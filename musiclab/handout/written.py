"""A part as a page has it: engraved in lines of several widths, on sheets of paper, and as files to take along."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from musiclab.handout.stand_ins import Sheet
from musiclab.notation import engrave

WIDTHS_MM = (190, 130, 85)  # a wide screen, a tablet, a phone
FILES = ("pdf", "musicxml", "mid")


def part_data(name: str, sheet: Sheet, state: Mapping[str, Any]) -> dict[str, Any]:
    """What ``parts.js`` reads of a part.

    Parameters
    ----------
    name : str
        What it is called: its instrument, with a number from the second on.
    sheet : Sheet
        The part, as it is to be written.
    state : Mapping
        The sheet's, for its front-end.
    """
    layouts = [
        {"millimetres": width, "svg": engrave.svg(sheet.score, width_mm=width, page=False)[0]} for width in WIDTHS_MM
    ]
    return {
        "name": name,
        "label": name.capitalize(),
        "state": {**state, "_svg": "", "_backdrop": b""},  # pages show no piano roll
        "layouts": layouts,
        "pages": engrave.svg(sheet.score),
        "files": _files(sheet),
    }


def _files(sheet: Sheet) -> dict[str, bytes]:
    """The part as the files that a player takes to other programs, by their endings."""
    with tempfile.TemporaryDirectory(prefix="musiclab-") as folder:
        return {kind: sheet.save(Path(folder) / f"part.{kind}").read_bytes() for kind in FILES}
