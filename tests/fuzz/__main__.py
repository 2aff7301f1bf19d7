"""``python -m tests.fuzz --mutants 10000``: as long as wanted, of all kinds or of some, and a table in the end."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.campaign import KINDS, campaign, shares


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=10_000, help="of all kinds together")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of all kinds together")
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant of each kind")
    parser.add_argument("kinds", nargs="*", default=KINDS)
    options = parser.parse_args()
    counts = shares(tuple(options.kinds), float(options.mutants))
    findings = []
    print(f"{'kind':10}{'mutants':>9}{'read':>8}{'refused':>9}{'slowest':>10}{'most memory':>13}{'findings':>10}")
    for kind, share in counts.items():
        seconds = options.seconds * share / options.mutants
        tally = campaign(kind, seconds=seconds, mutants=max(1, round(share)), first=options.first)
        findings += tally.findings
        numbers = f"{tally.mutants:9}{tally.said['read']:8}{tally.said['refused']:9}"
        limits = f"{tally.slowest:8.2f} s{tally.largest / 1e6:10.0f} MB"
        print(f"{kind:10}{numbers}{limits}{len(tally.findings):10}", flush=True)
    print("\n\n".join(findings), file=sys.stderr)
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
