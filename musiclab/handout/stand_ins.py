"""The widgets as they go into a file: all that their front-ends read, with no page and no kernel behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event
from typing import Any

from musiclab.audio import Audio
from musiclab.notation.writing import Score
from musiclab.progress import Watch
from musiclab.threads import pool
from musiclab.transcription.chart import Chart
from musiclab.widgets.mixer.mixer import Mixer
from musiclab.widgets.scoreview.scoreview import ScoreView
from musiclab.widgets.shared.sounding import SoundingWidget
from musiclab.widgets.shared.transport import SAMPLE_RATE, Plan, packets

QUALITY = {"mp3": 0.4, "opus": 0.2}  # about 85 kbit/s for a stereo stem in either
PASSING = ("clock", "position", "playing", "round")  # of a mixer's public traits: where it is, not how it is set
_JUPYTER = ("layout", "tabbable", "tooltip", "comm", "keys", "log")
_OWN = ("_esm", "_css", "_anywidget_id", *_JUPYTER)  # of a widget's state: what a page has no use for


class _Unseen(SoundingWidget):
    """A widget that nobody is told of, and that packs no sound."""

    def open(self) -> None:
        """No page is told that it is there."""

    def _pack(self) -> None:
        """Its sound goes another way: see `packed`."""


class Desk(_Unseen, Mixer):
    """A mixer for a file; its song's chart is given, and complete."""

    def _listen(self, known: Chart | None) -> None:  # noqa: ARG002  # as the widget calls it
        self._charting = False


class Sheet(_Unseen, ScoreView):
    """A score view for a file."""

    @property
    def score(self) -> Score:
        """What is engraved."""
        return self._written


def settings_of(mixer: Mixer) -> dict[str, Any]:
    """How a mixer is set: what a `Desk` is given to stand alike."""
    names = (name for name in mixer.traits(sync=True) if not name.startswith("_"))
    return {name: getattr(mixer, name) for name in names if name not in (*PASSING, *_JUPYTER)}


def packed(
    sounds: Sequence[Audio], format: str, watch: Watch, *, quality: float | None = None
) -> dict[str, list[bytes]]:
    """Sounds as they travel in a file, by their digests: pieces in their order.

    Parameters
    ----------
    sounds : sequence of Audio
        As widgets keep them: mono or stereo.
    format : str
        One of `QUALITY`.
    watch : Watch
        Who is told, and who may stop it.
    quality : float
        From 0 (small) to 1 (best); if left out, as in `QUALITY`.
    """
    plan = Plan(sounds[0].duration, format, QUALITY[format] if quality is None else quality)
    stopped = Event()

    def encode(sound: Audio) -> list[bytes]:
        return [packet[0] for packet in packets([sound], plan, cancelled=stopped.is_set)]

    different = {sound.digest: sound for sound in sounds}
    with pool() as workers:
        jobs = {digest: workers.submit(encode, sound) for digest, sound in different.items()}
        try:
            for number, job in enumerate(jobs.values()):
                while not job.done():
                    watch(number / len(jobs), "making the sound small")
                    with suppress(TimeoutError):
                        job.result(timeout=0.2)
        except BaseException:
            stopped.set()
            workers.shutdown(wait=False, cancel_futures=True)
            raise
    return {digest: job.result() for digest, job in jobs.items()}


def state_of(widget: _Unseen, format: str, sound: Mapping[str, Sequence[bytes]]) -> dict[str, Any]:
    """What a front-end reads of a widget: its traits, with the sound of `packed` in their places."""
    cuts = Plan(widget._sounds[0].duration, format).cuts
    pieces = [sound[one.digest] for one in widget._sounds]
    state = {name: value for name, value in widget.get_state().items() if name not in _OWN}
    state = {name: value for name, value in state.items() if not name.startswith(("_model_", "_view_", "_sound_"))}
    return {
        **state,
        "_cuts": [cut * SAMPLE_RATE for cut in cuts],
        "_format": format,
        **{f"_sound_{number}": [piece[number] for piece in pieces] for number in range(len(cuts))},
    }
