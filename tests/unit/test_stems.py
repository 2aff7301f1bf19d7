"""`Stems`: with the residual they always add up to the mixture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.audio import SILENCE_DB, Audio
from musiclab.errors import AudioError
from musiclab.stems import Stems

NAMES = ("vocals", "drums", "bass", "other")


def made(*, scale: float = 0.1, seed: int = 0, frames: int = 3000, count: int = 4) -> Stems:
    """A mixture, and stems that only half add up to it, as an engine's do."""
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((count, 2, frames)) * scale
    mixture = Audio(parts.sum(axis=0) + rng.standard_normal((2, frames)) * scale / 4, 44100, title="song")
    return Stems({f"part {k}" if count > 4 else NAMES[k]: Audio(part, 44100) for k, part in enumerate(parts)}, mixture)


def null_db(stems: Stems) -> float:
    """What is left of the mixture after all parts are taken away, relative to its peak, in dB."""
    rest = stems.mixture.samples.astype(np.float64) - stems.residual.samples
    for stem in stems.values():
        rest -= stem.samples
    return float(20 * np.log10(np.abs(rest).max() / np.abs(stems.mixture.samples).max() + 1e-30))


@given(
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 1000),
    frames=st.integers(1, 2000),
    count=st.integers(1, 7),
)
def test_stems_and_residual_add_up(scale, seed, frames, count):
    assert null_db(made(scale=scale, seed=seed, frames=frames, count=count)) < -120


def test_they_add_up_across_blocks():
    assert null_db(made(frames=600_000)) < -120


def test_it_is_an_ordered_mapping_and_the_residual_is_there_by_name():
    stems = made()
    assert list(stems) == list(NAMES)
    assert len(stems) == 4
    assert stems["residual"] is stems.residual
    assert "residual" not in list(stems)
    with pytest.raises(KeyError, match="'flute' is not a stem here: there are vocals, drums"):
        stems["flute"]


def test_a_mix_with_no_gains_is_the_mixture_bit_for_bit():
    stems = made()
    np.testing.assert_array_equal(stems.mix().samples, stems.mixture.samples)
    np.testing.assert_array_equal(stems.mix(dict.fromkeys(NAMES, 0.0)).samples, stems.mixture.samples)


@given(gains=st.lists(st.floats(-60, 24), min_size=5, max_size=5), scale=st.sampled_from([1e-3, 1.0, 1e3]))
def test_a_mix_is_the_sum_of_its_parts_with_their_gains(gains, scale):
    loudest = max(0.0, *gains)  # dB: what passes +80 dBFS is no sound
    stems = made(scale=min(scale, 500 / 10 ** (loudest / 20)), frames=500)
    names = [*NAMES, "residual"]
    expected = sum(
        stems[name].samples.astype(np.float64) * 10 ** (gain / 20) for name, gain in zip(names, gains, strict=True)
    )
    out = stems.mix(dict(zip(names, gains, strict=True))).samples
    peak = np.abs(stems.mixture.samples).max() * 10 ** (loudest / 20)
    assert np.abs(out - expected).max() < 1e-5 * peak


def test_without_takes_a_stem_out_whole():
    stems = made()
    rest = stems.without("vocals").samples + stems["vocals"].samples
    np.testing.assert_allclose(rest, stems.mixture.samples, atol=1e-6)
    silence = stems.without(*NAMES, "residual")
    assert silence.peak_db < -130
    assert silence.peak_db >= SILENCE_DB


def test_unknown_names_are_told():
    with pytest.raises(KeyError, match="flute"):
        made().mix({"flute": 0.0})
    with pytest.raises(KeyError, match="flute"):
        made().without("flute")


def test_what_does_not_fit_the_mixture_is_refused():
    mixture = made().mixture
    with pytest.raises(AudioError, match="at least one"):
        Stems({}, mixture)
    with pytest.raises(AudioError, match="taken"):
        Stems({"residual": mixture}, mixture)
    for other in (mixture.mono(), mixture[:0.01], Audio(mixture.samples, 48000)):
        with pytest.raises(AudioError, match="'bass' differs"):
            Stems({"bass": other}, mixture)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_nothing_that_came_in_is_changed(scale):
    stems = made(scale=scale)
    before = {name: audio.samples.copy() for name, audio in {**stems, "mixture": stems.mixture}.items()}
    _ = stems.residual, stems.mix({"vocals": 6}), stems.without("bass", "residual")
    for name, samples in before.items():
        np.testing.assert_array_equal((stems.mixture if name == "mixture" else stems[name]).samples, samples)


def test_it_says_what_it_is():
    stems = Stems(dict(made()), made().mixture, engine="embedded")
    assert repr(stems) == "<Stems vocals, drums, bass, other by embedded: 0.07 s at 44100 Hz>"
