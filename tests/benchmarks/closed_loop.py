"""The closed loop: scores → sound with human timing → transcription → quantisation → the same scores?

    python tests/benchmarks/closed_loop.py [lines corpus ...] [--quick]

prints a table for each kind of music. A kind NAME is the module ``loop_NAME.py`` beside this file, with a function
``rows(quick) -> Iterator[loop.Result]``; put its name into `KINDS`. Beats are given: finding them has its own tests.
"""

from __future__ import annotations

import argparse
import importlib

import loop

KINDS = ("lines", "corpus", "drums", "chords")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=KINDS, metavar="|".join(KINDS))
    parser.add_argument("--quick", action="store_true", help="a few scores of each kind")
    options = parser.parse_args()
    for kind in options.kinds:
        results = list(importlib.import_module(f"loop_{kind}").rows(options.quick))
        print(f"## {kind}\n\n{loop.table(results)}\n", flush=True)


if __name__ == "__main__":
    main()
