"""One colour for each stem, everywhere: mixer, plots, tables.

The hues are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which people with any common colour vision tell apart.
Each has a relative luminance between 0.12 and 0.30, so that it keeps a contrast of at least 3:1 against a white page
and against a dark theme's near-black: no second set is needed for dark themes.
"""

from __future__ import annotations

STEM_COLOURS: dict[str, str] = {
    "vocals": "#d55e00",  # vermillion
    "drums": "#0f7cc0",  # blue
    "bass": "#009e73",  # green
    "other": "#b565a7",  # purple
    "guitar": "#a67c00",  # ochre
    "piano": "#2a93a8",  # teal
    "residual": "#808488",  # grey: what is left over
    "mixture": "#808488",
}
# for names that have no colour of their own
_FURTHER = ("#c2455e", "#5b76d6", "#6f9420", "#9d6ad9", "#b0703c", "#3f8f7f")


def colour(name: str, index: int = 0) -> str:
    """The colour of a stem as ``#rrggbb``; stems without one of their own take turns by `index`."""
    return STEM_COLOURS.get(name, _FURTHER[index % len(_FURTHER)])
