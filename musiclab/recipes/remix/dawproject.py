"""A DAWproject: tracks, tempo and markers in one file that Bitwig, Studio One, Cubase and others open.

The file is a ZIP of ``project.xml``, ``metadata.xml`` and the sounds [1]_. Each clip is held to the beats by warp
points (one for each beat), so that it stays together with the drifting tempo of the project, whatever a user does to
that.

References
----------
.. [1] https://github.com/bitwig/dawproject (MIT), version 1.0
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from musiclab.recipes.remix.tempomap import TempoMap
from musiclab.recipes.remix.tracks import Track

_STAMP = (1980, 1, 1, 0, 0, 0)  # of everything inside: the same pack gives the same file
TEMPO, METRE, MASTER = "tempo", "metre", "master"  # ids


def write_dawproject(path: Path, tracks: Sequence[Track], tempo_map: TempoMap, *, title: str, folder: Path) -> None:
    """Write the project.

    Parameters
    ----------
    path : Path
        Where to.
    tracks : sequence of Track
        In their order.
    tempo_map : TempoMap
        Tempo, time signatures and markers.
    title : str
        The song's.
    folder : Path
        Where the tracks' files are; they are copied into the project.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, root in (("project.xml", _project(tracks, tempo_map)), ("metadata.xml", _metadata(title))):
            ET.indent(root)
            text = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
            archive.writestr(zipfile.ZipInfo(name, _STAMP), text, zipfile.ZIP_DEFLATED)
        for track in tracks:
            info = zipfile.ZipInfo(f"audio/{track.file}", _STAMP)
            info.file_size = (folder / track.file).stat().st_size
            with (folder / track.file).open("rb") as source, archive.open(info, "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)


def _metadata(title: str) -> ET.Element:
    root = ET.Element("MetaData")
    ET.SubElement(root, "Title").text = title
    return root


def _project(tracks: Sequence[Track], tempo_map: TempoMap) -> ET.Element:
    from musiclab import __version__

    root = ET.Element("Project", version="1.0")
    ET.SubElement(root, "Application", name="musiclab", version=__version__)
    transport = ET.SubElement(root, "Transport")
    bpm = f"{tempo_map.tempos[0].bpm:.6f}"
    ET.SubElement(transport, "Tempo", id=TEMPO, name="Tempo", unit="bpm", min="20", max="999", value=bpm)
    numerator, denominator = tempo_map.signatures[0].metre
    signature = {"id": METRE, "numerator": str(numerator), "denominator": str(denominator)}
    ET.SubElement(transport, "TimeSignature", signature)
    structure = ET.SubElement(root, "Structure")
    for number, track in enumerate(tracks):
        _structure(structure, number, track)
    master = ET.SubElement(
        structure, "Track", id="track-master", name="Master", contentType="audio tracks", loaded="true"
    )
    channel = ET.SubElement(master, "Channel", id=MASTER, role="master", audioChannels="2")
    _mixer(channel, muted=False, prefix=MASTER)
    root.append(_arrangement(tracks, tempo_map))
    return root


def _structure(parent: ET.Element, number: int, track: Track) -> None:
    named = {"id": f"track-{number}", "name": track.name, "color": track.colour}
    element = ET.SubElement(parent, "Track", named, contentType="audio", loaded="true")
    channels = str(min(track.audio.channels, 2))
    channel = ET.SubElement(
        element, "Channel", id=f"channel-{number}", role="regular", audioChannels=channels, destination=MASTER
    )
    _mixer(channel, muted=track.muted, prefix=f"channel-{number}")


def _mixer(channel: ET.Element, *, muted: bool, prefix: str) -> None:
    ET.SubElement(channel, "Mute", id=f"{prefix}-mute", name="Mute", value=str(muted).lower())
    ET.SubElement(channel, "Pan", id=f"{prefix}-pan", name="Pan", unit="normalized", min="0", max="1", value="0.5")
    ET.SubElement(channel, "Volume", id=f"{prefix}-volume", name="Volume", unit="linear", min="0", max="2", value="1")


def _arrangement(tracks: Sequence[Track], tempo_map: TempoMap) -> ET.Element:
    root = ET.Element("Arrangement", id="arrangement")
    lanes = ET.SubElement(root, "Lanes", id="lanes", timeUnit="beats")
    for number, track in enumerate(tracks):
        own = ET.SubElement(lanes, "Lanes", id=f"lanes-{number}", track=f"track-{number}")
        _clip(ET.SubElement(own, "Clips", id=f"clips-{number}"), track, tempo_map)
    if tempo_map.markers:
        markers = ET.SubElement(root, "Markers", id="markers", timeUnit="beats")
        for marker in tempo_map.markers:
            ET.SubElement(markers, "Marker", name=marker.name, time=_number(marker.quarter))
    tempo = ET.SubElement(root, "TempoAutomation", id="tempo-lane", timeUnit="beats", unit="bpm")
    ET.SubElement(tempo, "Target", parameter=TEMPO)
    for point in tempo_map.tempos:
        at = {"time": _number(float(point.quarter)), "value": f"{point.bpm:.6f}"}
        ET.SubElement(tempo, "RealPoint", at, interpolation="hold")
    metres = ET.SubElement(root, "TimeSignatureAutomation", id="metre-lane", timeUnit="beats")
    ET.SubElement(metres, "Target", parameter=METRE)
    for signature in tempo_map.signatures:
        numerator, denominator = map(str, signature.metre)
        at = {"time": _number(float(signature.quarter)), "numerator": numerator, "denominator": denominator}
        ET.SubElement(metres, "TimeSignaturePoint", at)
    return root


def _clip(clips: ET.Element, track: Track, tempo_map: TempoMap) -> None:
    """The whole file from the start, held to every beat."""
    length = _number(tempo_map.length)
    clip = ET.SubElement(clips, "Clip", name=track.name, time="0", duration=length, playStart="0")
    clip.set("contentTimeUnit", "beats")
    warps = ET.SubElement(clip, "Warps", contentTimeUnit="seconds", timeUnit="beats")
    sound = {"channels": str(track.audio.channels), "sampleRate": str(track.audio.sr)}
    audio = ET.SubElement(warps, "Audio", sound, duration=_number(track.audio.duration), algorithm="raw")
    ET.SubElement(audio, "File", path=f"audio/{track.file}")
    for point in tempo_map.tempos:
        ET.SubElement(warps, "Warp", time=_number(float(point.quarter)), contentTime=_number(point.seconds))
    ET.SubElement(warps, "Warp", time=length, contentTime=_number(tempo_map.duration))


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")
