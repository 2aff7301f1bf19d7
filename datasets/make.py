"""Make the demo songs: `python datasets/make.py [NAME ...]`, with MUSICLAB_SAMPLES set to the folder of samples.

Plays what `tunes.py` writes down with the code that renders training songs, from samples that are free of any
condition (CC0, public domain, MIT). Writes NAME/{vocals,drums,bass,other}.ogg and NAME/song.json. The mixture is the
sum of the decoded stems.
"""

from __future__ import annotations

import json
import os
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from tunes import TUNES, Track, Tune

from musiclab.training.studio.songs import clips as recordings
from musiclab.training.studio.songs import desk, players, singer
from musiclab.training.studio.songs.composition import METRES
from musiclab.training.studio.songs.grooves import LOUDNESS, Groove
from musiclab.training.studio.songs.library import SR, Library, Sample, Wave
from musiclab.training.studio.songs.song import DRUM_KEYS, STEMS
from musiclab.training.studio.songs.theory import NAMES, QUALITIES, Harmony
from musiclab.training.studio.songs.vocoder import SingerTimbre
from musiclab.training.studio.songs.written import Event, Hit, StepGrid

FREE = ("CC0", "Public Domain", "MIT")
STROKES = {"D": ("strum-down", 0.9), "d": ("strum-down", 0.65), "u": ("strum-up", 0.65), "m": ("muted", 0.6)}
QUALITY = 0.4  # of Ogg Vorbis: libsndfile's compression level, about 160 kbit/s


def grid_of(tune: Tune, rng: np.random.Generator) -> StepGrid:
    """Beats in seconds: steady, with the breath of people playing together."""
    beats, steps = METRES[tune.metre]
    bars = tune.chords.count("|") + 1
    lengths = 60 / tune.tempo * (1 + 0.004 * rng.standard_normal(bars * beats + 8))
    return StepGrid(beats, steps, 0.1 + np.concatenate([[0.0], np.cumsum(lengths)]), tune.swing)


def chords_of(tune: Tune) -> list[Harmony]:
    """The chord of each bar."""
    out = []
    for name in re.split(r"\s*\|\s*", tune.chords.strip()):
        match = re.fullmatch(r"([A-G][b#]?)(.*)", name)
        if match is None:
            raise ValueError(f"{tune.name}: not a chord: {name!r}")
        out.append(Harmony(pitch_class(match.group(1)), QUALITIES[match.group(2)], match.group(2)))
    return out


def pitch_class(name: str) -> int:
    """0 for C."""
    sharps = {"C#": "Db", "D#": "Eb", "F#": "Gb", "G#": "Ab", "A#": "Bb"}
    return NAMES.index(sharps.get(name, name))


def read_notes(text: str, grid: StepGrid, velocity: float, rng: np.random.Generator) -> list[Event]:
    """Notes in the notation of `tunes`, as events in seconds."""
    events, at = [], 0.0
    for token in text.split():
        name, _, length = token.partition(":")
        beats = float(length)
        if name != "r":
            match = re.fullmatch(r"([A-G][b#]?)(\d)", name)
            if match is None:
                raise ValueError(f"not a note: {token!r}")
            pitch = pitch_class(match.group(1)) + 12 * (int(match.group(2)) + 1)
            onset, stop = (grid.time(0, grid.steps * beat) for beat in (at, at + beats * 0.96))
            accent = 0.08 if at % grid.beats == 0 else 0.0
            loud = float(np.clip(velocity + accent + rng.normal(0, 0.03), 0.2, 1.0))
            events.append(Event(max(0.0, onset + float(rng.normal(0, 0.005))), stop - onset, float(pitch), loud))
        at += beats
    return events


def read_strums(track: Track, chords: list[Harmony], grid: StepGrid, rng: np.random.Generator) -> list[Event]:
    """Strummed chords, as events."""
    events = []
    for bar, (figure, chord) in enumerate(zip(track.strum, chords, strict=True)):
        if figure == "boogie":
            low = chord.root_near(track.low)
            figure_notes = [(s, [low, low + (9 if s % 8 >= 4 else 7)], "", 1.8) for s in range(0, grid.bar_steps, 2)]
        else:
            places = [s for s, mark in enumerate(figure) if mark in STROKES] + [grid.bar_steps]
            tones = [int(p) for p in chord.voicing(track.low, track.tones)]
            figure_notes = [
                (s, tones, figure[s], (stop - s) * 0.95 if track.low < 56 or bar == len(chords) - 1 else 1.5)
                for s, stop in pairwise(places)
            ]
        for step, tones, mark, length in figure_notes:
            touch, loud = STROKES.get(mark, ("", 0.8 if step % grid.steps == 0 else 0.65))
            onset = max(0.0, grid.time(bar, step) + float(rng.normal(0, 0.005)))
            seconds = grid.time(bar, step + length) - grid.time(bar, step)
            louds = np.clip(loud + rng.normal(0, 0.03, len(tones)), 0.2, 1).tolist()
            events += [Event(onset, seconds, float(p), v, touch) for p, v in zip(tones, louds, strict=True)]
    return events


def read_drums(grooves: tuple[Groove, ...], grid: StepGrid, rng: np.random.Generator) -> list[Hit]:
    """Grooves, as strokes."""
    hits = []
    for bar, groove in enumerate(grooves):
        for piece, row in groove.items():
            for step, mark in enumerate(row):
                if mark in LOUDNESS:
                    at = max(0.0, grid.time(bar, step) + float(rng.normal(0, 0.004)))
                    hits.append(Hit(at, piece, float(np.clip(LOUDNESS[mark] + rng.normal(0, 0.04), 0.15, 1))))
    return sorted(hits, key=lambda h: h.onset)


class Session:
    """One tune being recorded: what sounds, what was played, and which samples it took."""

    def __init__(self, tune: Tune, library: Library) -> None:
        self.tune, self.library = tune, library
        self.rng = np.random.default_rng(tune.seed)
        self.grid = grid_of(tune, self.rng)
        self.chords = chords_of(tune)
        self.seconds = self.grid.time(len(self.chords), 0) + tune.tail
        self.frames = round(self.seconds * SR)
        self.stems = {name: np.zeros((2, self.frames), dtype=np.float32) for name in STEMS}
        self.notes: dict[str, list[list[float]]] = {name: [] for name in STEMS}
        self.used: dict[str, Sample] = {}

    def record(self) -> None:
        """Everyone plays."""
        self._drums()
        for track in self.tune.tracks:
            self._track(track)
        if self.tune.melody:
            self._voice()
        stack = np.stack([self._faded(self.stems[name]) for name in STEMS])
        stack = desk.limit(stack * np.float32(desk.db(-14) / desk.rms(stack.sum(axis=0))), ceiling=0.85)
        self.stems = dict(zip(STEMS, stack, strict=True))

    def _drums(self) -> None:
        kits = self.library.kits()
        kit: dict[str, list[Sample]] = {}
        for name in reversed(self.tune.kit):
            kit |= kits[name]
        hits = read_drums(self.tune.drums, self.grid, self.rng)
        sound = players.drums(hits, kit, self.library, self.frames, np.random.default_rng(self.tune.seed))
        sound = desk.compress(sound, threshold_db=-12, ratio=2.5, release=0.12)
        self._mix("drums", sound, -4.0)
        self.notes["drums"] = [_row(h.onset, h.onset + 0.1, DRUM_KEYS[h.piece], h.velocity) for h in hits]
        for pieces in kit.values():
            self.used |= {s.library: s for s in pieces}

    def _track(self, track: Track) -> None:
        pool = [i for f in ("bass", "guitar", "keys", "synth", "winds", "strings") for i in self.library.instruments(f)]
        instrument = next((i for i in pool if i.name.startswith(track.instrument)), None)
        if instrument is None:
            raise SystemExit(f"{self.tune.name} needs {track.instrument}: the folder of samples lacks it.")
        self.used[instrument.samples[0].library] = instrument.samples[0]
        if track.strum:
            events = read_strums(track, self.chords, self.grid, self.rng)
        else:
            events = read_notes(track.notes, self.grid, track.velocity, self.rng)
        x = players.play(events, instrument, self.library, self.frames, self.rng, release=0.08)
        if track.sound != "plain":
            x = players.amplify(x, track.sound, self.rng)
        elif track.stem == "bass":
            x = desk.compress(x, threshold_db=-16, ratio=4)
            x = desk.equalise(x, desk.shelf(90, 2.5, high=False), desk.cut(4500, "low"))
        stereo = desk.pan(x, track.place)
        if track.stem != "bass":
            stereo = desk.reverberate(stereo, desk.room(self.rng, 1.3, bright=0.5, pre_delay=0.015), track.wet_db)
        self._mix(track.stem, stereo, track.level_db)
        self.notes[track.stem] += [_row(e.onset, e.onset + e.seconds, e.pitch, e.velocity) for e in events]

    def _voice(self) -> None:
        clips = self.library.voices()[self.tune.voice]
        self.used |= {clips[0].library: clips[0]}
        events = read_notes(self.tune.melody, self.grid, 0.8, self.rng)
        who = singer.Singer(tuple(clips), SingerTimbre(), "world", vibrato_hz=5.4, vibrato_depth=0.25, glide=0.06,
                            scoop=0.6, wander=0.06, natural=0.5)  # fmt: skip
        track = np.zeros(self.frames, dtype=np.float32)
        analyser = recordings.analyser_of(self.library)
        for phrase in _phrases(events):
            players.add(track, singer.perform(phrase, who, analyser, self.rng), phrase[0].onset)
        track = desk.equalise(
            track, desk.cut(110, "high"), desk.peak_filter(2800, 2.5), desk.shelf(8000, 2.0, high=True)
        )
        stereo = desk.pan(desk.compress(track, threshold_db=-22, ratio=4), 0.0)
        stereo = desk.echo(stereo, 60 / self.tune.tempo * 0.75, wet_db=-20)
        stereo = desk.reverberate(stereo, desk.room(self.rng, 1.6, bright=0.6, pre_delay=0.03), -17)
        self._mix("vocals", stereo, -4.0)
        self.notes["vocals"] = [_row(e.onset, e.onset + e.seconds, e.pitch, e.velocity) for e in events]

    def _mix(self, stem: str, x: Wave, level_db: float) -> None:
        loud = x[:, np.abs(x).max(axis=0) > 1e-3 * np.abs(x).max()]
        self.stems[stem] = self.stems[stem] + x * np.float32(desk.db(level_db) * 0.1 / desk.rms(loud))

    def _faded(self, x: Wave) -> Wave:
        fade = int(0.8 * SR)
        out = x.copy()
        out[:, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
        return out

    def save(self, folder: Path) -> None:
        """Write stems and song.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, x in self.stems.items():
            if self.notes[name]:
                _write_ogg(folder / f"{name}.ogg", x)
        (folder / "song.json").write_text(_json(self._description()), encoding="utf-8")

    def _description(self) -> dict[str, object]:
        tune, grid = self.tune, self.grid
        starts = np.cumsum([0] + [bars for _, bars in tune.sections])
        count = len(self.chords) * grid.beats
        return {
            "title": tune.title,
            "composer": "musiclab",
            "licence": "CC0-1.0",
            "tempo": tune.tempo,
            "metre": tune.metre,
            "time_signature": [int(part) for part in tune.metre.split("/")],
            "key": tune.key,
            "sr": SR,
            "duration": round(self.frames / SR, 4),
            "sections": [
                [name, round(grid.time(int(s), 0), 4)] for (name, _), s in zip(tune.sections, starts, strict=False)
            ],
            "chords": [[round(grid.time(bar, 0), 4), chord.name] for bar, chord in enumerate(self.chords)],
            "beats": [[round(float(t), 4), 1 + i % grid.beats] for i, t in enumerate(grid.times[:count])],
            "notes": {stem: sorted(rows) for stem, rows in self.notes.items() if rows},
            "sources": [
                {key: s.row[key] for key in ("library", "repo", "licence", "attribution", "licence_url")}
                for _, s in sorted(self.used.items())
            ],
        }


def _phrases(events: list[Event]) -> list[list[Event]]:
    """Notes that follow one another without a breath."""
    out: list[list[Event]] = [[events[0]]]
    for before, event in pairwise(events):
        if event.onset - before.onset - before.seconds > 0.15:
            out.append([])
        out[-1].append(event)
    return out


def _row(onset: float, offset: float, pitch: float, velocity: float) -> list[float]:
    return [round(onset, 4), round(offset, 4), int(pitch), max(1, round(127 * velocity))]


def _write_ogg(path: Path, x: Wave) -> None:
    part = path.with_suffix(".tmp")
    with soundfile.SoundFile(part, "w", SR, 2, format="OGG", subtype="VORBIS", compression_level=QUALITY) as file:
        for start in range(0, x.shape[1], SR):  # the encoder overflows its stack on one long block
            file.write(np.ascontiguousarray(x[:, start : start + SR].T))
    part.replace(path)


def _json(description: dict[str, object]) -> str:
    """Indented, but a row of numbers on one line."""
    text = json.dumps(description, indent=1, ensure_ascii=False)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s*\n\s*", " ", m.group(1)) + "]", text) + "\n"


def main(names: list[str]) -> None:
    """Make the named songs, or all."""
    folder = os.environ.get("MUSICLAB_SAMPLES")
    if not folder:
        raise SystemExit("Set MUSICLAB_SAMPLES to the folder of samples (see SOURCES.md of the synthesis package).")
    library = Library(Path(folder), share_alike=False, licences=FREE)
    for tune in TUNES:
        if not names or tune.name in names:
            session = Session(tune, library)
            session.record()
            session.save(Path(__file__).parent / tune.name)


if __name__ == "__main__":
    main(sys.argv[1:])
