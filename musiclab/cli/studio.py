"""``musiclab studio``: the page without code, in the browser."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from musiclab.cli import console
from musiclab.errors import ExportError

CELL = "import musiclab as ml\n\nml.studio()"
TEMPLATE = "musiclab"
_REMOTE = re.compile(r"<(?:link|script)\b[^>]*https?://[^>]*>")


def notebook() -> str:
    """The notebook that is shown, as JSON: one cell, whose code nobody sees."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "studio",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": CELL,
    }
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def template(folder: Path) -> None:
    """Voila's page without the fonts of icons that it loads from another host, as a template below `folder`."""
    from voila.paths import collect_template_paths

    pages = (Path(path) / "index.html.j2" for path in collect_template_paths(["voila"], "lab"))
    page = next(page for page in pages if page.is_file())
    target = folder / "voila/templates" / TEMPLATE
    target.mkdir(parents=True)
    (target / "conf.json").write_text('{"base_template": "lab"}', encoding="utf-8")
    (target / page.name).write_text(_REMOTE.sub("", page.read_text("utf-8")), encoding="utf-8")


def command(path: Path, *, port: int, browser: bool, options: list[str]) -> list[str]:
    """What is run: Voila on this machine alone; each visitor has a kernel, which ends with the page."""
    said = [f"--port={port}", "--Voila.ip=127.0.0.1", "--strip_sources=True", "--theme=light", f"--template={TEMPLATE}"]
    said += ["--VoilaConfiguration.show_tracebacks=False", *([] if browser else ["--no-browser"]), *options]
    return [sys.executable, "-m", "voila", str(path), *said]


def studio(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(help="Of this machine; the page is at http://localhost:PORT.")] = 8866,
    browser: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
) -> None:
    """Open the studio, a page without code: drop a song, hear its instruments, read a part. Options go on to Voila."""
    if importlib.util.find_spec("voila") is None:
        raise ExportError("The studio needs Voila: install it with  pip install 'musiclab[studio]'.")
    with tempfile.TemporaryDirectory(prefix="musiclab-studio-") as folder:
        path = Path(folder) / "studio.ipynb"
        path.write_text(notebook(), encoding="utf-8")
        template(Path(folder))
        found = os.pathsep.join([folder, *filter(None, [os.environ.get("JUPYTER_PATH")])])
        console.note(f"The studio is at http://localhost:{port}. Stop it with Ctrl-C.")
        run = command(path, port=port, browser=browser, options=ctx.args)
        with subprocess.Popen(run, env=os.environ | {"JUPYTER_PATH": found}) as server:
            try:
                code = server.wait()
            except KeyboardInterrupt:
                code = 0
            finally:
                server.terminate()  # and with it the kernels of those who are looking
    raise typer.Exit(code)
