"""The front-end of widgets: plain files beside the Python code, put together without a build step.

An anywidget takes one module. Ours are written as several small ones, which import each other by relative path, so
that a browser (or an editor) can also load them as they are. `esm` writes them one after the other: each module's
imports of siblings are dropped, and all but the last lose the word ``export``. They then share one scope, so two
modules must not use one top-level name twice; the browser says so at once if they do.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
_IMPORT = re.compile(r"^import\s[^;]*?from\s+\"\./([\w-]+\.js)\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)


def esm(name: str) -> str:
    """One self-contained module: the file `name` (``mixer.js``) with all that it imports from beside it."""
    order: list[str] = []

    def visit(file: str) -> None:
        for needed in _IMPORT.findall((HERE / file).read_text("utf-8")):
            if needed not in order:
                visit(needed)
        if file not in order:
            order.append(file)

    visit(name)
    sources = [_IMPORT.sub("", (HERE / file).read_text("utf-8")) for file in order]
    return "\n".join([*(_EXPORT.sub("", source) for source in sources[:-1]), sources[-1]])


def css(*names: str) -> str:
    """One style sheet: the shared theme, then the files `names`."""
    return "\n".join((HERE / name).read_text("utf-8") for name in ("theme.css", *names))
