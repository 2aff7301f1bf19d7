"""The embedded engine's use of the stereo picture, against the same filter in numpy."""

import numpy as np
import pytest

from musiclab import masks as reference

torch = pytest.importorskip("torch")
from musiclab.separation.engines.embedded import placing  # noqa: E402

BINS, FRAMES = placing.BINS + 9, 12


def spectra(rng, *shape):
    return torch.from_numpy((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64))


def shares(rng, batch=1, stems=4):
    return torch.softmax(torch.from_numpy(rng.standard_normal((batch, stems, 2, BINS, FRAMES)).astype(np.float32)), 1)


def test_it_is_the_multichannel_wiener_filter(rng, monkeypatch):
    monkeypatch.setattr(placing, "FLOOR", 0.0)
    masks, D = shares(rng), spectra(rng, 1, 2, BINS, FRAMES)
    masked = (masks * D[:, None])[0].numpy()
    expected = masked.copy()
    low = slice(placing.BINS)
    filtered = reference.wiener(masked[:, :, low], D[0, :, low].numpy(), iterations=1)
    expected[:, :, low] += placing.SHARE * (filtered - masked[:, :, low])
    assert np.abs(placing.placed(masks, D)[0].numpy() - expected).max() < 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("level", [1.0, 1e-4, 0.0])
@pytest.mark.parametrize("picture", ["wide", "mono", "left only"])
def test_estimates_add_up_to_the_mixture(rng, picture, level):
    masks, D = shares(rng, batch=2), level * spectra(rng, 2, 2, BINS, FRAMES)
    if picture != "wide":
        D[:, 1] = D[:, 0] if picture == "mono" else 0
    given = masks.clone(), D.clone()
    estimates = placing.placed(masks, D)
    assert torch.isfinite(torch.view_as_real(estimates)).all()
    assert (estimates.sum(1) - D).abs().max() <= 1e-4 * level
    assert torch.equal(masks, given[0])
    assert torch.equal(D, given[1])


def test_two_places_are_told_apart_better_than_by_masks(rng):
    """Two sources that sound in the same cells, one on the left and one on the right, under masks that don't know."""
    sources = spectra(rng, 2, 1, BINS, FRAMES).numpy() * np.array([[[1.0], [0.2]], [[0.2], [1.0]]])[..., None]
    D = torch.from_numpy(sources.sum(0).astype(np.complex64))[None]
    power = np.square(np.abs(sources))
    masks = torch.from_numpy((power + 0.5 * power.sum(0)) / (2 * power.sum(0)))[None].float()
    error = [np.square(np.abs(e[0].numpy() - sources)).sum() for e in (masks * D[:, None], placing.placed(masks, D))]
    assert error[1] < 0.8 * error[0]
