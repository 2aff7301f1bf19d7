"""``musiclab lab``: JupyterLab, open on the first notebook."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from musiclab.cli import console
from musiclab.errors import DatasetError, ExportError

FIRST = "01-hear-each-instrument.ipynb"
LESSONS = "[0-9][0-9]-*.ipynb"  # and nothing that others have left beside them


def bundled_notebooks() -> Path:
    """The folder of the notebooks: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_notebooks"
    return inside if inside.is_dir() else package.parent / "notebooks"


def copy_notebooks(folder: Path) -> Path:
    """Copy the notebooks that are not in `folder` yet (yours are never overwritten); returns the first notebook."""
    source = bundled_notebooks()
    if not (source / FIRST).is_file():
        raise DatasetError(f"The notebooks are missing from {source}: install musiclab again.")
    if folder.resolve() != source.resolve():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in source.glob(LESSONS):
                if not (folder / path.name).exists():
                    shutil.copyfile(path, folder / path.name)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ExportError(
                f"The notebooks can't be copied to {folder} ({reason}): name a folder of yours with --folder."
            ) from error
    return folder / FIRST


def lab(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Option(help="Where your copies of the notebooks are, or will be.")] = Path(
        "musiclab-notebooks"
    ),
    here: Annotated[bool, typer.Option("--here", help="Open the project's own notebooks, without copying.")] = False,
) -> None:
    """Open JupyterLab on the first notebook. Further options go to JupyterLab, such as --no-browser."""
    first = copy_notebooks(bundled_notebooks() if here else folder)
    console.note(f"Opening {first}. Stop it with Ctrl-C.")
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={first.parent.resolve()}", *ctx.args]
    command += [f"--LabApp.default_url=/lab/tree/{first.name}"]
    command += ["--ServerApp.jpserver_extensions=musiclab.sanitised=True"]  # a checkout has it not switched on
    with subprocess.Popen(command) as server:
        while True:
            try:
                raise typer.Exit(server.wait())
            except KeyboardInterrupt:
                continue  # Jupyter hears it too, and asks whether to stop
