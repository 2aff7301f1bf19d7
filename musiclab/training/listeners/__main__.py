"""Fit what the transcribers know: ``python -m musiclab.training.listeners [lines chords bars measure confidences]``.

Music is rendered from recorded samples (the folder is named by MUSICLAB_SAMPLES) with its notes as exact truth, heard
by the models, and then:

- ``lines`` (ten minutes on one core): the network that tells where the notes of a line begin, into `lines.npz`;
- ``chords`` (a quarter of an hour): the network that tells how likely a candidate of a posteriorgram is a note, into
  `chords.npz`;
- ``bars`` (a minute or two): the weights that choose beats, metre and bar lines, into `bars.npz`;
- ``measure`` (a minute or two): the F-measures of chords on clips that it has not heard;
- ``confidences --songs SONGS`` (a quarter of a minute for each song, and three minutes more): how likely notes are
  right, alone, in songs and in what is separated from them, into `calibration.json`. SONGS are rendered before, by
  ``python -m musiclab.training.studio.songs SONGS --multitracks``. Run it after the others.

Recordings that the project is tested with play no part in it. Every number comes from the seeds: a second run gives
the same files (of lines see `musiclab.training.listeners.lines`).
"""

from __future__ import annotations

import argparse
import itertools
import logging
from pathlib import Path

from musiclab.training.listeners import bars, chords, confidences, lines, separated
from musiclab.training.studio.clips.samples import samples_root

CONFIDENCES = "confidences"


def main(argv: list[str] | None = None) -> None:
    """Render, hear, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = {
        "lines": lines.fit_lines,
        "chords": chords.fit_chords_of,
        "bars": bars.fit_bars,
        "measure": chords.measure_chords,
    }
    parser.add_argument("what", nargs="*", metavar="|".join([*tasks, CONFIDENCES]), help="all, if left out")
    parser.add_argument("--songs", type=Path, help="rendered multitracks, for confidences")
    parser.add_argument("--heard", type=Path, help="keeps what was heard in them (default: a folder beside SONGS)")
    parser.add_argument("--sample", type=Path, help="keeps some notes of the fit of confidences, for a test")
    options = parser.parse_args(argv)
    wanted = options.what or [*tasks, CONFIDENCES]
    if CONFIDENCES in wanted and options.songs is None:
        parser.error("confidences need --songs: see above how they are rendered")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    groups = chords.sample_groups(samples_root())
    for what in wanted:
        if what != CONFIDENCES:
            tasks[what](groups)
            continue
        heard = options.heard or options.songs.with_name(f"{options.songs.name}-heard")
        stems = itertools.chain(separated.hear_solos(groups, heard), separated.hear_songs(options.songs, heard))
        confidences.fit_confidences(stems, sample=options.sample)


if __name__ == "__main__":
    main()
