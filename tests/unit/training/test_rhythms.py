"""Songs to learn beats from: drawn tempi, metres and courses, played on computed sounds or on recorded ones."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from musiclab.theory import midi_to_hz
from musiclab.training.studio.songs import STEMS, Library, rhythms
from musiclab.training.studio.songs.composition import METRES, compose
from musiclab.training.studio.songs.rhythms import LEAD, RhythmSong, drawn_style, rhythm_song, studio_song
from musiclab.training.studio.songs.sketch import SR, sketch
from musiclab.training.studio.songs.written import Event, Hit

DURATION = 4.0
AS_TRAINED = "e9533224e4011677"
SILENT = 1e-6


@pytest.fixture(scope="module")
def songs() -> list[RhythmSong]:
    return [rhythm_song(seed, duration=DURATION) for seed in range(1, 9)]


def test_beats_are_counted_as_their_metre_says(songs):
    for song in songs:
        beats = METRES["{}/{}".format(*song.metre)][0]
        assert (np.diff(song.times) > 0.15).all()
        assert song.times[-1] < song.mixture.duration
        assert set(np.diff(song.positions)) <= {1, 1 - beats}
        assert (song.positions[np.isin(song.times, song.downbeats)] == 1).all()


def test_a_pick_up_is_cut_just_before_its_first_beat(songs):
    late = [song for song in songs if "pick-up" in song.name]
    assert 0 < len(late) < len(songs)
    for song in late:
        assert song.positions[0] > 1
        assert song.times[0] == pytest.approx(LEAD)
    assert all(song.positions[0] == 1 for song in songs if song not in late)


def test_a_seed_draws_what_it_always_drew(songs):
    """Style, metre, tempo and pick-up; the weights that come with musiclab were trained on these songs."""
    said = "\n".join(f"{song.name}, from {song.positions[0]}" for song in songs)
    assert hashlib.sha256(said.encode()).hexdigest()[:16] == AS_TRAINED, said


def test_the_mixture_is_the_sum_of_its_stems(songs):
    for song in songs:
        total = sum(stem.samples for stem in song.stems.values())
        assert np.abs(total - song.mixture.samples).max() < 1e-6


def test_the_same_seed_gives_the_same_song(songs):
    again = rhythm_song(5, duration=DURATION)
    assert again.name == songs[4].name
    assert again.mixture.samples.tobytes() == songs[4].mixture.samples.tobytes()
    assert len({song.name for song in songs}) == len(songs)


def test_tempi_and_metres_are_drawn_from_all_that_is_played(rng):
    styles = [drawn_style(rng) for _ in range(400)]
    shares = {metre: np.mean([style.metre == metre for style in styles]) for metre in rhythms.METRE_SHARES}
    for metre, share in rhythms.METRE_SHARES.items():
        assert shares[metre] == pytest.approx(share, abs=0.08), metre
    in_four = np.array([style.tempo[0] for style in styles if style.metre == "4/4"])
    assert in_four.min() < 70
    assert in_four.max() > 160
    for metre, (low, high) in rhythms.TEMPI.items():
        assert all(low <= style.tempo[0] == style.tempo[1] <= high for style in styles if style.metre == metre)
    assert any(style.ending > 1 for style in styles)
    assert any(style.course != 1 for style in styles)


def test_songs_of_recorded_samples_have_their_beats(samples: Path, monkeypatch):
    monkeypatch.setattr("musiclab.training.studio.songs.soundfont.FONTS", ())
    song = studio_song(3, Library(samples), duration=DURATION)
    assert set(song.stems) == set(STEMS)
    assert song.mixture.duration == pytest.approx(DURATION)
    assert song.positions[0] == 1
    assert len(song.times) > 3


def written(**changes):
    """A short written song, with other events where given."""
    song = compose(np.random.default_rng(4), duration=3.0)
    for name, value in changes.items():
        setattr(song, name, value)
    return song


def test_notes_sound_when_they_are_written_and_what_has_none_is_silent():
    bass = [Event(onset=1.0, seconds=0.4, pitch=40, velocity=0.8)]
    song = written(bass=bass, drums=[Hit(onset=2.0, piece="kick", velocity=0.9)], vocals=[], layers=[])
    stems = sketch(song, np.random.default_rng(0), duration=3.0)
    assert tuple(stems) == STEMS
    assert all(stem.shape == (1, 3 * SR) for stem in stems.values())
    assert not stems["vocals"].any()
    assert not stems["other"].any()
    for name, onset in (("bass", 1.0), ("drums", 2.0)):
        sound = np.abs(stems[name][0])
        assert sound[: round((onset - 0.01) * SR)].max() < SILENT
        assert sound[round(onset * SR) : round((onset + 0.2) * SR)].max() > 0.01
    spectrum = np.abs(np.fft.rfft(stems["bass"][0, SR : 2 * SR]))
    partial = spectrum.argmax() / midi_to_hz(40)
    assert partial == pytest.approx(round(partial), abs=0.05)


def test_muted_notes_are_short_and_notes_at_the_end_are_cut():
    events = [Event(onset=0.5, seconds=1.0, pitch=40, velocity=0.8, touch="muted"),
              Event(onset=2.9, seconds=1.0, pitch=40, velocity=0.8)]  # fmt: skip
    stems = sketch(written(bass=events), np.random.default_rng(0), duration=3.0)
    sound = np.abs(stems["bass"][0])
    assert sound[round(0.7 * SR) : round(2.89 * SR)].max() < SILENT < sound[round(2.92 * SR) :].max()


def test_every_band_sounds_its_own_way():
    song = written()
    one, again, other = (sketch(song, np.random.default_rng(seed), duration=3.0) for seed in (1, 1, 2))
    assert all(one[name].tobytes() == again[name].tobytes() for name in STEMS)
    assert all((one[name] != other[name]).any() for name in STEMS if one[name].any())
