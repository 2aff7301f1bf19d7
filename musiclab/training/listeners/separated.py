"""What the transcribers hear where the notes are known: in rendered songs and in solo clips.

Each song is heard in its mixture, in its separated stems and in its true ones, and its lines once more in stems that
were separated from another mix of it (`musiclab.training.listeners.remixed`). The songs come from ``python -m
musiclab.training.studio.songs SONGS --multitracks``. Hearing fifty of them takes a quarter of an hour, so what was
heard is kept in a folder, and a second run goes on where the first was stopped.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from musiclab import datasets, instruments
from musiclab.audio import Audio
from musiclab.notes import Note, Part
from musiclab.separation import separate
from musiclab.stemfiles import read_stems
from musiclab.training.listeners import chords, lines
from musiclab.training.listeners.remixed import remixed
from musiclab.training.studio.clips.lines import Tone
from musiclab.training.studio.clips.samples import RecordedSound
from musiclab.transcription import monophonic
from musiclab.transcription.drums import Strokes
from musiclab.transcription.listening import Evidence, listen
from musiclab.transcription.pitch_track import PitchTrack
from musiclab.transcription.posteriorgram import CONTOUR_BINS, PITCHES, Posteriorgram

log = logging.getLogger("musiclab")
MIXTURE, SEPARATED, REMIXED, TRUE, SOLO = "mixture", "embedded", "remixed", "true", "solo"  # where a stem was heard
FEWEST = 4  # notes of a stem
VOICE = "vocals"  # is heard where nobody wrote down its notes, too
PURE_SOLOS, CHORD_SOLOS = 8, 4  # solo clips: of pure tones, of each family with chords
GRAM, TRACK = ("onset", "note", "level_db", "spectrum"), ("pitch", "voicing", "level_db", "changes")
STROKES = ("chance", "level_db")


@dataclass(frozen=True)
class HeardStem:
    """A stem as it was heard in one source: what the models say, and its true notes; `song` is told when it is read."""

    stem: str
    source: str
    evidence: Evidence
    truth: Part
    song: str = ""


def hear_songs(songs: Path, kept: Path) -> Iterator[HeardStem]:
    """Separate and hear every song of a folder, or read what was heard of it before.

    Parameters
    ----------
    songs : Path
        Multitracks whose notes are known (see `musiclab.datasets`); stems without known notes are left out, but for
        voices.
    kept : Path
        Folder of what was heard.
    """
    places = datasets.multitrack_folders(songs)
    for place in places:
        yield from with_sung_truth(_once(kept / place.name, partial(_hear_song, place, places)))


def with_sung_truth(stems: Iterable[HeardStem]) -> Iterator[HeardStem]:
    """A song's stems, those of its voice with the notes of its true stem as the truth.

    A rendered singer is not at a note when it is written, but when the vowel is, and of a recorded one nothing is
    written: what is right in a separated voice is what is heard in the true one, which is no source of its own then.
    """
    stems = list(stems)
    sung = {s.stem: _line_of(s.evidence) for s in stems if s.source == TRUE and s.evidence.instrument.family == "voice"}
    for stem in stems:
        if stem.stem not in sung:
            yield stem
        elif stem.source != TRUE and len(sung[stem.stem]) >= FEWEST:
            yield replace(stem, truth=stem.truth.with_notes(sung[stem.stem]))


def _hear_song(place: Path, places: Sequence[Path]) -> Iterator[HeardStem]:
    """Chords are not listened for in a mixture: what its other instruments play is all in there, too."""
    song = datasets.load_multitrack(place)
    rng = np.random.default_rng([24, zlib.crc32(place.name.encode())])
    mixed = remixed(song, _drums_of_another(place, places, rng), rng)
    separated, again = (separate(s.mixture, engine=SEPARATED, progress=False, cache=False) for s in (song, mixed))
    for stem in (stem for stem in song.stems if stem == VOICE or len(song.notes.get(stem, ())) >= FEWEST):
        truth = song.part(stem) if stem in song.notes else Part((), "voice", duration=song.mixture.duration)
        known = instruments.find(truth.instrument)
        sounds: dict[str, Audio | None] = {SEPARATED: separated.get(stem), TRUE: song.stems[stem]}
        if known.monophonic:
            sounds[REMIXED] = again.get(stem)
        if known.monophonic or known is instruments.DRUMS:
            sounds[MIXTURE] = song.mixture
        for source, sound in sounds.items():
            if sound is not None:
                yield HeardStem(stem, source, listen(sound, instrument=known.name, progress=False), truth)


def _drums_of_another(place: Path, places: Sequence[Path], rng: np.random.Generator) -> Audio | None:
    others = [other for other in places if other != place]
    drums = read_stems(others[rng.integers(len(others))]).stems.get("drums") if others else None
    return drums if drums is not None and np.any(drums.samples) else None


def _line_of(evidence: Evidence) -> list[Note]:
    """The notes of a line, the doubtful ones, too."""
    if evidence.track is None:
        return []
    known = evidence.instrument
    return monophonic.judged_notes(evidence.track, evidence.gram, low=known.low, high=known.high)[0]


def hear_solos(groups: dict[str, list[list[RecordedSound]]], kept: Path) -> Iterator[HeardStem]:
    """Render and hear clips of single instruments that neither lines nor chords were trained or measured on."""

    def hear() -> Iterator[HeardStem]:
        yield from map(_solo_line, lines.hear_lines(groups, every=lines.KEPT))
        for number in range(PURE_SOLOS):
            yield _solo_line(_pure_line(number, groups))
        for family, trained in chords.CHORDS.items():
            first = trained + chords.MEASURED
            for clip in chords.hear_family(family, range(first, first + CHORD_SOLOS), groups):
                yield HeardStem(family, SOLO, Evidence(clip.known, clip.truth.duration, clip.gram), clip.truth)

    for number, stem in enumerate(_once(kept / "solos", hear)):
        yield replace(stem, song=f"solo {number}")


def _solo_line(line: lines.HeardLine) -> HeardStem:
    evidence = Evidence(line.known, line.truth.duration, line.gram, line.track)
    return HeardStem(line.family, SOLO, evidence, line.truth)


def _pure_line(number: int, groups: dict[str, list[list[RecordedSound]]]) -> lines.HeardLine:
    """A line of tones with hardly a harmonic, as of a sub bass or a whistle: no recorded sample is like them."""
    rng = np.random.default_rng([23, number])
    family, low = ("bass", int(rng.integers(26, 36))) if number % 2 else ("winds", int(rng.integers(55, 75)))
    tones: list[RecordedSound] = [
        Tone(Path(f"pure-{p}"), family, "synth", "computed", "", float(p), False, tilt=rng.uniform(4, 10),
             even=1.0, decay=rng.uniform(0.0, 2.0))
        for p in range(low, low + 18, 3)
    ]  # fmt: skip
    others = [samples for kind, kits in groups.items() if kind != "voice" for samples in kits]
    return lines.hear_line(rng, "pure", tones, others[rng.integers(len(others))])


def _once(folder: Path, hear: Callable[[], Iterator[HeardStem]]) -> Iterator[HeardStem]:
    """What is in the folder; heard first, if it isn't there in whole."""
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        part.mkdir(parents=True, exist_ok=True)
        for number, stem in enumerate(hear()):
            write_heard(part / f"{number:04d}-{stem.stem}-{stem.source}.npz", stem)
        part.replace(folder)
        log.info("heard %s", folder.name)
    yield from map(read_heard, sorted(folder.glob("*.npz")))


def write_heard(path: Path, stem: HeardStem) -> None:
    """Keep what was heard, posteriors in half precision: all that confidences are worked out from."""
    evidence = stem.evidence
    notes = [(n.onset, n.offset, n.pitch, n.velocity) for n in stem.truth.notes]
    arrays = {"duration": np.float64(evidence.duration), "notes": np.array(notes, dtype=np.float64).reshape(-1, 4),
              "instrument": np.array(evidence.instrument.name)}  # fmt: skip
    if evidence.gram is not None:
        arrays |= {f"gram_{name}": getattr(evidence.gram, name).astype(np.float16) for name in GRAM}
    if evidence.track is not None:
        arrays |= {f"track_{name}": getattr(evidence.track, name) for name in TRACK}
    if evidence.strokes is not None:
        arrays |= {f"strokes_{name}": getattr(evidence.strokes, name) for name in STROKES}
    np.savez(path, **arrays)  # type: ignore[arg-type]


def read_heard(path: Path) -> HeardStem:
    """What `write_heard` kept."""
    gram = track = strokes = None
    with np.load(path, allow_pickle=False) as file:
        duration, known = float(file["duration"]), instruments.find(str(file["instrument"]))
        truth = Part(tuple(Note(a, b, p, round(v)) for a, b, p, v in file["notes"]), known.name, duration=duration)
        if "gram_note" in file:
            onset, note, level_db, spectrum = (file[f"gram_{name}"] for name in GRAM)
            contour = np.zeros((len(note), PITCHES * CONTOUR_BINS), np.float32)
            gram = Posteriorgram(onset, note, contour, level_db, duration, spectrum)
        if "track_pitch" in file:
            track = PitchTrack(*(file[f"track_{name}"] for name in TRACK))
        if "strokes_chance" in file:
            strokes = Strokes(*(file[f"strokes_{name}"] for name in STROKES))
    _, stem, source = path.stem.split("-")
    return HeardStem(stem, source, Evidence(known, duration, gram, track, strokes), truth, path.parent.name)
