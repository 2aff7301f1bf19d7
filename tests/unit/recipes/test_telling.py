"""What recipes tell of what they found and did: each figure, and no remark where there is nothing to remark."""

from __future__ import annotations

import pytest

from musiclab.audio import Audio
from musiclab.grid import BeatGrid
from musiclab.recipes.describe import Description
from musiclab.recipes.rebalance import _told
from tests.sounds import SR, tone


def test_a_description_tells_metre_tempo_and_bars_if_there_are_beats() -> None:
    song = Audio(tone(440, 2, level=0.5), SR, title="Tide")
    waltz = BeatGrid(tuple(0.5 * k for k in range(9)), 3, (3, 4))
    told = Description(song, "A minor", waltz).as_dict()
    assert (told["metre"], told["bars"], told["tempo"]) == ("3/4", 3, pytest.approx(120))
    assert (told["title"], told["duration"], told["sr"], told["channels"]) == ("Tide", 2.0, SR, 1)
    told = Description(song, "", None).as_dict()
    assert (told["metre"], told["bars"], told["tempo"]) == (None, 0, None)


def test_a_rebalanced_song_is_called_soft_only_where_it_would_have_clipped() -> None:
    plain = _told({"vocals": 3.0, "bass": float("-inf")}, -14.0, -14.0, -1.5, -1.5)
    assert plain == "vocals +3.0 dB, bass muted; the whole −1.5 dB: −14.0 LUFS before, −14.0 LUFS after."
    assert _told({"vocals": 3.0}, -14.0, -15.0, 0.5, -0.5).endswith(
        "It is 1.0 dB softer than it could be, so that nothing clips."
    )
