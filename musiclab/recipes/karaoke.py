"""`karaoke`: a song without its voice, the voice alone, and a guide voice to hold on to.

Notebook: 12
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from os import PathLike
from typing import Any

from musiclab.audio import Audio
from musiclab.errors import AudioError
from musiclab.metrics.loudness import loudness
from musiclab.notes import Part
from musiclab.progress import Cancel, Progress, Watch, watching
from musiclab.recipes import stretching
from musiclab.recipes.lyrics import Lyrics, read_lrc
from musiclab.recipes.remembered import part_of
from musiclab.recipes.result import Result
from musiclab.recipes.source import How, Song, mixture_of, stems_of
from musiclab.recipes.ultrastar import write_ultrastar
from musiclab.separation.engine import Engine
from musiclab.stems import Stems, added

VOICE = "vocals"
HARDLY_DB = -30.0  # a voice that lies so far under the song, in RMS, is none
INSTRUMENTAL, GUIDED = "instrumental", "with guide voice"
BACKING = "Backing voices go with the lead: no engine here tells them apart."


@dataclass(frozen=True, eq=False, kw_only=True)
class Karaoke(Result):
    """What `karaoke` made. All sounds have one length, and begin where the song begins.

    Attributes
    ----------
    instrumental, vocals, guided : Audio
        The song without its voice; the voice; the song with the voice at `guide_db`.
    part : Part
        What the voice sings, in seconds of these sounds and in their key.
    lyrics : Lyrics or None
        In seconds of these sounds.
    key, speed, guide_db : float
        As asked for: semitones, a factor, dB.

    Notebook: 12
    """

    instrumental: Audio
    vocals: Audio
    guided: Audio
    part: Part
    lyrics: Lyrics | None = None
    key: float = 0.0
    speed: float = 1.0
    guide_db: float = -18.0

    @property
    def sounds(self) -> Mapping[str, Audio]:
        return {INSTRUMENTAL: self.instrumental, VOICE: self.vocals, GUIDED: self.guided}

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "key_semitones": self.key,
            "speed": self.speed,
            "guide_db": self.guide_db,
            "notes": len(self.part.notes),
            "lyrics_lines": len(self.lyrics.lines) if self.lyrics else 0,
            "loudness_lufs": {name: loudness(audio) for name, audio in self.sounds.items()},
        }

    def extra_files(self, sounds: Mapping[str, str]) -> dict[str, bytes]:
        """The UltraStar file, and the lyrics if there are any."""
        names = {"MP3": GUIDED, "AUDIO": GUIDED, "VOCALS": VOICE, "INSTRUMENTAL": INSTRUMENTAL}
        header = {tag: sounds[name] for tag, name in names.items()}
        files = {".txt": write_ultrastar(self.part, lyrics=self.lyrics, header=header).encode()}
        if self.lyrics is not None:
            files[".lrc"] = self.lyrics.to_lrc().encode()
        return files

    def _repr_html_(self) -> str:
        if self.lyrics is None:
            return super()._repr_html_()
        rows = "".join(
            f"<tr><td>{int(line.time // 60)}:{line.time % 60:04.1f}</td>"
            f'<td style="text-align:left">{escape(line.text)}</td></tr>'
            for line in self.lyrics.lines
        )
        table = f'<details><summary>Lyrics</summary><table style="width:auto">{rows}</table></details>'
        return super()._repr_html_() + f'<div class="musiclab-view">{table}</div>'


def karaoke(
    song: Song,
    *,
    key: float = 0.0,
    speed: float = 1.0,
    guide_db: float = -18.0,
    lyrics: str | PathLike[str] | Lyrics | None = None,
    engine: str | Engine = "auto",
    quality: str = "default",
    device: str = "auto",
    cache: bool = True,
    progress: Progress | bool | None = None,
    cancel: Cancel | None = None,
) -> Karaoke:
    """A song to sing to: without the voice, the voice alone, with a guide voice, and its notes for singing games.

    Parameters
    ----------
    song : path, Audio or Stems
        The song, or its stems if they are there.
    key : float
        Semitones up (negative: down), −12 to 12.
    speed : float
        0.25 to 2; 1 is the song's own.
    guide_db : float
        Level of the guide voice against its own in the song, −60 to 0 dB.
    lyrics : path or Lyrics
        An LRC file for this song: checked, shown, laid on the notes, and written beside the sounds.
    engine, quality, device, cache, progress, cancel
        As in `musiclab.separate`.

    Returns
    -------
    Karaoke
        ``.save(folder)`` writes three sounds, an UltraStar file and the lyrics.

    Raises
    ------
    AudioError, LyricsError, EngineError
        If the song, the lyrics, the key, the speed or the engine won't do: said before the long work.
    Cancelled
        If `cancel` was set.

    Notebook: 12
    """
    stretching.check(key, speed)
    if not -60 <= guide_db <= 0:
        raise AudioError(f"The guide voice lies between −60 and 0 dB, not at {guide_db:g} dB.")
    mixture = mixture_of(song)
    text = lyrics if isinstance(lyrics, Lyrics) or lyrics is None else read_lrc(lyrics, duration=mixture.duration)
    with watching(progress, cancel) as watch:
        whole = song if isinstance(song, Stems) else mixture
        stems = stems_of(whole, How(engine, quality, device, cache), watch.part(0.0, 0.6), wanted=[VOICE])
        part = part_of(stems, stems[VOICE], "voice", watch.part(0.6, 0.8), cache=cache)
        sounds = _rendered(stems, key, speed, guide_db, watch.part(0.8, 1.0), cache=cache)
        watch(1.0, "done")
    title = mixture.title or "song"
    return Karaoke(
        title=title,
        engine=stems.engine,
        remarks=_remarks(stems, text, part),
        instrumental=sounds[0],
        vocals=sounds[1],
        guided=sounds[2],
        part=replace(moved(part, key, speed), title=(text and text.title) or title),
        lyrics=text and text.at_speed(speed),
        key=key,
        speed=speed,
        guide_db=guide_db,
    )


def _rendered(
    stems: Stems, key: float, speed: float, guide_db: float, watch: Watch, *, cache: bool
) -> tuple[Audio, Audio, Audio]:
    """Instrumental, voice, and both with the voice softer: the third is made of the first two, in the new key too."""
    instrumental = replace(stems.without(VOICE), title=INSTRUMENTAL)
    instrumental = stretching.retuned(instrumental, watch.part(0.0, 0.5), key=key, speed=speed, cache=cache)
    voice = stretching.retuned(stems[VOICE], watch.part(0.5, 1.0), key=key, speed=speed, cache=cache)
    both = added([(instrumental, 1.0), (voice, 10 ** (guide_db / 20))], title=GUIDED)
    return instrumental, voice, both


def moved(part: Part, key: float, speed: float, *, later: float = 0.0) -> Part:
    """The part as it sounds in another key, at another speed, `later` seconds later; chords go."""
    if key == 0 and speed == 1 and later == 0:
        return part
    notes = [
        replace(note, onset=note.onset / speed + later, offset=note.offset / speed + later, pitch=note.pitch + key)
        for note in part.notes
        if 0 <= note.pitch + key <= 127
    ]
    return replace(
        part,
        notes=tuple(notes),
        beats=tuple(time / speed + later for time in part.beats),
        downbeats=tuple(time / speed + later for time in part.downbeats),
        duration=part.duration / speed + later,
        key=part.key if key == 0 else "",
        chords=(),
    )


def _remarks(stems: Stems, lyrics: Lyrics | None, part: Part) -> tuple[str, ...]:
    remarks = [stems.note] if stems.note else []
    if stems[VOICE].rms_db < stems.mixture.rms_db + HARDLY_DB:
        remarks.append("There is hardly a voice in this song: the instrumental is nearly the song itself.")
    remarks.append(BACKING)
    if lyrics is not None and part.notes:
        remarks.append(
            "In the UltraStar file the words are laid on the notes by their times: look it over, it is a draft."
        )
    return tuple(remarks)
