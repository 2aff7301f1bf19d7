"""Score a network on a folder of real multitracks while it trains: to watch and to stop, never to learn from.

Notebook: 07
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from musiclab.audio import Audio
from musiclab.errors import DatasetError
from musiclab.separation import separate
from musiclab.separation.engines.embedded import EmbeddedEngine
from musiclab.separation.engines.embedded.network import SR, STEMS, MaskNetwork, spectrogram, waveform
from musiclab.training.separator.data import FULL_SCALE

QUIET_DB = -15.0  # stems further than this under the mixture are not scored: their SDR swings wildly
TINY = 1e-12


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
    """Mixture ``(2, frames)`` to stems ``(4, 2, frames)`` by the network's masks alone, in one piece."""
    D = spectrogram(mixture)[None]
    return waveform(network(D)[0] * D, mixture.shape[-1])


def dev_scores(
    network: MaskNetwork, songs: list[tuple[str, Tensor]], *, by: Callable[[Tensor], Tensor] | None = None
) -> dict[str, float]:
    """Mean SDR in dB per stem over songs, and their mean as ``average``.

    Parameters
    ----------
    network : MaskNetwork
        On its device.
    songs : list of (str, torch.Tensor [shape=(4, 2, frames)])
        As `load_dev` gives them.
    by : callable, optional
        From a mixture to stems; by default the network's masks alone.
    """
    scores: dict[str, list[float]] = {name: [] for name in STEMS}
    device = next(network.parameters()).device
    for _, given in songs:
        stems = given.to(device)
        mixture = stems.sum(dim=0)
        estimates = by(mixture) if by else separate_whole(network, mixture)
        for name, stem, estimate in zip(STEMS, stems, estimates, strict=True):
            energy = stem.square().sum()
            if 10 * torch.log10(energy / (mixture.square().sum() + TINY) + TINY) >= QUIET_DB:
                scores[name].append(float(10 * torch.log10(energy / ((stem - estimate).square().sum() + TINY))))
    means = {name: float(np.mean(values)) if values else math.nan for name, values in scores.items()}
    heard = [value for value in means.values() if math.isfinite(value)]
    return means | {"average": float(np.mean(heard)) if heard else math.nan}


def evaluate(weights: Path, folder: Path) -> dict[str, dict[str, float]]:
    """What weights are worth on songs whose stems are known.

    Parameters
    ----------
    weights : Path
        That `export` wrote.
    folder : Path
        Of multitracks (see `load_dev`), or of rendered songs (``.npy``).

    Returns
    -------
    dict
        As of `dev_scores`: ``"masks"`` is the network alone, ``"engine"`` the whole engine with its filter.

    Raises
    ------
    DatasetError
        If there is no song.
    """
    engine = EmbeddedEngine(weights)
    songs = load_dev(folder)
    songs += [(p.stem, torch.from_numpy(np.load(p)).float() / FULL_SCALE) for p in sorted(folder.glob("*.npy"))]
    if not songs:
        raise DatasetError(f"There is no song in {folder}: it needs folders with drums.flac, or .npy files.")

    def whole(mixture: Tensor) -> Tensor:
        song = Audio(mixture.numpy(), SR)
        stems = separate(song, engine=engine, device="cpu", cache=False, progress=False)
        return torch.from_numpy(np.stack([stems[name].samples for name in STEMS]))

    with torch.inference_mode():
        masks = dev_scores(engine.network, songs)
        return {"masks": masks, "engine": dev_scores(engine.network, songs, by=whole)}
