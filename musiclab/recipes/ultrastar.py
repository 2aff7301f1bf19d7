"""UltraStar: a song's notes and syllables as a text file that singing games read.

The format (version 1.1): header lines ``#NAME:value``; notes ``: start length pitch text`` in beats and semitones,
where pitch 0 is C4 (MIDI 60) and a beat is a quarter of what ``#BPM`` says; ``F`` for notes that are not scored;
``- beat`` ends a phrase; ``E`` ends the song. ``~`` goes on with the syllable before it.
UTF-8 without a byte-order mark, LF.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from musiclab.notes import Note, Part
from musiclab.recipes.lyrics import Line, Lyrics

BPM = 1200  # four beats in each: 80 beats a second, 12.5 ms, so that one tempo serves any song, steady or not
BEATS_PER_SECOND = 4 * BPM / 60
MIDDLE_C = 60  # MIDI number of pitch 0
UNSURE = 0.5  # notes of less confidence are not scored
REST = 1.0  # seconds without a note that end a phrase
EARLY = 0.3  # seconds that a line's first note may come before the line's time
VOWELS = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûåæø]+", re.IGNORECASE)


@dataclass(frozen=True)
class Sung:
    """A note with its text; `ends` says that a phrase ends after it."""

    note: Note
    text: str = "~"
    ends: bool = False


def write_ultrastar(part: Part, *, lyrics: Lyrics | None = None, header: Mapping[str, str] | None = None) -> str:
    """The text of an UltraStar file.

    Parameters
    ----------
    part : Part
        A voice: one note at a time, in seconds of the sound that the game plays.
    lyrics : Lyrics
        Their words are laid on the notes: by their own times, or else spread over the notes of their line. It is a
        draft: words and notes were not made for each other.
    header : mapping
        More header lines, such as ``{"AUDIO": "song.mp3"}``.
    """
    head = {"VERSION": "1.1.0", "TITLE": part.title or "Song", "ARTIST": (lyrics and lyrics.artist) or "Unknown"}
    head |= dict(header or {}) | {"BPM": f"{BPM}", "GAP": "0"}
    rows = [f"#{name}:{_one_line(value)}" for name, value in head.items()]
    sung = _with_text(part.notes, lyrics) if lyrics else [Sung(note) for note in part.notes]
    starts = [round(one.note.onset * BEATS_PER_SECOND) for one in sung]
    for i, (one, start) in enumerate(zip(sung, starts, strict=True)):
        following = starts[i + 1] if i + 1 < len(sung) else None
        end = round(one.note.offset * BEATS_PER_SECOND)
        if following is not None:
            if following <= start:
                continue  # two notes within one beat: the later one stands
            end = min(end, following)
        kind = ":" if one.note.confidence >= UNSURE else "F"
        end = max(end, start + 1)
        rows.append(f"{kind} {start} {end - start} {one.note.semitone - MIDDLE_C} {one.text}")
        if following is not None and (one.ends or following - end > REST * BEATS_PER_SECOND):
            rows.append(f"- {end}")
    return "\n".join([*rows, "E", ""])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _with_text(notes: Sequence[Note], lyrics: Lyrics) -> list[Sung]:
    """Each note with what is sung on it: every note belongs to the line that began last before it."""
    begins = np.array([line.time - EARLY for line in lyrics.lines])
    which = np.searchsorted(begins, [note.onset for note in notes], side="right") - 1
    sung: list[Sung] = []
    for number in range(-1, len(lyrics.lines)):
        own = [note for note, line in zip(notes, which, strict=True) if line == number]
        words = lyrics.lines[number] if number >= 0 else Line(0.0, ())
        texts = _laid(own, words)
        sung += [Sung(note, text, i == len(own) - 1) for i, (note, text) in enumerate(zip(own, texts, strict=True))]
    return sung


def _laid(notes: Sequence[Note], line: Line) -> list[str]:
    """The text of each note of one line; a word begins with a space, but the first."""
    if not notes:
        return []
    words = line.words
    if not words:
        return ["~"] * len(notes)
    if all(word.time is not None for word in words):
        times = [word.time or 0.0 for word in words]
        owner = [int(np.argmin([abs(note.onset - time) for note in notes])) for time in times]
    else:
        weights = np.cumsum([0, *(max(1, len(VOWELS.findall(word.text))) for word in words)])
        owner = [int(weight * len(notes) / weights[-1]) for weight in weights[:-1]]
    owner = list(np.maximum.accumulate(owner))  # words keep their order
    texts = ["~"] * len(notes)
    for i in range(len(notes)):
        mine = [word.text for word, at in zip(words, owner, strict=True) if at == i]
        if mine:
            texts[i] = (" " if i else "") + " ".join(mine)
    return texts
