"""``musiclab bundle``: a folder from which musiclab is installed where there is no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from musiclab.cli import console
from musiclab.cli.separate import JsonOption


def bundle(
    folder: Annotated[Path, typer.Argument(help="New, or a bundle to be made anew.", show_default=False)],
    python: Annotated[str, typer.Option(help="Such as 3.12; by default this one.", show_default=False)] = "",
    platform: Annotated[
        str,
        typer.Option(help="linux-x86_64, linux-aarch64, macos-arm64 or windows-x86_64; by default this one.",
                     show_default=False),
    ] = "",
    weights: Annotated[
        list[str] | None, typer.Option(help="Engines whose weights go in; by default all that are here.",
                                       show_default=False)
    ] = None,
    extra: Annotated[
        list[str] | None, typer.Option("--with", help="Such as batch or agents.", show_default=False)
    ] = None,
    song: Annotated[
        list[Path] | None, typer.Option(help="Songs of yours, files or folders.", show_default=False)
    ] = None,
    find_links: Annotated[
        list[str] | None, typer.Option(help="More places with wheels, as for pip.", show_default=False)
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="Package index, if not pip's own; '' for none.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Write all that a machine without a network needs: wheels, weights, songs, notebooks, install scripts."""
    from musiclab.bundles import make
    from musiclab.cli.lab import LESSONS, bundled_notebooks

    with console.progress_bar("bundle: getting ready") as bar:
        made = make.bundle(
            folder, python=python, platform=platform, weights=weights, extras=extra or [], songs=song or [],
            sources=find_links or [], index=index, lessons=sorted(bundled_notebooks().glob(LESSONS)), progress=bar,
        )  # fmt: skip
    if json:
        console.print_json(make.as_dict(made))
        return
    rows = [("for", f"Python {made.python} on {made.system}"), ("files", f"{made.files:,}"),
            ("size", f"{made.bytes / 1e6:,.0f} MB"),
            ("weights", ", ".join(["embedded", *made.weights]))]  # fmt: skip
    console.print_table(str(made.folder), ("bundle", ""), rows)
    console.stdout().print("Copy the folder to the other machine and start install.sh or install.bat in it.")
