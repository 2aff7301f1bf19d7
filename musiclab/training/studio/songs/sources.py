"""The list of samples that songs are rendered from, made from their index, whose schema it states.

`python -m musiclab.training.studio.songs.sources > SOURCES.md`
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from musiclab.training.studio.songs.library import Library

_INTRODUCTION = """# Where the samples come from

Training songs and demo songs are rendered from these recordings. They are not part of the project: to render songs
yourself, fetch them from the repositories below (at the commit that is named), put an `index.json` beside them, and set
`MUSICLAB_SAMPLES` to that folder. Each licence is as its repository states it.

Samples under share-alike licences (marked) were used for training songs only, never for the demo songs, which are CC0.
Beside these, training songs use two soundfonts of Debian, both MIT: FluidR3 GM (Frank Wen) and MuseScore General
(S. Christian Collins).

`index.json` is `{"entries": [...]}` with a row for each file:

| field | meaning |
|---|---|
| `file` | path in the folder; any format that libsndfile reads |
| `family`, `kind` | `drums` with `kick`, `snare`, `hihat-closed`, `hihat-open`, `tom`, `crash`, `ride`, `percussion`; `bass`, `guitar`, `keys`, `winds`, `brass`, `strings`, `synth` with an instrument; `voice` |
| `pitch`, `cents`, `pitch_verified` | sounding MIDI number, deviation of the recording, whether it was measured |
| `vel` | MIDI value, layer number or range |
| `articulation`, `library`, `kit` | what belongs together |
| `dur` | seconds |
| `voice_id`, `mode`, `bandwidth_khz`, `f0_median_hz` | voices: who, `sung` or `spoken`, how far the treble goes, pitch |
| `licence`, `share_alike`, `licence_url`, `attribution`, `repo` | terms and origin, `owner/name@commit` |
"""  # noqa: E501


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Markdown: a row for each library of samples, with origin, licence, attribution and number of files."""
    groups: dict[tuple[str, ...], int] = defaultdict(int)
    for row in rows:
        licence = f"{row['licence']}{' (share-alike)' if row.get('share_alike') else ''}"
        url = str(row.get("licence_url") or "")
        link = f"[{licence}]({url})" if url.startswith("https://") else licence
        groups[str(row["family"]), str(row["library"]), str(row["repo"]), link, str(row["attribution"])] += 1
    lines = ["| family | library | repository@commit | licence | attribution | files |", "|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(group)} | {count} |" for group, count in sorted(groups.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(_INTRODUCTION + "\n" + table(sample.row for sample in Library.default().samples))
