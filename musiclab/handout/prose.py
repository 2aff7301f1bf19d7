"""A teacher's words: Markdown to HTML that brings no script, with links to places in the song, and pictures inside.

``[the bridge](#t=1:02)`` goes to a place, ``[this lick](#t=0:30,0:42)`` loops it (the fragments of W3C Media Fragments
[1]_), ``[the chorus](#bars=9-16)`` loops bars, counted from 1. Pictures come from files beside the text.

References
----------
.. [1] "Media Fragments URI 1.0 (basic)", W3C Recommendation, 2012, https://www.w3.org/TR/media-frags/
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from musiclab.errors import LessonError

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

PICTURES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp", ".svg": "svg+xml"}
LARGEST = 2_000_000  # bytes of one picture
_ABROAD = re.compile(r"(?:https?:|mailto:)", re.IGNORECASE)
_TIME = re.compile(r"(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)")
_BARS = re.compile(r"#bars=(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class Prose:
    """A text that was read and found fit: `html` writes it, once it is known where bars begin.

    Raises
    ------
    LessonError
        If a link or a picture leads to what a single file can't hold.
    """

    text: str
    folder: Path
    duration: float  # s: places lie within

    def __post_init__(self) -> None:
        for token in _flat(self._tokens):
            if token.type == "image":
                _picture(str(token.attrs["src"]), self.folder)
            elif token.type == "link_open" and not _BARS.fullmatch(str(token.attrs["href"])):
                _link(str(token.attrs["href"]), self.duration, ())

    @property
    def _tokens(self) -> list[Token]:
        return _reader().parse(self.text)

    def html(self, bars: Sequence[float]) -> str:
        """As HTML; headings stand one step lower than in the text, below the page's title.

        Parameters
        ----------
        bars : sequence of float
            Times (s) at which bars begin, ascending; empty where they are not known.

        Raises
        ------
        LessonError
            If it names a bar that the song has not.
        """
        tokens = self._tokens
        for token in _flat(tokens):
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{min(int(token.tag[1]) + 1, 6)}"
            elif token.type == "image":
                token.attrs["src"] = _picture(str(token.attrs["src"]), self.folder)
            elif token.type == "link_open":
                token.attrs["href"] = target = _link(str(token.attrs["href"]), self.duration, bars)
                if _ABROAD.match(target):
                    token.attrs.update(target="_blank", rel="noopener noreferrer")
        reader = _reader()
        return str(reader.renderer.render(tokens, reader.options, {}))


def read(notes: str | Path, duration: float) -> Prose:
    """A text, or the text of a Markdown file (given as a `Path`); pictures are looked for beside that file.

    Raises
    ------
    LessonError
        If the file can't be read, or a link or picture won't do.
    """
    if not isinstance(notes, Path):
        return Prose(notes, Path(), duration)
    path = notes.expanduser()
    try:
        return Prose(path.read_text(encoding="utf-8"), path.parent, duration)
    except (OSError, UnicodeDecodeError) as error:
        raise LessonError(f"{str(path)!r} can't be read as a text: give a Markdown file in UTF-8.") from error


@functools.cache
def _reader() -> MarkdownIt:
    """Markdown without HTML: tags are shown as they are written, and run nothing."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _flat(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or ())


def _picture(source: str, folder: Path) -> str:
    """A picture's bytes as an address within the page."""
    if source.startswith("data:image/"):
        return source
    if re.match(r"[a-z][a-z+.-]+:|//", source, re.IGNORECASE):
        raise LessonError(f"The picture {source!r} lies elsewhere: save it beside the notes, and name that file.")
    path = folder / unquote(source)
    kind = PICTURES.get(path.suffix.lower())
    if kind is None:
        raise LessonError(f"The picture {source!r} is none that pages show: give a {', '.join(PICTURES)} file.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LessonError(f"The picture {source!r} is not there: put it beside the notes.") from error
    if len(data) > LARGEST:
        raise LessonError(f"The picture {source!r} has {len(data) / 1e6:.1f} MB, 2 at most: make it smaller.")
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _link(target: str, duration: float, bars: Sequence[float]) -> str:
    """Where a link leads: to another page, or to seconds of the song as ``#t=30`` or ``#t=30,42``."""
    if _ABROAD.match(target):
        return target
    if found := _BARS.fullmatch(target):
        return _of_times(_bars_between(bars, int(found[1]), int(found[2] or found[1]), duration))
    if target.startswith("#t="):
        times = [_seconds(text, target) for text in target[3:].split(",")]
        if len(times) > 2 or times != sorted(set(times)) or times[-1] > duration:
            raise LessonError(f"{target!r} is no place in a song of {duration:.1f} s: write #t=0:30 or #t=0:30,0:42.")
        return _of_times(times)
    raise LessonError(f"The link to {target!r} leads nowhere from a single file: use #t=0:30, #bars=5-8 or https://….")


def _of_times(times: Sequence[float]) -> str:
    return "#t=" + ",".join(f"{time:.3f}".rstrip("0").rstrip(".") for time in times)


def _seconds(text: str, target: str) -> float:
    """Seconds from ``62``, ``1:02.5`` or ``0:01:02``."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise LessonError(f"{target!r} is no place: write seconds, or minutes and seconds, as in #t=62 or #t=1:02.")
    seconds = 0.0
    for part in text.strip().split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _bars_between(bars: Sequence[float], first: int, last: int, duration: float) -> list[float]:
    if not bars:
        raise LessonError("The notes name bars, but this song's bars could not be found: name seconds, as in #t=30,42.")
    if not 1 <= first <= last <= len(bars):
        raise LessonError(f"The notes name bars {first} to {last}: the song has {len(bars)}, counted from 1.")
    return [bars[first - 1], bars[last] if last < len(bars) else duration]
