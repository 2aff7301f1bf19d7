"""The formats that can be written, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

from musiclab.errors import ExportError

_LOSSY_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass(frozen=True)
class Format:
    """A file format as we write it."""

    name: str  # in messages
    extension: str
    bits: int = 0  # per sample, for whole numbers; 0 for float and lossy formats
    codec: str = ""  # FFmpeg's encoder; empty where libsndfile writes
    container: str = ""  # as the writing library calls it
    lossy: bool = False
    clips: bool = False  # whether a lossy encoder cuts off what passes full scale: Opus and AAC do
    max_channels: int = 2
    rates: tuple[int, ...] = ()  # Hz, in ascending order; empty: any

    def rate_for(self, sr: int) -> int:
        """The rate to write `sr` at: itself, or the next higher that the format has, or its highest."""
        if not self.rates or sr in self.rates:
            return sr
        return next((rate for rate in self.rates if rate > sr), self.rates[-1])


_WAV = Format("float WAV", "wav", container="WAV", max_channels=64)
_FLAC = Format("24-bit FLAC", "flac", bits=24, container="FLAC", max_channels=8)
_OPUS = Format("Opus", "opus", codec="libopus", container="ogg", lossy=True, clips=True, rates=(48000,))
FORMATS: dict[str, dict[str, Format]] = {  # by extension, then by subtype, the default first
    "wav": {
        "float": _WAV,
        "24": replace(_WAV, name="24-bit WAV", bits=24),
        "16": replace(_WAV, name="16-bit WAV", bits=16),
    },
    "flac": {"24": _FLAC, "16": replace(_FLAC, name="16-bit FLAC", bits=16)},
    "ogg": {"vorbis": Format("Ogg Vorbis", "ogg", container="OGG", lossy=True, max_channels=8)},
    "opus": {"opus": _OPUS},
    "webm": {"opus": replace(_OPUS, name="WebM", extension="webm", container="webm")},
    "mp3": {"mp3": Format("MP3", "mp3", container="MP3", lossy=True, rates=_LOSSY_RATES)},
    "m4a": {"aac": Format("AAC", "m4a", codec="aac", container="ipod", lossy=True, clips=True, rates=_LOSSY_RATES)},
}


def find_format(name: str, subtype: str | None = None) -> Format:
    """The format of an extension (with or without its dot) and a subtype (``"16"`` or ``"PCM_16"``, any case).

    Raises
    ------
    ExportError
        If there is none; the message lists what there is.
    """
    key = name.lower().lstrip(".")
    if key not in FORMATS:
        what = f"The format {name!r} is not one that can be written" if key else "A file needs an extension"
        raise ExportError(f"{what}: choose {', '.join(FORMATS)}.")
    kinds = FORMATS[key]
    if subtype is None:
        return next(iter(kinds.values()))
    wanted = str(subtype).lower().removeprefix("pcm_")
    if wanted not in kinds:
        raise ExportError(f"There is no {key} of the kind {subtype!r}: choose {' or '.join(map(repr, kinds))}.")
    return kinds[wanted]
