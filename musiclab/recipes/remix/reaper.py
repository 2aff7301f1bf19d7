"""A Reaper project: tracks, tempo envelope and markers, as the plain text that Reaper keeps.

Items are attached to time, not to beats, so that nothing is stretched; the tempo envelope follows the recording.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from musiclab.recipes.remix.tempomap import TempoMap
from musiclab.recipes.remix.tracks import Track

_NAMESPACE = uuid.UUID("6f1bd2fe-6f3c-4f59-9a62-5b1a6e0d7d11")  # ids follow from names: the same pack, the same file
SQUARE = 1  # an envelope point that holds its value
SETS_SIGNATURE = 1  # flag of a tempo point: a time signature begins here


def reaper_project(tracks: Sequence[Track], tempo_map: TempoMap, *, sr: int) -> str:
    """The text of an ``.rpp`` beside the tracks' files.

    Parameters
    ----------
    tracks : sequence of Track
        In their order.
    tempo_map : TempoMap
        Tempo, time signatures and markers.
    sr : int
        Sample rate of the project in Hz.
    """
    numerator, denominator = tempo_map.signatures[0].metre
    lines = [
        '<REAPER_PROJECT 0.1 "7.0/musiclab" 0',
        "  RIPPLE 0",
        "  TIMELOCKMODE 0",  # items keep their place in time when the tempo changes
        "  TEMPOENVLOCKMODE 0",
        f"  SAMPLERATE {sr} 1 0",
        f"  TEMPO {tempo_map.tempos[0].bpm:.10f} {numerator} {denominator}",
        *_tempo_envelope(tempo_map),
    ]
    for number, marker in enumerate(tempo_map.markers, start=1):
        lines.append(f"  MARKER {number} {marker.seconds:.12f} {_quoted(marker.name)} 0")
    for track in tracks:
        lines += _track(track)
    return "\n".join([*lines, ">", ""])


def _tempo_envelope(tempo_map: TempoMap) -> list[str]:
    """A point for each beat and each time signature: a signature's point is the beat's, where they fall together."""
    lines = ["  <TEMPOENVEX", "    ACT 1", "    VIS 1 0 1", "    LANEHEIGHT 0 0", "    ARM 0", "    DEFSHAPE 1 -1 -1"]
    signatures = {signature.quarter: signature for signature in tempo_map.signatures}
    points = [(tempo.seconds, tempo.bpm, signatures.pop(tempo.quarter, None)) for tempo in tempo_map.tempos]
    for signature in signatures.values():  # inside a beat: the tempo there goes on
        bpm = next(tempo.bpm for tempo in reversed(tempo_map.tempos) if tempo.quarter < signature.quarter)
        points.append((signature.seconds, bpm, signature))
    for seconds, bpm, begins in sorted(points, key=lambda point: point[0]):
        line = f"    PT {seconds:.12f} {bpm:.10f} {SQUARE}"
        if begins is not None:
            line += f" {begins.metre[1] * 65536 + begins.metre[0]} 0 {SETS_SIGNATURE}"
        lines.append(line)
    return [*lines, "  >"]


def _track(track: Track) -> list[str]:
    colour = int(track.colour.removeprefix("#"), 16)
    red, green, blue = colour >> 16, colour >> 8 & 255, colour & 255
    return [
        f"  <TRACK {_id('track', track.file)}",
        f"    NAME {_quoted(track.name)}",
        f"    PEAKCOL {0x1000000 | blue << 16 | green << 8 | red}",
        "    BEAT 0",
        "    VOLPAN 1 0 -1 -1 1",
        f"    MUTESOLO {int(track.muted)} 0 0",
        "    NCHAN 2",
        f"    TRACKID {_id('track', track.file)}",
        "    <ITEM",
        "      POSITION 0",
        f"      LENGTH {track.audio.duration:.12f}",
        "      LOOP 0",
        "      FADEIN 0 0 0 0 0 0 0",  # Reaper's own fades would take 10 ms off both ends
        "      FADEOUT 0 0 0 0 0 0 0",
        "      BEAT 0",
        f"      IGUID {_id('item', track.file)}",
        f"      NAME {_quoted(track.name)}",
        "      VOLPAN 1 0 1 -1",
        "      SOFFS 0",
        "      PLAYRATE 1 1 0 -1 0 0.0025",
        "      <SOURCE WAVE",
        f"        FILE {_quoted(track.file)}",
        "      >",
        "    >",
        "  >",
    ]


def _id(kind: str, name: str) -> str:
    return f"{{{str(uuid.uuid5(_NAMESPACE, f'{kind}/{name}')).upper()}}}"


def _quoted(text: str) -> str:
    """A string as Reaper writes it: in whatever quote it does not hold."""
    text = " ".join(text.split())
    quote = next((quote for quote in "\"'`" if quote not in text), "")
    return f"{quote}{text}{quote}" if quote else f"`{text.replace('`', chr(39))}`"
