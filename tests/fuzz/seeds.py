"""Good files to damage, all made here: small, and of every kind and coding that can be written."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile as sf

from musiclab import codecs
from musiclab.audio import Audio
from musiclab.notes import Note, Part
from musiclab.stems import Stems

FOUND = Path(__file__).parent / "found"
SR = 16000
Files = dict[str, bytes]  # a case: files of a folder, by name; the first is the one that is damaged most

_PLAIN = {
    "WAV": ("PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"),
    "WAVEX": ("PCM_16",),
    "RF64": ("PCM_16",),
    "W64": ("PCM_16",),
    "AIFF": ("PCM_16", "FLOAT", "ULAW", "IMA_ADPCM"),
    "AU": ("PCM_16", "FLOAT"),
    "CAF": ("PCM_16", "ALAC_16"),
    "VOC": ("PCM_16",),
    "FLAC": ("PCM_16", "PCM_24"),
    "OGG": ("VORBIS", "OPUS"),
    "MP3": ("MPEG_LAYER_III",),
}


def cases(kind: str) -> list[tuple[str, Files]]:
    """The cases of a kind by name: what was found before, then what is made here."""
    folder = FOUND / kind
    found = [(path.name, {path.name: path.read_bytes()}) for path in sorted(folder.glob("*"))]
    return [*found, *_MAKERS[kind]()]


def tone(seconds: float = 0.25, channels: int = 2) -> Audio:
    t = np.arange(round(seconds * SR)) / SR
    rng = np.random.default_rng(1)
    return Audio(
        [0.3 * np.sin(2 * np.pi * 220 * (c + 1) * t) + 0.01 * rng.standard_normal(len(t)) for c in range(channels)], SR
    )


def _sound() -> Iterator[tuple[str, Files]]:
    for format, subtypes in _PLAIN.items():
        for subtype in subtypes:
            buffer = io.BytesIO()
            samples = tone(channels=1 if subtype == "GSM610" or format == "AIFF" else 2).samples.T
            try:
                sf.write(buffer, samples, SR, format=format, subtype=subtype)
            except (sf.LibsndfileError, ValueError):
                continue
            name = f"{format}-{subtype}".lower()
            yield name, {f"{name}.bin": buffer.getvalue()}
    for format in ("m4a", "webm", "opus"):
        yield format, {f"a.{format}": codecs.encode(tone().gained(-6), format=format)}
    tag = b"ID3\x04\0\0\0\0\x01\x00" + bytes(128)
    yield "tagged", {"a.flac": tag + codecs.encode(tone(), format="flac")}
    ogg = codecs.encode(tone(), format="ogg")
    yield "chained", {"a.ogg": ogg + ogg}


def a_part() -> Part:
    notes = tuple(Note(0.5 * n, 0.5 * n + 0.4, 60 + n, 80, confidence=0.9) for n in range(8))
    beats = tuple(0.5 * n for n in range(9))
    return Part(
        notes, instrument="piano", title="A Part", beats=beats, downbeats=beats[::4], key="C major", duration=4.5
    )


def _saved(suffix: str, scratch: Path) -> bytes:
    return a_part().save(scratch / f"part{suffix}").read_bytes()


def _parts(suffix: str) -> Callable[[], Iterator[tuple[str, Files]]]:
    def make() -> Iterator[tuple[str, Files]]:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            yield "part", {f"part{suffix}": _saved(suffix, Path(folder))}

    return make


def _stems() -> Iterator[tuple[str, Files]]:
    import tempfile

    parts = {name: tone(0.1).gained(-6 * n) for n, name in enumerate(("vocals", "drums", "bass"))}
    mixture = Audio(sum(part.samples for part in parts.values()), SR, title="Song")
    for format in ("wav", "flac"):
        with tempfile.TemporaryDirectory() as folder:
            Stems(parts, mixture, engine="x").save(folder, format=format)
            files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()}
        yield f"card-{format}", {"stems.json": files.pop("stems.json"), **files}
        yield f"names-{format}", files


def _song() -> Iterator[tuple[str, Files]]:
    info = {
        "title": "Tide",
        "licence": "CC0-1.0",
        "key": "A minor",
        "tempo": 96,
        "time_signature": [3, 4],
        "beats": [[0.0, 1], [0.03, 2], [0.06, 3], [0.09, 1]],
        "notes": {"bass": [[0.0, 0.05, 33, 90], [0.05, 0.1, 35, 90]]},
    }
    yield "song", {"song.json": json.dumps(info).encode(), "bass.wav": codecs.encode(tone(0.1), format="wav")}


def _store() -> Iterator[tuple[str, Files]]:
    yield "entry", {"a.npy": tone(0.05).samples.tobytes(), "card.json": b'{"engine": "x", "stems": ["a"]}'}


def _weights() -> Iterator[tuple[str, Files]]:
    import torch
    from demucs.htdemucs import HTDemucs
    from safetensors.torch import save

    sources = ["drums", "bass", "other", "vocals"]
    size = {"channels": 4, "t_layers": 1, "t_heads": 2, "bottom_channels": 8, "depth": 2}
    torch.manual_seed(0)
    network = HTDemucs(sources, **size, segment=Fraction(17, 10))
    kwargs = {**size, "segment": {"_type": "fraction", "numerator": 17, "denominator": 10}}
    about = {"klass": "demucs.htdemucs.HTDemucs", "args": json.dumps([sources]), "kwargs": json.dumps(kwargs)}
    data = save({key: value.contiguous() for key, value in network.state_dict().items()}, metadata=about)
    yield "bag", {"bag.yaml": b"models: ['net0']\nsegment: 1.7\n", "net0.safetensors": data}
    yield "network", {"net0.safetensors": data}


_MAKERS: dict[str, Callable[[], Iterator[tuple[str, Files]]]] = {
    "sound": _sound,
    "midi": _parts(".mid"),
    "part": _parts(".json"),
    "musicxml": _parts(".musicxml"),
    "stems": _stems,
    "song": _song,
    "store": _store,
    "weights": _weights,
}
KINDS = tuple(_MAKERS)
