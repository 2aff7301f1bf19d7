"""What the network is trained to make small.

Notebook: 06
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from musiclab.separation.engines.embedded.network import power_of


@dataclass(frozen=True)
class Target:
    """All that the loss needs to know of a batch, without a complex number left in it.

    The error of a mask M is the energy of ``S - M X`` (S a stem's STFT, X the mixture's). Multiplied out, bin by bin:
    ``|S|² - 2 M Re(S X*) + M² |X|²``. So three real arrays are enough, and no STFT of an estimate is ever computed.

    Parameters
    ----------
    energy : torch.Tensor [shape=(batch, stems, 2, bins, frames)]
        |S|².
    agreement : torch.Tensor [shape=(batch, stems, 2, bins, frames)]
        Re(S X*).
    mixture : torch.Tensor [shape=(batch, 1, 2, bins, frames)]
        |X|².
    """

    energy: Tensor
    agreement: Tensor
    mixture: Tensor

    def __getitem__(self, part: slice) -> Target:
        """Some examples of the batch."""
        return Target(self.energy[part], self.agreement[part], self.mixture[part])

    @classmethod
    def of(cls, D_stems: Tensor) -> Target:
        """From the stems' STFT ``(batch, stems, 2, bins, frames)``; their sum is the mixture."""
        D = D_stems.sum(dim=1, keepdim=True)
        agreement = D_stems.real * D.real + D_stems.imag * D.imag
        return cls(power_of(D_stems), agreement, power_of(D))


def mask_loss(masks: Tensor, target: Target, *, detail: float = 0.5, floor: float = 0.1) -> Tensor:
    """How far masks are from the truth: the metric itself, and its like for the quiet bins.

    Parameters
    ----------
    masks : torch.Tensor [shape=(batch, stems, 2, bins, frames)]
        In [0, 1].
    target : Target
        Of the same batch.
    detail : float
        Weight of the second part.
    floor : float
        Share of the mixture's energy that is added to every error. Without it (3e-3 was tried) a piece in which the
        voice is silent weighs many times more than one in which it sings, and the network learns to mute voices.

    Returns
    -------
    torch.Tensor
        A scalar, in nepers. First part: the mean of log(error energy) per piece and stem, that is the mean SDR
        upside down. Second part: the same with every bin divided by its magnitude, so that treble counts too.
    """
    error = target.energy + masks * (masks * target.mixture - 2 * target.agreement)
    total = target.mixture.sum(dim=(2, 3, 4))
    loud = torch.log(error.sum(dim=(2, 3, 4)) / (total + 1e-8) + floor).mean()
    if detail == 0:
        return loud
    magnitude = target.mixture.sqrt() + 1e-4 * target.mixture.amax(dim=(2, 3, 4), keepdim=True).sqrt() + 1e-6
    quiet = (error / magnitude).sum(dim=(2, 3, 4)) / ((target.mixture / magnitude).sum(dim=(2, 3, 4)) + 1e-8)
    return loud + detail * torch.log(quiet + floor).mean()
