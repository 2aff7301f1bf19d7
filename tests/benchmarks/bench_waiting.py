"""What a user waits for besides the separation itself, against its budget.

    python tests/benchmarks/bench_waiting.py [--json out.json]

Four minutes of stereo, four stems. Each figure is the best of three, in processor time with one thread: what a user of
an idle machine waits, and what other work on the machine disturbs least. How soon a mixer plays in a notebook, and how
long the rest of its sound takes, `bench_mixer.py` measures in a real JupyterLab.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS, SR, ROUNDS = 240, 44100, 3
FIRST_LOAD = """
import numpy as np, musiclab as ml
ml.separate(ml.Audio(np.ones((2, 44100), np.float32), 44100), engine="embedded", cache=False, progress=False)
"""


def best(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Processor seconds of the quickest of some rounds."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return min(spent)


def fresh(code: str, rounds: int = ROUNDS) -> float:
    """Seconds that `code` takes in a new process, without the start of Python."""
    timed = f"import time; t = time.process_time()\n{code}\nprint(time.process_time() - t)"
    return min(
        float(subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True).stdout)
        for _ in range(rounds)
    )


def separation() -> list[tuple[str, float, float]]:
    """Import, the first load of a model, and what surrounds the network."""
    import numpy as np
    import torch

    from musiclab.audio import Audio
    from musiclab.separation import Engine, Licence, separate

    class Quarter(Engine):
        """Costs nothing, so that what remains is ours."""

        name, stems, sr = "quarter", ("vocals", "drums", "bass", "other"), SR
        licence, segment, normalise, fixed, version = Licence("MIT", "none needed"), 7.8, True, True, "1"

        def separate(self, mixture: torch.Tensor) -> torch.Tensor:
            return torch.stack([mixture / 4] * 4, 1)

    samples = 0.1 * np.random.default_rng(0).standard_normal((2, SECONDS * SR), dtype=np.float32)
    song = Audio(samples, SR)
    loop = best(lambda: separate(song, engine=Quarter(), cache=False, progress=False))
    separate(Audio(samples, SR), engine=Quarter(), progress=False)
    cached = best(lambda: separate(Audio(samples, SR), engine=Quarter(), progress=False))
    return [
        ("import musiclab", fresh("import musiclab"), 0.3),
        ("the table of engines, in a new process", fresh("import musiclab; repr(musiclab.engines())"), 0.5),
        ("a second of sound through the embedded network, in a new process", fresh(FIRST_LOAD), 5.0),
        ("a song separated before, to its Stems", cached, 0.5),
        ("the loop around a network that costs nothing", loop, 12.0),
    ]


def listening() -> list[tuple[str, float, float]]:
    """From Stems to what is seen, heard and saved: a demo song's stems over and over."""
    import matplotlib as mpl
    import numpy as np

    from musiclab import plots
    from musiclab.audio import Audio
    from musiclab.datasets import demo
    from musiclab.stems import Stems
    from musiclab.widgets.mixer.mixer import Mixer
    from musiclab.widgets.shared.sounding import SoundingWidget
    from musiclab.widgets.shared.transport import Plan, pack

    song = demo("paper-boats")
    times = -(-SECONDS * song.mixture.sr // song.mixture.frames)

    def long(sound: Audio) -> Audio:
        return Audio(np.tile(sound.samples, times)[:, : SECONDS * sound.sr], sound.sr)

    stems = Stems({name: long(stem) for name, stem in song.stems.items()}, long(song.mixture))
    mpl.use("Agg")

    def figure() -> None:
        plots.spectrogram(stems.mixture).figure.savefig(io.BytesIO(), format="png")

    quiet: Any = SoundingWidget
    quiet._pack = lambda _: None  # its sound is encoded beside: measured on its own
    first = Plan(SECONDS, "ogg").spans[0]
    rows = [
        ("the spectrogram of the whole song, as PNG", best(figure), 0.5),
        ("Mixer(stems), to the end of the cell", best(lambda: Mixer(stems)), 2.0),
        (
            "what a mixer needs to begin: its first packet",
            best(lambda: [pack(x, first, "ogg") for x in stems.values()]),
            1.0,
        ),
        ("the stems as 24-bit WAV files", best(lambda: save(stems), 1), 10.0),
    ]
    return rows + scores(stems)


def save(stems: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stems.save(folder, format="wav", subtype="24")


def scores(stems: Any) -> list[tuple[str, float, float]]:
    """The bass of the whole song, from sound to paper."""
    from musiclab.transcription.context import in_context
    from musiclab.transcription.listening import listen
    from musiclab.widgets.scoreview.scoreview import ScoreView

    heard: list[Any] = []
    transcription = best(lambda: heard.append(listen(stems["bass"], instrument="bass")), 1)
    evidence = heard[0]
    context: list[Any] = []
    rhythm = best(lambda: context.append(in_context(evidence.part(), stems.mixture)), 1)
    view = ScoreView(evidence, stems)
    places = iter(range(1, 100))

    def slide(name: str) -> Callable[[], None]:
        return lambda: setattr(view, name, 0.005 * next(places) + (0.4 if name != "sure" else 0))

    with tempfile.TemporaryDirectory() as folder:
        export = best(lambda: context[0].save(Path(folder) / "bass.pdf"))
    return [
        ("the notes of the bass", transcription, 15.0),
        ("beats, key and chords of the song", rhythm, 5.0),
        ("the slider of how sure notes are: the score redrawn", best(slide("sure"), 6), 0.2),
        ("the slider of beginnings: found anew and redrawn", best(slide("onset_threshold"), 6), 0.2),
        ("the part as a PDF", export, 1.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as store:
        os.environ["MUSICLAB_CACHE"] = store
        import torch

        torch.set_num_threads(1)
        rows = [
            {"what": what, "seconds": seconds, "budget": budget}
            for group in (separation, listening)
            for what, seconds, budget in group()
        ]
    for row in rows:
        met = "met" if row["seconds"] <= row["budget"] else "MISSED"
        print(f"{row['what']:66}{row['seconds']:8.3f} s  of {row['budget']:5.1f} s  {met}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
