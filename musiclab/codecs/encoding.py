"""Write audio."""

from __future__ import annotations

import io
from pathlib import Path

import soundfile as sf

from musiclab.audio import Audio
from musiclab.stems import RESIDUAL, Stems


def save(audio: Audio, path: str | Path, *, subtype: str | None = None) -> Path:
    """Write `audio` to a file; the format follows the extension."""
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, audio.samples.T, audio.sr, subtype=subtype or ("FLOAT" if path.suffix == ".wav" else None))
    return path


def save_stems(
    stems: Stems, folder: str | Path, *, format: str = "wav", subtype: str | None = None, names: object = None
) -> dict[str, Path]:
    """Write every stem and the residual into `folder`."""
    return {name: save(stems[name], Path(folder) / f"{name}.{format}", subtype=subtype) for name in [*stems, RESIDUAL]}


def encode(audio: Audio, *, format: str = "ogg", quality: float = 0.5) -> bytes:
    """The bytes of a compressed file."""
    buffer = io.BytesIO()
    with sf.SoundFile(
        buffer, "w", audio.sr, audio.channels, format=format.upper(), compression_level=1 - quality
    ) as file:
        for start in range(0, audio.frames, 65536):  # libsndfile's Vorbis writer overflows the stack on long writes
            file.write(audio.samples[:, start : start + 65536].T)
    return buffer.getvalue()
