"""Loops that start on the downbeat and go round without a step; drum strokes as instruments."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import soundfile as sf
import wavinfo

from musiclab import datasets, synth
from musiclab.audio import Audio
from musiclab.codecs import load
from musiclab.errors import ExportError
from musiclab.grid import BeatGrid
from musiclab.notes import Note
from musiclab.recipes.sampling import loops, one_shots
from musiclab.recipes.sampling.pack import Samples, samples
from tests.sounds import harmonics, noise, song, tone

SR = 44100


def bundled(name: str) -> tuple[datasets.Multitrack, BeatGrid]:
    truth = datasets.demo(name)
    return truth, BeatGrid(tuple(time for time, _ in truth.beats), truth.beats[0][1], truth.time_signature)


@pytest.fixture(scope="module", params=["paper-boats", "twelve-bars-home", "lantern-waltz"])
def found(request: pytest.FixtureRequest) -> tuple[Samples, datasets.Multitrack]:
    truth, grid = bundled(request.param)
    return samples(truth.stems, grid=grid, one_shots=False), truth


def test_loops_start_on_a_downbeat_and_are_as_long_as_their_bars(
    found: tuple[Samples, datasets.Multitrack],
) -> None:
    made, truth = found
    downbeats = np.array([time for time, position in truth.beats if position == 1])
    assert {loop.bars for loop in made.loops} == {1, 2, 4, 8}
    for loop in made.loops:
        first = loop.first_bar - 1
        assert abs(loop.start / SR - downbeats[first]) < 0.005
        assert loop.audio.frames == round((downbeats[first + loop.bars] - downbeats[first]) * SR)


def test_loops_go_round_without_a_step(found: tuple[Samples, datasets.Multitrack]) -> None:
    made, truth = found
    for loop in made.loops:
        samples = loop.audio.samples
        stem = truth.stems[loop.stem].samples
        there = np.abs(stem[:, loop.start] - stem[:, loop.start - 1])  # what the recording does at that place
        assert np.all(np.abs(samples[:, 0] - samples[:, -1]) <= there + 0.002)
        kept = round(0.994 * SR)  # all but the last 5 ms is the recording
        np.testing.assert_array_equal(samples[:, :kept], stem[:, loop.start : loop.start + kept])


def test_beats_that_are_found_do_as_well(tmp_path: Path) -> None:
    truth, _ = bundled("paper-boats")
    made = samples(truth.stems, bars=(2,), one_shots=False)
    downbeats = np.array([time for time, position in truth.beats if position == 1])
    offsets = [np.abs(loop.start / SR - downbeats).min() for loop in made.loops]
    assert np.median(offsets) < 0.005


def test_a_long_note_is_cut_without_a_click() -> None:
    stem = Audio(tone(55.3, 6.0, level=0.5), SR)
    made = loops.cut(stem, SR, 2 * SR + 123).samples[0]
    twice = np.concatenate([made, made])
    # A fade between two phases is steeper than the note; a step would be a hundred times as steep.
    assert np.abs(np.diff(twice)).max() < 2.5 * np.abs(np.diff(stem.samples[0])).max()


def test_a_loop_from_the_very_start_ends_in_silence() -> None:
    made = loops.cut(Audio(noise(2, SR, level=0.3), SR), 0, SR // 2)
    assert np.abs(made.samples[:, -1]).max() < 0.01


def test_bars_that_repeat_are_one_loop_and_silence_is_none() -> None:
    grid = BeatGrid.steady(120, 16.0)
    a, b = (np.tile(harmonics(pitch, 0.5, 5) * np.exp(-np.arange(SR // 2) / 5000), 4) for pitch in (40, 47))
    c = np.concatenate([harmonics(pitch, 0.5, 5) * np.exp(-np.arange(SR // 2) / 5000) for pitch in (36, 60, 43, 52)])
    bass = 0.3 * np.concatenate([a, b, a, a, c, b, a, c])
    stems = song({"bass": bass, "other": np.zeros(len(bass)), "drums": noise(len(bass), level=0.01)}, title="Song")
    made = loops.find_loops(stems, "bass", grid, bars=[1], most=8)
    kinds = {"a": {1, 3, 4, 7}, "b": {2, 6}, "c": {5, 8}}
    assert sorted(kind for loop in made for kind, bars in kinds.items() if loop.first_bar in bars) == ["a", "b", "c"]
    assert loops.find_loops(stems, "other", grid, bars=[1, 2], most=4) == []


def test_clean_loops_that_go_round_come_first() -> None:
    clean = loops.Loop("bass", 1, 1, 0, Audio(np.ones(100), SR), 4, 10.0, 0.9)
    dirty = loops.Loop("bass", 2, 1, 0, Audio(np.ones(100), SR), 4, 2.0, 0.9)
    stumbling = loops.Loop("bass", 3, 1, 0, Audio(np.ones(100), SR), 4, 10.0, 0.1)
    assert clean.score > dirty.score
    assert clean.score > stumbling.score


def test_files_tell_tempo_key_and_beats(tmp_path: Path) -> None:
    truth, grid = bundled("lantern-waltz")
    made = samples(truth.stems, grid=grid, key="D minor", bars=(2,), most=1)
    files = made.save(tmp_path)
    assert files[0].parents[1].name == "Lantern_Waltz_126bpm_Dm_samples"
    loop = next(loop for loop in made.loops if loop.kind == "bassline")
    path = next(path for path in files if "bassline" in path.name)
    assert path.name.startswith("Lantern_Waltz_126bpm_Dm_bassline_bar")
    info = wavinfo.WavInfoReader(str(path))
    assert [(one.start, one.end) for one in info.smpl.sample_loops] == [(0, loop.audio.frames - 1)]
    assert info.smpl.midi_note == 62
    assert len(info.cues.cues) == 6
    data = path.read_bytes()
    at = data.index(b"acid")
    flags, root, _, _, beats, denominator, numerator, tempo = struct.unpack_from("<IHHfIHHf", data, at + 8)
    assert (flags & 1, root, beats, numerator, denominator) == (0, 62, 6, 3, 4)
    assert tempo == pytest.approx(60 * 6 / loop.audio.duration)
    np.testing.assert_allclose(load(path).samples, loop.audio.samples, atol=2**-23)
    assert made.as_dict()["loops"][0]["file"] == str(files[0].relative_to(files[0].parents[1]).as_posix())


class TestOneShots:
    def kit(self, levels_db: tuple[float, ...]) -> tuple[Audio, list[Note]]:
        """Kick and snare in turn, twice a second, each stroke at a level of its own."""
        samples, notes = np.zeros(SR * (len(levels_db) + 2)), []
        for number, level in enumerate(levels_db):
            for key, offset in ((36, 0.0), (38, 0.5)):
                time = 0.3 + number + offset
                wave = synth.drum_hit(key, SR, seed=number) * 10 ** (level / 20) * 0.4
                samples[round(time * SR) : round(time * SR) + len(wave)] += wave
                notes.append(Note(time + 0.004, time + 0.1, key, 100, 0.9))  # as exact as a transcription
        return Audio(samples, SR), notes

    def test_layers_follow_the_loudness(self) -> None:
        drums, notes = self.kit((0.0, -6.0, -12.0, -1.0))
        shots = one_shots.find_one_shots(drums, Audio(np.zeros((1, drums.frames)), SR), notes)
        kicks = [shot for shot in shots if shot.drum == "kick"]
        assert len(kicks) == 3  # 0 and −1 dB are one
        assert kicks[0].velocities[0] == 1
        assert kicks[-1].velocities[1] == 127
        peaks = [shot.audio.peak_db for shot in kicks]
        assert peaks == sorted(peaks)
        for shot in shots:
            edges = shot.audio.samples[:, [0, -1]]
            assert np.all(edges == 0)
            loud = np.abs(shot.audio.samples).max(axis=0)
            rise = np.flatnonzero(loud > 0.3 * loud.max())[0] / SR
            assert rise < 0.008  # it speaks at once

    def test_strokes_that_do_not_stand_alone_are_left_out(self) -> None:
        drums, notes = self.kit((0.0,))
        crowded = [*notes, Note(notes[0].onset + 0.1, notes[0].onset + 0.2, 42, 80, 0.3)]
        shots = one_shots.find_one_shots(drums, Audio(np.zeros((1, drums.frames)), SR), crowded)
        assert [shot.drum for shot in shots] == ["snare"]
        crowded = [*notes, Note(notes[1].onset - 0.05, notes[1].onset, 42, 80, 0.3)]
        shots = one_shots.find_one_shots(drums, Audio(np.zeros((1, drums.frames)), SR), crowded)
        assert [shot.drum for shot in shots] == ["kick"]  # the hi-hat rings into the snare

    def test_instruments_name_every_file(self, tmp_path: Path) -> None:
        truth, grid = bundled("lantern-waltz")
        made = samples(truth.stems, grid=grid, bars=(1,), most=1)
        assert {"kick", "snare"} <= {shot.drum for shot in made.one_shots}
        files = made.save(tmp_path)
        folder = files[0].parents[1]
        lines = [line for line in next(folder.glob("*.sfz")).read_text().splitlines() if line.startswith("<region>")]
        named = [line.split("sample=")[1] for line in lines]
        assert len(named) == len(made.one_shots)
        root = ET.parse(next(folder.glob("*.dspreset"))).getroot()
        assert [sample.get("path") for sample in root.iter("sample")] == named
        for path in named:
            assert sf.info(folder / path).frames > 0
        ranges: dict[str, list[tuple[int, int]]] = {}
        for sample in root.iter("sample"):
            ranges.setdefault(sample.get("rootNote") or "", []).append(
                (int(sample.get("loVel") or 0), int(sample.get("hiVel") or 0))
            )
        for spans in ranges.values():  # every velocity plays one layer
            assert [velocity for low, high in spans for velocity in range(low, high + 1)] == list(range(1, 128))


def test_what_cannot_be_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 to 32"):
        samples("nowhere.wav", bars=(0,))
    truth, grid = bundled("lantern-waltz")
    made = samples(truth.stems, grid=grid, bars=(8,), one_shots=False)
    with pytest.raises(ExportError, match="WAV"):
        made.save(tmp_path, format="ogg")
    mine = tmp_path / made.name / "loops"
    mine.mkdir(parents=True)
    (mine / f"{made.loop_name(made.loops[0])}.wav").write_bytes(b"mine")
    with pytest.raises(ExportError, match="there already"):
        made.save(tmp_path)
    assert [path.read_bytes() for path in mine.iterdir()] == [b"mine"]


def test_a_fifth_of_the_scale_of_a_loop_s_pattern_is_ten_decibels() -> None:
    sound = noise(4 * SR, level=0.3)
    sound[2 * SR :] *= 10 ** (-20 / 20)
    beats = loops._pattern(Audio(sound, SR), BeatGrid.steady(60, 4.0)).mean(axis=(1, 2))
    assert beats[1] - beats[3] == pytest.approx(2 / 5, abs=0.03)


@pytest.mark.parametrize(("spread_db", "count"), [(0.0, 1), (2.5, 1), (4.0, 2), (7.0, 3)])
def test_strokes_of_one_layer_differ_by_less_than_three_decibels(spread_db: float, count: int) -> None:
    """Of each layer the cleanest, softest first."""
    cuts = [
        (Audio(np.full((1, 10), 0.5 * 10 ** (-spread_db * k / 8 / 20), np.float32), SR), float(k % 3)) for k in range(9)
    ]
    layers = one_shots._layers(cuts)
    assert len(layers) == count
    assert [audio.peak_db for audio, _ in layers] == sorted(audio.peak_db for audio, _ in layers)
    assert {clean for _, clean in layers} == {2.0}
