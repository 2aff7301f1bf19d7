"""The front-end of widgets: plain files beside the Python code, put together without a build step.

An anywidget takes one module. Ours are written as several small ones, which import names from each other by relative
path, so that a browser or an editor can also load them as they are. `esm` puts them into one: each module but the last
becomes a function that runs once and returns what it exports, so every module keeps a scope of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parents[1]  # the folder of all widgets
_IMPORT = re.compile(r"^import \{([^}]*)\} from \"(\.\.?/[\w/-]+\.js)\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (\w+))", re.MULTILINE)
# What `esm` would pass on as it stands, for a browser to stumble over where there is no other file to import from.
_UNREAD = re.compile(r"^(?:import\b|export (?:\{|\*)).*|\bimport\(\s*[\"'`].*", re.MULTILINE)


def esm(name: str) -> str:
    """One self-contained module: the file `name` (``mixer/mixer.js``, from the widgets' folder) with all it imports.

    Modules may write ``import { a, b } from "./other.js";`` (or ``"../shared/other.js"``) and export functions,
    classes, const and let by name.

    Raises
    ------
    ValueError
        If a module imports or exports in another form.
    """
    done: dict[Path, str] = {}

    def visit(module: Path) -> str:
        source = module.read_text("utf-8")
        needed = {found[1]: (module.parent / found[1]).resolve() for found in _IMPORT.findall(source)}
        for other in needed.values():
            if other not in done:
                done[other] = ""  # its place is held while it is being visited
                done[other] = _enclosed(other, visit(other))
        source = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {_word(needed[found[2]])};\n", source)
        if unread := _UNREAD.search(source):
            raise ValueError(f"{module.name} says {unread[0]!r}: only named imports and exports are understood.")
        return source

    main = visit((HERE / name).resolve())
    inner_first = sorted(done, key=lambda module: _depth(module, done))
    return "\n".join([*(done[module] for module in inner_first), main])


def css(*names: str) -> str:
    """One style sheet: the shared theme, then the files `names`."""
    return "\n".join((HERE / name).read_text("utf-8") for name in ("shared/theme.css", *names))


def styles(folder: str) -> list[Path]:
    """The style sheets of a widget's folder, in the order of their names."""
    return sorted((HERE / folder).glob("*.css"))


def text(name: str) -> str:
    """A file of the widgets, as it is."""
    return (HERE / name).read_text("utf-8")


def _enclosed(module: Path, source: str) -> str:
    names = ", ".join(_EXPORT.findall(source))
    return f"const {_word(module)} = (() => {{\n{_EXPORT.sub('', source)}\nreturn {{ {names} }};\n}})();\n"


def _depth(module: Path, done: dict[Path, str]) -> int:
    """How many layers of modules lie below: each must stand after those that it needs."""
    below = [other for other in done if other != module and f"= {_word(other)};" in done[module]]
    return 1 + max((_depth(other, done) for other in below), default=0)


def _word(module: Path) -> str:
    """The name of a module inside the one that holds all: ``module_widgets_shared_dom``."""
    return "module_" + re.sub(r"\W", "_", module.relative_to(HERE.parent).with_suffix("").as_posix())
