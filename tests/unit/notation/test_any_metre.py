"""Whatever was played, in whatever metre: the file is MusicXML, its bars are full, and it can be drawn."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import music21
import pytest
from lxml import etree
from music21.musicxml.xmlObjects import MusicXMLWarning

from musiclab.notation import engrave, score
from musiclab.notation.beams import TYPES
from tests.unit.notation.randomparts import METRES, random_part

SCHEMA = Path(__file__).parents[2] / "schemas" / "musicxml.xsd"
QUICK = range(len(METRES))  # one part in each metre


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(SCHEMA)))


def check_file(seed: int, schema: etree.XMLSchema) -> score.Score:
    """The score of a random part, after its text was found to be valid and its bars full."""
    part, writing = random_part(seed)
    written = score.write(part, writing=writing)
    root = etree.fromstring(written.musicxml.encode())
    schema.assertValid(root)
    length = score.grid_of(part).bar_quarters
    for xml in root.iter("part"):
        divisions = int(xml.findtext(".//divisions"))
        for measure in xml.iter("measure"):
            if measure.get("implicit") != "yes":
                assert set(ends(measure, divisions)) <= {length}, (seed, measure.get("number"))
            for note in measure.iter("note"):
                sounding = Fraction(int(note.findtext("duration", "0")), divisions)
                assert shown(note) in (None, sounding), etree.tostring(note)
    return written


def shown(note: etree._Element) -> Fraction | None:
    """The length in quarters that a symbol's shape says; None for graces and rests of a whole bar."""
    kind = note.findtext("type")
    if kind is None or note.find("grace") is not None:
        return None
    plain = next(length for length, name in TYPES.items() if name == kind)
    dotted = plain * (2 - Fraction(1, 2 ** len(note.findall("dot"))))
    times = note.find("time-modification")
    return dotted if times is None else dotted * Fraction(int(times[1].text), int(times[0].text))


def ends(measure: etree._Element, divisions: int) -> list[Fraction]:
    """How long each voice of a bar is, in quarters: all that is written between steps back."""
    found, now = [], 0
    for element in measure:
        if element.tag == "backup":
            found.append(now)
            now -= int(element.findtext("duration"))
            assert now == 0
        elif element.tag == "note" and element.find("chord") is None and element.find("grace") is None:
            now += int(element.findtext("duration"))
    return [Fraction(ticks, divisions) for ticks in (*found, now)]


def check_music21(written: score.Score, seed: int) -> None:
    """What another program makes of it: bars of the same length, and as many notes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MusicXMLWarning)  # it has no names for some drums
        stream = music21.converter.parse(written.musicxml, format="musicxml")
    part, _ = random_part(seed)
    length = score.grid_of(part).bar_quarters
    for measure in stream.recurse().getElementsByClass(music21.stream.Measure):
        if measure.number and measure.paddingLeft == 0:
            assert Fraction(measure.duration.quarterLength).limit_denominator(4096) == length, (seed, measure.number)


@pytest.mark.parametrize("seed", QUICK, ids=[f"{a}-{b}" for a, b in METRES])
def test_a_part_in_any_metre_is_valid_full_and_drawn(seed, schema):
    written = check_file(seed, schema)
    check_music21(written, seed)
    assert engrave.svg(written)[0].count("<svg")


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 500, 50))
def test_many_parts(first, schema):
    """Every fifth of five hundred; all of them passed once."""
    for seed in range(first, first + 50, 5):
        written = check_file(seed, schema)
        check_music21(written, seed)
        assert engrave.svg(written)[0].count("<svg")
