"""A four-minute spectrogram as a PNG: ours against `librosa.display.specshow`, alternating, in one process.

Run: ``pytest tests/benchmarks/bench_plots.py -s`` (half a minute).
"""

import io
import time

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from musiclab import plots, spectral
from musiclab.audio import Audio

SR, N_FFT, HOP = 44100, 2048, 512
BUDGET_S = 0.5  # for the picture of a whole song, from its samples
AT_LEAST = 30.0  # times as fast as specshow, from the same magnitudes


@pytest.fixture(scope="module")
def song():
    random = np.random.default_rng(0)
    t = np.arange(240 * SR) / SR
    tones = sum(np.sin(2 * np.pi * hz * t) * 0.1 for hz in (110, 220, 440, 1760))
    x = (tones + 0.02 * random.standard_normal(t.size)).astype(np.float32)
    return Audio(np.stack([x, 0.8 * x]), SR)


def drawn(draw):
    """CPU seconds of a figure with its PNG."""
    figure = Figure(figsize=(10, 4), dpi=100)
    FigureCanvasAgg(figure)
    start = time.process_time()
    draw(figure.add_subplot())
    figure.savefig(io.BytesIO(), format="png")
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_faster_than_specshow(song):
    import librosa
    import librosa.display

    S = np.abs(spectral.stft(song.samples[0], n_fft=N_FFT, hop_length=HOP))
    dB = spectral.to_db(S)

    def specshow(ax):
        librosa.display.specshow(dB, sr=SR, hop_length=HOP, x_axis="time", y_axis="log", ax=ax)

    def ours(ax):
        plots.spectrogram(S, sr=SR, hop_length=HOP, ax=ax)

    drawn(ours)  # fonts and imports
    pairs = [(drawn(specshow), drawn(ours)) for _ in range(2)]
    ratio = min(theirs / mine for theirs, mine in pairs)
    print(f"\nspecshow {pairs[-1][0]:.2f} s, ours {pairs[-1][1]:.2f} s: {ratio:.0f} times as fast")
    assert ratio >= AT_LEAST


@pytest.mark.slow
def test_whole_song_from_its_samples(song):
    best = min(drawn(lambda ax: plots.spectrogram(song, ax=ax)) for _ in range(4))
    print(f"\nfour minutes of stereo, STFT and PNG included: {best:.2f} s")
    assert best <= BUDGET_S
