"""Loops, mixes and section names that are kept: there again for the same song, whatever happens to their file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import platformdirs
import pytest
from traitlets import TraitError

from musiclab.audio import Audio
from musiclab.stems import Stems
from musiclab.transcription.chart import Chart
from musiclab.transcription.form import Section
from musiclab.widgets.mixer.keeps import keeps_folder
from musiclab.widgets.mixer.mixer import Mixer

SR = 8000
UNMEASURED = Chart(sections=(Section(0, 4, "A", 1),))


def make_mixer(seed: int = 0, names: tuple[str, ...] = ("vocals", "bass")) -> Mixer:
    rng = np.random.default_rng(seed)
    mixture = Audio(rng.uniform(-0.1, 0.1, 4 * SR), SR)
    return Mixer(Stems({name: mixture.gained(-6) for name in names}, mixture), chart=UNMEASURED)


def test_a_loop_and_a_mix_are_there_again_tomorrow_and_for_this_song_alone() -> None:
    mixer = make_mixer()
    mixer.loop, mixer.speed, mixer.semitones = (1.0, 2.0), 0.7, -2
    mixer.keep_loop("Intro", note="left hand, slowly")
    mixer.gains_db["vocals"] = -np.inf
    mixer.soloed = "bass"
    mixer.keep_mix("Bass alone")
    mixer.section_names = {"0.00": "Strophe – 始め"}

    again = make_mixer()
    assert [entry["name"] for entry in again.keeps] == ["Intro", "Bass alone"]
    assert again.keeps[0]["note"] == "left hand, slowly"
    assert again.section_names == {"0.00": "Strophe – 始め"}
    again.recall("Intro")
    assert (again.loop, again.speed, again.semitones) == ((1.0, 2.0), 0.7, -2)
    assert again.soloed == ()
    again.recall("Bass alone")
    assert (again.gains_db["vocals"], again.soloed, again.gains_db["bass"]) == (-np.inf, ("bass",), 0.0)
    assert make_mixer(seed=1).keeps == []


def test_they_are_with_this_users_data_where_nothing_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSICLAB_KEEPS")
    assert keeps_folder() == Path(platformdirs.user_data_dir("musiclab", appauthor=False), "keeps")


def test_the_same_name_again_replaces() -> None:
    mixer = make_mixer()
    for loop in ((0.0, 1.0), (2.0, 3.0)):
        mixer.loop = loop
        mixer.keep_loop("Bridge")
    mixer.keep_mix("Bridge")  # a mix may have the name of a loop
    assert [(entry["loop"], entry["mix"] is None) for entry in mixer.keeps] == [([2.0, 3.0], True), (None, False)]


def test_a_mix_of_other_stems_sets_those_that_are_there() -> None:
    make_mixer(names=("vocals", "drums")).keep_mix("Mine")
    mixer = make_mixer()
    mixer.muted = "bass"
    mixer.recall("Mine")
    assert mixer.muted == ()


def test_what_can_t_be_is_refused_with_a_sentence() -> None:
    mixer = make_mixer()
    with pytest.raises(TraitError, match="No loop is set"):
        mixer.keep_loop("Nothing")
    with pytest.raises(TraitError, match="Nothing is kept as 'Solo'"):
        mixer.recall("Solo")
    for wrong in ("Intro", [{"note": "no name"}], [{"name": "x", "loop": (3, 9)}], [{"name": "x", "colour": 1}], [1]):
        with pytest.raises(TraitError):
            mixer.keeps = wrong
    assert mixer.keeps == []


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"keeps": 7}', '{"keeps": [{"name": "late", "loop": [1, 900]}]}'])
def test_a_file_that_can_t_be_understood_stops_nothing(text: str) -> None:
    mixer = make_mixer()
    mixer.keep_mix("All")
    (path,) = keeps_folder().iterdir()
    path.write_text(text, encoding="utf-8")
    assert make_mixer().keeps == []


def test_a_folder_that_can_t_be_written_is_said_and_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("MUSICLAB_KEEPS", str(tmp_path / "file"))
    mixer = make_mixer()
    mixer.keep_mix("All")
    assert mixer.keeps[0]["name"] == "All"
    assert "can't be kept" in mixer._message
