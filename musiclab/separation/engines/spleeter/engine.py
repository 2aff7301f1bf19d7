"""Spleeter as an engine: its framing, block by block, around its networks.

Spleeter puts 4,096 zeros in front of a song and cuts its spectrogram into blocks of 512 columns (11.9 s), each of which
gets its masks by itself. So that segments give what the whole song would, they begin where blocks begin. Of a segment,
the first block is heard only for the window that reaches into the second, and the last for the few columns of its
beginning whose windows reach back; its masks are kept, since the next segment needs them whole.

Above 11 kHz the masks are zero: what is there stays in the residual.

Notebook: 06
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from musiclab.separation.engine import Engine, Licence
from musiclab.separation.engines.spleeter.network import Spleeter

N_FFT, HOP_LENGTH = 4_096, 1_024
COLUMNS, BINS = 512, 1_024  # of a block
BLOCK = COLUMNS * HOP_LENGTH  # frames: 11.9 s
GAIN = 2 / 3  # of the inverse: the squares of four overlapping windows add up to 1.5


class SpleeterEngine(Engine):
    """Spleeter with 2, 4 or 5 stems: 44.1 kHz, stereo, the mixture's phase.

    Parameters
    ----------
    network : Spleeter
        With its weights.
    name : str
        What to call it.
    stems : sequence of str
        In the network's order.
    licence : Licence
        Of the weights.
    version : str
        A digest of the weights; empty if results should not be kept.

    Notebook: 06
    """

    sr = 44_100
    align = BLOCK
    segment = 3 * BLOCK / 44_100
    context = BLOCK / 44_100
    padded = True

    def __init__(
        self,
        network: Spleeter,
        *,
        name: str,
        stems: Sequence[str],
        licence: Licence | None = None,
        version: str = "",
    ) -> None:
        self.network = network.eval().requires_grad_(False)
        self.name, self.stems, self.version = name, tuple(stems), version
        self.licence = licence or Licence(code="MIT", weights="not stated")
        self._known: dict[bytes, Tensor] = {}  # masks of blocks that the next segment begins with

    def separate(self, mixture: Tensor) -> Tensor:
        """Stems of pieces that begin with a block of context: see `Engine.separate`."""
        self.network.to(mixture.device)
        known: dict[bytes, Tensor] = {}
        out = torch.stack([self._piece(piece.float(), known) for piece in mixture])
        self._known = known
        return out

    def _piece(self, piece: Tensor, known: dict[bytes, Tensor]) -> Tensor:
        """Stems [shape=(stems, 2, frames)] of a piece [shape=(2, frames)]; the ends of its context stay silent."""
        frames = piece.shape[-1]
        heard = torch.nn.functional.pad(piece[:, BLOCK - N_FFT :], (0, -frames % BLOCK + N_FFT - HOP_LENGTH))
        out = piece.new_zeros(len(self.stems), 2, heard.shape[-1])
        window = torch.hann_window(N_FFT, device=piece.device)
        for start in range(0, heard.shape[-1] - BLOCK, BLOCK):
            block = heard[:, start : start + BLOCK + N_FFT - HOP_LENGTH]
            if not block.any():
                continue
            D = torch.fft.rfft(block.unfold(-1, N_FFT, HOP_LENGTH) * window)  # (2, columns, bins)
            masks = self._masks(block, D, known)
            for stem, mask in enumerate(masks):
                spectrum = torch.zeros_like(D)
                spectrum[..., :BINS] = mask * D[..., :BINS]
                pieces = torch.fft.irfft(spectrum, N_FFT) * (window * GAIN)
                overlap_add_(out[stem, :, start : start + block.shape[-1]], pieces)
        lead = BLOCK - N_FFT
        return torch.nn.functional.pad(out[..., : frames - lead], (lead, 0))

    def _masks(self, block: Tensor, D: Tensor, known: dict[bytes, Tensor]) -> Tensor:
        """Masks [shape=(stems, 2, columns, BINS)] of a block, made once for the two segments that it is part of."""
        key = hashlib.sha256(block.cpu().contiguous().numpy().tobytes()).digest()
        masks = self._known.get(key, known.get(key))
        if masks is None:
            masks = self.network(D[None, ..., :BINS].abs())[0].float()
        known[key] = masks
        return masks


def overlap_add_(out: Tensor, pieces: Tensor) -> None:
    """Add windowed pieces [shape=(channels, columns, N_FFT)] to `out` [shape=(channels, frames)], a hop apart."""
    columns = pieces.shape[1]
    quarters = torch.unflatten(pieces, -1, (N_FFT // HOP_LENGTH, HOP_LENGTH))
    for quarter, part in enumerate(quarters.unbind(2)):
        start = quarter * HOP_LENGTH
        out[:, start : start + columns * HOP_LENGTH] += part.flatten(1)
