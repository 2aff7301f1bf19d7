"""Remix packs, read back by programs that are not ours: wavinfo, pretty_midi, rpp, the DAWproject schema, FFmpeg."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import av
import numpy as np
import pretty_midi
import pytest
import rpp
import soundfile as sf
import wavinfo
from lxml import etree

from musiclab import datasets
from musiclab.audio import Audio, to_db
from musiclab.codecs import riff
from musiclab.errors import ExportError, TranscriptionError
from musiclab.grid import BeatGrid
from musiclab.recipes.remix import stem_mp4
from musiclab.recipes.remix.pack import RemixPack, remix_pack, short_key
from musiclab.recipes.remix.tempomap import TempoMap
from musiclab.stems import Stems
from musiclab.transcription.form import Section
from tests.sounds import noise, song

SCHEMAS = Path(__file__).parents[2] / "schemas"
SR = 22050


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[RemixPack, Path]:
    """A pack of six seconds of drifting music, and its folder."""
    beats = (0.13, 0.66, 1.20, 1.72, 2.22, 2.75, 3.3, 3.81, 4.3, 4.8, 5.31)
    parts = {name: noise(2, 6 * SR, level=0.1, rng=seed) for seed, name in enumerate(("vocals", "drums", "bass"))}
    stems = song(parts, sr=SR, title="Röck & <Roll>")
    grid = BeatGrid(beats, 1, (4, 4))
    form = (Section(0.13, 2.22, "A", 1), Section(2.22, 6.0, "B", 2))
    pack = RemixPack(title=stems.mixture.title, stems=stems, grid=grid, key="A minor", form=form)
    files = pack.save(tmp_path_factory.mktemp("out"))
    return pack, files[0].parent


def test_the_folder_tells_tempo_and_key_and_holds_all_tracks(saved: tuple[RemixPack, Path]) -> None:
    _, folder = saved
    assert folder.name == "Röck_&__Roll__116bpm_Am"
    waves = sorted(path.name for path in folder.glob("*.wav"))
    assert waves == [
        *("00_mixture.wav", "01_vocals.wav", "02_drums.wav", "03_bass.wav", "04_residual.wav", "05_click.wav")
    ]
    infos = [sf.info(folder / name) for name in waves]
    assert {(info.frames, info.samplerate, info.subtype) for info in infos} == {(6 * SR, SR, "PCM_24")}
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {
        *(".wav", ".mid", ".rpp", ".dawproject", ".mp4", ".json")
    }


def test_stems_and_residual_add_up_to_the_mixture(saved: tuple[RemixPack, Path]) -> None:
    pack, folder = saved
    names = ("00_mixture", "01_vocals", "02_drums", "03_bass", "04_residual")
    mixture, *parts = (sf.read(folder / f"{name}.wav", always_2d=True)[0] for name in names)
    left = mixture - np.sum(parts, axis=0)
    assert to_db(float(np.sqrt(np.mean(left**2)))) < -120
    again = Stems.load(folder)
    assert list(again) == ["vocals", "drums", "bass"]
    np.testing.assert_allclose(again.mixture.samples, pack.stems.mixture.samples, atol=1e-6)


def test_a_song_that_would_clip_is_lowered_alike_and_still_adds_up(tmp_path: Path) -> None:
    stems = song({"drums": noise(1, SR, level=0.6), "bass": noise(1, SR, level=0.6, rng=1)}, sr=SR, title="hot")
    grid = BeatGrid.steady(120, 1)
    pack = RemixPack(title="hot", stems=stems, grid=grid, key="", form=(Section(0, 1, "A", 1),))
    files = pack.save(tmp_path)
    assert files.gain_db < -3
    assert files[0].parent.name == "hot_120bpm_nokey"
    mixture, *parts = (sf.read(path)[0] for path in files[:4])
    assert mixture.ndim == 1  # mono stays mono
    np.testing.assert_allclose(np.sum(parts, axis=0), mixture, atol=1e-6)


def test_waves_hold_bars_sections_and_loops(saved: tuple[RemixPack, Path]) -> None:
    info = wavinfo.WavInfoReader(str(saved[1] / "02_drums.wav"))
    cues = {cue.name: cue.position for cue in info.cues.cues}
    labels = {info.cues.label_and_note(name)[0]: position for name, position in cues.items()}
    assert labels == {
        "section A": round(0.13 * SR), "section B": round(2.22 * SR), "bar 3": round(4.3 * SR)
    }  # fmt: skip
    loops = [(loop.start, loop.end) for loop in info.smpl.sample_loops]
    assert loops == [(round(0.13 * SR), round(2.22 * SR) - 1), (round(2.22 * SR), 6 * SR - 1)]
    assert info.bext.description == "drums of Rck & <Roll>, 115.75 bpm, A minor"
    assert info.bext.originator == "musiclab"


def test_the_tempo_map_follows_every_beat(saved: tuple[RemixPack, Path]) -> None:
    pack, folder = saved
    midi = pretty_midi.PrettyMIDI(str(folder / "tempo.mid"))
    beats = np.asarray(pack.grid.times)
    found = np.array([midi.tick_to_time(round((0.25 + number) * midi.resolution)) for number in range(len(beats))])
    np.testing.assert_allclose(found, beats, atol=0.002)
    assert [(s.numerator, s.denominator) for s in midi.time_signature_changes] == [(1, 16), (4, 4)]
    np.testing.assert_allclose(midi.get_downbeats()[1:4], pack.grid.downbeats, atol=0.002)
    texts = {marker.text: marker.time for marker in _markers(folder / "tempo.mid")}
    assert list(texts) == ["A", "B"]
    assert midi.tick_to_time(texts["B"]) == pytest.approx(2.22, abs=0.002)


def _markers(path: Path) -> list:
    import mido

    now, found = 0, []
    for message in mido.MidiFile(path).tracks[0]:
        now += message.time
        if message.type == "marker":
            found.append(message.copy(time=now))
    return found


def test_dawproject_follows_its_schema_and_holds_the_sounds(saved: tuple[RemixPack, Path]) -> None:
    pack, folder = saved
    with zipfile.ZipFile(next(folder.glob("*.dawproject"))) as archive:
        assert archive.testzip() is None
        for name, schema in (("project.xml", "Project"), ("metadata.xml", "MetaData")):
            text = archive.read(name)
            etree.XMLSchema(etree.parse(SCHEMAS / f"dawproject-{schema}.xsd")).assertValid(etree.fromstring(text))
        root = etree.fromstring(archive.read("project.xml"))
        clips = root.findall(".//Lanes/Lanes/Clips/Clip")
        assert [clip.get("name") for clip in clips] == ["mixture", "vocals", "drums", "bass", "residual", "click"]
        for file in root.iter("File"):
            samples, sr = sf.read(io.BytesIO(archive.read(file.get("path"))))
            assert (len(samples), sr) == (6 * SR, SR)
    muted = [t.get("name") for t in root.iter("Track") if t.find("Channel/Mute").get("value") == "true"]
    assert muted == ["mixture", "click"]
    warps = [(float(w.get("time")), float(w.get("contentTime"))) for w in clips[0].iter("Warp")]
    assert [seconds for _, seconds in warps[1:-1]] == pytest.approx(pack.grid.times)
    tempos = [float(point.get("value")) for point in root.iter("RealPoint")]
    for (q, s), (after, then), tempo in zip(warps, warps[1:], tempos, strict=False):  # warps agree with the tempo
        assert 60 * (after - q) / (then - s) == pytest.approx(tempo, rel=1e-5)
    assert [(m.get("name"), float(m.get("time"))) for m in root.iter("Marker")] == [("A", 0.25), ("B", 4.25)]


def test_reaper_project_has_tempo_markers_and_all_tracks(saved: tuple[RemixPack, Path]) -> None:
    pack, folder = saved
    project = rpp.loads(next(folder.glob("*.rpp")).read_text(encoding="utf-8"))
    points = [line for line in project.find("TEMPOENVEX") if line[0] == "PT"]
    assert [float(line[1]) for line in points[1:]] == pytest.approx(pack.grid.times)
    assert float(points[1][2]) == pytest.approx(60 / (pack.grid.times[1] - pack.grid.times[0]))
    assert [int(line[4]) for line in points if len(line) > 4] == [16 * 65536 + 1, 4 * 65536 + 4]
    assert [(line[3], float(line[2])) for line in project.children if line[0] == "MARKER"] == [("A", 0.13), ("B", 2.22)]
    tracks = project.findall("TRACK")
    files = [track.find("ITEM").find("SOURCE").find("FILE")[1] for track in tracks]
    assert files == sorted(path.name for path in folder.glob("*.wav"))
    assert {float(track.find("ITEM").find("LENGTH")[1]) for track in tracks} == {6.0}


def test_stem_file_has_five_streams_and_its_manifest(saved: tuple[RemixPack, Path]) -> None:
    pack, folder = saved
    path = next(folder.glob("*.stem.mp4"))
    streams = []
    for number in range(5):
        with av.open(str(path)) as file:
            assert len(file.streams.audio) == 5
            stream = file.streams.audio[number]
            assert stream.codec_context.name == "aac"
            assert bool(stream.disposition & av.stream.Disposition.default) == (number == 0)
            streams.append(np.concatenate([frame.to_ndarray() for frame in file.decode(stream)], axis=1))
    mixture, *four = (samples[:, : stream_frames(pack)] for samples in streams)
    np.testing.assert_allclose(np.std(np.sum(four, axis=0) - mixture), 0, atol=0.25 * np.std(mixture))
    manifest = json.loads(_box(path.read_bytes(), b"moov", b"udta", b"stem"))
    assert [stem["name"] for stem in manifest["stems"]] == ["Drums", "Bass", "Other", "Vocals"]
    assert {len(stem["color"]) for stem in manifest["stems"]} == {7}
    assert manifest["version"] == 1
    assert set(manifest["mastering_dsp"]) == {"compressor", "limiter"}


def stream_frames(pack: RemixPack) -> int:
    return pack.stems.mixture.resampled(44100).frames


def _box(data: bytes, *path: bytes) -> bytes:
    """What is in a box of an MP4 file."""
    for wanted in path:
        at = 0
        while True:
            size, name = struct.unpack_from(">I4s", data, at)
            if name == wanted:
                data = data[at + 8 : at + size]
                break
            at += size
    return data


def test_the_four_of_a_stem_file_add_up_whatever_the_engine_finds() -> None:
    names = ("vocals", "drums", "guitar", "piano")
    stems = song({name: noise(1, SR, level=0.4, rng=seed) for seed, name in enumerate(names)}, sr=48000)
    streams = stem_mp4.five_streams(stems)
    assert {audio.sr for audio in streams.values()} == {48000}
    assert {audio.channels for audio in streams.values()} == {2}
    assert max(audio.peak_db for audio in streams.values()) < -0.9
    total = np.sum([streams[name].samples for name in stem_mp4.FOUR], axis=0)
    np.testing.assert_allclose(total, streams["mixture"].samples, atol=1e-5)
    assert streams["bass"].peak_db < -150


class TestTempoMap:
    @pytest.mark.parametrize("start", [0.0, 0.002, 0.01, 0.1, 0.3, 0.6, 7.3])
    @pytest.mark.parametrize(("metre", "first"), [((4, 4), 1), ((3, 4), 3), ((6, 8), 2)])
    def test_bars_of_the_time_line_are_bars_of_the_song(self, start: float, metre: tuple[int, int], first: int) -> None:
        grid = BeatGrid(tuple(start + 0.5 * np.arange(24)), first, metre)
        made = TempoMap.of(grid, 19.0)
        assert made.tempos[0].seconds == made.tempos[0].quarter == 0
        for time in grid.downbeats:
            if 0.003 < time < 19:
                bars = (made.quarter_at(time) - float(made.signatures[-1].quarter)) / float(grid.bar_quarters)
                assert bars == pytest.approx(round(bars), abs=1e-6)
        short = made.signatures[0]
        if len(made.signatures) > 1:  # the bar before the song's own is full too
            length = short.metre[0] * 4 / short.metre[1]
            full = float(made.signatures[1].quarter) / length
            assert full == pytest.approx(round(full))
            assert made.quarter_at(made.signatures[1].seconds) == pytest.approx(float(made.signatures[1].quarter))

    def test_beats_outside_the_song_are_left_out(self) -> None:
        made = TempoMap.of(BeatGrid.steady(120, 20), 5.0)
        assert made.tempos[-1].seconds < 5.0
        assert made.length == pytest.approx(10.0)


def test_chunks_are_only_for_waves_and_keep_the_sound(tmp_path: Path) -> None:
    audio = Audio(noise(1, 1001), SR)
    path = audio.save(tmp_path / "odd.wav", subtype="24")  # an odd number of bytes: padded
    before = sf.read(path)[0]
    riff.add_chunks(path, [riff.acid_chunk(beats=8, metre=(3, 4), tempo=97.5, root=57)])
    np.testing.assert_array_equal(sf.read(path)[0], before)
    data = path.read_bytes()
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    flags, root, _, _, beats, denominator, numerator, tempo = struct.unpack_from("<IHHfIHHf", data, len(data) - 24)
    assert (flags, root, beats, denominator, numerator, tempo) == (6, 57, 8, 4, 3, 97.5)
    flac = audio.save(tmp_path / "a.flac")
    with pytest.raises(ExportError, match="no WAV"):
        riff.add_chunks(flac, [])


@pytest.mark.parametrize(("key", "short"), [("A minor", "Am"), ("Bb major", "Bb"), ("F# minor", "F#m"), ("", "nokey")])
def test_keys_are_short_in_names(key: str, short: str) -> None:
    assert short_key(key) == short


def test_what_cannot_be_is_said_before_the_work(tmp_path: Path, saved: tuple[RemixPack, Path]) -> None:
    with pytest.raises(TranscriptionError, match="no key"):
        remix_pack("nowhere.wav", key="H dur")
    with pytest.raises(ExportError, match="cue points"):
        saved[0].save(tmp_path, format="mp3")
    assert not list(tmp_path.iterdir())


def test_a_bundled_song_in_one_call(tmp_path: Path) -> None:
    truth = datasets.demo("lantern-waltz")
    told: list[float] = []
    pack = remix_pack(truth.stems, progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert pack.key == truth.key
    assert pack.grid.tempo == pytest.approx(126, abs=1)
    assert pack.facts["metre"] == "3/4"
    assert pack.form[0].start == pytest.approx(0.1, abs=0.01)
