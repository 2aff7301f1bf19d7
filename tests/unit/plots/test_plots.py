"""Figures: what is drawn stands where its axes say, everything is drawn into the axes that were given."""

import re
from io import BytesIO
from types import SimpleNamespace

import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

mpl.use("Agg")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image

from musiclab import plots, spectral
from musiclab.audio import Audio
from musiclab.plots.pictures import frequency_range, from_scale, picture, to_scale
from musiclab.stems import Stems
from tests.sounds import noise, tone

SR = 44100


@pytest.fixture
def ax():
    """Axes without pyplot: nothing may be drawn anywhere else."""
    figure = Figure(figsize=(8, 4), dpi=100)
    FigureCanvasAgg(figure)
    return figure.add_subplot()


@pytest.fixture
def stems(rng):
    sounds = {"bass": tone(80, level=0.5), "drums": noise(SR, rng=rng)}
    parts = {name: Audio(np.stack([x, x]), SR, title=name) for name, x in sounds.items()}
    return Stems(parts, Audio(sum(part.samples for part in parts.values()), SR))


def sound(hz, seconds=2.0):
    return Audio(tone(hz, seconds, level=0.5), SR)


def brightest_hz(ax, seconds):
    """The frequency at which the page is brightest in the column of a time: what a reader sees."""
    canvas = ax.figure.canvas
    canvas.draw()
    page = np.asarray(canvas.buffer_rgba()).astype(float)[..., :3].sum(axis=-1)[::-1]
    box = ax.get_window_extent()
    column = int(ax.transData.transform((seconds, ax.get_ylim()[0]))[0])
    rows = np.arange(int(box.y0) + 2, int(box.y1) - 2)
    row = rows[page[rows, column].argmax()]
    return ax.transData.inverted().transform((column, row + 0.5))[1]


@pytest.mark.parametrize("scale", ["log", "mel", "linear"])
@pytest.mark.parametrize("hz", [440.0, 3000.0, 9000.0])
def test_a_tone_is_seen_at_its_frequency_also_after_zooming(ax, scale, hz):
    image = plots.spectrogram(sound(hz), ax=ax, scale=scale)
    assert image.axes is ax
    assert ax.get_xlim() == (0.0, 2.0)
    pixel = {"log": 0.03 * hz, "mel": 0.03 * hz + 30, "linear": 100}[scale]
    assert brightest_hz(ax, 1.0) == pytest.approx(hz, abs=pixel)
    ax.set_ylim(hz / 2, hz * 2)
    assert brightest_hz(ax, 1.0) == pytest.approx(hz, abs=0.04 * hz)


def test_a_click_is_seen_at_its_time(ax):
    x = np.zeros(4 * SR, np.float32)
    x[3 * SR] = 1.0
    pixels = plots.spectrogram(Audio(x, SR), ax=ax).get_array()
    column = pixels.mean(axis=0).argmax()
    assert (column + 0.5) * 4 / pixels.shape[1] == pytest.approx(3.0, abs=0.03)


def test_long_sounds_lose_no_click(ax):
    """A song has more columns than the picture: the loudest of those that fall together is shown."""
    x = np.zeros(90 * SR, np.float32)
    clicks = np.arange(1, 90, 7) * SR + 137
    x[clicks] = 1.0
    image = plots.spectrogram(Audio(x, SR), ax=ax)
    loud = image.get_array().max(axis=0)
    assert image.get_array().shape == (512, 1200)
    near = [loud[int(at / len(x) * 1200) - 1 :][:3].max() for at in clicks]
    assert min(near) > -6.1  # at worst a click lies between two columns, where each window halves it
    assert ax.xaxis.get_major_formatter()(70, None) == "1:10"


def test_pieces_equal_the_stft(rng):
    from musiclab.plots.spectrograms import _magnitude

    x = rng.standard_normal((2, 40_000)).astype(np.float32)
    expected = np.sqrt(np.square(np.abs(spectral.stft(x, n_fft=512, hop_length=100))).mean(axis=0))
    np.testing.assert_allclose(_magnitude(Audio(x, SR), 512, 100, "hann"), expected, atol=1e-3)


def test_an_stft_needs_its_rate_and_hop(ax, rng):
    D = spectral.stft(rng.standard_normal((2, SR)))
    image = plots.spectrogram(D, sr=SR, hop_length=1024, ax=ax, colorbar=True, title="noise")
    assert ax.get_title() == "noise"
    assert len(ax.figure.axes) == 2
    assert image.get_clim() == (-80, 0)
    with pytest.raises(ValueError, match="sr and hop_length"):
        plots.spectrogram(D, ax=ax)
    with pytest.raises(ValueError, match="frequency scale"):
        plots.spectrogram(sound(440), ax=ax, scale="bark")
    with pytest.raises(ValueError, match="lower to a higher"):
        plots.spectrogram(sound(440), ax=ax, fmin=5000, fmax=100)


@pytest.mark.parametrize("frames", [1, 100, SR])
def test_silence_and_single_samples_are_drawn(ax, frames):
    silence = Audio(np.zeros((2, frames), np.float32), SR)
    plots.waveform(silence, ax=ax)
    ax.figure.canvas.draw()
    below = ax.figure.add_subplot(2, 1, 2)
    assert (plots.spectrogram(silence, ax=below).get_array() == -80).all()
    ax.figure.canvas.draw()


@settings(max_examples=40, deadline=None)
@given(
    bins=st.integers(2, 600),
    width=st.integers(1, 900),
    rows=st.integers(1, 300),
    columns=st.integers(1, 300),
    scale=st.sampled_from(["log", "mel", "linear"]),
    fmax=st.sampled_from([None, SR]),  # beyond what a sound of this rate has
    seed=st.integers(0, 9),
)
def test_pictures_of_any_size_invent_nothing_and_lose_no_peak(bins, width, rows, columns, scale, fmax, seed):
    S = np.random.default_rng(seed).random((bins, width)).astype(np.float32)
    before = S.copy()
    out = picture(S, sr=SR, rows=rows, columns=columns, scale=scale, fmax=fmax)
    assert out.shape == (rows, min(width, columns))
    assert out.max() <= S.max() + 1e-6
    assert out.min() >= S.min() - 1e-6
    np.testing.assert_array_equal(S, before)
    bin_hz = np.arange(bins) * SR / 2 / (bins - 1)
    low, high = frequency_range(SR, scale, fmax=fmax)
    seen = S[(bin_hz >= low) & (bin_hz < high * (1 - 1e-9))]
    if len(seen):
        assert out.max() >= seen.max() - 1e-6


@pytest.mark.parametrize("scale", ["log", "mel", "linear"])
def test_scales_invert(scale):
    hz = np.linspace(20, 20_000, 50)
    np.testing.assert_allclose(from_scale(to_scale(hz, scale), scale), hz)


def test_masks_keep_their_range(ax, rng):
    image = plots.mask(rng.random((2, 1025, 40)), sr=SR, ax=ax, colorbar=True)
    assert image.get_clim() == (0, 1)
    assert 0 <= image.get_array().min() <= image.get_array().max() <= 1


def test_comparison_has_one_panel_for_each_mask(rng):
    from matplotlib import pyplot as plt

    images = plots.mask_comparison({kind: rng.random((1025, 30)) for kind in ("binary", "ratio")}, sr=SR)
    assert [image.axes.get_title() for image in images] == ["binary", "ratio"]
    images[0].figure.canvas.draw()
    plt.close(images[0].figure)


def test_waves_reach_as_far_as_the_samples(ax, stems):
    wave = plots.waveform(stems["bass"], ax=ax)
    heights = wave.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx(0.5, abs=1e-3)
    assert heights.min() == pytest.approx(-0.5, abs=1e-3)


def test_overview_names_each_stem_and_its_level(ax, stems):
    waves = plots.stems_overview(stems, ax=ax)
    assert len(waves) == 2
    assert [label.get_text() for label in ax.get_yticklabels()] == ["bass", "drums"]
    ax.figure.canvas.draw()


def test_levels_are_the_stems_levels(ax, stems):
    bars = plots.levels(stems, ax=ax)
    tops = {
        label.get_text(): bar.get_y() + bar.get_height() for label, bar in zip(ax.get_xticklabels(), bars, strict=True)
    }
    assert tops["bass"] == pytest.approx(stems["bass"].rms_db)
    assert tops["mixture"] == pytest.approx(stems.mixture.rms_db)
    assert tops["residual"] == -100


def test_error_spectrogram_of_the_truth_is_dark(ax, stems):
    image = plots.error_spectrogram(stems["bass"], stems["bass"], ax=ax, colorbar=True)
    np.testing.assert_allclose(image.get_array(), -80, atol=1e-3)


def test_bleed_matrix_tells_its_figures(ax):
    image = plots.bleed_matrix(np.array([[0.0, -59.4], [np.nan, -60.4]]), ["vocals", "drums"], ax=ax)
    assert [text.get_text() for text in ax.texts] == ["0", "−59", "–", "< −60"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["vocals", "drums"]
    assert image.axes is ax


def test_without_axes_a_new_figure_is_made(stems):
    from matplotlib import pyplot as plt

    image = plots.spectrogram(stems.mixture)
    assert image.figure.number in plt.get_fignums()
    plt.close(image.figure)


def test_figures_are_read_on_a_white_page_and_on_a_dark_one():
    """Nothing is painted behind them, and what is written has a contrast of 4.5 with white, and of 4 with black."""
    with mpl.rc_context():
        plots.follow_page()
        figure = Figure()
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
        ax.plot([0, 1], label="a line")
        ax.set(title="a title", xlabel="time (s)")
        ax.legend()
        figure.canvas.draw()
        page = np.asarray(figure.canvas.buffer_rgba()).astype(float) / 255
        assert page[0, 0, 3] == page[page.shape[0] // 2, page.shape[1] // 4, 3] == 0  # outside and inside the axes
        for text in (ax.title, ax.xaxis.label, ax.get_legend().get_texts()[0], *ax.get_xticklabels()):
            for ground, least in (("#ffffff", 4.5), ("#111111", 4.0)):
                assert contrast(text.get_color(), ground) > least


def test_in_a_notebook_letters_have_the_colour_of_the_page(monkeypatch):
    """As a drawing for pages that show one, beside the picture for all others."""
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    with mpl.rc_context():
        plots.follow_page()
        figure = Figure()
        figure.add_subplot().set(title="loud & soft", xlabel="time (s)")
        data, _ = shell.display_formatter.format(figure)
    assert data["text/html"].startswith('<svg role="img" aria-label="loud &amp; soft"')
    assert data["text/html"].count("var(--jp-content-font-color1, #767676)") > 5
    assert not re.findall(r"(?:fill|stroke): #(?!ffffff)", data["text/html"])  # nothing is written in another colour
    shown = np.asarray(Image.open(BytesIO(data["image/png"])).convert("RGBA"))
    assert (shown[0, 0] == 255).all()  # who shows no drawing has the letters on white


@pytest.mark.slow
def test_the_back_end_of_a_kernel_leaves_the_drawing_there():
    """It comes with the first figure, which may be in a later cell, and takes away what was set before."""
    cells = ["from musiclab import plots; plots.follow_page()", "import matplotlib.pyplot as plt; plt.plot([0, 1]);"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=300).execute()
    [shown] = [output.data for output in notebook.cells[1].outputs if "data" in output]
    assert "--jp-content-font-color1" in shown["text/html"]
    assert "image/png" in shown


def contrast(one, other):
    """WCAG 2.2's contrast ratio of two colours."""
    light = []
    for colour in (one, other):
        rgb = np.array(mpl.colors.to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        light.append(linear @ (0.2126, 0.7152, 0.0722) + 0.05)
    return max(light) / min(light)
