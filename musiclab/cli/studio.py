"""``musiclab studio``: the page without code, in the browser."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
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
PATIENCE = 20  # s that the server has to end its kernels
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
    """What is run: Voila on this machine alone; each visitor has a kernel, which ends with the page.

    Options of Voila's that are given go before ours of the same name: ``--theme=dark``.
    """
    said = [f"--port={port}", "--Voila.ip=127.0.0.1", "--strip_sources=True", "--theme=light", f"--template={TEMPLATE}"]
    said += ["--VoilaConfiguration.show_tracebacks=False", *([] if browser else ["--no-browser"])]
    given = {option.split("=")[0] for option in options}
    ours = [option for option in said if option.split("=")[0] not in given]
    return [sys.executable, "-m", "voila", str(path), *ours, *options]


def studio(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(help="Of this machine; the page is at http://localhost:PORT.")] = 8866,
    browser: Annotated[bool, typer.Option(help="Open it in the browser.")] = True,
) -> None:
    """Open the studio, a page without code: drop a song, hear its instruments, read a part.

    Options go on to Voila, such as --theme=dark.
    """
    if importlib.util.find_spec("voila") is None:
        raise ExportError("The studio needs Voila: install it with  pip install 'musiclab[studio]'.")
    with tempfile.TemporaryDirectory(prefix="musiclab-studio-") as folder:
        path = Path(folder) / "studio.ipynb"
        path.write_text(notebook(), encoding="utf-8")
        template(Path(folder))
        found = os.pathsep.join([folder, *filter(None, [os.environ.get("JUPYTER_PATH")])])
        console.note(f"The studio is at http://localhost:{port}. Stop it with Ctrl-C.")
        run = command(path, port=port, browser=browser, options=ctx.args)
        code = serve(run, os.environ | {"JUPYTER_PATH": found})
    raise typer.Exit(code)


def serve(run: list[str], environment: dict[str, str]) -> int:
    """Run a server until it ends, or until Ctrl-C or SIGTERM end it, and with it the kernels of those who are looking.

    Returns its exit code; 0 if it was stopped.
    """

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with subprocess.Popen(run, env=environment) as server:
            try:
                return server.wait()
            except KeyboardInterrupt:
                return 0
            finally:
                _end(server)
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(server: subprocess.Popen[bytes]) -> None:
    """It has time to end its kernels; then they notice by themselves that it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who presses Ctrl-C again must not leave kernels behind
    try:
        server.terminate()
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
