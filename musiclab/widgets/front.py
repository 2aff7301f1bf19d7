"""The front-end of widgets: plain files beside the Python code, put together without a build step.

An anywidget takes one module. Ours are written as several small ones, which import names from each other by relative
path, so that a browser or an editor can also load them as they are. `esm` puts them into one: each module but the last
becomes a function that runs once and returns what it exports, so every module keeps a scope of its own.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Bundle = tuple[dict[str, Any], dict[str, Any]]  # of IPython: data by type, and what is said about it
HERE = Path(__file__).parent
_IMPORT = re.compile(r"^import \{([^}]*)\} from \"\./([\w-]+)\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)


def esm(name: str) -> str:
    """One self-contained module: the file `name` (``mixer.js``) with all that it imports from beside it.

    Modules may write ``import { a, b } from "./other.js";`` and export functions, classes, const and let by name.
    """
    done: dict[str, str] = {}

    def visit(module: str) -> str:
        source = (HERE / f"{module}.js").read_text("utf-8")
        for _, needed in _IMPORT.findall(source):
            if needed not in done:
                done[needed] = ""  # its place is held while it is being visited
                done[needed] = _enclosed(needed, visit(needed))
        return _IMPORT.sub(lambda found: f"const {{{found[1]}}} = module_{_word(found[2])};\n", source)

    main = visit(name.removesuffix(".js"))
    inner_first = sorted(done, key=lambda module: _depth(module, done))
    return "\n".join([*(done[module] for module in inner_first), main])


def css(*names: str) -> str:
    """One style sheet: the shared theme, then the files `names`."""
    return "\n".join((HERE / name).read_text("utf-8") for name in ("theme.css", *names))


def with_still(bundle: Bundle | None, still: Callable[[], dict[str, str | bytes]]) -> Bundle | None:
    """What a widget shows, and beside it what is seen where nothing runs: pictures as bytes, HTML as text, by type."""
    if bundle is None:
        return None
    data, metadata = bundle
    beside = {kind: base64.b64encode(x).decode() if isinstance(x, bytes) else x for kind, x in still().items()}
    return {**data, **beside}, metadata


def text(name: str) -> str:
    """A file from beside this one, as it is."""
    return (HERE / name).read_text("utf-8")


def _enclosed(module: str, source: str) -> str:
    names = ", ".join(_EXPORT.findall(source))
    return f"const module_{_word(module)} = (() => {{\n{_EXPORT.sub('', source)}\nreturn {{ {names} }};\n}})();\n"


def _depth(module: str, done: dict[str, str]) -> int:
    """How many layers of modules lie below: each must stand after those that it needs."""
    below = [other for other in done if other != module and f"= module_{_word(other)};" in done[module]]
    return 1 + max((_depth(other, done) for other in below), default=0)


def _word(module: str) -> str:
    return module.replace("-", "_")
