"""What has to be done to a network's complex spectrogram before its inverse STFT.

The DC bin of a real sound's spectrum is real, and so is that of the Nyquist frequency. A network that gives complex
numbers doesn't know that. The inverse FFT of a processor ignores the imaginary part there; cuFFT's lets it into every
sample: with random weights, HTDemucs differed by -30 dB between the two.

Notebook: 06
"""

from __future__ import annotations

import torch


def real_ends_(D: torch.Tensor, *, n_fft: int) -> torch.Tensor:
    """Make the ends of a spectrum real, in place.

    Parameters
    ----------
    D : torch.Tensor [shape=(..., bins, columns)], complex
        The bins from DC on; those above may be missing, as Demucs leaves out the last.
    n_fft : int
        Length of a window in frames.

    Returns
    -------
    torch.Tensor
        `D` itself.
    """
    imaginary = torch.view_as_real(D)[..., 1]
    imaginary[..., 0, :] = 0
    if n_fft % 2 == 0 and D.shape[-2] > n_fft // 2:
        imaginary[..., n_fft // 2, :] = 0
    return D
