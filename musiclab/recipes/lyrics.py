"""Lyrics with times: LRC files, plain (a time for each line) and enhanced (a time for each word), read and checked.

The format: ``[mm:ss.xx]text``, several times before one text where lines come again, ``<mm:ss.xx>`` before a word in
the enhanced form, and tags such as ``[ti:Title]``, ``[ar:Artist]`` and ``[offset:+250]`` (milliseconds; a positive
one shows the lines earlier).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from musiclab.errors import LyricsError

_TIME = r"(\d{1,3}):([0-5]?\d(?:[.:]\d{1,3})?)"
_LINE_TIME = re.compile(rf"\[{_TIME}\]")
_WORD_TIME = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"\[([A-Za-z#]+):(.*)\]")


@dataclass(frozen=True)
class Word:
    """A word, and when it begins in seconds; None where the file tells the time of its line only."""

    text: str
    time: float | None = None


@dataclass(frozen=True)
class Line:
    """A line of lyrics: when it begins in seconds, and its words. A line without words ends the one before it."""

    time: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class Lyrics:
    """Lines by time, with the file's title and artist where it names them."""

    lines: tuple[Line, ...]
    title: str = ""
    artist: str = ""

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order, each with a time: its own, or that of its line if it begins it."""
        return tuple(
            replace(word, time=line.time) if i == 0 and word.time is None else word
            for line in self.lines
            for i, word in enumerate(line.words)
        )

    def at_speed(self, speed: float, *, later: float = 0.0) -> Lyrics:
        """For the song at another speed, and `later` seconds later."""

        def moved(time: float | None) -> float | None:
            return None if time is None else time / speed + later

        lines = tuple(
            Line(line.time / speed + later, tuple(Word(w.text, moved(w.time)) for w in line.words))
            for line in self.lines
        )
        return replace(self, lines=lines)

    def to_lrc(self) -> str:
        """The text of an LRC file, in hundredths of a second."""
        head = [f"[{tag}:{text}]" for tag, text in (("ti", self.title), ("ar", self.artist)) if text]
        return "\n".join([*head, *(f"[{_stamp(line.time)}]{_words(line.words)}" for line in self.lines), ""])


def read_lrc(path: str | PathLike[str], *, duration: float | None = None) -> Lyrics:
    """Lyrics from an LRC file.

    Parameters
    ----------
    path : path
        UTF-8, with or without a byte-order mark.
    duration : float
        Of the song, in seconds: lyrics that begin after its end are for another song.

    Raises
    ------
    LyricsError
        If it can't be read, has no line with a time, or doesn't fit the song; the message names the line.
    """
    place = Path(path).expanduser()
    try:
        text = place.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LyricsError(f"The lyrics {place.name!r} can't be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise LyricsError(f"The lyrics {place.name!r} are not UTF-8 text: save them as UTF-8.") from error
    return parse_lrc(text, name=place.name, duration=duration)


def parse_lrc(text: str, *, name: str = "the lyrics", duration: float | None = None) -> Lyrics:
    """Lyrics from the text of an LRC file. See `read_lrc`."""
    tags: dict[str, str] = {}
    lines: list[Line] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        row = raw.strip()
        if match := _TAG.fullmatch(row):
            tags[match[1].lower()] = match[2].strip()
        elif row:
            lines += _lines(row, f"Line {number} of {name!r}")
    if not lines:
        raise LyricsError(f"{name!r} holds no lyrics with times: each line should begin as in [01:23.45].")
    shift = _offset(tags.get("offset", "0"), name)
    lines = sorted((_earlier(line, shift) for line in lines), key=lambda line: line.time)
    last = next((line for line in reversed(lines) if line.words), lines[-1])
    if duration is not None and last.time > duration + 1.0:
        raise LyricsError(
            f"The lyrics go on to {_stamp(last.time)}, but the song ends at {_stamp(duration)}: they are for another "
            "song or recording."
        )
    return Lyrics(tuple(lines), tags.get("ti", ""), tags.get("ar", ""))


def _lines(row: str, where: str) -> list[Line]:
    """The line of one row, once for each of its times."""
    times: list[float] = []
    while match := _LINE_TIME.match(row):
        times.append(_seconds(match))
        row = row[match.end() :].lstrip()
    if not times:
        raise LyricsError(f"{where} has no time: it should begin as in [01:23.45].")
    words = _timed_words(row, where)
    if len(times) > 1:  # the times of words belong to one of them
        words = tuple(Word(word.text) for word in words)
    return [Line(time, words) for time in times]


def _timed_words(text: str, where: str) -> tuple[Word, ...]:
    words: list[Word] = []
    time, at = None, 0
    for match in [*_WORD_TIME.finditer(text), None]:
        piece = text[at : match.start() if match else len(text)].split()
        words += [Word(word, time if i == 0 else None) for i, word in enumerate(piece)]
        if match:
            time, at = _seconds(match), match.end()
    known = [word.time for word in words if word.time is not None]
    if known != sorted(known):
        raise LyricsError(f"{where} has a word that begins before the one in front of it: put its times in order.")
    return tuple(words)


def _seconds(match: re.Match[str]) -> float:
    return 60 * int(match[1]) + float(match[2].replace(":", "."))


def _offset(text: str, name: str) -> float:
    try:
        return float(text) / 1000
    except ValueError as error:
        raise LyricsError(f"The offset {text!r} in {name!r} is no number of milliseconds.") from error


def _earlier(line: Line, shift: float) -> Line:
    words = tuple(Word(w.text, None if w.time is None else max(0.0, w.time - shift)) for w in line.words)
    return Line(max(0.0, line.time - shift), words)


def _words(words: Sequence[Word]) -> str:
    return " ".join(word.text if word.time is None else f"<{_stamp(word.time)}>{word.text}" for word in words)


def _stamp(seconds: float) -> str:
    hundredths = round(100 * seconds)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"
