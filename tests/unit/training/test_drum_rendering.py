"""Rendered drumming: what the drum network is trained on is what its strokes say."""

import numpy as np
import pytest

from musiclab.training.studio.clips import computed, effects
from musiclab.training.studio.clips.drumming import WINDOW, heard, play_kit, produce_drums
from musiclab.training.studio.clips.kits import GAIN_DB, KINDS, Kit, kind_of, recoloured
from musiclab.training.studio.clips.patterns import Stroke, random_pattern
from musiclab.training.studio.clips.samples import SR, RecordedSound


def kit(rng: np.random.Generator, **gains: float) -> Kit:
    sounds = {kind: computed.one_shot(rng, kind, 2) for kind in KINDS}
    return Kit(sounds, {**{kind: mean for kind, (mean, _) in GAIN_DB.items()}, **gains})


@pytest.mark.parametrize("kind", KINDS)
def test_computed_drums_begin_at_once_and_end(rng: np.random.Generator, kind: str) -> None:
    for wave in [wave for _ in range(6) for wave in computed.one_shot(rng, kind, 2)]:
        assert wave.dtype == np.float32
        assert np.abs(wave).max() == pytest.approx(1, abs=1e-5)
        early = np.flatnonzero(np.abs(wave) > 0.05)[0]
        assert early < 0.05 * SR
        assert np.abs(wave[-50:]).max() < 0.2
        first, *_, last = np.array_split(np.square(wave, dtype=float), 3)
        assert last.sum() < first.sum() / 3


def test_drums_lie_where_they_should(rng: np.random.Generator) -> None:
    """A kick is low, a tom higher, a hi-hat far above both."""

    def centre(kind: str) -> float:
        waves = [computed.one_shot(rng, kind, 1)[0][:8192] for _ in range(12)]
        power = [np.abs(np.fft.rfft(wave, 8192)) ** 2 for wave in waves]
        hz = np.fft.rfftfreq(8192, 1 / SR)
        return float(np.median([np.sum(p * hz) / np.sum(p) for p in power]))

    assert centre("kick") < centre("tom") < centre("hihat-closed")
    assert centre("side-stick") < centre("tambourine")


def test_a_skin_begins_sharp_and_comes_to_its_pitch() -> None:
    """Heavily damped, only its lowest mode is left: crossings of zero count its swings."""
    for glide in (0.0, 0.5):
        wave = computed.skin(400, ring=1.0, glide=glide, damping=60.0, seconds=1.0)
        crossings = np.flatnonzero(np.diff(np.sign(wave)) > 0) / SR
        assert np.count_nonzero((crossings > 0.5) & (crossings < 0.75)) == pytest.approx(100, abs=1)
        early = crossings[(crossings > 0.02) & (crossings < 0.07)]
        assert (len(early) - 1) / (early[-1] - early[0]) == pytest.approx(400 * (1 + 0.25 * glide), rel=0.05)


def test_strokes_sound_when_they_say(rng: np.random.Generator) -> None:
    strokes = [Stroke(0.5, "kick", 1.0), Stroke(1.0, "snare", 0.9), Stroke(1.5, "tom", 0.8)]
    samples, heard = play_kit(rng, strokes, kit(rng), 2.0)
    assert heard == strokes
    for stroke in strokes:
        at = round(stroke.time * SR)
        assert np.abs(samples[at : at + 2205]).max() > 5 * np.abs(samples[at - 441 : at - 10]).max()


def test_what_cannot_be_heard_is_no_truth(rng: np.random.Generator) -> None:
    """A hi-hat 90 dB under the crash that falls with it is asked of nobody; alone it is."""
    covered = [Stroke(0.5, "crash", 1.0), Stroke(0.5, "hihat-closed", 0.5)]
    _, heard = play_kit(rng, covered, kit(rng, **{"hihat-closed": -90.0}), 1.0)
    assert [stroke.kind for stroke in heard] == ["crash"]
    _, heard = play_kit(rng, covered[1:], kit(rng, **{"hihat-closed": -90.0}), 1.0)
    assert [stroke.kind for stroke in heard] == ["hihat-closed"]


def test_a_stroke_is_heard_that_is_a_seventh_of_the_power(rng: np.random.Generator) -> None:
    """Of the power in its bands: a quarter of that is much, a quarter of the amplitude is not."""
    stroke, wave = Stroke(0.0, "snare", 1.0), rng.normal(0, 0.1, WINDOW).astype(np.float32)
    assert heard([(stroke, wave)], 2 * wave) == [stroke]
    assert heard([(stroke, wave)], 4 * wave) == []


def test_patterns_are_in_order_and_repeatable() -> None:
    kinds: set[str] = set()
    for seed in range(30):
        strokes = random_pattern(np.random.default_rng(seed), 6.0)
        assert strokes == random_pattern(np.random.default_rng(seed), 6.0)
        times = [stroke.time for stroke in strokes]
        assert times == sorted(times)
        assert all(0 <= t < 6 for t in times)
        assert all(0 < stroke.force <= 1 for stroke in strokes)
        kinds |= {stroke.kind for stroke in strokes}
    assert kinds >= set(KINDS)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_producing_changes_no_argument(rng: np.random.Generator, scale: float) -> None:
    dry, _ = play_kit(rng, [Stroke(0.1, "snare", 1.0)], kit(rng), 0.5)
    dry = dry * np.float32(scale)
    before = dry.copy()
    for _ in range(6):
        wet = produce_drums(rng, dry, bleed=before)
        assert wet.shape == dry.shape
        assert np.isfinite(wet).all()
        assert np.abs(wet).max() <= 1
    assert (dry == before).all()


def test_band_limit_and_saturation(rng: np.random.Generator) -> None:
    noise = rng.normal(0, 0.1, SR).astype(np.float32)
    hz = np.fft.rfftfreq(SR, 1 / SR)
    power = np.abs(np.fft.rfft(effects.band_limit(noise, low=50, high=6000))) ** 2
    assert power[hz > 7500].mean() < 1e-4 * power[(hz > 500) & (hz < 5000)].mean()
    loud = effects.saturate(noise, drive_db=12)
    assert np.abs(loud).max() == pytest.approx(np.abs(noise).max(), rel=1e-3)
    assert loud.std() > 1.5 * noise.std()
    assert (effects.saturate(np.zeros(10, np.float32), drive_db=6) == 0).all()


def test_one_shots_are_called_what_drummers_call_them(tmp_path) -> None:
    def sample(kind: str, articulation: str) -> RecordedSound:
        return RecordedSound(tmp_path, "drums", kind, "any", articulation, None, False)

    assert kind_of(sample("snare", "Sidestick2")) == "side-stick"
    assert kind_of(sample("snare", "14a_basic:ss")) == "side-stick"
    assert kind_of(sample("snare", "14a_basic:sn")) == "snare"
    assert kind_of(sample("percussion", "Maracas")) == "tambourine"
    assert kind_of(sample("hihat-closed", "tom-hh")) == "tom"
    assert kind_of(sample("crash", "ZildjianA20CrashChoke")) == ""


def test_recolouring_keeps_the_samples(rng: np.random.Generator) -> None:
    wave = rng.normal(0, 0.2, 3000).astype(np.float32)
    wave.flags.writeable = False
    new = recoloured(rng, "snare", [wave, wave])
    assert len(new) == 2
    assert all(np.abs(w).max() == pytest.approx(1, abs=1e-5) for w in new)
