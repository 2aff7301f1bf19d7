"""Drum kits put together at random: recorded one-shots of one library or several, computed ones among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from musiclab.training.studio.clips import computed, effects
from musiclab.training.studio.clips.samples import SR, RecordedSound

KINDS = ("kick", "snare", "side-stick", "hihat-closed", "hihat-open", "tom", "crash", "ride", "tambourine")
# Levels of a kit as recorded, dB, and how far they vary from song to song: hi-hats are much softer than snares.
GAIN_DB = {"kick": (0, 4), "snare": (0, 4), "side-stick": (-5, 5), "hihat-closed": (-14, 6), "hihat-open": (-11, 5),
           "tom": (-3, 4), "crash": (-6, 5), "ride": (-14, 6), "tambourine": (-11, 6),
           "percussion": (-12, 6)}  # fmt: skip
TUNING = {"crash": 3.0, "ride": 3.0, "hihat-closed": 3.0, "hihat-open": 3.0}  # semitones, standard deviation
USUAL_TUNING = 1.5
MOST_PER_KIND = 7  # one-shots of a kind in a kit
LONGEST = 2.9  # s of a one-shot
# Share of the drums of a kit that are computed, and of those that are two sounds at once, as producers do: the more,
# the fewer recordings of their kind there are.
COMPUTED = {"kick": 0.2, "snare": 0.2, "side-stick": 0.35, "hihat-closed": 0.3, "hihat-open": 0.35, "tom": 0.25,
            "crash": 0.4, "ride": 0.45, "tambourine": 0.35}  # fmt: skip
LAYERED = {"kick": 0.12, "snare": 0.12, "side-stick": 0.0, "hihat-closed": 0.2, "hihat-open": 0.2, "tom": 0.12,
           "crash": 0.3, "ride": 0.3, "tambourine": 0.1, "percussion": 0.0}  # fmt: skip
BUZZ = 0.5  # share of the kits whose snare wires rattle along with the kick and the toms

# What a library's index calls a snare, a hi-hat or percussion may be another drum for whoever reads or writes music.
SIDE_STICKS = ("sidestick", "side stick", "rim", "tr505-rim", "ss", "stick-h", "stick-m", "stick-l")
SHAKEN = ("tambourine", "tamb", "tamb-long", "tamb-short", "maraca", "maracas", "eggshaker", "shakers",
          "sleigh_bells", "cabasa")  # fmt: skip


@dataclass
class Kit:
    """One-shots by kind [each a list of mono arrays at 44.1 kHz], the gain of each kind and of the wires in dB."""

    sounds: dict[str, list[np.ndarray]]
    gains_db: dict[str, float]
    buzz_db: float | None = None


def kind_of(sample: RecordedSound) -> str:
    """The kind of a one-shot; ``""`` for what no kit should have."""
    name = sample.articulation.lower()
    if name.startswith("sidestick") or name in SIDE_STICKS or name.endswith(":ss"):
        return "side-stick"
    if name in SHAKEN:
        return "tambourine"
    if name.startswith("rototom") or name == "tom-hh":
        return "tom"
    if name == "conga-hh":
        return "percussion"
    if name.endswith("choke"):
        return ""
    return "crash" if name.endswith("shank") else sample.kind


def by_kind(samples: Iterable[RecordedSound]) -> dict[str, dict[str, list[RecordedSound]]]:
    """Samples by kind, then library."""
    sorted_out: dict[str, dict[str, list[RecordedSound]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        if kind := kind_of(sample):
            sorted_out[kind][sample.library].append(sample)
    return sorted_out


def random_kit(
    rng: np.random.Generator, kinds: dict[str, dict[str, list[RecordedSound]]], *, with_computed: bool = True
) -> Kit:
    """A kit: mostly of one library where it has the kind, else of any; each kind tuned and coloured on its own.

    `with_computed`: whether some of its drums are computed though there are recordings.
    """
    kicks = kinds["kick"]
    home = _library(rng, kicks)
    sounds: dict[str, list[np.ndarray]] = {}
    for kind in (*KINDS, "percussion"):
        known = kinds.get(kind, {})
        if not known and kind == "percussion":
            continue
        if kind != "percussion" and (not known or (with_computed and rng.random() < COMPUTED[kind])):
            sounds[kind] = coloured(rng, computed.one_shot(rng, kind, 3))
            continue
        library = home if home in known and rng.random() < 0.6 else _library(rng, known)
        # A tom, a ride or a cymbal is an instrument: a kit has a few of them, not all that the library has.
        chosen = rng.permutation(len(known[library]))[: rng.integers(2, MOST_PER_KIND + 1)]
        sounds[kind] = recoloured(rng, kind, [known[library][int(i)].load() for i in chosen])
        if with_computed and rng.random() < LAYERED[kind]:
            extra = computed.one_shot(rng, kind, 1)[0] * np.float32(rng.uniform(0.1, 0.7))
            sounds[kind] = [computed.added(wave, extra).astype(np.float32) for wave in sounds[kind]]
    buzz = float(rng.uniform(-40, -16)) if rng.random() < BUZZ else None
    return Kit(sounds, {kind: float(rng.normal(*GAIN_DB[kind])) for kind in GAIN_DB}, buzz)


def _library(rng: np.random.Generator, known: dict[str, list[RecordedSound]]) -> str:
    """One of the libraries, those with many sounds more often."""
    names = sorted(known)
    share = np.sqrt([len(known[name]) for name in names])
    return str(rng.choice(names, p=share / share.sum()))


def recoloured(rng: np.random.Generator, kind: str, waves: list[np.ndarray]) -> list[np.ndarray]:
    """All strokes of one drum tuned, shortened and coloured alike: another drum of the same make."""
    tuning = 2 ** (rng.normal(0, TUNING.get(kind, USUAL_TUNING)) / 12)
    damped = 2 ** rng.uniform(-3, 1) if rng.random() < 0.3 else 0.0  # s to −60 dB: tape on the skin
    stick = rng.uniform(-0.6, 2.0) if kind in TUNING and rng.random() < 0.5 else 0.0  # harder or softer than recorded
    out = []
    for wave in waves:
        new = retuned(wave[: int(LONGEST * SR)], tuning)
        if stick:
            new *= 1 + np.float32(stick) * np.exp(-np.arange(len(new), dtype=np.float32) / SR / np.float32(0.008))
        if damped:
            new *= np.exp(-6.9 * np.arange(len(new), dtype=np.float32) / SR / np.float32(damped))
        out.append(new)
    return coloured(rng, out)


def coloured(rng: np.random.Generator, waves: list[np.ndarray]) -> list[np.ndarray]:
    """Through one random gentle equaliser, each with peak 1."""
    seed, out = int(rng.integers(1 << 30)), []
    for wave in waves:
        padded = np.pad(wave, (0, (1 << (len(wave) - 1).bit_length()) - len(wave)))  # fast transforms
        new = effects.colour(padded, np.random.default_rng(seed), spread_db=5.0)[: len(wave)]
        out.append(np.asarray(new / max(float(np.abs(new).max()), 1e-9), dtype=np.float32))
    return out


def retuned(wave: np.ndarray, ratio: float) -> np.ndarray:
    """Played faster by `ratio`."""
    return np.asarray(np.interp(np.arange(0, len(wave) - 1, ratio), np.arange(len(wave)), wave), dtype=np.float32)
