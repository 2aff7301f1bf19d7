"""`make docs`: the documentation as a folder of pages that needs no network and no server (build/docs/index.html).

Pages are notebooks: the course, and the Markdown files in docs/pages, whose blocks of Python are their cells. They are
run, and shown by nbconvert as docs/pages.py says; mixers and score views stay alive in them (live.py, live.js). The
reference is pdoc's. What is in docs/*.md, the changes and the licences become pages as they are.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import runpy
import sys
import warnings
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from running import Client

HERE = Path(__file__).parent
REPO = HERE.parent
COURSE = sorted((REPO / "notebooks").glob("[0-9][0-9]-*.ipynb"))
WRITTEN = {  # pages as they are: title in the list of figures, and what it tells
    "model-card": ("The built-in separator", "how well it separates, on which songs, and what it can't"),
    "transcription": ("Transcription", "how many notes, beats and bars are found, and how much its sureness is worth"),
    "drum-model": ("Drums", "which strokes are told apart, and how surely"),
    "speed": ("Speed", "how long everything takes that you wait for, on named processors"),
    "batch": ("A thousand songs", "one job on a whole library, on one machine or many"),
    "robustness": ("Robustness", "damaged files, full disks, killed processes: what was tried, and what happened"),
    "training": ("Training", "from recorded samples to weights of your own"),
}
MENU = [
    ("index.html", "musiclab"), ("gallery.html", "Gallery"), ("how-to.html", "How to"), ("course.html", "Course"),
    ("reference.html", "Reference"), ("figures.html", "Quality and speed"), ("licences.html", "Licences"),
    ("changes.html", "Changes"),
]  # fmt: skip
BLOCK = re.compile(r"^```python\n(.+?)\n```$", re.MULTILINE | re.DOTALL)
REFERENCE = [  # what there is to be called, from songs to metrics
    "musiclab", "musiclab.audio", "musiclab.stems", "musiclab.notes", "musiclab.errors", "musiclab.plots",
    "musiclab.spectral", "musiclab.masks", "musiclab.metrics", "musiclab.metrics.notes", "musiclab.evaluation",
    "musiclab.separation.engine", "musiclab.separation.refine", "musiclab.separation.engines.oracle",
    "musiclab.separation.engines.decompose", "musiclab.grid", "musiclab.theory", "musiclab.instruments",
    "musiclab.notation.writing", "musiclab.datasets", "musiclab.synth", "musiclab.exercises", "musiclab.assignments",
]  # fmt: skip
SECONDS = 900  # that a cell may take, on a busy machine


def cells_of(markdown: str) -> Any:
    """A Markdown text as a notebook, its blocks of Python as cells."""
    pieces = BLOCK.split(markdown)
    cells = [
        (new_code_cell if number % 2 else new_markdown_cell)(piece.strip())
        for number, piece in enumerate(pieces)
        if piece.strip()
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def run(notebook: Any, live: Path) -> Any:
    """The notebook with its outputs; its widgets' files go to the folder `live`."""
    live.parent.mkdir(parents=True, exist_ok=True)
    os.environ["MUSICLAB_DOCS_LIVE"] = str(live)
    opening = f"import sys; sys.path.insert(0, {str(HERE)!r}); import live; live.install()"
    notebook.cells.insert(0, new_code_cell(opening))
    Client(notebook, timeout=SECONDS, resources={"metadata": {"path": str(live.parent)}}).execute()
    del notebook.cells[0]
    return notebook


def linked(markdown: str) -> str:
    """Links between the repository's texts, as links between pages."""
    markdown = re.sub(r"\]\((?:docs/)?(\w[\w-]*)\.md\)", lambda m: f"]({page_of(m[1])})", markdown)
    markdown = re.sub(r"\]\((?:\.\./)?notebooks/([\w-]+)\.ipynb\)", r"](\1.html)", markdown)
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#|[\w.-]+\.html|[\w-]+\.(?:png|csv))[^)]+\)", r"\1", markdown)


def page_of(name: str) -> str:
    return {"CHANGELOG": "changes.html"}.get(name, f"{name}.html")


def licences() -> str:
    """The page of licences: of songs and models, and of everything that an installation brings."""
    from musiclab.separation import registry

    rows = ["# Licences", "", "musiclab is under the MIT licence, its songs are in the public domain (CC0).", ""]
    rows += ["## Engines and their weights", "", "| engine | code | weights | source |", "| --- | --- | --- | --- |"]
    for info in registry.engines():
        terms = info.licence
        rows.append(f"| {info.name} | {terms.code} | {terms.weights} {terms.disputed} | {terms.source} |")
    rows += ["", "## What is installed with it", "", "| package | version | licence |", "| --- | --- | --- |"]
    sys.path.insert(0, str(REPO / "scripts"))
    import lock

    lock.EXTRAS = set()
    for name, number in sorted(lock.closure().items()):
        rows.append(f"| {name} | {number} | {licence_of(name)} |")
    return "\n".join(rows)


def licence_of(name: str) -> str:
    """What a package says of its licence, in a few words."""
    about = distribution(name).metadata
    kinds = [line.rsplit(" :: ", 1)[-1] for line in about.get_all("Classifier", []) if line.startswith("License ::")]
    said = about.get("License-Expression") or ", ".join(kinds) or about.get("License") or "see the package"
    return said.splitlines()[0][:80].replace("|", "/")


def exporter() -> HTMLExporter:
    return HTMLExporter(config=runpy.run_path(str(HERE / "pages.py"))["c"])


def write(out: Path, name: str, notebook: Any, html: HTMLExporter) -> None:
    """One page, with the way to the others above it."""
    page, _ = html.from_notebook_node(notebook)
    here = next((file for file, _ in MENU if file == f"{name}.html"), "")
    links = "".join(f'<a href="{file}"{" aria-current=page" if file == here else ""}>{text}</a>' for file, text in MENU)
    head = '<link rel="stylesheet" href="assets/site.css">'
    if 'class="live"' in page:
        head += '<link rel="stylesheet" href="assets/live.css"><script defer src="assets/live.js"></script>'
    page = page.replace("</head>", f"{head}</head>", 1)
    page = re.sub(r"(<body[^>]*>)", rf'\1<nav class="site" aria-label="Documentation">{links}</nav>', page, count=1)
    (out / f"{name}.html").write_text(page, encoding="utf-8")


def list_page(title: str, rows: list[tuple[str, str, str]]) -> str:
    """A page of links: where to, its title, what is there."""
    return "\n".join(
        [f"# {title}", "", "| | |", "| --- | --- |", *(f"| [{t}]({name}.html) | {of} |" for name, t, of in rows)]
    )


def lesson_row(path: Path) -> tuple[str, str, str]:
    """A lesson in the list of them: by its title, and by what it says that its reader will do."""
    opening = "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"])
    title, you_will = re.match(r"# (.+)\n\n\*\*You will\*\* (.+)", opening).groups()  # type: ignore[union-attr]
    return path.stem, f"{path.name[:2]} {title}", you_will[0].upper() + you_will[1:]


def texts() -> dict[str, str]:
    """The pages that nothing runs in, by their names."""
    read = {name: linked((HERE / f"{name}.md").read_text("utf-8")) for name in WRITTEN}
    return read | {
        "changes": linked((REPO / "CHANGELOG.md").read_text("utf-8")),
        "licences": licences(),
        "course": list_page("Course", [lesson_row(path) for path in COURSE]),
        "reference": list_page("Reference", reference_rows()),
        "figures": list_page("Quality and speed", [(name, *told) for name, told in WRITTEN.items()]),
    }


def script() -> str:
    """The pages' one script, that a page opened from a file may load: no module."""
    from musiclab.handout.document import widgets
    from musiclab.widgets.shared import front

    main = re.sub(r"^export ", "", front.esm("../../docs/live.js"), flags=re.MULTILINE)
    return f"(async () => {{\n{main}\nstart({widgets()});\n}})();\n"


def build(out: Path, *, course: bool) -> None:
    """Write the site into the folder `out`."""
    from musiclab.widgets.mixer.mixer import Mixer
    from musiclab.widgets.scoreview.scoreview import ScoreView

    (out / "assets").mkdir(parents=True, exist_ok=True)
    (out / "assets/live.js").write_text(script(), encoding="utf-8")
    (out / "assets/site.css").write_bytes((HERE / "site.css").read_bytes())
    (out / "assets/live.css").write_text(f"{Mixer._css}\n{ScoreView._css}", encoding="utf-8")
    for picture in (*HERE.glob("*.png"), *HERE.glob("*.csv")):
        (out / picture.name).write_bytes(picture.read_bytes())
    html = exporter()
    for name, text in texts().items():
        write(out, name, new_notebook(cells=[new_markdown_cell(text)]), html)
    ran = [(path.stem, cells_of(path.read_text("utf-8"))) for path in sorted((HERE / "pages").glob("*.md"))]
    ran += [(path.stem, nbformat.read(path, as_version=4)) for path in COURSE] if course else []
    for name, notebook in ran:
        sys.stdout.write(f"{name}\n")
        write(out, name, run(notebook, out / "live" / name), html)
    reference(out / "api")


def reference(out: Path) -> None:
    """The pages of pdoc: what `REFERENCE` names, and nothing below it."""
    import pdoc

    pdoc.render.configure(docformat="numpy", search=True, show_source=False, template_directory=HERE / "templates/api")
    others = f"!(?!(?:{'|'.join(map(re.escape, REFERENCE))})$)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a package brings modules that are named by themselves, too
        pdoc.pdoc(*REFERENCE, others, output_directory=out)


def reference_rows() -> list[tuple[str, str, str]]:
    """The modules of the reference: where each is, and what it says of itself."""
    rows = []
    for name in REFERENCE:
        about = (importlib.import_module(name).__doc__ or "").strip().splitlines()[0]
        rows.append((f"api/{name.replace('.', '/')}", f"`{name}`", about))
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPO / "build/docs")
    parser.add_argument("--without-course", action="store_true", help="leave out the lessons, which take minutes")
    chosen = parser.parse_args()
    build(chosen.out.resolve(), course=not chosen.without_course)
