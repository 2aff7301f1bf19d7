"""The mask lab's arithmetic: what a gesture moves, what it leaves alone, and that undoing is exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from musiclab import masks, spectral
from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.stems import Stems
from musiclab.widgets.masklab.gestures import Gesture, Shaping
from musiclab.widgets.masklab.kinds import HOP, Passage
from musiclab.widgets.masklab.masklab import MaskLab
from musiclab.widgets.masklab.sheet import BLOCK, MaskSheet
from musiclab.widgets.shared import brushes
from musiclab.widgets.shared.brushes import Grid
from tests.sounds import noise, song

SR = 44_100
NAMES = ("vocals", "drums", "bass")


def mixed(rng: np.random.Generator, seconds: float = 2.0, channels: int = 2) -> tuple[Audio, Stems]:
    stems = song({name: noise(channels, round(seconds * SR), rng=rng) for name in NAMES})
    return stems.mixture, stems


@st.composite
def gestures(draw: st.DrawFn) -> Gesture:
    shape = draw(st.sampled_from(["brush", "rectangle", "harmonics"]))
    time, hz = st.floats(0, 2), st.floats(20, 22_000)
    count = 2 if shape == "rectangle" else draw(st.integers(1, 4))
    points = tuple((draw(time), draw(hz)) for _ in range(count))
    stem = draw(st.sampled_from(NAMES))
    partner = draw(st.sampled_from(["others", *(name for name in NAMES if name != stem)]))
    action = draw(st.sampled_from(["give", "take", "restore"]))
    return Gesture(stem, action, shape, points, draw(st.floats(0, 1)), partner)


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    mixture, stems = mixed(rng)
    sounds = np.stack([stems[name].samples for name in NAMES])
    return mixture.samples, sounds, masks.ideal_ratio(spectral.stft(sounds)), spectral.stft(mixture.samples)


def test_the_rules_on_top_of_hpss_are_offered_where_the_four_are_and_a_residual_as_a_store_spells_it() -> None:
    nothing = np.zeros((1, 1, 1), np.complex64)
    four, residual = ("vocals", "drums", "bass", "other"), "".join(["resi", "dual"])  # equal, and another object
    assert Passage((*four, residual), nothing, nothing).kinds() == ["model", "wiener", "hpss"]
    assert Passage((*four[:3], residual), nothing, nothing).kinds() == ["model", "wiener"]


def sheet(made: tuple[np.ndarray, ...]) -> MaskSheet:
    _, sounds, _, X = made
    return MaskSheet(Passage(NAMES, X, sounds), sr=SR)


@settings(deadline=None, max_examples=25)
@given(strokes=st.lists(gestures(), min_size=1, max_size=4))
def test_masks_keep_summing_to_one_and_undo_is_exact(made: tuple[np.ndarray, ...], strokes: list[Gesture]) -> None:
    desk = sheet(made)
    before = [(desk.masks.copy(), [desk.sound(name).copy() for name in NAMES])]
    done = 0
    for stroke in strokes:
        columns = desk.paint(stroke)
        if columns.stop > columns.start:
            done += 1
            before.append((desk.masks.copy(), [desk.sound(name).copy() for name in NAMES]))
    assert np.abs(desk.masks.sum(axis=0) - 1).max() < 1e-5
    assert desk.masks.min() >= 0
    assert desk.masks.max() <= 1 + 1e-5
    total = np.sum([desk.sound(name).astype(float) for name in NAMES], axis=0)
    assert np.abs(total - made[0]).max() < 10 ** (-90 / 20)
    for M, sounds in reversed(before[:-1]):
        desk.undo()
        assert np.array_equal(desk.masks, M)
        assert all(np.array_equal(desk.sound(name), sound) for name, sound in zip(NAMES, sounds, strict=True))
    for _ in range(done):
        desk.redo()
    assert np.array_equal(desk.masks, before[-1][0])


def test_a_gesture_changes_sound_only_where_its_windows_reach(made: tuple[np.ndarray, ...]) -> None:
    desk = sheet(made)
    columns = desk.paint(Gesture("vocals", "give", "rectangle", ((0.9, 300), (1.0, 3000))))
    changed = np.flatnonzero(np.any(desk.sound("vocals") != made[1][0], axis=0))
    start, stop = desk.span(columns)
    assert start <= changed[0]
    assert changed[-1] < stop
    assert stop - start <= 2 * BLOCK * HOP
    # and within it sounds as the whole inverse STFT says
    whole = spectral.istft(desk.masks[0] * made[3] - made[2][0] * made[3], length=made[0].shape[1]) + made[1][0]
    assert np.abs(desk.sound("vocals") - whole).max() < 1e-5


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize(("first", "last"), [(-2, 1), (-1, 0), (0, 1), (-BLOCK, BLOCK - 1)])
def test_no_column_is_lost_where_blocks_meet(made: tuple[np.ndarray, ...], first: int, last: int, seen: bool) -> None:
    """Whether the blocks were looked at before they are painted on, or are made afterwards."""
    desk, before = sheet(made), sheet(made).masks.copy()
    if seen:
        assert all(desk.sound(name).shape == made[0].shape for name in NAMES)
    times = [(BLOCK + column) * HOP / SR for column in (first, last)]
    stroke = Gesture("vocals", "give", "rectangle", ((times[0], 30), (times[1], 20_000)))
    desk.paint(stroke)
    touch, wanted = stroke.touch(desk.grid), before.copy()
    assert touch.columns.start <= BLOCK + last <= touch.columns.stop
    box = np.s_[:, :, touch.bins, touch.columns]
    stroke.move(wanted[box], before[box], touch.weight, NAMES)
    np.testing.assert_allclose(desk.masks, wanted, atol=1e-6)
    whole = spectral.istft((wanted[0] - before[0]) * made[3], length=made[0].shape[1]) + made[1][0]
    np.testing.assert_allclose(desk.sound("vocals"), whole, atol=1e-5)


def test_shaping_keeps_the_painting_and_undoes(made: tuple[np.ndarray, ...]) -> None:
    desk = sheet(made)
    desk.paint(Gesture("bass", "take", "rectangle", ((0.2, 100), (0.6, 900)), partner="drums"))
    painted = desk.masks.copy()
    desk.shape(Shaping(hardness=3.0, threshold=0.2, smoothing=3))
    assert np.abs(desk.masks.sum(axis=0) - 1).max() < 1e-5
    inside = np.s_[2, :, 20:80, 10:24]
    assert desk.masks[inside].max() == 0  # what was taken out stays out
    whole = masks.smooth(masks.threshold(masks.harden(made[2], 3.0), 0.2), bins=3, columns=3)
    assert np.abs(desk.masks[:, :, 200:] - whole[:, :, 200:]).max() < 1e-5  # in pieces as in one
    desk.undo()
    assert np.array_equal(desk.masks, painted)


def test_taking_gives_to_the_partner_alone(made: tuple[np.ndarray, ...]) -> None:
    desk = sheet(made)
    desk.paint(Gesture("vocals", "take", "brush", ((0.5, 500), (1.0, 800)), partner="bass"))
    assert np.array_equal(desk.sound("drums"), made[1][1])
    assert not np.array_equal(desk.sound("bass"), made[1][2])


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_stems_add_up_for_any_channels_and_only_painted_ones_change(rng: np.random.Generator, channels: int) -> None:
    mixture, stems = mixed(rng, 1.5, channels)
    lab = MaskLab(mixture, stems, truth=stems)
    assert all(lab.stems[name] is stems[name] for name in NAMES)
    lab.paint_rectangle(0.4, 0.8, 200, 2000, partner="drums")
    repaired = lab.stems
    assert repaired["bass"] is stems["bass"]
    assert repaired["vocals"] is not stems["vocals"]
    total = sum(repaired[name].samples.astype(float) for name in (*repaired, "residual"))
    assert np.abs(total - mixture.samples).max() < 10 ** (-90 / 20)
    before, now = lab.sdr() or (0, 0)
    assert now < before  # the truth was as given: any change is for the worse
    lab.undo()
    assert all(lab.stems[name] is stems[name] for name in NAMES)


def test_a_passage_of_a_longer_song(rng: np.random.Generator) -> None:
    mixture, stems = mixed(rng, 4.0)
    lab = MaskLab(mixture, stems, start=1.0, stop=3.0)
    lab.paint_rectangle(0.0, 4.0, 50, 10_000)
    repaired = lab.stems["vocals"].samples
    changed = np.flatnonzero(np.any(repaired != stems["vocals"].samples, axis=0))
    assert changed[0] >= SR
    assert changed[-1] < 3 * SR


def test_every_kind_adds_up(rng: np.random.Generator) -> None:
    mixture, stems = mixed(rng, 1.0)
    lab = MaskLab(mixture, stems, truth=stems)
    for kind in lab.kinds:
        lab.kind = kind
        total = sum(lab.stems[name].samples.astype(float) for name in (*NAMES, "residual"))
        assert np.abs(total - mixture.samples).max() < 10 ** (-90 / 20)
    assert set(MaskLab(mixture, stems).kinds) == {"model", "wiener"}


def test_the_harmonic_brush_finds_the_pitch() -> None:
    t = np.arange(2 * SR) / SR
    f0 = 220 * 2 ** (0.3 / 12 * np.sin(2 * np.pi * 3 * t))  # a vibrato of 30 cents either way
    x = sum(np.sin(2 * np.pi * k * np.cumsum(f0) / SR) / k for k in range(1, 9))
    S = np.abs(spectral.stft(x))
    grid = Grid(SR, *S.shape)
    found = brushes.snapped(S, grid, [(0.2, 226.0), (1.8, 226.0)])
    times, hz = np.array(found).T
    assert np.abs(1200 * np.log2(hz / np.interp(times, t, f0))).max() < 25
    touch = brushes.harmonics(grid, found, overtones=8)
    inside = np.square(S[touch.bins, touch.columns])
    assert np.sum(touch.weight**2 * inside) > 0.97 * inside.sum()


def test_wrong_use_is_told_in_a_sentence(rng: np.random.Generator) -> None:
    mixture, stems = mixed(rng, 0.5)
    lab = MaskLab(mixture, stems)
    with pytest.raises(AudioError, match="No stem"):
        lab.stem = "flute"
    with pytest.raises(AudioError, match="truth"):
        lab.kind = "ideal ratio"
    with pytest.raises(AudioError, match="passage"):
        MaskLab(mixture, stems, start=3.0)
    with pytest.raises(ValueError, match="Strength"):
        lab.paint_rectangle(0, 1, 100, 200, 1.5)
    with pytest.raises(AudioError, match="at least one point"):
        lab.paint([])


def test_a_kind_in_pieces_is_the_kind_as_a_whole(rng: np.random.Generator) -> None:
    mixture, stems = mixed(rng, 3.0)
    X, sounds = spectral.stft(mixture.samples), np.stack([stems[name].samples for name in NAMES])
    estimates = sounds + 0.02 * rng.standard_normal(sounds.shape).astype(np.float32)
    passage = Passage(NAMES, X, estimates, sounds)
    D = spectral.stft(estimates)
    filtered = masks.wiener(D, X, iterations=1)
    wanted = {
        "model": (masks.ideal_ratio(D), estimates),
        "wiener": (masks.ideal_ratio(filtered), spectral.istft(filtered, length=sounds.shape[-1])),
        "ideal ratio": (masks.ideal_ratio(spectral.stft(sounds)), None),
    }
    for kind, (M, sound) in wanted.items():
        desk = MaskSheet(passage, kind, sr=SR)
        assert np.abs(desk.masks - M).max() < 1e-4
        if sound is not None:
            assert max(np.abs(desk.sound(name) - sound[k]).max() for k, name in enumerate(NAMES)) < 1e-5


def test_what_is_heard_next_is_told_first(rng: np.random.Generator) -> None:
    mixture, stems = mixed(rng, 10.0)
    lab = MaskLab(mixture, stems)
    told: list[dict[str, object]] = []
    lab.send = lambda content, _buffers=None: told.append(content)  # type: ignore[method-assign]
    lab._on_message(lab, {"order": "hello", "at": 6.0}, [])
    while told[-1] != {"working": None}:  # as the page does
        lab._on_message(lab, {"order": "more"}, [])
    frames = [content["change"]["frame"] for content in told if "change" in content]
    assert frames[0] <= 6.0 * SR < frames[1]
    assert sorted(set(frames)) == sorted(frames)
    assert min(frames) == 0
    told.clear()
    lab.hardness = 3.0
    assert "change" in told[0]
    assert lab._session.sheet.behind.size  # the rest can wait: nobody has asked for more yet
    assert np.abs(sum(lab.mask(name) for name in NAMES) - 1).max() < 1e-5
