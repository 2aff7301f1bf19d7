"""Score a network on a folder of real multitracks while it trains: to watch and to stop, never to learn from.

Notebook: 07
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from musiclab.errors import DatasetError
from musiclab.separation.engines.embedded.network import SR, STEMS, MaskNetwork, spectrogram, waveform

QUIET_DB = -15.0  # stems further than this under the mixture are not scored: their SDR swings wildly


def load_dev(folder: Path) -> list[tuple[str, Tensor]]:
    """Songs as ``(name, stems (4, 2, frames))``; a missing stem is silent. The mixture is the sum of the stems."""
    songs = []
    for path in sorted(p for p in folder.iterdir() if (p / "drums.flac").exists()):
        frames = soundfile.info(path / "drums.flac").frames
        stems = torch.zeros(len(STEMS), 2, frames)
        for row, name in zip(stems, STEMS, strict=True):
            if (path / f"{name}.flac").exists():
                samples, sr = soundfile.read(path / f"{name}.flac", dtype="float32", always_2d=True)
                if sr != SR or samples.shape != (frames, 2):
                    raise DatasetError(f"{path / name}.flac is not stereo at {SR} Hz and as long as the drums.")
                row[:] = torch.from_numpy(samples.T.copy())
        songs.append((path.name, stems))
    return songs


@torch.inference_mode()
def separate_whole(network: MaskNetwork, mixture: Tensor) -> Tensor:
    """Mixture ``(2, frames)`` to stems ``(4, 2, frames)``, in one piece."""
    D = spectrogram(mixture)[None]
    with torch.autocast("cpu", torch.bfloat16):
        masks = network(D)
    return waveform(masks[0] * D, mixture.shape[-1])


def dev_scores(network: MaskNetwork, songs: list[tuple[str, Tensor]], *, detailed: bool = False) -> dict[str, float]:
    """Mean SDR in dB per stem over the songs, and their mean as ``average``; with `detailed`, per song too."""
    scores: dict[str, list[float]] = {name: [] for name in STEMS}
    rows: dict[str, float] = {}
    for title, stems in songs:
        mixture = stems.sum(dim=0)
        estimates = separate_whole(network, mixture)
        for name, stem, estimate in zip(STEMS, stems, estimates, strict=True):
            energy = stem.square().sum()
            if 10 * torch.log10(energy / mixture.square().sum() + 1e-12) < QUIET_DB:
                continue
            sdr = float(10 * torch.log10(energy / (stem - estimate).square().sum()))
            scores[name].append(sdr)
            rows[f"{title}/{name}"] = sdr
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    means["average"] = float(np.mean(list(means.values())))
    return means | rows if detailed else means
