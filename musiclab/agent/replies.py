"""How the server answers: a job as text, as links to its files, and as data with a schema."""

from __future__ import annotations

import mimetypes
from typing import Annotated, Any, Literal
from urllib.parse import quote

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, ContentBlock, ResourceLink, TextContent
from pydantic import BaseModel, Field

from musiclab.agent.jobs import Desk
from musiclab.agent.records import Record
from musiclab.errors import MusiclabError, RequestError

POLL = 0.25  # s between two looks at a job
SCHEME = "musiclab://out/"
TYPES = {
    ".musicxml": "application/vnd.recordare.musicxml+xml",
    ".dawproject": "application/zip",
    ".rpp": "text/plain",
    ".sfz": "text/plain",
    ".dspreset": "application/xml",
    ".flac": "audio/flac",
    ".opus": "audio/ogg",
}


class SongInfo(BaseModel):
    """A song that can be asked for."""

    name: str
    bytes: int


class Songs(BaseModel):
    """All songs of the folder."""

    songs: list[SongInfo]
    left_out: int = Field(description="How many more there are: ask with contains.")


class FileInfo(BaseModel):
    """A file that a job made."""

    name: str = Field(description="Relative to the output folder.")
    uri: str
    bytes: int
    type: str


class JobState(BaseModel):
    """How far a job is."""

    job: str
    tool: str
    song: str
    status: Literal["waiting", "working", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    message: str
    files: list[FileInfo]
    result: dict[str, Any] = Field(description="What the job tells in numbers, once it is done.")
    error: str


class JobStates(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobState]


JobResult = Annotated[CallToolResult, JobState]


class Service:
    """What the tools share: the desk, and how a job is told.

    Parameters
    ----------
    desk : Desk
        Where jobs are asked for.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def job(
        self, tool: str, song: str, asked: dict[str, Any], wait_s: float, context: Context, *, lyrics: str = ""
    ) -> CallToolResult:
        """Ask for a job and wait for it."""

        def start() -> Record:
            return self.desk.start(tool, song, asked, lyrics=lyrics)

        return await self.wait(await guarded(start), wait_s, context)

    async def wait(self, record: Record, wait_s: float, context: Context) -> CallToolResult:
        """Tell the progress of a job until it is over or the time is."""
        told = -1.0
        with anyio.move_on_after(wait_s):
            while True:
                if record.progress > told:
                    told = record.progress
                    await context.report_progress(100 * told, 100, record.message)
                if record.is_over:
                    break
                await anyio.sleep(POLL)
                record = await guarded(self.desk.get, record.id)
        return self.told(record)

    def told(self, record: Record) -> CallToolResult:
        """A job as text, as links to its files, and as data."""
        state = self.state(record)
        content: list[ContentBlock] = [TextContent(type="text", text=_summary(state))]
        for file in state.files:
            name = file.name.rsplit("/", 1)[-1]
            content.append(
                ResourceLink(type="resource_link", name=name, uri=file.uri, mime_type=file.type, size=file.bytes)
            )
        data = state.model_dump(mode="json")
        return CallToolResult(content=content, structured_content=data, is_error=state.status == "failed")

    def state(self, record: Record) -> JobState:
        """A job as data."""
        files = [self._file(name) for name in record.files]
        kept = {name: getattr(record, name) for name in ("tool", "song", "status", "progress", "message", "error")}
        return JobState(job=record.id, files=files, result=record.result, **kept)

    def _file(self, name: str) -> FileInfo:
        path = self.desk.out.root / name
        try:
            size = path.lstat().st_size
        except OSError:  # somebody took it away
            size = 0
        kind = TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return FileInfo(name=name, uri=SCHEME + quote(name), bytes=size, type=kind)


async def guarded(function: Any, *arguments: Any) -> Any:
    """Call it in a thread; what is refused becomes the tool's answer."""
    try:
        return await anyio.to_thread.run_sync(function, *arguments)
    except RequestError as error:
        raise ToolError(str(error)) from None
    except (MusiclabError, OSError):
        raise ToolError("The server's folders can't be used just now: tell whoever runs it.") from None


def _summary(state: JobState) -> str:
    if state.status == "done":
        files = f", with {len(state.files)} files" if state.files else ""
        again = f" ({state.message})" if state.message else ""
        return f"{state.tool} of {state.song} is done{files}{again}."
    if state.status == "failed":
        return f"{state.tool} of {state.song} failed: {state.error}"
    if state.status == "cancelled":
        return f"{state.tool} of {state.song} was cancelled; nothing half-made was kept."
    doing = f" ({state.message})" if state.message else ""
    return f"{state.tool} of {state.song} is at {state.progress:.0%}{doing}: call job_status with job {state.job}."
