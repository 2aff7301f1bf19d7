"""The hand-out as a file: what is in it, what is refused before the work, what is never overwritten, how large."""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import musiclab as ml
from musiclab.audio import Audio
from musiclab.cli import app
from musiclab.datasets import load_multitrack
from musiclab.errors import Cancelled, EngineError, ExportError, LessonError, MusiclabError
from musiclab.handout import licences, stand_ins
from musiclab.handout.page import place_of
from musiclab.notes import Note, Part
from musiclab.stems import Stems
from tests import sounds

SECONDS = 3.0


def make_stems() -> Stems:
    return sounds.song(
        {"bass": sounds.tone(110, SECONDS, level=0.3), "drums": 0.3 * sounds.noise(round(SECONDS * sounds.SR))},
        title="A <b>song</b>",
    )


def make_part(**about: object) -> Part:
    beats = np.arange(0, SECONDS, 0.5).tolist()
    notes = [Note(beat, beat + 0.4, 40 + i, 90, 0.9) for i, beat in enumerate(beats)]
    known = {"beats": beats, "downbeats": beats[::4], "key": "G major", "duration": SECONDS}
    return Part(notes, "bass", **{**known, **about})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made() -> ml.Page:
    return ml.page(
        make_stems(), parts=[make_part()], notes="See [bar 1](#bars=1).", tasks=["Play *it*"], progress=False
    )


def lesson(page: ml.Page) -> dict:
    text = page.html.decode()
    found = re.search(r'<script type="application/json" id="lesson-data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def piece(page: ml.Page, reference: dict) -> bytes:
    found = re.search(rf'id="packed-{reference["$bytes"]}">([^<]*)<', page.html.decode())
    assert found is not None
    return base64.b64decode(found[1])


def test_the_page_is_complete_in_itself(made: ml.Page) -> None:
    text = made.html.decode()
    visible = re.sub(r"<script.*?</script>|<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)[^"']*""", visible)
    assert "@import" not in text
    assert "url(" not in re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src &#x27;none&#x27;;")
    assert not re.search(r"https?:|\*|unsafe-eval(?<!wasm-unsafe-eval)", policy)


def test_a_title_is_text_and_the_facts_stand_below_it(made: ml.Page) -> None:
    text = made.html.decode()
    assert "<h1>A &lt;b&gt;song&lt;/b&gt;</h1>" in text
    assert "0:03 · G major · 120 BPM · 4/4" in text
    assert '<a href="#t=0,2">bar 1</a>' in text
    assert "<span><p>Play <em>it</em></p>" in text


def test_each_stem_is_there_once_and_sounds_as_it_does(made: ml.Page) -> None:
    data = lesson(made)
    names = [track["name"] for track in data["desk"]["_tracks"]]
    assert names == ["bass", "drums", "residual"]
    [bass, drums, residual] = data["desk"]["_sound_0"]
    assert residual == {"$bytes": None}  # silence
    assert data["parts"][0]["state"]["_sound_0"] == [bass]  # the part's is the desk's
    stems = make_stems()
    for reference, name in ((bass, "bass"), (drums, "drums")):
        heard = ml.load(piece(made, reference))
        assert heard.frames == stems[name].frames
        assert heard.rms_db == pytest.approx(stems[name].rms_db, abs=2)  # white noise loses its highest
    tone = ml.load(piece(made, bass)).samples - stems["bass"].samples
    assert 10 * np.log10(np.mean(np.square(tone))) < stems["bass"].rms_db - 20  # in time, too


def test_the_desk_stands_as_the_teacher_left_it() -> None:
    mixer = ml.Mixer(make_stems(), muted=["bass"], loop=(1, 2), speed=0.8)
    mixer.gains_db["drums"] = -6
    desk = lesson(ml.page(mixer, progress=False))["desk"]
    assert desk["muted"] == ["bass"]
    assert desk["loop"] == [1, 2]
    assert desk["speed"] == 0.8
    assert desk["gains_db"]["drums"] == -6
    assert desk["playing"] is False


def test_a_part_has_lines_for_each_screen_sheets_and_files(made: ml.Page) -> None:
    [part] = lesson(made)["parts"]
    assert part["label"] == "Bass"
    assert [layout["millimetres"] for layout in part["layouts"]] == [190, 130, 85]
    assert set(part["files"]) == {"pdf", "musicxml", "mid"}
    assert piece(made, part["files"]["pdf"]).startswith(b"%PDF")
    assert len(part["pages"]) == 1


def test_two_parts_of_one_instrument_have_names_of_their_own() -> None:
    page = ml.page(make_stems(), parts=[make_part(), make_part(key="")], progress=False)
    assert page.parts == ("bass", "bass 2")
    assert " with bass, bass 2: " in repr(page)
    assert " with " not in repr(replace(page, parts=()))


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"format": "wav"}, ExportError, "mp3 or opus"),
        ({"notes": "[x](#t=99)"}, LessonError, "no place"),
        ({"notes": Path("no such file.md")}, LessonError, "can't be read"),
        ({"tasks": ["![x](http://a/b.png)"]}, LessonError, "lies elsewhere"),
        ({"parts": ["vocals"]}, EngineError, "finds no vocals"),
        ({"player": "H"}, MusiclabError, "Parts can be written in"),
    ],
)
def test_what_is_wrong_is_said_before_the_work(
    how: dict, error: type[MusiclabError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    monkeypatch.setattr("musiclab.handout.page.packed", work)
    monkeypatch.setattr("musiclab.handout.page.part_of", work)
    with pytest.raises(error, match=said):
        ml.page(make_stems(), progress=False, **how)


def test_it_tells_how_far_it_is_and_can_be_stopped() -> None:
    told: list[float] = []
    ml.page(make_stems(), parts=[make_part()], progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1
    stop = threading.Event()

    def stop_soon(fraction: float, _: str) -> None:
        if fraction > 0.7:
            stop.set()

    with pytest.raises(Cancelled):
        ml.page(make_stems(), parts=[make_part()], progress=stop_soon, cancel=stop)


def test_nobodys_file_is_replaced(made: ml.Page, tmp_path: Path) -> None:
    for _ in range(2):  # its own may be
        [path] = made.save(tmp_path / "lesson.html")
    assert path.read_bytes() == made.html
    path.write_text("mine now")
    with pytest.raises(ExportError, match="not as musiclab left it"):
        made.save(path)
    assert path.read_text() == "mine now"
    with pytest.raises(ExportError, match=r"ending \.html"):
        made.save(tmp_path / "lesson.pdf")
    assert [path.name for path in made.save(tmp_path)] == ["A _b_song__b_.html"]


def test_the_terminal_makes_the_same_page(tmp_path: Path) -> None:
    song = make_stems().mixture.save(tmp_path / "a song.wav")
    (tmp_path / "notes.md").write_text("Play [here](#t=1).", "utf-8")
    arguments = [
        "page",
        song,
        "--notes",
        tmp_path / "notes.md",
        "--task",
        "Listen",
        "-e",
        "hpss",
        "-o",
        tmp_path / "l.html",
    ]
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["files"] == [str(tmp_path / "l.html")]
    assert told["bytes"] == (tmp_path / "l.html").stat().st_size
    called = ml.page(ml.load(song), notes=tmp_path / "notes.md", tasks=["Listen"], engine="hpss", progress=False)
    desks = [{k: v for k, v in lesson(page)["desk"].items() if k != "clock"} for page in (called, _read(tmp_path))]
    assert desks[0] == desks[1]


def _read(folder: Path) -> ml.Page:
    return ml.Page(title="", html=(folder / "l.html").read_bytes())


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("format", stand_ins.QUALITY)
def test_three_minutes_of_four_stems_fit_on_any_stick(format: str) -> None:
    """Real songs, a piece of each, with as much left over as a separation leaves: a minute of them."""
    folder = Path(os.environ["MUSICLAB_REAL_DATA"]) / "multitracks"
    songs = [load_multitrack(place).stems for place in sorted(folder.iterdir())]
    names, part_of = ("vocals", "drums", "bass", "other"), slice(5 * 44_100, 15 * 44_100)

    def joined(pick: Callable[[Stems], np.ndarray]) -> np.ndarray:
        return np.concatenate([pick(song)[:, part_of] for song in songs], axis=1)

    mixture = joined(lambda song: song.mixture.samples)
    stems = {
        name: joined(lambda song, name=name: song[name].samples if name in song else 0 * song.mixture.samples)
        for name in names
    }
    leaky = {name: Audio(0.97 * samples + 0.02 * mixture, 44_100) for name, samples in stems.items()}
    assert mixture.shape[1] == 60 * 44_100
    beats = np.arange(0, 60, 0.5).tolist()
    notes = [Note(beat, beat + 0.4, 40 + i % 12, 90, 0.9) for i, beat in enumerate(beats)]
    part = replace(make_part(), notes=notes, beats=tuple(beats), downbeats=tuple(beats[::4]), duration=60.0)
    page = ml.page(Stems(leaky, Audio(mixture, 44_100)), parts=[part], format=format, progress=False)
    assert len(page.html) < 5.3e6  # 0.5 MB are the widgets and the page


def test_the_foot_tells_of_a_machine_s_hearing_only_where_it_heard() -> None:
    heard, given = (licences.footer("1.0", song="", engine="", heard=heard) for heard in (True, False))
    said = escape(licences.HEARD)
    assert said in heard
    assert said not in given


def test_the_foot_tells_who_took_the_song_apart() -> None:
    """Nobody, where it came with its tracks, or was given as stems."""
    tracks, machine, unknown = (
        licences.footer("1.0", song="", engine=engine, heard=False) for engine in (licences.TRUTH, "zither", "")
    )
    assert ("the tracks that it was mixed from" in tracks, "Separated by" in tracks) == (True, False)
    assert ("the tracks that it was mixed from" in machine, "Separated by zither" in machine) == (False, True)
    assert ("the tracks that it was mixed from" in unknown, "Separated by" in unknown) == (False, False)


def test_a_page_goes_where_it_is_told_or_into_the_folder_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "v1.0").mkdir()
    assert place_of(tmp_path / "new", "a: b") == tmp_path / "new" / "a_ b.html"  # a folder that is still to be made
    assert place_of(tmp_path / "v1.0", "") == tmp_path / "v1.0" / "song.html"
    assert place_of(tmp_path / "mine.HTML", "a") == tmp_path / "mine.HTML"
    with pytest.raises(ExportError, match=r"'mine\.pdf' the ending \.html"):
        place_of(tmp_path / "mine.pdf", "a")
