"""Under which terms the things in a hand-out stand: the song, what separated and wrote it, what plays it."""

from __future__ import annotations

from html import escape

from musiclab.widgets.shared import front

SONG_UNKNOWN = "The page says nothing of the song's terms: pass it on only if you may."
HEARD = (
    "Notes are heard by machine (Basic Pitch, Apache 2.0; SwiftF0, MIT; musiclab's own models, MIT): those in colour "
    "are doubtful, and others may be wrong, too."
)
TRUTH = "truth"  # in place of an engine, where a song came with its tracks
MIT = "shared/signalsmith-stretch.LICENSE.txt"  # the text of the licence, with Signalsmith's name


def footer(version: str, *, song: str, engine: str, heard: bool) -> str:
    """The foot of the page, as HTML.

    Parameters
    ----------
    version : str
        Of musiclab.
    song : str
        Terms of the song, in the teacher's words; empty where unknown.
    engine : str
        What separated the song; empty if its stems were given.
    heard : bool
        Whether notes in it were heard by machine.
    """
    lines = [f"Song: {song}" if song else SONG_UNKNOWN]
    if engine == TRUTH:
        lines.append("Its stems are the tracks that it was mixed from.")
    elif engine:
        lines.append(f"Separated by {engine}{_terms(engine)}.")
    if heard:
        lines.append(HEARD)
    lines.append(f"Made with musiclab {version}. Nothing is sent, and nothing is loaded from elsewhere.")
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    inside = [
        "musiclab, Copyright (c) 2026 The musiclab authors: MIT licence, as below.",
        "Speed and key: Signalsmith Stretch, Copyright (c) Signalsmith Audio Ltd.: MIT licence, as below.",
        "Symbols of the score: Leipzig, of Verovio, SIL Open Font License 1.1.",
    ]
    terms = "\n".join([*inside, "", front.text(MIT)])
    return f"{text}<details><summary>Licences of what is in this page</summary><pre>{escape(terms)}</pre></details>"


def _terms(engine: str) -> str:
    """What is known of an engine's terms, in brackets; of two that worked together, each."""
    from musiclab.separation import registry

    told = []
    for info in registry.engines():
        if info.name in engine.split("+"):
            licence = info.licence
            named = f"{info.name}: " if "+" in engine else ""
            disputed = f"; {licence.disputed.rstrip('.')}" if licence.disputed else ""
            told.append(f"{named}code {licence.code}, weights {licence.weights}{disputed}")
    return f" ({' / '.join(told)})" if told else ""
