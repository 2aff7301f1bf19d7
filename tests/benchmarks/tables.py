"""Put results of the benchmarks into the docs: ``python tests/benchmarks/tables.py docs/speed.md NAME=out.json ...``.

A table stands between the lines ``<!-- NAME -->`` and ``<!-- end of NAME -->``; what was there is replaced.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 20 else f"{value:.0f}"
    return "–" if value is None else str(value)


def table(rows: list[dict[str, object]]) -> str:
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([cell(row[name]) for name in head] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(page: Path, results: dict[str, Path]) -> None:
    text = page.read_text(encoding="utf-8")
    for name, result in results.items():
        made = table(json.loads(result.read_text(encoding="utf-8")))
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text, count = re.subn(pattern, lambda match: f"{match[1]}{made}\n{match[2]}", text, flags=re.S)  # noqa: B023
        if count != 1:
            raise SystemExit(f"{page} has no place for the table {name!r}.")
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), {name: Path(file) for name, _, file in (pair.partition("=") for pair in sys.argv[2:])})
