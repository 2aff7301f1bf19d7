"""The mixer's Python side: settings, what is heard, the limiter, waveforms, the still picture."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets import TraitError

from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.palette import STEM_COLOURS, colour
from musiclab.stems import Stems
from musiclab.widgets import front
from musiclab.widgets.limiter import limit
from musiclab.widgets.mixer import Mixer
from musiclab.widgets.transport import LOSSLESS_UP_TO, format_for, pack, pack_once, page_memory, scale_of
from musiclab.widgets.waves import waveform

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
    mixer._packing.join()
    mixer.close()


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
        ("speed", 0.2, "speed goes from 0.5 to 1.5, not 0.2"),
        ("semitones", 13, "semitones goes from -12 to 12, not 13"),
        ("preset", "flute", "No preset 'flute': there are everything, karaoke, vocals, drums, bass"),
    ],
)
def test_what_cannot_be_says_why_and_changes_nothing(mixer: Mixer, name: str, value: object, says: str) -> None:
    before = mixer.get_state()
    with pytest.raises(TraitError, match=says):
        setattr(mixer, name, value)
    after = mixer.get_state()
    assert {k: v for k, v in after.items() if k not in ("_audio", "_progress")} == {
        k: v for k, v in before.items() if k not in ("_audio", "_progress")
    }


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


def test_the_stems_are_encoded_in_the_background(mixer: Mixer) -> None:
    mixer._packing.join()
    assert len(mixer._audio) == 4
    assert mixer._progress == 1
    decoded = load(mixer._audio[0])
    np.testing.assert_allclose(decoded.samples, mixer.stems["vocals"].samples, atol=1.5 / 32768)


def test_a_failure_to_encode_is_said_in_the_page(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> bytes:
        raise RuntimeError("no codec")

    monkeypatch.setattr("musiclab.codecs.encode", fail)
    mixer = Mixer(make_stems(rng))
    mixer._packing.join()
    assert mixer._error == "The sound could not be prepared: no codec"
    assert len(mixer._audio) == 0


def test_short_songs_travel_losslessly_and_loud_stems_unclipped(rng: np.random.Generator) -> None:
    loud = Audio(rng.uniform(-1.7, 1.7, (2, SR)), SR)
    assert format_for([loud]) == "flac"
    assert format_for([loud] * (LOSSLESS_UP_TO // (2 * SR) + 1)) == "ogg"
    restored = load(pack(loud, "flac")).samples * scale_of(loud)
    np.testing.assert_allclose(restored, loud.samples, atol=2 / 32768)


def test_what_took_long_to_encode_is_kept(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path))
    sound = Audio(rng.uniform(-0.5, 0.5, (2, SR)), SR)
    first = pack_once(sound, "ogg")
    monkeypatch.setattr("musiclab.codecs.encode", None)  # whoever encodes now fails
    assert pack_once(sound, "ogg") == first
    assert load(first).frames == SR
    with pytest.raises(TypeError):
        pack_once(sound.gained(-1), "ogg")


def test_many_channels_are_folded_to_two(rng: np.random.Generator) -> None:
    four = Audio(rng.uniform(-0.5, 0.5, (4, SR // 4)), SR)
    folded = load(pack(four, "flac"))
    wanted = np.stack([four.samples[[0, 2]].mean(0), four.samples[[1, 3]].mean(0)])
    np.testing.assert_allclose(folded.samples, wanted, atol=1.5 / 32768)


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
    t = np.arange(4 * SR) / SR
    tone = (0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[None]
    loud = tone.copy()
    loud[:, SR : 2 * SR] *= 4
    limited, reduction = limit(loud, SR)
    audible = np.abs(tone[0]) > 0.05
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


def test_modules_become_one() -> None:
    source = front.esm("mixer.js")
    assert not re.search(r"^import ", source, re.MULTILINE)
    assert re.findall(r"^export .*", source, re.MULTILINE) == ["export default () => {"]
    defined = re.findall(r"^const module_(\w+) =", source, re.MULTILINE)
    assert len(defined) == len(set(defined))
    for module in defined:  # each stands before it is needed
        first_use = source.index(f"= module_{module};")
        assert source.index(f"const module_{module} =") < first_use


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
    monkeypatch.setattr("musiclab.widgets.mixer.MUCH_MEMORY", 100_000)
    Mixer(stems).close()
    assert "The page needs 0.0 GB for this song: cut it" in caplog.text
