"""Drawing a score: SVG by verovio, and PDF and PNG of the same pages by Typst, without any system package.

Verovio [1]_ engraves; its SVG shows music symbols inside text (the note in "♩ = 120") with a web font, which only
browsers load: they are drawn as outlines here, so that the page looks the same everywhere. Typst lays the pages out
under their title.

References
----------
.. [1] Pugin, Zitellini, Roland: "Verovio: a library for engraving MEI music notation into SVG", ISMIR 2014
"""

from __future__ import annotations

import functools
import re
import tempfile
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Literal

from musiclab.errors import TranscriptionError
from musiclab.notation.writing import Score
from musiclab.packages import need

PAGE_MM = (210, 297)  # A4
MARGIN_MM = 15
TITLE_MM = 22  # room for the title on the first page
TITLE_SIZES = {20: 24, 13: 72, 9: 180}  # pt, and how many times it all lines of a title in that size may be wide
SCALE = 40  # per cent: pixels of the SVG only, since its size on the page is set when it is laid out
PPI = 150  # of PNG pages
# Size of the staves by how many stand under each other, as publishers have them: 7.2 mm for a player, less for a score.
STAFF_SIZES = {1: 1.0, 3: 0.8, 7: 0.65}
LETTERS = 0.915  # Typst's letters (Libertinus Serif) are so much wider than those that verovio lays out (Times)
FONT = "Leipzig"  # verovio's own music font
ABOVE = 560  # in verovio's units: how far over the chord symbols the tempo stands, which would touch them
LIFT = 330  # how far it is raised where there are none: its words are wider than verovio thinks, and stems are near
ROOM = 50  # tenths of a millimetre: what that takes at the top of a page
TEXT_PX, LARGE_PX = 405, 708  # of words over the staff, and as verovio has some of them
GAP, TIGHT = 200, 80  # after a music symbol in a text, and between two, in thousandths of its size
HELD_FRET = re.compile(r'<note id="([^"]+)"(?:(?!</note>).)*parentheses="yes"', re.DOTALL)
FRET = re.compile(r'(<g id="([^"]+)"[^>]*class="note"[^>]*>\s*<text[^>]*>\s*<tspan[^>]*>)(\d+)(</tspan>)')
ACCIDENTALS = {"\uea63": "♭♭", "\uea64": "♭", "\uea65": "♮", "\uea66": "♯", "\uea67": "♯♯"}  # as verovio writes them


def _options(width_mm: float, height_mm: float, *, page: bool) -> dict[str, Any]:
    """Verovio's options for pages (or for one long page that is as high as the music)."""
    unit = 10  # verovio measures in tenths of a millimetre
    return {
        "scale": SCALE,
        "pageWidth": round(width_mm * unit),
        "pageHeight": round(height_mm * unit) if page else 60000,
        "adjustPageHeight": True,
        "pageMarginLeft": 30, "pageMarginRight": 10, "pageMarginTop": 60, "pageMarginBottom": 20,
        "header": "none", "footer": "none",
        "breaks": "auto",
        "svgViewBox": True, "svgHtml5": False, "smuflTextFont": "none",
        "spacingSystem": 6, "spacingStaff": 8,
        "lyricWordSpace": 2.0,
        "mnumInterval": 0,
    }  # fmt: skip


def toolkit(score: Score, *, width_mm: float = 180, height_mm: float = 250, page: bool = True) -> Any:
    """A verovio toolkit with the score laid out: for its pages, its time map, and the elements at a time.

    Raises
    ------
    TranscriptionError
        If verovio can't read the MusicXML.
    """
    need("verovio", "Engraving sheet music")
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    # verovio keeps the place of its fonts by thread, and Jupyter answers a page from threads of its own
    verovio.setDefaultResourcePath(str(Path(verovio.__file__).parent / "data"))
    drawing = verovio.toolkit()
    size = _staff_size(score) if page else 1.0
    options = _options(width_mm / size, height_mm / size, page=page)
    if "<harmony>" in score.musicxml:
        options["pageMarginTop"] += ROOM
    drawing.setOptions(options)
    if not drawing.loadData(score.musicxml):
        raise TranscriptionError("The score can't be engraved: save it as MusicXML and open it in a notation program.")
    return drawing


def _staff_size(score: Score) -> float:
    """How large the staves of a page are, 1 for a player's part."""
    staves = score.musicxml.count("<score-part ") + score.musicxml.count("<staves>2</staves>")
    return STAFF_SIZES[max(count for count in STAFF_SIZES if count <= max(staves, 1))]


def svg(score: Score, *, width_mm: float = 180, height_mm: float = 250, page: bool = True) -> list[str]:
    """The pages as SVG, each as wide as the text of an A4 page; ids as in `Score.notes`.

    With ``page=False`` all music is on one page, as high as it needs.
    """
    drawing = toolkit(score, width_mm=width_mm, height_mm=height_mm, page=page)
    held = set(HELD_FRET.findall(score.musicxml))
    pages = (drawing.renderToSVG(number) for number in range(1, drawing.getPageCount() + 1))
    return [_outlined(_raised(_small(_in_parentheses(page, held)))) for page in pages]


def pdf(score: Score) -> bytes:
    """The score as a PDF of A4 pages."""
    return _typeset(score, "pdf")[0]


def png(score: Score, *, ppi: float = PPI, page: bool = True) -> list[bytes]:
    """The score as PNG images of A4 pages; with ``page=False`` as one image, as high as the music."""
    return _typeset(score, "png", ppi=ppi, page=page)


def _typeset(score: Score, kind: Literal["pdf", "png"], *, ppi: float = PPI, page: bool = True) -> list[bytes]:
    need("typst", "Printing sheet music")
    import typst

    width, height = PAGE_MM[0] - 2 * MARGIN_MM, PAGE_MM[1] - 2 * MARGIN_MM - TITLE_MM
    with tempfile.TemporaryDirectory(prefix="musiclab-") as folder:
        for number, picture in enumerate(svg(score, width_mm=width, height_mm=height, page=page), 1):
            (Path(folder) / f"{number}.svg").write_text(_narrowed(picture), encoding="utf-8")
        source = Path(folder) / "score.typ"
        source.write_text(
            _document(score.title, number, height=f"{PAGE_MM[1]}mm" if page else "auto"), encoding="utf-8"
        )
        made: Any = typst.compile(str(source), format=kind, ppi=ppi)
    return list(made) if isinstance(made, list) else [made]  # a list where there are several pages of PNG


def _narrowed(page: str) -> str:
    """The page with all letters as wide as they were laid out, so that no word runs into the next."""
    return re.sub(r'font-size="([\d.]+)px"', lambda size: f'font-size="{LETTERS * float(size[1]):.0f}px"', page)


def _document(title: str, pages: int, *, height: str) -> str:
    """The Typst source: the title, then a page for each picture, with page numbers if there are several."""
    shown, size = _fitted(" ".join(title.split()))
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    numbering = '"1"' if pages > 1 else "none"
    lines = [
        f'#set document(title: "{escaped}", date: none)',  # the same score is the same file, whenever it is made
        f"#set page(width: {PAGE_MM[0]}mm, height: {height}, margin: {MARGIN_MM}mm, numbering: {numbering})",
        f'#block(width: 100%, height: {TITLE_MM - 8}mm, align(center, text(size: {size}pt, "{escaped}")))',
    ]
    lines += [
        f'#image("{number}.svg", width: 100%)' + ("\n#pagebreak()" if number < pages else "")
        for number in range(1, pages + 1)
    ]
    return "\n".join(lines) + "\n"


def _fitted(title: str) -> tuple[str, float]:
    """A title, cut where even small letters don't suffice, and the size of its letters (pt), so that it has room."""
    width = 0.0
    for kept, character in enumerate(title):
        width += 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.55  # of the size, about
        if width > max(TITLE_SIZES.values()):
            return title[:kept] + "…", min(TITLE_SIZES)
    return title, next(size for size, widest in sorted(TITLE_SIZES.items(), reverse=True) if width <= widest)


@functools.cache
def _glyph(code: str) -> tuple[str, float]:
    """Outline (an SVG path, 1000 units an em, y up) and advance of a music symbol of verovio's font."""
    import verovio

    data = Path(verovio.__file__).parent / "data"
    file = data / FONT / f"{code}.xml"
    if not file.exists():
        return "", 0.0
    outline = next((e.get("d", "") for e in ET.parse(file).iter() if e.tag.endswith("path")), "")  # a space has none
    metrics = next((g for g in ET.parse(data / f"{FONT}.xml").iter("g") if g.get("c") == code), None)
    return outline, 500.0 if metrics is None else float(metrics.get("h-a-x", 500))


def _in_parentheses(page: str, held: set[str]) -> str:
    """The page with the frets of these notes in parentheses, which verovio leaves out: nobody strikes them again."""
    return FRET.sub(lambda fret: f"{fret[1]}({fret[3]}){fret[4]}" if fret[2] in held else fret[0], page)


def _small(page: str) -> str:
    """The page with all it says above and below the staff in one size.

    Verovio writes remarks larger, whatever size the file names, and over a tablature chord symbols and the tempo, too.
    """
    return re.sub(r'class="(?:dir|harm|tempo)">.*?</text>', _in_one_size, page, flags=re.DOTALL)


def _in_one_size(found: re.Match[str]) -> str:
    sizes = [float(size) for size in re.findall(r'font-size="(\d+)px"', found[0]) if size != "0"]
    if LARGE_PX not in sizes:
        return found[0]
    return re.sub(
        r'font-size="(\d+)px"', lambda size: f'font-size="{float(size[1]) * TEXT_PX / LARGE_PX:.0f}px"', found[0]
    )


def _raised(page: str) -> str:
    """The page with the tempo clear of the notes, and above the chord symbols: verovio sets it among them."""
    system = page.find('class="system"', page.find('class="system"') + 1)
    first = page[:system]
    tempo = re.search(r'class="tempo">\s*<text x="\d+" y="(\d+)"', first)
    chords = [int(y) for y in re.findall(r'class="harm">\s*<text x="\d+" y="(\d+)"', first)]
    if tempo is None:
        return page
    y = min([int(tempo[1]) - LIFT, *(chord - ABOVE for chord in chords)])
    return page[: tempo.start(1)] + str(y) + page[tempo.end(1) :]


def _outlined(page: str) -> str:
    """The page with every music symbol inside a text drawn as an outline, in its place."""
    return re.sub(r"<text\b[^>]*(?<!/)>.*?</text>", _outline, page, flags=re.DOTALL)


def _outline(found: re.Match[str]) -> str:
    """A text element, or a group in its place if it holds music symbols."""
    if f'font-family="{FONT}"' not in found[0]:
        return found[0]
    text = ET.fromstring(found[0])
    group = ET.Element("g")
    _outline_text(text, [span for span in text.iter("tspan") if span.text and span.text.strip()], group)
    return ET.tostring(group, encoding="unicode")


def _outline_text(text: ET.Element, spans: list[ET.Element], group: ET.Element) -> None:
    """Draw the symbols in a text (a tempo's note) as outlines; accidentals are characters of every text font."""
    x, y = float(text.get("x", 0)), float(text.get("y", 0))
    words, words_size = "", 0.0
    for span in spans:
        size, content = float(re.sub(r"[^0-9.]", "", span.get("font-size", "")) or 405.0), span.text or ""
        if span.get("font-family") != FONT:
            words, words_size = words + content, size
        elif all(character in ACCIDENTALS for character in content):
            words += "".join(ACCIDENTALS[character] for character in content)
        else:
            x = _write(group, words, x, y, words_size)
            words = ""
            x = _draw_symbols(group, content, x, y, size / 1000)
    _write(group, words, x, y, words_size)


def _write(group: ET.Element, words: str, x: float, y: float, size: float) -> float:
    """Write words from x on; gives the x where a symbol after them may begin."""
    text = " ".join(words.split())
    if text:
        place = {"x": f"{x:.0f}", "y": f"{y:.0f}", "font-size": f"{size or 405.0}px"}
        ET.SubElement(group, "text", place).text = text
    return x + (0.5 * size * len(text) + size if text else 0.0)


def _draw_symbols(group: ET.Element, symbols: str, x: float, y: float, scale: float) -> float:
    """Draw music symbols side by side from x on; gives the x where the words after them begin."""
    drawn = "".join(symbols.split())  # verovio parts a note from its dot by a space
    for number, symbol in enumerate(drawn, 1):
        outline, width = _glyph(f"{ord(symbol):04X}")
        place = f"translate({x:.0f},{y:.0f}) scale({scale},{-scale})"
        ET.SubElement(group, "path", {"d": outline, "transform": place})
        x += (width + (GAP if number == len(drawn) else TIGHT)) * scale
    return x
