"""Four ways to begin, for people who use an agent: it is told which tools to use, and what to say."""

from __future__ import annotations

from typing import Annotated

from mcp.server import MCPServer
from pydantic import Field

SongName = Annotated[str, Field(description="Name of the song.")]
WAITING = "While a job is waiting or working, call job_status with its id and wait_s=45 until it is over. "


def add(server: MCPServer) -> None:
    """Add the prompts to a server."""

    @server.prompt(title="Karaoke evening")
    def karaoke(song: SongName, key: Annotated[str, Field(description="Semitones up or down.")] = "0") -> str:
        """A song to sing to, in the key that suits the singer."""
        return (
            f"Make a karaoke track of {song!r}. Find its exact name with list_songs. Call describe and tell me its "
            f"key; then call karaoke with key={key}. {WAITING}Link the track with and without the guide "
            "voice, tell me the new key, and pass on what the remarks say."
        )

    @server.prompt(title="Remix pack")
    def remix(song: SongName) -> str:
        """A song as a folder that opens in an audio workstation."""
        return (
            f"I want to remix {song!r}. Find its exact name with list_songs and call remix_pack. {WAITING}"
            "Tell me tempo, key, metre and form in one line, the level of each stem, and which file to open in which "
            "program: .dawproject (Bitwig, Studio One, Cubase), .rpp (Reaper), .stem.mp4 (DJ programs), tempo.mid and "
            "the WAV files for all others."
        )

    @server.prompt(title="Write down a part")
    def transcription(song: SongName, stem: Annotated[str, Field(description="Which part.")] = "bass") -> str:
        """The sheet music of one instrument."""
        return (
            f"Write down the {stem} part of {song!r}. Find its exact name with list_songs and call sheet_music with "
            f"stem={stem!r}. {WAITING}Link the PDF first. Say how many notes there are and how sure they are, and that "
            "a transcription by machine has to be looked over; then offer a minus_one of the same stem to practise to."
        )

    @server.prompt(title="Sample hunt")
    def samples(song: SongName, bars: Annotated[str, Field(description="Lengths in bars.")] = "1, 2, 4") -> str:
        """Loops and drum strokes for a sampler."""
        return (
            f"Find samples in {song!r}. Find its exact name with list_songs and call samples with bars=[{bars}]. "
            f"{WAITING}Name the three cleanest loops of each kind with tempo and bars (clean_db and goes_round tell: "
            "higher is better), and the drum instruments. Remind me that samples of a recording need its owner's leave."
        )
