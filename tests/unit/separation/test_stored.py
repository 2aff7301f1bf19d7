"""Results that earlier versions left in a user's store are found and opened by this one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.separation import separate
from musiclab.separation.job import Job
from musiclab.separation.settings import How, SeparationSettings
from musiclab.store import default_store

SR = 44100
DIGEST = "289d49afbac53f4e6eb5750fcb698bf039c76123ac2838af9faf8d41a33469d3"
KEY = "c7198ac268efab7645155438ccebca7e87ba3bf422ce242af17252f9e671fe41"  # as 0.1.0 had it


def song() -> Audio:
    """A second of two tones, the same to the last bit everywhere: its samples are multiples of 2^-15."""
    frames = np.arange(SR)
    tones = 0.25 * np.stack([np.sin(2 * np.pi * 220 * frames / SR), np.sin(2 * np.pi * 330 * frames / SR)])
    return Audio((np.round(tones * 32768) / 32768).astype(np.float32), SR)


def test_the_key_of_a_result_is_what_it_was() -> None:
    assert song().digest == DIGEST
    settings = SeparationSettings("default", None, None, None, "auto")
    job = Job(song(), "hpss", settings, How())
    assert job.version == "2"
    assert job.key == KEY


def test_a_result_that_was_stored_before_is_opened() -> None:
    names = ["vocals", "drums", "bass", "other"]

    def fill(folder: Path) -> None:
        for index, name in enumerate(names):
            np.save(folder / f"{name}.npy", np.full((2, SR), index / 8, dtype=np.float32))
        (folder / "card.json").write_text(json.dumps({"engine": "hpss", "stems": names, "sr": SR}))

    default_store().entry(KEY, fill)
    stems = separate(song(), engine="hpss")
    assert stems.engine == "hpss"
    assert [float(stems[name].samples[0, 0]) for name in names] == [0, 0.125, 0.25, 0.375]


def test_what_is_made_now_is_kept_by_that_key() -> None:
    separate(song(), engine="hpss")
    assert default_store().peek(KEY) is not None
