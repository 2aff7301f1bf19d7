"""Train what tells the notes of chords, on rendered music; and the samples that make each family of instruments."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.instruments import Instrument, find
from musiclab.metrics.notes import note_score
from musiclab.notes import Part
from musiclab.training.listeners import fitting
from musiclab.training.listeners.fitting import pitch_range
from musiclab.training.places import listeners_folder
from musiclab.training.studio.clips.keyboard import random_piano
from musiclab.training.studio.clips.music import play_samples, produce, random_chords
from musiclab.training.studio.clips.samples import SR, RecordedSound, find_samples, singing
from musiclab.transcription import note_confidence, note_creation
from musiclab.transcription.calibration import layers
from musiclab.transcription.posteriorgram import Posteriorgram, posteriorgram

log = logging.getLogger("musiclab")
SECONDS = 20.0  # of a clip
LINES = ("voice", "bass", "winds", "brass")
CHORDS = {"keys": 260, "guitar": 90, "strings": 50}  # clips of each family
FAMILIES = (*LINES, *CHORDS)
SOUND_OF = {"keys": "piano"}  # the instrument that stands for a family
SINGERS = ("vocobox-martin-M", "utau-yuki-F")  # sung samples that hold a pitch
ODD = ("ganjo", "karoryfer.horsepulse", "discord-gm.sitar", "karoryfer.ergo-arco")  # too short, or no clear pitch
FEWEST = 8  # samples that make an instrument
PIANOS, ACOUSTIC = ("upright-piano", "grand-piano"), 4  # they play so many times as often as other keys
TWO_HANDS = {"keys": 0.75, "strings": 0.3}  # how often a family plays as a piano does
DISTANT = 0.3  # share of the clips of chords that are recorded from afar
MEASURED, THRESHOLDS = 12, (0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class RenderedClip:
    """A rendered clip: its true notes and what the models say."""

    family: str
    known: Instrument
    truth: Part
    gram: Posteriorgram


def sample_groups(root: Path) -> dict[str, list[list[RecordedSound]]]:
    """For each family, the instruments that samples make: those of one library, kind and articulation."""
    groups: dict[tuple[str, ...], list[RecordedSound]] = defaultdict(list)
    for s in find_samples(root, lambda e: e["pitch"] is not None and e.get("pitch_verified", True)):
        if s.family in FAMILIES and s.family != "voice" and s.library not in ODD:
            groups[s.family, s.library, s.kind, s.articulation if s.family == "winds" else ""].append(s)
    for s in find_samples(root, lambda e: e.get("mode") == "sung" and e.get("voice_id") in SINGERS):
        sung = singing(s)
        if sung.spread < 0.8 and sung.voiced > 0.25:
            groups["voice", s.voice].append(replace(s, pitch=sung.pitch))
    families: dict[str, list[list[RecordedSound]]] = defaultdict(list)
    for key, samples in sorted(groups.items()):
        if len(samples) >= FEWEST:
            families[key[0]].append(samples)
    return families


def hear_family(family: str, clips: range, groups: dict[str, list[list[RecordedSound]]]) -> Iterator[RenderedClip]:
    """Render and hear clips of a family, by their numbers."""
    known = find(SOUND_OF.get(family, family))
    instruments = groups[family] + [g for g in groups[family] if g[0].kind in PIANOS] * (ACOUSTIC - 1)
    others = [samples for name, kits in groups.items() if name != "voice" for samples in kits]
    for i in clips:
        rng = np.random.default_rng([21, FAMILIES.index(family), i])
        samples = instruments[i % len(instruments)]
        truth = compose(rng, known)(rng, known, pitch_range(samples), SECONDS)
        dry = play_samples(rng, truth, samples, expressive=family == "strings")
        leak = others[rng.integers(len(others))]
        played = random_chords(rng, find("piano"), pitch_range(leak), SECONDS)
        bleed = play_samples(rng, played, leak, expressive=False) if rng.random() < 0.5 else None
        distant = rng.random() < DISTANT
        audio = Audio(produce(rng, dry, bleed=bleed, distant=distant), SR)
        yield RenderedClip(family, known, truth, posteriorgram(audio, twice=True))


def compose(rng: np.random.Generator, known: Instrument) -> Callable[..., Part]:
    """What music the instrument plays."""
    return random_piano if rng.random() < TWO_HANDS.get(known.family, 0.0) else random_chords


def fit_chords_of(groups: dict[str, list[list[RecordedSound]]]) -> None:
    """Train the network of chords and write it to `chords.npz`."""
    described, right = [], []
    for family, clips in CHORDS.items():
        for clip in hear_family(family, range(clips), groups):
            candidates = note_creation.find_candidates(clip.gram)
            described.append(note_creation.described(clip.gram, candidates).astype(np.float16))
            right.append(fitting.are_true(candidates, clip.truth))
        log.info("heard %s", family)
    network = fitting.train(np.concatenate(described), np.concatenate(right))
    np.savez(listeners_folder() / note_confidence.WEIGHTS, **network)  # type: ignore[arg-type]
    layers.cache_clear()


def measure_chords(groups: dict[str, list[list[RecordedSound]]]) -> None:
    """Log the mean F-measure on clips after those that were trained on, at several thresholds."""
    for family, clips in CHORDS.items():
        known = find(SOUND_OF.get(family, family))
        heard = list(hear_family(family, range(clips, clips + MEASURED), groups))
        for threshold in THRESHOLDS:
            scores = []
            for clip in heard:
                notes = note_creation.create_notes(
                    clip.gram, onset_threshold=threshold, low=known.low, high=known.high, polyphony=known.polyphony
                )
                scores.append(note_score(clip.truth.with_notes(notes), clip.truth).f)
            log.info("%s, notes likelier than %.1f: F %.3f", family, threshold, np.mean(scores))
