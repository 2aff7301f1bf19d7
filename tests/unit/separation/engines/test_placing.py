"""The embedded engine's use of the stereo picture, against the same filter written out with complex matrices."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from musiclab.separation.engines.embedded import placing  # noqa: E402

BINS, FRAMES = placing.BINS + 9, 12


def spectra(rng, *shape):
    return torch.from_numpy((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64))


def shares(rng, batch=1, stems=4):
    return torch.softmax(torch.from_numpy(rng.standard_normal((batch, stems, 2, BINS, FRAMES)).astype(np.float32)), 1)


def written_out(masks, D):
    """One example in double precision: masks (stems, 2, bins, frames), D (2, bins, frames)."""
    rooted = np.sqrt(masks) * D
    power = np.square(np.abs(rooted)).mean(axis=1)  # (stems, bins, frames)
    each = np.einsum("jcft,jdft->jfcd", rooted, rooted.conj())
    near = np.abs(np.subtract.outer(np.arange(D.shape[1]), np.arange(D.shape[1]))) <= placing.NEIGHBOURS
    R = np.einsum("gf,jfcd->jgcd", near, each)
    R /= np.trace(R, axis1=2, axis2=3)[..., None, None] / 2
    parts = np.einsum("jft,jfcd->jftcd", power, R)
    loud = np.square(np.abs(D)).sum(axis=0)
    everywhere = placing.FLOOR * loud[..., None, None] * np.eye(2)
    u = np.linalg.solve(parts.sum(axis=0) + everywhere, D.transpose(1, 2, 0)[..., None])
    return ((parts + everywhere / len(masks)) @ u)[..., 0].transpose(0, 3, 1, 2)


def test_it_is_the_multichannel_wiener_filter(rng):
    masks, D = shares(rng, batch=2), spectra(rng, 2, 2, BINS, FRAMES)
    found = placing.placed(masks, D).numpy()
    for estimates, mask, mixture in zip(found, masks.double().numpy(), D.numpy().astype(complex), strict=True):
        low = slice(placing.BINS)
        expected = written_out(mask[:, :, low], mixture[:, low])
        assert np.abs(estimates[:, :, low] - expected).max() < 1e-3 * np.abs(expected).max()
        above = (mask * mixture)[:, :, placing.BINS :]
        assert np.abs(estimates[:, :, placing.BINS :] - above).max() < 1e-5 * np.abs(above).max()


def test_masks_without_a_place_stay_as_they_are(rng):
    """Stems that lie everywhere alike: the filter knows no more than the masks."""
    frames = 4096
    mask = torch.softmax(torch.from_numpy(rng.standard_normal((1, 3, 1, 40, frames)).astype(np.float32)), 1)
    masks, D = mask.expand(-1, -1, 2, -1, -1), spectra(rng, 1, 2, 40, frames)
    masked = masks * D[:, None]
    error = (placing.placed(masks, D) - masked).abs().square().sum() / masked.abs().square().sum()
    assert error < 1e-3


@pytest.mark.parametrize("level", [1e3, 1.0, 1e-4, 0.0])
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


def test_half_precision_around_it_changes_nothing(rng):
    masks, D = shares(rng), spectra(rng, 1, 2, BINS, FRAMES)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(placing.placed(masks, D), placing.placed(masks, D.clone()))
        found = placing.placed(masks, D)
    assert torch.equal(found, placing.placed(masks, D))


def test_two_places_are_told_apart_better_than_by_masks(rng):
    """Two sources that sound in the same cells, one on the left and one on the right, under masks that don't know."""
    sources = spectra(rng, 2, 1, BINS, FRAMES).numpy() * np.array([[[1.0], [0.2]], [[0.2], [1.0]]])[..., None]
    D = torch.from_numpy(sources.sum(0).astype(np.complex64))[None]
    power = np.square(np.abs(sources))
    masks = torch.from_numpy((power + 0.5 * power.sum(0)) / (2 * power.sum(0)))[None].float()
    error = [np.square(np.abs(e[0].numpy() - sources)).sum() for e in (masks * D[:, None], placing.placed(masks, D))]
    assert error[1] < 0.8 * error[0]
