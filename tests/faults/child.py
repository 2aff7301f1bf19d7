"""A process that makes stems at no cost, until it is stopped: ``python -m tests.faults.child JOB FOLDER``.

Jobs: `fill` puts the stems of songs into the store and takes some out, again and again; `once` asks for one song as
soon as it is told to, and says the digest of what it got; `save` writes stems into files again and again.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path

import numpy as np

from musiclab.audio import Audio
from musiclab.stems import Stems

SR = 8000


def song(seed: int, seconds: float = 0.5) -> Audio:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (2, round(seconds * SR)))
    return Audio(samples, SR, title=f"song {seed}")


def stems(seed: int) -> Stems:
    mixture = song(seed)
    return Stems({"vocals": mixture.gained(-6), "other": mixture.gained(-12)}, mixture, engine="halves")


def main(job: str, folder: Path) -> None:
    if job == "save":
        print("ready", flush=True)
        for number in itertools.count():
            stems(number % 3).save(folder, format=("wav", "flac", "mp3")[number // 3 % 3])
    from musiclab.store import Store, key_of

    store = Store(folder)

    def fill(seed: int, place: Path) -> None:
        for name, stem in stems(seed).items():
            np.save(place / f"{name}.npy", stem.samples)

    print("ready", flush=True)
    if job == "once":
        sys.stdin.readline()  # all begin together

        def slowly(place: Path) -> None:
            with (folder / "log").open("a") as log:
                log.write("made\n")
            fill(7, place)

        place = store.entry(key_of("faults", 7), slowly)
        print(hashlib.sha256((place / "vocals.npy").read_bytes()).hexdigest(), flush=True)
        return
    for number in itertools.count():
        store.entry(key_of("faults", number % 40), lambda place, seed=number % 40: fill(seed, place))  # type: ignore[misc]
        if number % 7 == 6:
            store.remove(key_of("faults", number % 40))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
