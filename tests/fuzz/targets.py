"""What is done with a damaged file of each kind. Only `MusiclabError` may come out, in one short sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from musiclab import codecs, datasets, midi
from musiclab.audio import Audio
from musiclab.errors import MusiclabError
from musiclab.notation.reading import read_musicxml
from musiclab.notes import Part
from musiclab.stems import Stems
from musiclab.store import Store
from tests.fuzz.seeds import Files

LONGEST = 600  # characters of a message


def run(kind: str, files: Files, folder: Path, rng: np.random.Generator) -> str:
    """``read`` or ``refused``; any other exception is a finding."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what a reader says of what it left out
            TARGETS[kind](folder, files, rng)
    except MusiclabError as error:
        text = str(error)
        assert "\n" not in text, text
        assert len(text) < LONGEST, text
        return "refused"
    return "read"


def _sound(folder: Path, files: Files, rng: np.random.Generator) -> None:
    name = next(iter(files))
    given = folder / name if rng.random() < 0.3 else files[name]
    heard = codecs.load(given)
    _fit(heard)
    if rng.random() < 0.5:
        with suppress(MusiclabError):
            _fit(codecs.load(given, offset=float(rng.uniform(0, heard.duration)), duration=0.05))
    if heard.duration < 5 and rng.random() < 0.2:
        with suppress(MusiclabError):  # as a player in a page has it
            codecs.encode(heard.stereo(), format="mp3")


def _fit(heard: Audio) -> None:
    assert heard.frames > 0
    assert np.isfinite(heard.samples).all()


def _midi(folder: Path, files: Files, rng: np.random.Generator) -> None:
    midi.read_midi(folder / next(iter(files))).to_json()


def _part(folder: Path, files: Files, rng: np.random.Generator) -> None:
    with suppress(UnicodeDecodeError):
        part = Part.from_json(next(iter(files.values())).decode())
        Part.from_json(part.to_json())


def _musicxml(folder: Path, files: Files, rng: np.random.Generator) -> None:
    for part in read_musicxml(folder / next(iter(files))):
        part.to_json()


def _stems(folder: Path, files: Files, rng: np.random.Generator) -> None:
    stems = Stems.load(folder)
    _fit(stems.mixture)
    for stem in stems.values():
        _fit(stem)


def _song(folder: Path, files: Files, rng: np.random.Generator) -> None:
    song = datasets.load_multitrack(folder)
    for stem in song.notes:
        song.part(stem)


def _store(folder: Path, files: Files, rng: np.random.Generator) -> None:
    """Whatever was done to an entry, what comes out of the store is what went in."""
    from tests.fuzz.seeds import cases

    store, truth = Store(folder / "cache"), dict(cases("store"))["entry"]

    def fill(place: Path) -> None:
        for name, data in truth.items():
            (place / name).write_bytes(data)

    place = store.entry("k1", fill)
    for name in truth:
        if name in files:
            (place / name).write_bytes(files[name])
        else:
            (place / name).unlink()
    if rng.random() < 0.5:
        from tests.fuzz.mutants import damaged

        record = {".contents.json": (place / ".contents.json").read_bytes()}
        (place / ".contents.json").write_bytes(damaged(record, rng)[".contents.json"])
    store.info()
    place = store.entry("k1", fill)
    assert {name: (place / name).read_bytes() for name in truth} == truth


def _weights(folder: Path, files: Files, rng: np.random.Generator) -> None:
    from musiclab.separation.engines.demucs.adapter import from_folder

    from_folder(folder)


TARGETS: dict[str, Callable[[Path, Files, np.random.Generator], None]] = {
    "sound": _sound,
    "midi": _midi,
    "part": _part,
    "musicxml": _musicxml,
    "stems": _stems,
    "song": _song,
    "store": _store,
    "weights": _weights,
}
