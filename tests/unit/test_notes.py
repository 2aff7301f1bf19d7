"""Notes, parts, undo, JSON and MIDI."""

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.errors import ExportError, TranscriptionError
from musiclab.history import History
from musiclab.instruments import DRUMS, INSTRUMENTS, find
from musiclab.midi import read_midi
from musiclab.notes import Chord, Note, Part

A = Note(1.0, 2.0, 60, 90, 0.7)
B = Note(0.5, 0.9, 64.25, 50, 0.2)

notes = st.builds(
    lambda onset, length, pitch, velocity, confidence: Note(onset, onset + length, pitch, velocity, confidence),
    st.floats(0, 600),
    st.floats(0.02, 5),
    st.floats(21, 108),
    st.integers(1, 127),
    st.floats(0, 1),
)


def test_notes_are_kept_in_order_of_time() -> None:
    assert Part((A, B)).notes == (B, A)


def test_a_note_is_small() -> None:
    """A song has thousands, and each stroke in an editor's history its own."""
    assert not hasattr(Note(0, 1, 60), "__dict__")
    assert not hasattr(Chord(0, 1, "C"), "__dict__")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"onset": -1.0, "offset": 2.0, "pitch": 60}, "onset"),
        ({"onset": 2.0, "offset": 2.0, "pitch": 60}, "end after"),
        ({"onset": 0.0, "offset": float("nan"), "pitch": 60}, "offset"),
        ({"onset": 0.0, "offset": 1.0, "pitch": 128}, "pitch"),
        ({"onset": 0.0, "offset": 1.0, "pitch": 60, "velocity": 0}, "velocity"),
        ({"onset": 0.0, "offset": 1.0, "pitch": 60, "confidence": 1.5}, "confidence"),
        ({"onset": 0.0, "offset": 1.0, "pitch": "C4"}, "pitch"),
    ],
)
def test_a_wrong_note_says_what_is_wrong(wrong: dict, word: str) -> None:
    with pytest.raises(TranscriptionError, match=word):
        Note(**wrong)


def test_a_wrong_part_says_what_is_wrong() -> None:
    with pytest.raises(TranscriptionError, match="beats"):
        Part(beats=(0.0, 1.0, 1.0))
    with pytest.raises(TranscriptionError, match="time signature"):
        Part(time_signature=(4, 5))


def test_editing_leaves_the_old_part_as_it_was() -> None:
    part = Part((A, B), beats=(0.0, 0.5, 1.0))
    edits = [part.add(Note(3, 4, 70)), part.remove(B), part.move(A, pitch=61), part.transposed(12), part.above(0.5)]
    assert part.notes == (B, A)
    assert [len(edit) for edit in edits] == [3, 1, 2, 2, 1]
    assert all(edit.beats == part.beats for edit in edits)


def test_moving_shifts_or_resizes_and_makes_sure() -> None:
    part = Part((A,))
    (shifted,) = part.move(A, onset=1.5).notes
    assert (shifted.onset, shifted.offset, shifted.confidence) == (1.5, 2.5, 1.0)
    (resized,) = part.move(A, offset=3.0).notes
    assert (resized.onset, resized.offset, resized.pitch) == (1.0, 3.0, 60)
    with pytest.raises(TranscriptionError, match="no such note"):
        part.move(B, pitch=3)


def test_removing_takes_one_of_two_equal_notes() -> None:
    assert Part((A, A)).remove(A).notes == (A,)


@pytest.mark.parametrize("suffix", [".json", ".mid", ".musicxml", ".svg"])
def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    path = Part((A, B)).save(tmp_path / "new" / f"part{suffix}")
    before = path.read_bytes()

    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:5])
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ExportError, match="no room left"):
        Part((A,)).save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "part.mid").mkdir()
    with pytest.raises(ExportError, match="is a folder"):
        Part((A,)).save(tmp_path / "part.mid")


def test_undo_and_redo() -> None:
    first = Part((A, B))
    history = History(first)
    second = history.do(first.remove(A))
    third = history.do(second.remove(B))
    assert history.undo() is second
    assert history.undo() is first
    assert repr(history) == f"History(present={first!r})"  # and not every state that ever was
    assert history.undo() is first
    assert not history.can_undo
    assert history.redo() is second
    assert history.redo() is third
    history.undo()
    history.do(first)
    assert not history.can_redo
    history.amend(third)
    assert history.present is third
    assert history.undo() is second


@given(st.lists(notes, max_size=8))
def test_json_gives_back_what_it_was_given(some: list[Note]) -> None:
    part = Part(tuple(some), "clarinet", "A – b", (0.0, 0.5), (0.0,), (6, 8), "Bb major", (Chord(0, 1, "Bb7"),))
    assert Part.from_json(part.to_json()) == part


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "musiclab-part", "version": 1, "notes": [{"onset": 3}]}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(TranscriptionError, match="JSON"):
        Part.from_json(text)


def test_midi_keeps_times_to_a_millisecond(tmp_path: Path) -> None:
    part = Part((Note(0.1234, 0.5678, 60, 33), Note(599.9871, 600.4, 72, 127)), beats=(0.0, 0.7, 1.4))
    back = read_midi(part.save(tmp_path / "part.mid"))
    assert [(n.pitch, n.velocity) for n in back.notes] == [(60, 33), (72, 127)]
    assert back.intervals == pytest.approx(part.intervals, abs=1e-3)


def test_drums_go_to_the_percussion_channel(tmp_path: Path) -> None:
    path = Part((Note(0, 0.1, 36),), "drums").save(tmp_path / "drums.mid")
    assert len(read_midi(path, instrument="drums")) == 1
    assert len(read_midi(path, instrument="piano")) == 0


def test_a_file_that_is_no_midi_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.mid").write_bytes(b"nothing of the kind")
    with pytest.raises(TranscriptionError, match="MIDI"):
        read_midi(tmp_path / "x.mid")


def test_instruments_are_found_by_any_of_their_names() -> None:
    assert find("Vocals").name == "voice"
    assert find("alto_sax").name == "alto saxophone"
    assert find("drum-kit") is DRUMS
    assert all(find(name) is known for known in INSTRUMENTS for name in (known.name, *known.aliases))
    assert all(known.low < known.high for known in INSTRUMENTS)
    with pytest.raises(TranscriptionError, match="choose one of"):
        find("kazoo")
