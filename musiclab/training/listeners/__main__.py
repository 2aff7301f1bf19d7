"""Fit what the transcribers know: ``python -m musiclab.training.listeners [lines chords bars measure]``.

Music is rendered from recorded samples (the folder is named by MUSICLAB_SAMPLES) with its notes as exact truth, heard
by the models, and then:

- ``lines`` (ten minutes on one core): the network that tells where the notes of a line begin, into `lines.npz`, and on
  clips that it has not heard a logistic regression, how likely a note of a line is right, into `calibration.json`;
- ``chords`` (a quarter of an hour): the network that tells how likely a candidate of a posteriorgram is a note, into
  `chords.npz`;
- ``bars`` (five minutes): the weights that choose beats, metre and bar lines, into `bars.npz`;
- ``measure`` (a minute or two): the F-measures of chords on clips that it has not heard.

Recordings that the project is tested with play no part in it. Every number comes from the seeds: a second run gives
the same files (of lines see `musiclab.training.listeners.lines`).
"""

from __future__ import annotations

import argparse
import logging

from musiclab.training.listeners import bars, chords, lines
from musiclab.training.studio.clips.samples import samples_root


def main() -> None:
    """Render, hear, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = {
        "lines": lines.fit_lines,
        "chords": chords.fit_chords_of,
        "bars": bars.fit_bars,
        "measure": chords.measure_chords,
    }
    parser.add_argument("what", nargs="*", metavar="|".join(tasks), help="all, if left out")
    wanted = parser.parse_args().what or list(tasks)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    groups = chords.sample_groups(samples_root())
    for what in wanted:
        tasks[what](groups)


if __name__ == "__main__":
    main()
