"""Instruments from General MIDI soundfonts, where recorded samples lack: brass, strings, organs, synthesizers.

A program is played once by `fluidsynth`, note by note, and kept on disk; from then on it is a multi-sample like any
other. Debian's FluidR3 and MuseScore General (both MIT) are found by themselves. Without fluidsynth or fonts there are
just fewer instruments. Programs with voices are left out: a choir is no part of `other`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from musiclab.training.studio.songs.library import SR, Library, Sample, SampledInstrument, cache_folder, condition

FONTS = (Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), Path("/usr/share/sounds/sf3/MuseScore_General.sf3"))
PROGRAMS: dict[str, tuple[int, ...]] = {  # General MIDI program numbers from 0
    "piano": (0, 1, 2, 3),
    "epiano": (4, 5, 7, 11),
    "organ": (16, 17, 18, 16, 17, 18, 19, 21, 22),
    "nylon": (24,),
    "acoustic": (25,),
    "jazz": (26,),
    "clean": (27, 26),
    "crunch": (29, 27),
    "distorted": (29, 30),
    "metal": (30, 29),
    "lead": (29, 30),
    "surf": (27,),
    "banjo": (105,),
    "bass": (33, 34, 33, 34, 35, 36, 32, 38, 39),
    "strings": (48, 49, 40, 41, 42, 48, 45, 50),
    "brass": (61, 56, 57, 61, 60, 62),
    "sax": (65, 66, 64, 67),
    "winds": (73, 71, 68, 74, 75, 72, 79),
    "synth": (90, 88, 89, 95, 62, 50),
    "synth-lead": (80, 81, 87, 84),
}
KITS: dict[str, tuple[int, ...]] = {"acoustic": (0, 8, 16, 32), "machine": (24, 25)}
_SUSTAINED = {"organ", "strings", "brass", "sax", "winds", "synth", "synth-lead"}
_PLUCKED = {45}  # pizzicato
_DRUM_KEYS = {"kick": (35, 36), "snare": (38, 40), "hihat-closed": (42,), "hihat-open": (46,), "crash": (49, 57),
              "ride": (51,), "tom": (50, 47, 43), "percussion": (54, 56, 39)}  # fmt: skip
_VELOCITIES = (60, 105)
_LENGTH, _SPACING = 3.0, 4.0  # seconds a note is held, and from note to note
_LOWEST, _HIGHEST, _STEP = 28, 92, 4


def fonts() -> list[Path]:
    """The soundfonts that can be played here; none without fluidsynth."""
    return [f for f in FONTS if f.is_file()] if shutil.which("fluidsynth") else []


def instrument(sound: str, library: Library, rng: np.random.Generator) -> SampledInstrument | None:
    """A program that suits a sound of `PROGRAMS`, as a multi-sample of the library; None if there is no soundfont."""
    found = fonts()
    if not found or sound not in PROGRAMS:
        return None
    font = found[int(rng.integers(len(found)))]
    program = int(rng.choice(PROGRAMS[sound]))
    keys = list(range(_LOWEST, _HIGHEST + 1, _STEP))
    if sound == "bass":
        keys = list(range(24, 64, 3))
    rows = _rows(font, program, keys, drums=False)
    name = f"{font.stem}-{program}{'-bass' if sound == 'bass' else ''}"
    samples = [
        _sample(library, rows[i], f"{name}-{key}-{velocity}", key, j)
        for i, (key, (j, velocity)) in enumerate((k, v) for k in keys for v in enumerate(_VELOCITIES))
    ]
    return SampledInstrument(name, tuple(samples), sound in _SUSTAINED and program not in _PLUCKED)


def kit(style: str, library: Library, rng: np.random.Generator) -> dict[str, list[Sample]]:
    """A drum kit of a soundfont: piece to samples; empty if there is none."""
    found = fonts()
    if not found:
        return {}
    font = found[int(rng.integers(len(found)))]
    program = int(rng.choice(KITS[style]))
    keys = [key for group in _DRUM_KEYS.values() for key in group]
    rows = _rows(font, program, keys, drums=True)
    pieces: dict[str, list[Sample]] = {kind: [] for kind in _DRUM_KEYS}
    i = 0
    for kind, group in _DRUM_KEYS.items():
        for key in group:
            for layer, velocity in enumerate(_VELOCITIES):
                name = f"{font.stem}-kit{program}-{key}-{velocity}"
                pieces[kind].append(_sample(library, rows[i], name, None, layer, articulation=str(99 - key)))
                i += 1
    return pieces


def _sample(library: Library, row: NDArray[np.int16], name: str, pitch: int | None, layer: int,
            articulation: str = "") -> Sample:  # fmt: skip
    sample = Sample(
        file=Path("soundfont") / name, family="soundfont", kind="", library="soundfont", articulation=articulation,
        pitch=None if pitch is None else float(pitch), layer=(layer + 1) / len(_VELOCITIES), kit="", voice="", mode="",
        bandwidth=22.0, f0=None, seconds=_LENGTH, row={},
    )  # fmt: skip
    library.adopt(sample, row)
    return sample


def _rows(font: Path, program: int, keys: Sequence[int], *, drums: bool) -> NDArray[np.int16]:
    """Every key at every velocity, `(keys × velocities, frames)`, from disk if it was rendered before."""
    path = cache_folder("soundfonts") / f"{font.stem}-{'kit' if drums else ''}{program}-{keys[0]}-{len(keys)}.npy"
    if not path.is_file():
        rows = _render(font, program, keys, drums=drums)
        part = path.with_suffix(f".{os.getpid()}.tmp")
        with part.open("wb") as file:
            np.save(file, rows)
        part.replace(path)
    kept: NDArray[np.int16] = np.load(path, mmap_mode="r")
    return kept


def _render(font: Path, program: int, keys: Sequence[int], *, drums: bool) -> NDArray[np.int16]:
    import pretty_midi

    midi = pretty_midi.PrettyMIDI()
    part = pretty_midi.Instrument(program, is_drum=drums)
    wanted = [(key, velocity) for key in keys for velocity in _VELOCITIES]
    for i, (key, velocity) in enumerate(wanted):
        part.notes.append(pretty_midi.Note(velocity, key, i * _SPACING, i * _SPACING + _LENGTH))
    midi.instruments.append(part)
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder) / "notes.mid", Path(folder) / "notes.wav"
        midi.write(str(score))
        command = ["fluidsynth", "-ni", "-R", "0", "-C", "0", "-g", "0.6", "-r", str(SR), "-F", str(wave)]
        subprocess.run([*command, str(font), str(score)], check=True, capture_output=True, timeout=300)
        x, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    mono, frames = x.mean(axis=1), int(_LENGTH * SR)
    rows = np.zeros((len(wanted), frames), dtype=np.int16)
    for i in range(len(wanted)):
        note = condition(mono[int(i * _SPACING * SR) : int(((i + 1) * _SPACING - 0.05) * SR)])[:frames]
        rows[i, : len(note)] = note
    return rows
