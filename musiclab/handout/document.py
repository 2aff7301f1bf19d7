"""The file itself: one HTML document that asks nobody for anything."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from musiclab.widgets.shared import front

HERE = Path(__file__).parent
LONG = 4000  # characters: longer texts are compressed
_WIDGETS = {"mixer": "mixer/mixer.js", "score": "scoreview/scoreview.js"}
_STYLES = [f"{path.parent.name}/{path.name}" for folder in ("mixer", "scoreview") for path in front.styles(folder)]
# No address but the page itself: worklets come from data: (pages opened from a file may not load them otherwise).
_POLICY = (
    "default-src 'none'; script-src {scripts} data: blob: 'wasm-unsafe-eval'; worker-src data: blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; connect-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
_EARLY = """try { document.documentElement.dataset.theme = localStorage.getItem("musiclab:theme")
  ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"); } catch { /* light, then */ }
"""


class Packing:
    """Bytes and long texts of a document, each kept once and named by its number."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}  # by digest
        self._texts: list[str] = []

    def value(self, value: Any) -> Any:
        """A value as JSON takes it: see ``packed.js``."""
        if isinstance(value, (bytes, memoryview)):
            return {"$bytes": self._number(bytes(value)) if value else None}
        if isinstance(value, str) and len(value) > LONG:
            return {"$text": self._number(gzip.compress(value.encode(), mtime=0))}
        if isinstance(value, Mapping):
            return {name: self.value(inner) for name, inner in value.items()}
        return [self.value(inner) for inner in value] if isinstance(value, (list, tuple)) else value

    def _number(self, data: bytes) -> int:
        digest = hashlib.sha256(data).digest()
        if digest not in self._numbers:
            self._numbers[digest] = len(self._texts)
            self._texts.append(base64.b64encode(data).decode())
        return self._numbers[digest]

    def html(self) -> str:
        """The elements that hold it all."""
        return "\n".join(
            f'<script type="text/plain" id="packed-{number}">{text}</script>' for number, text in enumerate(self._texts)
        )


def document(fields: Mapping[str, str], data: Mapping[str, Any]) -> bytes:
    """The page.

    Parameters
    ----------
    fields : Mapping[str, str]
        HTML for the places of the template: title, facts, notes, tasks, licences.
    data : Mapping
        What ``handout.js`` starts from: see there.
    """
    packing = Packing()
    lesson = json.dumps(packing.value(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    scripts = {"early": _EARLY, "script": script()}
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts.values())
    filled = {
        **fields,
        **scripts,
        "policy": escape(_POLICY.format(scripts=hashes)),
        "style": front.css(*_STYLES, "../handout/handout.css"),
        "data": lesson.replace("<", "\\u003c"),
        "packed": packing.html(),
    }
    template = (HERE / "handout.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: filled[found[1]], template).encode()


@cache
def script() -> str:
    """The page's one script: its own modules, and those of the widgets, as they are."""
    # inside a string or a comment only: no code of ours says so
    whole = f"{front.esm('../handout/handout.js')}\nawait start({widgets()});\n"
    return re.sub(r"<(?=/script|!--)", r"\\x3c", whole)


def widgets() -> str:
    """What the modules of mixer and score view export, as an expression of JavaScript: ``{mixer: …, score: …}``."""
    made = [f"{name}: (() => {{\n{_returning(front.esm(path))}\n}})()" for name, path in _WIDGETS.items()]
    return "{\n" + ",".join(made) + "\n}"


def _returning(module: str) -> str:
    """A module as the body of a function that returns its default export."""
    body, count = re.subn(r"^export default ", "return ", module, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"A widget has one default export, and this one {count}.")
    return body


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
