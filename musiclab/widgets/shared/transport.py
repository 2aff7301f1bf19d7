"""How sound travels to the page: compressed, as bytes, in packets of some seconds that hold every stem.

The first packet is short, so that a song of any length can begin after a moment; the others follow while it plays.
Packets begin at whole seconds, where every sample rate has a sample. Each piece reaches a little over its ends, and the
page cuts that off again: there what a codec does at the ends of a file is never heard.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.errors import StoreError
from musiclab.store import default_store, key_of
from musiclab.threads import pool

VERSION = 2  # of what is kept in the store: raise it when the same sound gives other bytes
MUCH_MEMORY = 2_000_000_000  # bytes: about 19 minutes of five stereo stems; browsers give a page a few GB
SAMPLE_RATE = 44_100  # Hz: the page's AudioContext is pinned to it
LOSSLESS_UP_TO = 20_000_000  # samples in all: five stereo stems of 45 s are some 10 MB as FLAC; longer songs go as Ogg
PACKETS = (5, 10, 20)  # s: the first packets; the last of these lengths goes on
SILENCE_DB = -96.0  # half a step of 16 bits: a piece that stays below travels as no bytes at all

logger = logging.getLogger("musiclab")


@dataclass(frozen=True)
class Plan:
    """How a song is cut: where packets begin, in s, and what they are encoded in."""

    duration: float  # s
    format: str
    quality: float = 0.5  # of lossy formats, as `codecs.encode` takes it

    @property
    def cuts(self) -> list[int]:
        """The beginnings of the packets, in whole seconds. MP3 is one packet: its decoders differ at the ends."""
        if self.format == "mp3":
            return [0]
        lengths = itertools.chain(PACKETS, itertools.repeat(PACKETS[-1]))
        starts = itertools.accumulate(lengths, initial=0)
        return [0, *itertools.takewhile(lambda start: start < self.duration, itertools.islice(starts, 1, None))]

    @property
    def spans(self) -> list[tuple[int, int]]:
        """From where to where each packet goes, in s; the last one may end beyond the song."""
        cuts = self.cuts
        return list(itertools.pairwise([*cuts, max(int(self.duration) + 1, cuts[-1] + 1)]))


def for_page(sound: Audio) -> Audio:
    """A sound as pages play it: mono or stereo as it is, surround folded to stereo (see `Audio.stereo`)."""
    return sound if sound.channels <= 2 else sound.stereo()


def packed(sound: Audio) -> tuple[float, bytes]:
    """A short sound whole, as 16 bits with one channel after the other, and what one step of them is worth."""
    peak = max(float(np.abs(sound.samples).max(initial=0)), 1e-6)
    return peak / 32767, np.round(sound.samples * (32767 / peak)).astype("<i2").tobytes()


def page_memory(sounds: Sequence[Audio]) -> int:
    """Bytes that a page needs to hold these sounds decoded, as it does to start them on one sample."""
    return sum(round(sound.duration * SAMPLE_RATE) * min(sound.channels, 2) * 4 for sound in sounds)


def format_for(sounds: Sequence[Audio]) -> str:
    """``flac`` for short songs, so that sums and differences are exact; ``ogg`` (a sixth of the size) for long ones."""
    return "flac" if sum(sound.frames * sound.channels for sound in sounds) <= LOSSLESS_UP_TO else "ogg"


def scale_of(sound: Audio) -> float:
    """What to divide a sound by so that no format clips it; the page multiplies by it again. 1 for most."""
    peak = 10 ** (sound.peak_db / 20)
    return round(peak * 1.002, 6) if peak > 0.998 else 1.0


def pad_of(sr: int) -> int:
    """How far pieces reach over their ends, in samples at `sr`: a fifth of a second, where that is a whole number."""
    return sr // 5 if sr % 5 == 0 else sr


def pack(sound: Audio, span: tuple[int, int], format: str, *, quality: float = 0.5) -> bytes:
    """A piece of a sound, from `span` (s) and a little over its ends, as the bytes of a file; silence as none.

    The sound has at most two channels (see `for_page`); the piece has 44.1 kHz and stays within full scale (see
    `scale_of`).
    """
    pad = pad_of(sound.sr)
    piece = sound.samples[:, max(0, span[0] * sound.sr - pad) : span[1] * sound.sr + pad]
    if max(float(piece.max()), -float(piece.min())) < 10 ** (SILENCE_DB / 20):
        return b""
    fitted = Audio(piece / np.float32(scale_of(sound)), sound.sr).resampled(SAMPLE_RATE)
    if fitted.peak_db > -0.01:  # resampling may overshoot by a hair
        fitted = Audio(np.clip(fitted.samples, -0.9988, 0.9988), SAMPLE_RATE)
    return codecs.encode(fitted, format=format, quality=quality)


def packets(sounds: Sequence[Audio], plan: Plan, *, cancelled: Callable[[], bool]) -> Iterator[list[bytes]]:
    """The packets of a song in their order, each as one piece for every sound. Ends early when cancelled.

    Pieces are encoded on all cores (the encoders let go of Python's lock). What takes seconds is kept in the store: a
    mixer of the same stems has all its sound at once.
    """
    kept = [_kept(sound, plan) for sound in sounds]
    made: list[list[bytes]] = [[] for _ in sounds]
    with pool(name="musiclab-pack") as workers:

        def order(span: tuple[int, int]) -> list[Future[bytes] | None]:
            return [
                None if known else workers.submit(pack, sound, span, plan.format, quality=plan.quality)
                for sound, known in zip(sounds, kept, strict=True)
            ]

        for number, jobs in enumerate([order(span) for span in plan.spans]):
            packet = [job.result() if job else known[number] for known, job in zip(kept, jobs, strict=True)]
            if cancelled():
                workers.shutdown(wait=False, cancel_futures=True)
                return
            for pieces, piece in zip(made, packet, strict=True):
                pieces.append(piece)
            yield packet
    for sound, known, pieces in zip(sounds, kept, made, strict=True):
        if not known:
            _keep(sound, plan, pieces)


def _key(sound: Audio, plan: Plan) -> str:
    return key_of("transport", VERSION, sound.digest, plan.format, plan.quality)


def _kept(sound: Audio, plan: Plan) -> list[bytes]:
    """The pieces of a sound that was packed before; [] if it was not."""
    folder = None if plan.format == "flac" else default_store().peek(_key(sound, plan), "transport")
    try:
        return [(folder / str(number)).read_bytes() for number in range(len(plan.cuts))] if folder else []
    except OSError as error:
        logger.debug("Kept sound can't be read: %s", error)
        return []


def _keep(sound: Audio, plan: Plan, pieces: Sequence[bytes]) -> None:
    def fill(folder: Path) -> None:
        for number, piece in enumerate(pieces):
            (folder / str(number)).write_bytes(piece)

    if plan.format == "flac":
        return
    try:
        default_store().entry(_key(sound, plan), fill, kind="transport")
    except StoreError as error:
        logger.debug("Encoded sound is not kept for next time: %s", error)
