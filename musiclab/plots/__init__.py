"""Figures for print and for slides: spectrograms, masks, levels, errors, bleed.

Every function draws into the matplotlib axes it is given (`ax`), or into a new figure if it is given none, and returns
what it drew: through that a caller can change colours and limits, or reach the axes and the figure. Frequencies are in
Hz and times in seconds on every axis, whatever the scale, so that lines and labels can be added in plain units.

Whole songs are fast: a spectrogram is reduced to the pixels that can be seen before it is drawn.

Notebook: 02
"""

from musiclab.plots.canvas import follow_page
from musiclab.plots.pictures import picture
from musiclab.plots.spectrograms import error_spectrogram, mask, mask_comparison, spectrogram
from musiclab.plots.waves import bleed_matrix, levels, stems_overview, waveform

__all__ = [
    "bleed_matrix",
    "error_spectrogram",
    "follow_page",
    "levels",
    "mask",
    "mask_comparison",
    "picture",
    "spectrogram",
    "stems_overview",
    "waveform",
]
