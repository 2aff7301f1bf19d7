"""How often notes of a piano stand on the staff of the hand that plays them: printed music of music21's corpus.

    python tests/benchmarks/bench_hands.py

prints a table: of each piece, the share of its notes that our staves give to the hand that its composer did, and how
often in a hundred chords the staff is changed by notes of one hand. Onsets, pitches and lengths are as printed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from music21 import corpus, stream

from musiclab.notation.hands import in_hands
from musiclab.notation.quantise import Written

PIECES = (
    "bach/bwv846", "cpebach/h186", "mozart/k545/movement1_exposition", "chopin/mazurka06-2", "joplin/maple_leaf_rag",
    "schumann_clara/polonaise_op1n1", "schumann_clara/polonaise_op1n2", "schumann_clara/polonaise_op1n3",
    "schumann_clara/polonaise_op1n4", "schumann_clara/opus17/movement3", "schumann_robert/dichterliebe_no2",
)  # fmt: skip


def printed(name: str) -> tuple[list[Written], list[int], np.ndarray]:
    """Notes of the last two staves, their pitches (MIDI), and which the lower one has [shape=(notes,)]."""
    staves: Sequence[stream.Part] = list(corpus.parse(name).parts)[-2:]
    found = [
        (Fraction(element.offset), Fraction(element.duration.quarterLength), pitch.midi, staff)
        for staff, part in enumerate(staves)
        for element in part.stripTies().flatten().notes
        if element.duration.quarterLength > 0
        for pitch in element.pitches
    ]
    found.sort()
    written = [Written(i, onset, length) for i, (onset, length, _, _) in enumerate(found)]
    return written, [pitch for _, _, pitch, _ in found], np.array([staff for *_, staff in found])


def main() -> None:
    print("| piece | notes | on their hand's staff | hops in 100 chords |\n| --- | ---: | ---: | ---: |")
    shares = []
    for name in PIECES:
        written, pitches, lower = printed(name)
        _, left = in_hands(written, pitches)
        mine = np.isin(np.arange(len(written)), [note.index for note in left])
        shares.append(float(np.mean(mine == lower)))
        print(f"| {name} | {len(written)} | {shares[-1]:.3f} | {hops(written, lower, mine):.1f} |")
    print(f"| mean | | {np.mean(shares):.3f} | |")


def hops(written: Sequence[Written], lower: np.ndarray, mine: np.ndarray) -> float:
    """How often notes that follow each other in one hand change their staff, in a hundred chords of a hand."""
    changed = chords = 0
    for hand in (0, 1):
        row: dict[Fraction, bool] = {}
        for note in written:
            if lower[note.index] == hand:
                row[note.onset] = bool(mine[note.index])
        staves = [row[onset] for onset in sorted(row)]
        chords += len(staves)
        changed += sum(a != b for a, b in itertools.pairwise(staves))
    return 100 * changed / max(chords, 1)


if __name__ == "__main__":
    main()
