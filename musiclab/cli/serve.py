"""``musiclab serve``: the whole jobs for agents, over the Model Context Protocol."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from musiclab.cli import console
from musiclab.errors import RequestError


def serve(
    folder: Annotated[Path, typer.Option(help="The songs. Nothing else can be read.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="For what is made. Nothing else can be written.")],
    http: Annotated[bool, typer.Option("--http", help="Over HTTP, at /mcp, instead of standard input.")] = False,
    host: Annotated[
        str, typer.Option(help="Where to listen; others than this machine need --token-file.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen.")] = 8765,
    token_file: Annotated[
        Path | None, typer.Option(help="A file that holds the token which clients must send.", show_default=False)
    ] = None,
    spare: Annotated[
        bool,
        typer.Option(help="Whether a process with everything loaded waits for the next job: seconds for 300 MB."),
    ] = True,
) -> None:
    """Let an agent (a chatbot with tools) work on the songs of a folder."""
    if find_spec("mcp") is None:
        raise RequestError("Serving agents needs one package more: pip install 'musiclab[agents]'.")
    from musiclab.agent import server, web

    desk = server.desk_for(folder, out)
    if spare:
        desk.keep_spare()
    if http:
        console.note(f"Serving {desk.songs.root} at http://{host}:{port}/mcp (Ctrl-C ends it).")
        web.run(desk, host, port, token_file)
    else:
        server.build(desk).run(transport="stdio")
