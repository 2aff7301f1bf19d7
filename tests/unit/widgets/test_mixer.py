"""The mixer's Python side: settings, what is heard, the limiter, waveforms, the still picture."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from traitlets import TraitError

from musiclab import datasets
from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.grid import BeatGrid
from musiclab.notes import Note, Part
from musiclab.palette import STEM_COLOURS, colour
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.widgets.explorer.explorer import SpectrogramExplorer
from musiclab.widgets.masklab.masklab import MaskLab
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.mixer.waves import Lane, picture, waveform
from musiclab.widgets.shared import front
from musiclab.widgets.shared.limiter import limit
from musiclab.widgets.shared.transport import (
    LOSSLESS_UP_TO,
    SAMPLE_RATE,
    Plan,
    format_for,
    pack,
    packets,
    pad_of,
    page_memory,
    scale_of,
)
from tests.sounds import noise, song, tone

SR = 44_100
NAMES = ("vocals", "drums", "bass")


def make_stems(rng: np.random.Generator, frames: int = SR // 2, level: float = 0.2) -> Stems:
    parts = {name: rng.uniform(-level, level, (2, frames)).astype(np.float32) for name in NAMES}
    mixture = sum(parts.values()) + rng.uniform(-0.01, 0.01, (2, frames))
    return Stems({name: Audio(part, SR) for name, part in parts.items()}, Audio(mixture, SR, title="noise"))


@pytest.fixture
def mixer(rng: np.random.Generator) -> Iterator[Mixer]:
    mixer = Mixer(make_stems(rng))
    yield mixer
    mixer.close()
    mixer._packing.join()


def test_everything_at_0_db_is_the_mixture_bit_for_bit(mixer: Mixer) -> None:
    np.testing.assert_array_equal(mixer.mix().samples, mixer.stems.mixture.samples)


def test_mix_is_what_is_heard(mixer: Mixer) -> None:
    stems = mixer.stems
    mixer.gains_db = {"vocals": -6, "drums": float("-inf"), "residual": 6}
    mixer.master_db = -2
    wanted = 10 ** (-6 / 20) * stems["vocals"].samples + stems["bass"].samples + 10 ** (6 / 20) * stems.residual.samples
    np.testing.assert_allclose(mixer.mix().samples, 10 ** (-2 / 20) * wanted, atol=1e-6)
    mixer.soloed = {"bass", "vocals"}
    mixer.muted = "vocals"
    np.testing.assert_allclose(mixer.mix().samples, 10 ** (-2 / 20) * stems["bass"].samples, atol=1e-6)


def test_one_fader_can_be_set_by_item_and_it_is_told(mixer: Mixer) -> None:
    told: list[object] = []
    mixer.observe(lambda change: told.append(dict(change["new"])), "gains_db")
    mixer.gains_db["bass"] = 3
    assert mixer.gains_db == {"vocals": 0, "drums": 0, "bass": 3, "residual": 0}
    faders = mixer.gains_db
    faders["bass"] = 4
    faders["drums"] = -1
    assert mixer.gains_db == faders == {"vocals": 0, "drums": -1, "bass": 4, "residual": 0}
    assert len(told) == 3
    with pytest.raises(TypeError, match="can't be deleted"):
        del mixer.gains_db["bass"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("gains_db", {"flute": 0}, "no stem is called 'flute'; there are vocals, drums, bass, residual"),
        ("gains_db", {"bass": 12.5}, r"The fader of bass goes up to \+12 dB, not \+12.5"),
        ("gains_db", {"bass": float("nan")}, "not nan"),
        ("gains_db", -6, "gains by name"),
        ("muted", ["flute"], "no stem is called 'flute'"),
        ("soloed", 3, "names of stems"),
        ("master_db", True, "level in dB"),
        ("master_db", "loud", "level in dB"),
        ("position", 99.0, "outside the song, 0 to 0.50 s"),
        ("loop", (0.3, 0.1), "from A to a later B"),
        ("loop", (0.1, 9), "outside the song"),
        ("loop", 0.2, "from A to a later B"),
        ("speed", 0.2, "speed goes from 0.25 to 2.0, not 0.2"),
        ("semitones", 13, "semitones goes from -12 to 12, not 13"),
        ("preset", "flute", "No preset 'flute': there are everything, karaoke, vocals, drums, bass"),
    ],
)
def test_what_cannot_be_says_why_and_changes_nothing(mixer: Mixer, name: str, value: object, says: str) -> None:
    before = mixer.get_state()
    with pytest.raises(TraitError, match=says):
        setattr(mixer, name, value)
    after = mixer.get_state()
    assert {k: v for k, v in after.items() if k != "_sound_0"} == {k: v for k, v in before.items() if k != "_sound_0"}


def test_presets(mixer: Mixer) -> None:
    assert mixer.preset == "everything"
    mixer.gains_db["bass"] = -20
    assert mixer.preset == ""
    mixer.preset = "bass"
    assert (mixer.muted, mixer.soloed, mixer.gains_db["bass"]) == ((), ("bass",), 0)
    mixer.preset = "karaoke"
    assert (mixer.muted, mixer.soloed, mixer.preset) == (("vocals",), (), "karaoke")


def test_an_instrumental_has_no_karaoke(rng: np.random.Generator) -> None:
    stems = make_stems(rng)
    mixer = Mixer(Stems({"drums": stems["drums"]}, stems.mixture))
    assert [preset["name"] for preset in mixer._presets] == ["everything", "drums"]
    mixer.close()


def test_silence_travels_as_null_and_back(mixer: Mixer) -> None:
    mixer.gains_db["bass"] = float("-inf")
    mixer.master_db = float("-inf")
    state = mixer.get_state(["gains_db", "master_db", "muted", "loop"])
    assert state["gains_db"]["bass"] is None
    assert state["master_db"] is None
    assert state["muted"] == []
    mixer.set_state({"gains_db": {**state["gains_db"], "vocals": None, "bass": -3.5}, "loop": [0.1, 0.2]})
    assert (mixer.gains_db["vocals"], mixer.gains_db["bass"], mixer.loop) == (float("-inf"), -3.5, (0.1, 0.2))


def ask_for_sound(mixer: Mixer) -> None:
    """As a page does when it has come."""
    mixer._on_message(mixer, {"order": "sound"}, [])
    mixer._packing.join()


def test_a_notebook_without_a_page_holds_no_sound(mixer: Mixer) -> None:
    state = mixer.get_state()
    assert state["_sound_0"] == []
    ask_for_sound(mixer)
    assert sum(len(piece) for piece in mixer.get_state()["_sound_0"]) > 1000


def test_the_stems_are_encoded_in_the_background(mixer: Mixer) -> None:
    ask_for_sound(mixer)
    assert len(mixer._sound_0) == 4
    decoded = load(mixer._sound_0[0])
    np.testing.assert_allclose(decoded.samples, mixer.stems["vocals"].samples, atol=1.5 / 32768)


def test_a_failure_to_encode_is_said_in_the_page(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> bytes:
        raise RuntimeError("no codec")

    monkeypatch.setattr("musiclab.codecs.encode", fail)
    mixer = Mixer(make_stems(rng))
    ask_for_sound(mixer)
    assert mixer._error == "The sound could not be prepared: no codec"
    assert mixer._sound_0 == []


def test_short_songs_travel_losslessly_and_loud_stems_unclipped(rng: np.random.Generator) -> None:
    loud = Audio(rng.uniform(-1.7, 1.7, (2, SR)), SR)
    assert format_for([loud]) == "flac"
    assert format_for([loud] * (LOSSLESS_UP_TO // (2 * SR) + 1)) == "ogg"
    restored = load(pack(loud, (0, 1), "flac")).samples * scale_of(loud)
    np.testing.assert_allclose(restored, loud.samples, atol=2 / 32768)


def never() -> bool:
    return False


@pytest.mark.parametrize("sr", [44_100, 48_000, 11_025, 32_001])
def test_packets_together_are_the_sound(rng: np.random.Generator, sr: int) -> None:
    """Cut as the page cuts them: each piece without what it reaches over its ends."""
    sounds = [Audio(np.stack([tone(hz, 17, level=0.4, sr=sr)] * 2), sr) for hz in (220, 331)]
    plan = Plan(sounds[0].duration, "flac")
    assert plan.cuts == [0, 5, 15]
    pad = pad_of(sr) * SAMPLE_RATE // sr
    joined: list[list[np.ndarray]] = [[], []]
    for (start, stop), packet in zip(plan.spans, packets(sounds, plan, cancelled=never), strict=True):
        for pieces, packed in zip(joined, packet, strict=True):
            skip = min(start * SAMPLE_RATE, pad)
            pieces.append(load(packed).samples[:, skip : skip + (stop - start) * SAMPLE_RATE])
    for hz, pieces in zip((220, 331), joined, strict=True):
        whole = np.concatenate(pieces, axis=1)[0, : 17 * SAMPLE_RATE]
        assert len(whole) == pytest.approx(17 * SAMPLE_RATE, abs=1)
        wanted = 0.4 * np.sin(2 * np.pi * hz * np.arange(len(whole)) / SAMPLE_RATE)
        inside = slice(500, -500)  # a resampler sees the ends of the song, but no cut
        np.testing.assert_allclose(whole[inside], wanted[inside], atol=2e-4)


def test_a_song_is_cut_shortest_first_and_mp3_not_at_all() -> None:
    assert Plan(3.0, "ogg").spans == [(0, 4)]
    assert Plan(5.0, "ogg").cuts == [0]
    assert Plan(240.0, "ogg").cuts[:5] == [0, 5, 15, 35, 55]
    assert Plan(240.0, "ogg").spans[-1] == (235, 241)
    assert Plan(240.0, "mp3").cuts == [0]


def test_silence_travels_as_nothing(rng: np.random.Generator) -> None:
    silent = Audio(rng.uniform(-1e-5, 1e-5, (2, 6 * SR)), SR)
    late = np.zeros((2, 12 * SR), np.float32)
    late[:, -SR:] = 0.5
    assert pack(silent, (0, 5), "ogg") == b""
    assert pack(Audio(late, SR), (0, 5), "ogg") == b""
    assert pack(Audio(late, SR), (5, 15), "ogg") != b""


def test_what_took_long_to_encode_is_kept(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path))
    sound = Audio(rng.uniform(-0.5, 0.5, (2, 6 * SR)), SR)
    plan = Plan(sound.duration, "ogg")
    first = list(packets([sound], plan, cancelled=never))
    monkeypatch.setattr("musiclab.codecs.encode", None)  # whoever encodes now fails
    assert list(packets([sound], plan, cancelled=never)) == first
    assert load(first[0][0]).frames == round(5.2 * SR)
    with pytest.raises(TypeError):
        list(packets([sound.gained(-1)], plan, cancelled=never))


def test_a_mixer_that_is_closed_encodes_no_further(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = [Audio(rng.uniform(-0.5, 0.5, (2, 60 * SR)), SR)]
    made = []
    monkeypatch.setattr(
        "musiclab.widgets.shared.transport.pack", lambda _, span, __, **___: made.append(span) or b"piece"
    )
    monkeypatch.setattr("musiclab.widgets.shared.transport._keep", lambda *_: pytest.fail("kept what is not whole"))
    assert list(packets(sounds, Plan(60.0, "ogg"), cancelled=lambda: bool(made))) == []


@pytest.mark.parametrize("channels", [3, 4, 6])
def test_surround_reaches_every_page_as_stereo_says(rng: np.random.Generator, channels: int) -> None:
    """By ITU-R BS.775: the centre of a 5.1 song, its voice, sounds in the middle."""
    song = Audio(0.1 * rng.standard_normal((channels, SR // 2)), SR)
    stems = Stems({"vocals": song}, song)
    wanted = song.stereo().samples
    mixer = Mixer(stems)
    ask_for_sound(mixer)
    assert [piece["channels"] for piece in mixer._pieces] == [2, 2]
    heard = load(mixer._sound_0[0]).samples * mixer._pieces[0]["scale"]
    np.testing.assert_allclose(heard, wanted, atol=2 / 32768)

    told: list[tuple[dict[str, dict[str, float]], list[bytes]]] = []
    lab, explorer = MaskLab(song, stems), SpectrogramExplorer(song)
    for widget, order in ((lab, {"order": "hello"}), (explorer, {"order": "listen", "box": False})):
        widget.send = lambda content, buffers=(): told.append((content, buffers))  # type: ignore[method-assign]
        widget._on_message(widget, order, [])
    for name, ends in (("mixture", 0), ("sound", round(0.01 * SR))):  # the explorer fades both ends
        about, sound = next((content[name], buffers[0]) for content, buffers in told if name in content)
        samples = np.frombuffer(sound, "<i2").reshape(2, -1) * about["scale"]
        inside = np.s_[:, ends : samples.shape[1] - ends]
        np.testing.assert_allclose(samples[inside], wanted[inside], atol=2 / 32768)
    np.testing.assert_allclose(explorer._tiles.channel("mid"), wanted.mean(axis=0), atol=1e-6)


@settings(deadline=None)  # the first call imports scipy
@given(scale=st.sampled_from([1e-3, 0.5, 1.0, 3.0, 1e3]), sr=st.sampled_from([8000, 44_100]), seed=st.integers(0, 99))
def test_limiter_holds_the_ceiling_and_leaves_alone_what_fits(scale: float, sr: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    loudness = np.repeat(rng.uniform(0, 1, 40), 50)
    samples = (scale * loudness * rng.uniform(-1, 1, (2, 2000))).astype(np.float32)
    kept = samples.copy()
    limited, reduction = limit(samples, sr)
    np.testing.assert_array_equal(samples, kept)
    assert np.max(np.abs(limited)) <= 1
    if np.max(np.abs(samples)) <= 1:
        np.testing.assert_array_equal(limited, samples)
        assert reduction == 0
    else:
        assert reduction > 0
        assert not np.shares_memory(limited, samples)


def test_limiter_moves_without_steps_and_comes_back() -> None:
    """A steady tone with one loud second: its gain is down before the peak, never jumps, and returns."""
    plain = tone(1000, 4, level=0.5).astype(np.float32)[None]
    loud = plain.copy()
    loud[:, SR : 2 * SR] *= 4
    limited, reduction = limit(loud, SR)
    audible = np.abs(plain[0]) > 0.05
    gain = limited[0][audible] / loud[0][audible]
    assert reduction == pytest.approx(6.02, abs=0.1)
    assert np.max(np.abs(np.diff(gain))) < 0.02
    np.testing.assert_array_equal(limited[0, : SR - 500], loud[0, : SR - 500])
    np.testing.assert_allclose(limited[0, -SR // 2 :], loud[0, -SR // 2 :], atol=1e-6)


def test_waveform_shows_extremes_and_mean(rng: np.random.Generator) -> None:
    samples = np.zeros((2, 1000), np.float32)
    samples[0, 250] = 1.0
    samples[1, 750] = -0.5
    wave = waveform(samples, scale=1.0, columns=10)
    assert wave.shape == (10, 3)
    assert wave[2].tolist()[:2] == [0, 127]
    assert wave[7].tolist()[:2] == [-round(127 * 0.5**0.6), 0]
    assert np.count_nonzero(np.delete(wave, [2, 7], axis=0)) == 0
    assert waveform(rng.uniform(-1, 1, (1, 3)), scale=1.0).shape == (3, 3)  # fewer frames than columns


def test_the_still_picture_is_a_png_and_small(mixer: Mixer) -> None:
    bundle = mixer._repr_mimebundle_()
    assert bundle is not None
    data = bundle[0]
    assert "application/vnd.jupyter.widget-view+json" in data
    png = base64.b64decode(data["image/png"])
    assert png.startswith(b"\x89PNG")
    assert len(png) < 100_000
    assert repr(mixer) == "<Mixer of vocals, drums, bass: 0.5 s>"


def test_the_still_picture_knows_its_signs_and_keeps_labels_apart_from_levels() -> None:
    wave = np.zeros((10, 3), dtype=np.int8)

    def drawn(label: str, level: str) -> np.ndarray:
        with Image.open(io.BytesIO(picture([Lane(label, "#d55e00", level, wave, heard=True)], "0:01.0"))) as image:
            return np.asarray(image.convert("L"))[52:124, 12:300] < 128

    nothing = drawn("", "").sum()
    unknown = drawn("", "\ue000").sum() - nothing  # a sign that no font has: a box
    for sign in "−∞é":
        assert 0 < drawn("", sign).sum() - nothing != unknown, sign
    long = drawn("A guitar with a very long name", "−12.0 dB")
    level = drawn("", "−12.0 dB")
    begins = np.flatnonzero(level.any(axis=0))[0]
    assert long[:, : begins - 12].any()
    assert not long[:, begins - 12 : begins].any()


def test_modules_become_one() -> None:
    source = front.esm("mixer/mixer.js")
    assert not re.search(r"^import ", source, re.MULTILINE)
    assert re.findall(r"^export .*", source, re.MULTILINE) == ["export default () => {"]
    defined = re.findall(r"^const module_(\w+) =", source, re.MULTILINE)
    assert len(defined) == len(set(defined))
    for module in defined:  # each stands before it is needed
        first_use = source.index(f"= module_{module};")
        assert source.index(f"const module_{module} =") < first_use


@pytest.mark.parametrize(
    "line",
    [
        'import * as dom from "./dom.js";', 'import dom from "./dom.js";', 'import "./dom.js";',
        'export { h } from "./dom.js";', 'export * from "./dom.js";', 'const dom = await import("./dom.js");',
        'import { h } from "https://elsewhere.example/dom.js";',
    ],
)  # fmt: skip
def test_a_form_of_import_that_is_not_understood_is_an_error(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dom.js").write_text("export const h = 1;\n")
    (tmp_path / "main.js").write_text(f'import {{ h }} from "./dom.js";\n{line}\nexport default () => h;\n')
    monkeypatch.setattr(front, "HERE", tmp_path)
    with pytest.raises(ValueError, match=r"main\.js says"):
        front.esm("main.js")


def test_colours_keep_their_contrast_on_light_and_dark_pages() -> None:
    def luminance(shade: str) -> float:
        parts = np.array([int(shade[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for shade in [*STEM_COLOURS.values(), *(colour("?", i) for i in range(6))]:
        light = (1.05) / (luminance(shade) + 0.05)
        dark = (luminance(shade) + 0.05) / (luminance("#212121") + 0.05)
        assert min(light, dark) >= 3, shade


def test_a_song_too_long_for_a_page_is_warned_of(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stems = make_stems(rng)
    assert page_memory([stems["bass"]]) == 2 * 4 * SR // 2
    monkeypatch.setattr("musiclab.widgets.mixer.mixer.MUCH_MEMORY", 100_000)
    Mixer(stems).close()
    assert "The page needs 0.0 GB for this song: cut it" in caplog.text


def test_the_chart_comes_in_the_background_once_a_page_has_asked() -> None:
    stems = datasets.demo("lantern-waltz").stems
    mixer = Mixer(stems)
    assert (mixer.chart, mixer._charting) == (None, True)
    mixer._asked.set()
    mixer._listening.join()
    assert mixer.chart is not None
    assert (mixer.chart.key, mixer._charting) == ("D minor", False)
    told = mixer.get_state("chart")["chart"]
    assert len(told["beats"]) == len(told["positions"]) == len(told["bars"])
    again = Mixer(stems)  # kept in the store
    again._asked.set()
    again._listening.join()
    assert again.chart == mixer.chart


def test_a_chart_that_is_given_stays_and_one_that_is_set_counts(rng: np.random.Generator) -> None:
    stems = make_stems(rng, frames=6 * SR)
    grid = BeatGrid.steady(120, stems.duration)
    part = Part([Note(0, 1, 40)], "bass", beats=grid.times, downbeats=grid.downbeats, key="A minor", duration=1)
    mixer = Mixer(stems, chart=part)
    assert mixer.chart == Chart(grid, "A minor")
    faster = grid.doubled()
    mixer.chart = faster
    mixer._asked.set()
    mixer._listening.join()
    assert mixer.chart is not None
    assert mixer.chart.grid == faster
    assert mixer.chart.sections
    with pytest.raises(TraitError, match="a Part or a BeatGrid"):
        mixer.chart = 120
    mixer.close()


def test_a_mix_is_called_as_its_song_and_a_new_desk_stands_at_its_start() -> None:
    stems = song({name: noise(1, 4000) for name in ("vocals", "bass")}, title="Tide")
    mixer = Mixer(stems)
    mixer.gains_db = {"vocals": -6}
    assert mixer.mix().title == "Tide"
    assert (mixer.position, mixer.playing, mixer.loop, mixer.speed, mixer.semitones) == (0, False, None, 1, 0)


def test_packets_begin_at_whole_seconds_told_in_frames() -> None:
    """Of 44.1 kHz, which the page plays at."""
    cuts = Mixer(song({"bass": tone(110, 30, level=0.2, sr=8000)}, sr=8000))._cuts
    assert len(cuts) > 2
    assert cuts[0] == 0
    assert [cut % 44_100 for cut in cuts] == [0] * len(cuts)
    assert min(np.diff(cuts)) / 44_100 >= 1
    assert cuts[-1] < 30 * 44_100
