"""One-shots as instruments: SFZ (sforzando, Sfizz, Renoise, …) and Decent Sampler, both plain text.

Each drum lies on its General MIDI key, its layers on parts of the velocity range; the recorded strokes keep their
loudness, so that velocity chooses the layer and does not make soft ones softer again. An open hi-hat is stopped by a
closed one.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from musiclab.recipes.sampling.one_shots import OneShot

HATS = ("hihat-closed", "hihat-open")


def sfz(shots: Mapping[str, OneShot]) -> str:
    """The text of an ``.sfz``; `shots` by the paths of their files, relative to it."""
    lines = ["// Made by musiclab", "<global> loop_mode=one_shot"]
    for path, shot in shots.items():
        low, high = shot.velocities
        hats = " group=1 off_by=1 off_mode=normal" if shot.drum in HATS else ""
        layered = " amp_veltrack=0" if shot.layers > 1 else ""
        keys = f"key={shot.key} pitch_keycenter={shot.key} lovel={low} hivel={high}{layered}{hats}"
        lines.append(f"<region> {keys} sample={path}")  # last, since names may hold spaces
    return "\n".join([*lines, ""])


def decent_sampler(shots: Mapping[str, OneShot]) -> str:
    """The text of a ``.dspreset``; `shots` as for `sfz`."""
    root = ET.Element("DecentSampler", minVersion="1.0.0")
    groups = ET.SubElement(root, "groups", attack="0", decay="0", sustain="1", release="1.5")
    for path, shot in shots.items():
        key = str(shot.key)
        low, high = map(str, shot.velocities)
        group = ET.SubElement(groups, "group", ampVelTrack="0" if shot.layers > 1 else "1")
        if shot.drum in HATS:
            for name, value in (("tags", "hihat"), ("silencedByTags", "hihat"), ("silencingMode", "normal")):
                group.set(name, value)
        ET.SubElement(group, "sample", path=path, rootNote=key, loNote=key, hiNote=key, loVel=low, hiVel=high)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
