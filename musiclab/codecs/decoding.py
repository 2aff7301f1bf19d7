"""Read audio: soundfile first, PyAV for what it can't read."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import soundfile as sf

from musiclab.audio import Audio
from musiclab.errors import AudioError


def load(
    path: str | PathLike[str] | bytes | BinaryIO,
    *,
    sr: int | None = None,
    mono: bool = False,
    offset: float = 0.0,
    duration: float | None = None,
) -> Audio:
    """Read the sound of a file as `Audio`."""
    path = Path(path).expanduser()
    try:
        with sf.SoundFile(path) as file:
            file.seek(round(offset * file.samplerate))
            frames = -1 if duration is None else round(duration * file.samplerate)
            samples, rate = file.read(frames, dtype="float32", always_2d=True).T, file.samplerate
    except sf.LibsndfileError:
        samples, rate = _by_av(path)
        start = round(offset * rate)
        samples = samples[:, start : None if duration is None else start + round(duration * rate)]
    audio = Audio(samples, rate, title=path.stem)
    audio = audio.mono() if mono else audio
    return audio.resampled(sr) if sr else audio


def _by_av(path: Path) -> tuple[np.ndarray, int]:
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp", layout=stream.layout, rate=stream.rate)
            blocks = [out.to_ndarray() for frame in container.decode(stream) for out in resampler.resample(frame)]
            return np.concatenate(blocks, axis=1), stream.rate
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise AudioError(f"{path.name!r} can't be read as audio: {error}.") from error
