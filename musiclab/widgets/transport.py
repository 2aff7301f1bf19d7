"""How sound travels to the page: compressed once, as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from os import cpu_count
from pathlib import Path

import numpy as np

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.store import default_store, key_of

VERSION = 1  # of what is kept in the store: raise it when the same sound gives other bytes
FILE = "sound"
MUCH_MEMORY = 2_000_000_000  # bytes: about 19 minutes of five stereo stems; browsers give a page a few GB
SAMPLE_RATE = 44_100  # Hz: the page's AudioContext is pinned to it
LOSSLESS_UP_TO = 20_000_000  # samples in all: five stereo stems of 45 s are some 10 MB as FLAC; longer songs go as Ogg


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


def pack(sound: Audio, format: str) -> bytes:
    """A sound as the bytes of a file: at most two channels (more are folded), at 44.1 kHz, within full scale."""
    samples = sound.samples / np.float32(scale_of(sound))
    if sound.channels > 2:  # odd channels left, even ones right
        samples = np.stack([samples[0::2].mean(axis=0), samples[1::2].mean(axis=0)])
    fitted = Audio(samples, sound.sr).resampled(SAMPLE_RATE)
    if fitted.peak_db > -0.01:  # resampling may overshoot by a hair
        fitted = Audio(np.clip(fitted.samples, -0.9988, 0.9988), SAMPLE_RATE)
    return codecs.encode(fitted, format=format)


def pack_once(sound: Audio, format: str) -> bytes:
    """As `pack`, but what took seconds is kept in the store: a mixer of the same stems is playable at once."""
    if format == "flac":
        return pack(sound, format)
    return default_store().recall(
        key_of("transport", VERSION, sound.digest, format),
        lambda: pack(sound, format),
        write=_write,
        read=lambda folder: (folder / FILE).read_bytes(),
        kind="transport",
    )


def _write(packed: bytes, folder: Path) -> None:
    (folder / FILE).write_bytes(packed)


def pack_all(
    sounds: Sequence[Audio], format: str, *, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> list[bytes]:
    """Pack several sounds, on all cores (the encoders let go of Python's lock); [] when cancelled."""
    packed: list[bytes] = [b""] * len(sounds)
    with ThreadPoolExecutor(min(len(sounds), cpu_count() or 1), thread_name_prefix="musiclab-pack") as pool:
        jobs = {pool.submit(pack_once, sound, format): i for i, sound in enumerate(sounds)}
        for done, job in enumerate(as_completed(jobs), start=1):
            if cancelled():
                pool.shutdown(wait=False, cancel_futures=True)
                return []
            packed[jobs[job]] = job.result()
            progress(done / len(sounds))
    return packed
