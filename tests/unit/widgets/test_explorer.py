"""Pictures of a long song in pieces: that they show what the whole would, at any zoom."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image
from scipy.signal import get_window

from musiclab import spectral
from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.widgets.explorer.explorer import SpectrogramExplorer
from musiclab.widgets.explorer.tiles import CHUNK, Look, Tiles
from tests.sounds import noise, tone

SR = 44_100


def test_a_cell_is_what_the_stft_says_across_chunks(rng: np.random.Generator) -> None:
    song = Audio(noise(2, 2 * CHUNK, level=0.2, rng=rng), SR)
    explorer = SpectrogramExplorer(song, scale="linear")
    look = explorer.look
    S = np.abs(spectral.stft(song.mono().samples[0], n_fft=look.n_fft, hop_length=look.hop_length))
    decibels = 20 * np.log10(2 * S / spectral.window_samples("hann", look.n_fft).sum().item())
    first = CHUNK // look.hop_length - 20
    found = Tiles(song)._columns(look, 0, first, first + 40, False)  # half of them in either chunk
    assert np.abs(-127.5 + 0.5 * found - decibels[:, first : first + 40]).max() < 0.26


def test_a_song_that_fills_its_last_chunk_has_none_behind_it() -> None:
    look = Look(n_fft=1024)
    length = Tiles(Audio(np.zeros(SR), SR))._per_chunk(look) * look.hop_length
    song = Audio(np.zeros(2 * length), SR)
    for until in (song.duration, song.duration + 9):
        assert list(Tiles(song).chunks(look, 0.0, until)) == [0, 1]
    assert list(Tiles(song).chunks(look, song.duration, song.duration + 1)) == [1]


@pytest.mark.parametrize("settings", [{}, {"reassigned": True}, {"scale": "cqt"}, {"scale": "mel", "overlap": 8}])
def test_a_click_and_a_tone_are_seen_at_any_zoom(settings: dict[str, object]) -> None:
    x = np.zeros(60 * SR)
    x[30 * SR] = 1.0
    x[40 * SR : 50 * SR] = tone(1000, 10, level=0.5)
    explorer = SpectrogramExplorer(Audio(x, SR), **settings)
    for t0, t1 in ((0.0, 60.0), (28.0, 32.0), (29.9, 30.1)):
        picture = explorer.picture(t0, t1, 5000, 15_000, width=300, height=50)
        brightest = t0 + (t1 - t0) * (picture.max(axis=0).argmax() + 0.5) / 300
        assert abs(brightest - 30) < max(0.03, 1.5 * (t1 - t0) / 300)
    picture = explorer.picture(42, 48, 500, 2000, width=100, height=200)
    axis = np.linspace(*(spectral.hz_to_mel([500, 2000]) if explorer.scale == "mel" else np.log([500, 2000])), 201)
    middle = (axis[:-1] + axis[1:]) / 2
    hz = spectral.mel_to_hz(middle) if explorer.scale == "mel" else np.exp(middle)
    assert abs(hz[picture.mean(axis=1).argmax()] - 1000) < 25
    assert picture.max() == pytest.approx(-6, abs=2.5)  # between two bins a Hann window loses up to 1.4 dB


@pytest.mark.parametrize("window", ["hann", "blackman"])
def test_constant_q_is_what_its_definition_says(rng: np.random.Generator, window: str) -> None:
    x = noise(4 * SR, rng=rng).astype(np.float32)
    tiles, look = Tiles(Audio(x, SR)), Look(cqt=True, window=window)
    hz = tiles.rows_hz(look)
    found = tiles._columns(look, 0, 0, 4 * SR // look.hop_length, False)
    for row in (100, 200, 240):  # 127, 539 and 960 Hz: their windows are longer than a hop
        length = look.n_fft * 1000 / hz[row]
        at = np.arange(-int(length / 2), int(length / 2) + 1)
        w = get_window(window, len(at), fftbins=False)
        wave = w * np.exp(-2j * np.pi * hz[row] / SR * at)
        for column in (120, 150, 200):
            heard = [x[column * look.hop_length + shift + at] @ wave for shift in range(-256, 257, 16)]
            levels = 20 * np.log10(2 * np.abs(heard) / w.sum())
            assert levels.min() - 0.5 < -127.5 + 0.5 * float(found[row, column]) < levels.max() + 0.5


def test_constant_q_shows_a_semitone_alike_in_every_octave() -> None:
    widths = []
    for hz in (55.0, 440.0, 3520.0):
        explorer = SpectrogramExplorer(Audio(tone(hz, 3, level=0.5), SR), scale="cqt", n_fft=4096)
        picture = explorer.picture(1, 2, hz / 2, hz * 2, width=10, height=480)  # 20 pixels to the semitone
        widths.append(int((picture[:, 5] > picture[:, 5].max() - 12).sum()))
        assert picture.max() == pytest.approx(-6, abs=1)
    assert max(widths) <= 1.2 * min(widths)
    assert max(widths) < 25


def test_a_long_song_is_told_while_it_is_computed(rng: np.random.Generator) -> None:
    explorer = SpectrogramExplorer(Audio(noise(1, 240 * SR, level=0.1, rng=rng), SR), scale="cqt")
    done: list[float] = []
    explorer.send = lambda content, _buffers=None: done.append(content["tile"]["done"])  # type: ignore[method-assign]
    ask = {"order": "tile", "t0": 0.0, "t1": 240.0, "low": 30.0, "high": 20_000.0, "width": 600, "height": 200}
    while not done or done[-1] < 1:  # as the page does
        explorer._on_message(explorer, ask, [])
    assert done[0] < 0.5
    assert done == sorted(done)


def test_reassignment_sharpens_a_chirp() -> None:
    t = np.arange(4 * SR) / SR
    chirp = Audio(0.5 * np.sin(2 * np.pi * (500 * t + 250 * t**2)), SR)  # 500 Hz, and 500 Hz more each second
    explorer = SpectrogramExplorer(chirp, scale="linear", n_fft=4096)
    plain = explorer.picture(1, 3, 800, 2200, width=200, height=300)
    explorer.reassigned = True
    sharp = explorer.picture(1, 3, 800, 2200, width=200, height=300)
    assert (sharp > -40).sum() < 0.5 * (plain > -40).sum()
    ridge = 800 + 1400 * (sharp.argmax(axis=0) + 0.5) / 300
    true = 500 + 500 * (1 + 2 * (np.arange(200) + 0.5) / 200)
    assert np.median(np.abs(ridge - true)) < 12


def test_the_box_is_band_passed_and_faded() -> None:
    song = Audio(tone(300, 2, level=0.3) + tone(3000, 2, level=0.3), SR)
    explorer = SpectrogramExplorer(song)
    explorer.selection = (0.5, 1.5, 2000, 4000)
    D = np.abs(np.fft.rfft(explorer.sound().samples[0]))
    assert D[300] < 1e-3 * D[3000]
    assert explorer.sound().samples[0, 0] == pytest.approx(0, abs=1e-3)
    assert np.abs(np.fft.rfft(explorer.sound(box=False).samples[0]))[300] == pytest.approx(D[3000], rel=0.02)
    with pytest.raises(AudioError, match="A box is"):
        explorer.selection = (1.5, 0.5, 2000, 4000)


def test_four_minutes_are_drawn_at_once_when_they_are_known(rng: np.random.Generator) -> None:
    song = Audio(noise(1, 240 * SR, level=0.1, rng=rng), SR)
    explorer = SpectrogramExplorer(song)
    explorer.picture()
    started = time.process_time()
    for t0, t1 in ((0, 240), (30, 90), (100, 110), (100, 100.5)):
        explorer.picture(t0, t1)
    assert (time.process_time() - started) / 4 < 0.1


def test_silence_mono_and_the_shortest_sounds() -> None:
    assert SpectrogramExplorer(Audio(np.zeros((1, 100)), SR)).picture().max() == -127.5
    assert SpectrogramExplorer(Audio(np.zeros((2, SR)), SR)).sound().frames == SR


def test_an_order_from_the_page_changes_nothing_that_was_set_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been sent before; if it were taken over, page and kernel would set each other back for ever."""
    explorer = SpectrogramExplorer(Audio(tone(440, 2), SR), n_fft=8192)
    said: list[tuple[dict, list[bytes]]] = []
    monkeypatch.setattr(explorer, "send", lambda content, buffers=(): said.append((content, list(buffers))))
    look = {"n_fft": 8192, "overlap": 4, "window": "hann", "scale": "log", "channel": "mid", "reassigned": False}
    ask = {"order": "tile", "t0": 0.0, "t1": 2.0, "low": 30.0, "high": 20_000.0, "width": 60, "height": 100}
    explorer.n_fft, explorer.reassigned = 512, True
    explorer._on_message(explorer, {**ask, "look": look}, [])
    assert (explorer.n_fft, explorer.reassigned, explorer._message) == (512, True, "")
    asked, own = said[-1][1][0], SpectrogramExplorer(explorer.audio, n_fft=8192)
    assert asked == own._tile(0.0, 2.0, 30.0, 20_000.0, 60, 100, look=own.look, axis="log").tobytes()
    explorer._on_message(explorer, ask, [])
    assert said[-1][1][0] != asked  # without settings of the page's, those of here


def test_the_still_picture_has_ink_where_it_sounds() -> None:
    """A tone in the second half of the song: some rows are much darker there than in the silence before it."""
    sound = np.concatenate([np.zeros(SR), tone(1000, 1.0, level=0.5, sr=SR)])
    png = SpectrogramExplorer(Audio(sound, SR))._still()
    before, after = np.array_split(np.asarray(Image.open(io.BytesIO(png)).convert("L"), dtype=float), 2, axis=1)
    assert np.median(before) == 255
    ink = np.median(before, axis=1) - np.median(after, axis=1)
    assert 1 <= np.count_nonzero(ink > 100) < 0.1 * len(ink)
    assert np.count_nonzero(np.abs(ink) < 20) > 0.5 * len(ink)
