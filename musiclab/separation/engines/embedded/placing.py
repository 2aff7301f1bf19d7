"""Where the stems lie in the stereo picture: one multichannel Wiener filter from the network's masks.

A mask treats each channel by itself. But a voice in the middle and a guitar on the left are told apart by their place
too. The network's masks are read as shares of power: stem j has the power ``v = m |x|²`` in each cell, and in each bin
a spatial covariance R, the mean over time of its root-masked mixture's. The filter ``v R (Σ v R)⁻¹`` is then the best
one for such stems. Taking the power of the masked mixture instead, ``m² |x|²`` (as filters that follow an estimate do,
`musiclab.masks.wiener` too), counts the masks twice: it gains less, and fills the dips between struck notes.

References
----------
N. Q. K. Duong, E. Vincent, R. Gribonval: "Under-determined reverberant audio source separation using a full-rank
spatial covariance model", IEEE TASLP 18(7), 2010, doi:10.1109/TASL.2010.2050716

Covariances from masks: T. Higuchi and others, "Robust MVDR beamforming using time-frequency masks for online/offline
ASR in noise", ICASSP 2016, doi:10.1109/ICASSP.2016.7472671

Notebook: 08
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

FLOOR = 1e-4  # of a cell's power, as if it came from everywhere: two equal channels can be inverted in float32
SILENT = 1e-12  # power of a cell in which nothing sounds
BINS = 1_024  # up to 11 kHz: above it there is too little to gain for twice the work
NEIGHBOURS = 8  # bins at each side, 86 Hz: a stem's place changes slowly with frequency, so more cells tell it


def placed(masks: Tensor, D: Tensor) -> Tensor:
    """Estimates of the stems from masks, refined by where in the stereo picture each lies.

    Parameters
    ----------
    masks : torch.Tensor [shape=(batch, stems, 2, bins, frames)]
        Shares of each cell's power; they add up to one.
    D : torch.Tensor [shape=(batch, 2, bins, frames)], complex
        STFT of the mixture.

    Returns
    -------
    torch.Tensor [shape=(batch, stems, 2, bins, frames)], complex
        They add up to `D`. In memory, the bins of one frame lie side by side, as `network.waveform` likes it.
    """
    batch, stems, channels, bins, frames = masks.shape
    estimates = torch.empty(batch, stems, channels, frames, bins, dtype=D.dtype, device=D.device).mT
    torch.mul(masks[..., BINS:, :], D[:, None, :, BINS:], out=estimates[..., BINS:, :])
    with torch.autocast(D.device.type, enabled=False):  # a determinant needs all digits
        estimates[..., :BINS, :] = _filtered(masks[..., :BINS, :].float(), D[:, :, :BINS])
    return estimates


def _filtered(masks: Tensor, D: Tensor) -> Tensor:
    """All in real arithmetic: a bin is a row, with products of small matrices over its stems and channels.

    A complex pair of channels is four numbers (left, left · i, right, right · i), a covariance too (left, right, and
    between them, real and imaginary).
    """
    batch, stems, _, bins, frames = masks.shape
    x = torch.view_as_real(D).permute(0, 2, 1, 4, 3).reshape(batch * bins, 4, frames)
    m = masks.permute(0, 3, 1, 2, 4).reshape(batch * bins, stems, 2, frames)
    l0, l1, r0, r1 = torch.split(x, 1, dim=1)
    left, right = l0 * l0 + l1 * l1, r0 * r0 + r1 * r1
    between = torch.cat((l0 * r0 + l1 * r1, l1 * r0 - l0 * r1), dim=1)
    powers = m * torch.stack((left, right), dim=2)
    power = powers.mean(dim=2)  # (rows, stems, frames)
    common = torch.bmm((m[:, :, 0] * m[:, :, 1]).sqrt_(), between.mT)
    places = _places(torch.cat((powers.sum(-1), common), dim=2).view(batch, bins, stems, 4))
    floor = FLOOR * (left + right) + SILENT
    c00, c11, c01, d01 = torch.split(torch.bmm(places.mT, power), 1, dim=1)
    c00, c11 = c00 + floor, c11 + floor
    u = torch.cat(
        (
            c11 * l0 - c01 * r0 + d01 * r1,
            c11 * l1 - c01 * r1 - d01 * r0,
            c00 * r0 - c01 * l0 - d01 * l1,
            c00 * r1 - c01 * l1 + d01 * l0,
        ),
        dim=1,
    )
    u /= c00 * c11 - c01 * c01 - d01 * d01  # the mixture with its covariance taken off
    y = torch.bmm(_matrices(places), u).view(batch * bins, stems, 4, frames)
    y *= power[:, :, None]
    y += (floor / stems * u)[:, None]  # what the floor takes, the stems get back in equal parts
    y = torch.complex(y[:, :, 0::2], y[:, :, 1::2])
    return y.view(batch, bins, stems, 2, frames).permute(0, 2, 3, 1, 4)


def _places(sums: Tensor) -> Tensor:
    """Spatial covariances ``(batch · bins, stems, 4)`` for a power of 1, of sums over time ``(batch, bins, stems, 4)``.

    Neighbouring bins are taken together, the louder the more they count.
    """
    batch, bins, stems, _ = sums.shape
    rows = sums.flatten(2).mT
    rows = functional.avg_pool1d(rows, 2 * NEIGHBOURS + 1, 1, padding=NEIGHBOURS, count_include_pad=False)
    places = rows.mT.reshape(batch * bins, stems, 4)
    return places / places[..., :2].mean(dim=-1, keepdim=True).clamp(min=SILENT)


def _matrices(places: Tensor) -> Tensor:
    """Covariances ``(rows, stems, 4)`` as real matrices that turn four numbers into four, ``(rows, stems · 4, 4)``."""
    left, right, c, s = places.unbind(-1)
    none = torch.zeros_like(left)
    entries = (left, none, c, -s, none, left, s, c, c, s, right, none, -s, c, none, right)
    return torch.stack(entries, dim=-1).view(len(places), -1, 4)
