"""Mutants of good files, for as long as ``--seconds`` says: no crash, no hang, no flood, no exception but ours."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.fuzz import mutants, seeds
from tests.fuzz.campaign import campaign, shares

LONG = 30  # seconds from which on the weights take part: torch takes its time to load


@pytest.fixture
def seconds(pytestconfig: pytest.Config) -> float:
    return float(pytestconfig.getoption("--seconds"))


@pytest.mark.skipif(sys.platform != "linux", reason="limits and accounts of a process are Linux's here")
@pytest.mark.timeout(0)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of the smallest networks that there are
@pytest.mark.parametrize("kind", seeds.KINDS)
def test_damaged_files_are_read_or_refused(kind: str, seconds: float) -> None:
    if kind == "weights" and seconds < LONG:
        pytest.skip(f"only with --seconds {LONG} or more")
    whole = len(seeds.cases(kind))  # they come first: a busy machine may come to little more, but to these
    tally = campaign(kind, seconds=shares(seeds.KINDS, seconds)[kind], mutants=10**9, least=whole)
    assert not tally.findings, "\n\n".join(tally.findings)
    assert tally.said["read"] > 0


def test_mutants_are_repeatable_and_differ() -> None:
    (_, files), *_ = seeds.cases("part")
    made = [mutants.damaged(files, np.random.default_rng(number)) for number in range(20)]
    again = [mutants.damaged(files, np.random.default_rng(number)) for number in range(20)]
    assert made == again
    assert len({next(iter(one.values())) for one in made}) > 15
