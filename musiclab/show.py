"""How `Audio` and `Stems` show themselves in a notebook: static HTML and SVG, true in level, with no script.

The players are the browser's own, fed from the page itself: nothing is fetched, and they work in an exported page.
`IPython.display.Audio` is not used: it rescales samples to full scale unless told otherwise, so a soft stem would sound
as loud as the mixture. Where a page is not trusted, Jupyter strips players and pictures, and the figures remain.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from musiclab.audio import SILENCE_DB, Audio, envelope
from musiclab.codecs import encode
from musiclab.errors import AudioError, MissingPackageError
from musiclab.palette import STEM_COLOURS, colour
from musiclab.stems import RESIDUAL, Stems
from musiclab.threads import pool

LOSSLESS_SECONDS = 10.0  # up to here a player gets FLAC: tones, clicks and differences are heard as they are
PLAYER_SECONDS = 600.0  # a player holds no more: about 7 MB in the saved notebook
TABLE_SECONDS = 300.0  # over all rows of a table; longer stems are for the mixer

IN_PLAIN_WORDS = {  # of engines whose names say nothing
    "embedded": "the network that comes with musiclab",
    "embedded+spleeter": "that network, and Spleeter's for the voice",
}

_QUALITY = 0.25  # Opus at 96 kbit/s for stereo
_COLUMNS = 600  # of a waveform, wherever it is shown
_ACCENT = "var(--jp-brand-color1, #1976d2)"
_STYLE = """<style>
.musiclab-view { font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; line-height: 1.45;
  color: var(--jp-ui-font-color1, inherit); max-width: 860px; margin: 4px 0; }
.musiclab-view figure { margin: 0; padding: 12px 14px; border: 1px solid var(--jp-border-color2, #8884);
  border-radius: 8px; }
.musiclab-view .ml-title { font-weight: 600; font-size: 15px; overflow-wrap: anywhere; }
.musiclab-view .ml-facts, .musiclab-view .ml-note { color: var(--jp-ui-font-color2, inherit);
  font-variant-numeric: tabular-nums; }
.musiclab-view .ml-facts { margin-left: 10px; }
.musiclab-view .ml-hot { color: var(--jp-error-color1, #d32f2f); font-weight: 600; }
.musiclab-view svg { display: block; width: 100%; overflow: visible; }
.musiclab-view figure > svg { height: 72px; margin: 10px 0; }
.musiclab-view audio { display: block; width: 100%; height: 36px; color-scheme: light; }
body[data-jp-theme-light="false"] .musiclab-view audio { color-scheme: dark; }
.musiclab-view table { width: 100%; border-collapse: collapse; margin: 8px 0 0; font-size: 13px; border: 0;
  table-layout: auto; color: inherit; }
.musiclab-view tr, .musiclab-view tbody tr:nth-child(n) { background: none; }
.musiclab-view th, .musiclab-view td { padding: 5px 8px; text-align: right; vertical-align: middle; border: 0;
  white-space: nowrap; font-variant-numeric: tabular-nums; max-width: none; }
.musiclab-view thead th { font-weight: 500; color: var(--jp-ui-font-color2, inherit); font-size: 12px; }
.musiclab-view tbody tr { border-top: 1px solid var(--jp-border-color3, #8883); }
.musiclab-view table .ml-name { text-align: left; font-weight: 600; white-space: normal; overflow-wrap: anywhere;
  min-width: 120px; padding-left: 26px; }
.musiclab-view .ml-name i { float: left; width: 10px; height: 10px; border-radius: 3px; margin: 4px 0 0 -18px; }
.musiclab-view .ml-wave { width: 45%; min-width: 140px; }
.musiclab-view .ml-wave svg { height: 36px; }
.musiclab-view .ml-play { width: 120px; padding-right: 0; }
.musiclab-view .ml-play audio { width: 120px; height: 30px; }
.musiclab-view .ml-bar { display: inline-block; width: 44px; height: 6px; border-radius: 3px; margin-left: 8px;
  background: var(--jp-border-color3, #8883); text-align: left; vertical-align: middle; overflow: hidden; }
.musiclab-view .ml-bar b { display: block; height: 100%; }
</style>"""


def audio_html(audio: Audio) -> str:
    """A player at true level, with title, length, level and waveform.

    Up to 10 s it plays FLAC, else Opus at 96 kbit/s (mp3 above 0 dBFS); after 10 minutes it stops, and says so. More
    than two channels are folded to stereo.

    Notebook: 01
    """
    title = audio.title or "Audio"
    shade = _ACCENT if audio.title == "mixture" else STEM_COLOURS.get(audio.title, _ACCENT)
    silent = audio.rms_db <= SILENCE_DB
    loudness = "silent" if silent else f"{_level(audio.rms_db)} dBFS · peak {_peak(audio)} dBFS"
    notes = []
    if audio.duration > PLAYER_SECONDS:
        notes.append(f"The player holds the first {PLAYER_SECONDS / 60:.0f} min.")
    if audio.channels > 2:
        notes.append(f"The player folds the {audio.channels} channels to two.")
    note = f'<div class="ml-note">{" ".join(notes)}</div>' if notes else ""
    return (
        f'<div class="musiclab-view">{_STYLE}<figure role="group" aria-label="{escape(title)}">'
        f'<figcaption><span class="ml-title">{escape(title)}</span>'
        f' <span class="ml-facts">{_facts(audio)} · {loudness}</span>'
        f"</figcaption>{waveform_svg(audio, shade, label=f'Waveform of {title}')}{_player(audio, title)}{note}"
        "</figure></div>"
    )


def stems_html(stems: Stems) -> str:
    """A table: each stem with its waveform, level, peak and share of the energy, and a player if they are short enough.

    All waveforms have the same scale, of square roots, so that soft stems can be seen beside loud ones.

    Notebook: 01
    """
    rows = {"mixture": stems.mixture, **stems, RESIDUAL: stems.residual}
    power = {name: 10 ** (audio.rms_db / 10) for name, audio in rows.items() if name != "mixture"}
    shares = {name: value / sum(power.values()) for name, value in power.items()}
    top = max(_reach(audio) for audio in rows.values())
    playable = stems.duration * len(rows) <= TABLE_SECONDS
    players = _players(rows) if playable else [""] * len(rows)
    body = "".join(
        _row(name, audio, shares.get(name), top, player, index)
        for index, ((name, audio), player) in enumerate(zip(rows.items(), players, strict=True))
    )
    meaning = IN_PLAIN_WORDS.get(stems.engine, "")
    by = f" by {escape(stems.engine)}" if stems.engine else ""
    by += f" ({escape(meaning)})" if meaning else ""
    title = stems.mixture.title or "Stems"
    columns = ["Level dBFS", "Peak dBFS", "Share of energy", *(["Listen"] if playable else [])]
    heads = "".join(f'<th scope="col">{text}</th>' for text in columns)
    note = "" if playable else '<div class="ml-note">To hear them together: <code>ml.Mixer(stems)</code>.</div>'
    return (
        f'<div class="musiclab-view">{_STYLE}<figure role="group" aria-label="Stems of {escape(title)}">'
        f'<figcaption><span class="ml-title">{escape(title)}</span>'
        f' <span class="ml-facts">{len(stems)} stems{by} · {_facts(stems.mixture)}</span></figcaption>'
        f'<table><thead><tr><th scope="col" class="ml-name">Stem</th><th scope="col" class="ml-wave"></th>{heads}'
        f"</tr></thead><tbody>{body}</tbody></table>{note}</figure></div>"
    )


def sounds_html(title: str, sounds: Mapping[str, Audio], *, kind: str = "", notes: Sequence[str] = ()) -> str:
    """A table of sounds that were made: each with its waveform, level, peak and a player; sentences below.

    Parameters
    ----------
    title, kind : str
        The song's, and what was made of it.
    sounds : Mapping[str, Audio]
        By name. All waveforms have one scale; a player holds no more than its share of `PLAYER_SECONDS` times three.
    notes : sequence of str
        What else there is to say.
    """
    share = min(PLAYER_SECONDS, 3 * PLAYER_SECONDS / max(len(sounds), 1))
    top = max((_reach(audio) for audio in sounds.values()), default=1.0)
    players = _players({name: audio[:share] if audio.duration > share else audio for name, audio in sounds.items()})
    body = "".join(
        _row(name, audio, None, top, player, index)
        for index, ((name, audio), player) in enumerate(zip(sounds.items(), players, strict=True))
    )
    heads = "".join(f'<th scope="col">{text}</th>' for text in ("Level dBFS", "Peak dBFS", "", "Listen"))
    table = (
        f'<table><thead><tr><th scope="col" class="ml-name">Sound</th><th scope="col" class="ml-wave"></th>{heads}'
        f"</tr></thead><tbody>{body}</tbody></table>"
    )
    facts = " · ".join(text for text in (escape(kind), _facts(next(iter(sounds.values()))) if sounds else "") if text)
    said = "".join(f'<div class="ml-note">{escape(note)}</div>' for note in notes)
    return (
        f'<div class="musiclab-view">{_STYLE}<figure role="group" aria-label="{escape(title)}">'
        f'<figcaption><span class="ml-title">{escape(title)}</span> <span class="ml-facts">{facts}</span></figcaption>'
        f"{table if sounds else ''}{said}</figure></div>"
    )


def waveform_svg(audio: Audio, shade: str, *, label: str, top: float | None = None, bend: float = 1.0) -> str:
    """A waveform as inline SVG: the peaks pale, the RMS strong, over all channels.

    Parameters
    ----------
    audio : Audio
        What to draw.
    shade : str
        A CSS colour.
    label : str
        What a screen reader says.
    top : float
        The sample value at the upper edge; the audio's own peak if left out.
    bend : float
        Exponent of the vertical axis: 1 is linear; 0.5 lets soft stems be seen beside loud ones.
    """
    low, high, rms = (
        100 * np.sign(edge) * (np.abs(edge) / (top or _reach(audio))) ** bend
        for edge in envelope(audio.samples, _COLUMNS)
    )
    columns = len(low)
    peaks, body = _outline(high, low), _outline(rms, -rms)
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 -100 {columns} 200" preserveAspectRatio="none" '
        f'style="color:{escape(shade)};max-width:100%"><path d="M0 0H{columns}" stroke="currentColor" '
        'stroke-opacity=".35" vector-effect="non-scaling-stroke"/>'
        f'<path d="{peaks}" fill="currentColor" fill-opacity=".45"/><path d="{body}" fill="currentColor"/></svg>'
    )


def _reach(audio: Audio) -> float:
    """The sample value that a waveform is drawn up to: its peak, and never less than −60 dBFS."""
    return max(float(audio.samples.max()), -float(audio.samples.min()), 1e-3)


def _outline(upper: np.ndarray, lower: np.ndarray) -> str:
    """An SVG path along the upper edge and back along the lower; y grows downwards there."""
    above = [f"{x} {-y:.0f}" for x, y in enumerate(upper)]
    below = [f"{x} {-y:.0f}" for x, y in enumerate(lower)]
    return f"M{'L'.join([*above, *reversed(below)])}Z"


def _row(name: str, audio: Audio, share: float | None, top: float, player: str, index: int) -> str:
    shade = colour(name, index)
    part = ""
    if share is not None and audio.rms_db > SILENCE_DB:
        part = (
            f'{_percent(share)}<span class="ml-bar" aria-hidden="true">'
            f'<b style="width:{100 * share:.1f}%;background:{shade}"></b></span>'
        )
    cell = f'<td class="ml-play">{player}</td>' if player else ""
    return (
        f'<tr><th scope="row" class="ml-name"><i style="background:{shade}"></i>{escape(name)}</th>'
        f'<td class="ml-wave">{waveform_svg(audio, shade, label=f"Waveform of {name}", top=top, bend=0.5)}</td>'
        f"<td>{_level(audio.rms_db)}</td><td>{_peak(audio)}</td><td>{part}</td>{cell}</tr>"
    )


def _player(audio: Audio, title: str) -> str:
    """The browser's own player, with the sound inside the page."""
    heard = audio[:PLAYER_SECONDS] if audio.duration > PLAYER_SECONDS else audio
    if heard.channels > 2:
        heard = _folded(heard)
    if heard.duration <= LOSSLESS_SECONDS and heard.peak_db <= -0.01:
        kind, data = "audio/flac", encode(heard, format="flac", subtype="16")
    elif heard.peak_db > 0:  # Opus would clip it before the loudspeaker does
        kind, data = "audio/mpeg", encode(heard, format="mp3")
    else:
        try:
            kind, data = "audio/webm", encode(heard, format="webm", quality=_QUALITY)
        except MissingPackageError:  # a light install writes no WebM
            kind, data = "audio/mpeg", encode(heard, format="mp3")
    uri = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return f'<audio controls preload="metadata" aria-label="Play {escape(title)}" src="{uri}"></audio>'


def _folded(audio: Audio) -> Audio:
    try:
        return audio.stereo()
    except AudioError:  # no known layout: its first two channels
        return Audio(audio.samples[:2], audio.sr, title=audio.title)


def _players(rows: Mapping[str, Audio]) -> list[str]:
    """One for each, encoded in parallel."""
    with pool() as workers:
        return list(workers.map(_player, rows.values(), rows))


def _facts(audio: Audio) -> str:
    """Length, channels and rate, for people."""
    minutes, seconds = divmod(audio.duration, 60)
    length = f"{audio.duration:.2f} s" if audio.duration < 10 else f"{int(minutes)}:{int(seconds):02d}"
    layout = {1: "mono", 2: "stereo"}.get(audio.channels, f"{audio.channels} channels")
    return f"{length} · {layout} · {audio.sr / 1000:g} kHz"


def _level(db: float) -> str:
    return "−∞" if db <= SILENCE_DB else f"{db:.1f}".replace("-", "−")


def _peak(audio: Audio) -> str:
    """The peak, marked where it passes full scale."""
    text = _level(audio.peak_db)
    return f'<span class="ml-hot" title="clips when it is played">+{text}</span>' if audio.peak_db > 0.05 else text


def _percent(share: float) -> str:
    if share < 1e-4:
        return "&lt; 0.01 %"
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
