"""The tools, prompts and files that an agent sees.

A tool that takes long waits for `wait_s` seconds and then tells how far its job is; the job goes on, and `job_status`
tells more. A call that is given up does not stop its job: programs give up calls by themselves, after a minute or
four; `job_cancel` does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp_types import ToolAnnotations
from pydantic import Field

from musiclab import __version__
from musiclab.agent import prompts
from musiclab.agent.jobs import Desk
from musiclab.agent.replies import SCHEME, JobResult, JobStates, Service, SongInfo, Songs, guarded
from musiclab.codecs.source import AUDIO_SUFFIXES
from musiclab.errors import RequestError

LISTED = 500  # songs in one answer
READABLE = 8_000_000  # bytes of a file that is handed over inside a message
INSTRUCTIONS = """Takes songs apart and makes things of them: karaoke, minus-one, remix packs, loops, sheet music.
list_songs tells the songs; every other tool takes one of these names. Long work is a job: a tool waits for wait_s \
seconds and returns its state; while it is waiting or working, call job_status again. Files are linked, and lie in \
the server's output folder under the names that are told."""

SongName = Annotated[str, Field(description="Name of a song, as list_songs tells it.", max_length=512)]
WaitS = Annotated[float, Field(description="How many seconds to wait for the result.", ge=0, le=600)]
Engine = Annotated[
    str, Field(description="What separates: auto is the best at hand.", max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")
]
Format = Annotated[Literal["wav", "flac", "mp3", "ogg", "opus", "m4a"], Field(description="Of the sound files.")]
StemName = Annotated[str, Field(description="vocals, drums, bass or other.", max_length=32)]
Key = Annotated[float, Field(description="Semitones up, or down if negative.", ge=-12, le=12)]
Speed = Annotated[float, Field(description="1 is the song's own.", ge=0.5, le=2.0)]
JobId = Annotated[str, Field(description="As a tool returned it.", max_length=32)]


def build(desk: Desk, *, token_verifier: TokenVerifier | None = None, auth: AuthSettings | None = None) -> MCPServer:
    """The server for a desk.

    Parameters
    ----------
    desk : Desk
        Whose songs and jobs.
    token_verifier, auth
        Who may use it, over HTTP: both or neither.
    """
    server = MCPServer(
        "musiclab",
        title="musiclab",
        version=__version__,
        instructions=INSTRUCTIONS,
        log_level="WARNING",
        token_verifier=token_verifier,
        auth=auth,
    )
    service = Service(desk)
    for add in (
        _add_desk_tools,
        _add_playing_tools,
        _add_studio_tools,
        _add_mixing_tools,
        _add_writing_tools,
        _add_files,
    ):
        add(server, service)
    prompts.add(server)
    return server


READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WORKS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def _add_desk_tools(server: MCPServer, service: Service) -> None:
    desk = service.desk

    @server.tool(annotations=READS)
    async def list_songs(
        contains: Annotated[str, Field(description="Only names with these letters.", max_length=100)] = "",
    ) -> Songs:
        """The songs that there are, by the names that all other tools take."""
        found = await guarded(lambda: list(desk.songs.names(AUDIO_SUFFIXES)))
        named = [SongInfo(name=name, bytes=size) for name, size in found if contains.lower() in name.lower()]
        return Songs(songs=named[:LISTED], left_out=max(0, len(named) - LISTED))

    @server.tool(annotations=READS)
    async def job_status(job: JobId, context: Context, wait_s: WaitS = 0) -> JobResult:
        """How far a job is; waits up to wait_s seconds for its end."""
        return await service.wait(await guarded(desk.get, job), wait_s, context)

    @server.tool(annotations=WORKS)
    async def job_cancel(job: JobId) -> JobResult:
        """Stop a job. Nothing half-made is kept; a job that is over stays as it is."""
        return service.told(await guarded(desk.cancel, job))

    @server.tool(annotations=READS)
    async def list_jobs() -> JobStates:
        """All jobs that are remembered, the newest first, also those of before the server was started."""
        records = await guarded(desk.records)
        return JobStates(jobs=[service.state(record) for record in records])


def _add_playing_tools(server: MCPServer, service: Service) -> None:
    @server.tool(annotations=WORKS)
    async def karaoke(
        song: SongName,
        context: Context,
        key: Key = 0,
        speed: Speed = 1.0,
        guide_db: Annotated[float, Field(description="Level of the guide voice, dB.", ge=-60, le=0)] = -18.0,
        lyrics: Annotated[str, Field(description="Name of an LRC file beside the songs.", max_length=512)] = "",
        engine: Engine = "auto",
        format: Format = "mp3",
        wait_s: WaitS = 45,
    ) -> JobResult:
        """The song without its voice, with a soft guide voice, and the voice alone; in another key or speed too."""
        asked = {"key": key, "speed": speed, "guide_db": guide_db, "engine": engine, "format": format}
        return await service.job("karaoke", song, asked, wait_s, context, lyrics=lyrics)

    @server.tool(annotations=WORKS)
    async def minus_one(
        song: SongName,
        stem: StemName,
        context: Context,
        count_in: Annotated[bool, Field(description="A bar of clicks before the song.")] = False,
        click: Annotated[bool, Field(description="A click on every beat.")] = False,
        key: Key = 0,
        speed: Speed = 1.0,
        engine: Engine = "auto",
        format: Format = "mp3",
        wait_s: WaitS = 45,
    ) -> JobResult:
        """The song without one instrument, to play along with, and that instrument alone."""
        asked = {"count_in": count_in, "click": click, "key": key, "speed": speed, "engine": engine, "format": format}
        return await service.job("minus_one", song, asked | {"stem": stem}, wait_s, context)


def _add_studio_tools(server: MCPServer, service: Service) -> None:
    @server.tool(annotations=WORKS)
    async def separate(
        song: SongName, context: Context, engine: Engine = "auto", format: Format = "flac", wait_s: WaitS = 45
    ) -> JobResult:
        """Each instrument of the song in a file of its own; together they are the song."""
        return await service.job("separate", song, {"engine": engine, "format": format}, wait_s, context)

    @server.tool(annotations=WORKS)
    async def remix_pack(song: SongName, context: Context, engine: Engine = "auto", wait_s: WaitS = 45) -> JobResult:
        """Stems, click, tempo map and markers, with projects for audio workstations and DJ programs."""
        return await service.job("remix_pack", song, {"engine": engine}, wait_s, context)

    @server.tool(annotations=WORKS)
    async def samples(
        song: SongName,
        context: Context,
        bars: Annotated[
            list[Annotated[int, Field(ge=1, le=32)]], Field(description="Lengths of the loops.", max_length=6)
        ] = [1, 2, 4, 8],  # noqa: B006  # never changed; a tuple has no simple schema
        most: Annotated[int, Field(description="Loops of each stem and length at most.", ge=1, le=16)] = 4,
        engine: Engine = "auto",
        wait_s: WaitS = 45,
    ) -> JobResult:
        """Loops of every instrument, cut on the beat, and single drum strokes as playable instruments."""
        asked = {"bars": list(bars), "most": most, "engine": engine}
        return await service.job("samples", song, asked, wait_s, context)


def _add_mixing_tools(server: MCPServer, service: Service) -> None:
    @server.tool(annotations=WORKS)
    async def rebalance(
        song: SongName,
        gains_db: Annotated[
            dict[str, Annotated[float, Field(ge=-60, le=24)]],
            Field(description='Change of each stem in dB, as in {"vocals": 3}.', max_length=12),
        ],
        context: Context,
        engine: Engine = "auto",
        format: Format = "flac",
        wait_s: WaitS = 45,
    ) -> JobResult:
        """The song with some instruments louder or softer, at the loudness that it had."""
        asked = {"gains_db": gains_db, "engine": engine, "format": format}
        return await service.job("rebalance", song, asked, wait_s, context)

    @server.tool(annotations=WORKS)
    async def play_as(
        song: SongName,
        stem: StemName,
        instrument: Annotated[str, Field(description="A General MIDI instrument, such as tuba.", max_length=64)],
        context: Context,
        engine: Engine = "auto",
        format: Format = "mp3",
        wait_s: WaitS = 45,
    ) -> JobResult:
        """One part of the song played by another instrument."""
        asked = {"stem": stem, "instrument": instrument, "engine": engine, "format": format}
        return await service.job("play_as", song, asked, wait_s, context)


def _add_writing_tools(server: MCPServer, service: Service) -> None:
    @server.tool(annotations=WORKS)
    async def sheet_music(
        song: SongName,
        context: Context,
        stem: StemName = "vocals",
        instrument: Annotated[
            str | None, Field(description="What plays it, if not as the stem is called.", max_length=64)
        ] = None,
        player: Annotated[Literal["", "C", "Bb", "Eb", "F"], Field(description="Transposed for a player in …")] = "",
        tab: Annotated[bool, Field(description="Tablature, for guitar and bass.")] = False,
        engine: Engine = "auto",
        wait_s: WaitS = 45,
    ) -> JobResult:
        """The part of one instrument as sheet music: PDF, MusicXML and MIDI."""
        asked = {"stem": stem, "instrument": instrument, "player": player, "tab": tab, "engine": engine}
        return await service.job("sheet_music", song, asked, wait_s, context)

    @server.tool(annotations=WORKS)
    async def describe(song: SongName, context: Context, wait_s: WaitS = 45) -> JobResult:
        """Key, tempo, metre, form, chords and levels of the song."""
        return await service.job("describe", song, {}, wait_s, context)


def _add_files(server: MCPServer, service: Service) -> None:
    @server.resource(SCHEME + "{+name}", name="file", description="A file that a job made, up to 8 MB.")
    async def file(name: str) -> bytes:
        def read() -> bytes:
            with service.desk.out.opened(name) as made:
                data = made.read(READABLE + 1)
            if len(data) > READABLE:
                raise RequestError("The file is too large for a message: open it in the server's output folder.")
            return data

        try:
            return cast("bytes", await anyio.to_thread.run_sync(read))
        except RequestError as error:
            raise ResourceNotFoundError(str(error)) from None


def desk_for(folder: Path, out: Path) -> Desk:
    """A desk whose folders are apart: songs are only read, and what is made is no song."""
    desk = Desk(folder, out)
    songs, made = desk.songs.root, desk.out.root
    if songs == made or songs in made.parents or made in songs.parents:
        raise RequestError("The folder of songs and the output folder must lie apart: give two folders.")
    return desk
