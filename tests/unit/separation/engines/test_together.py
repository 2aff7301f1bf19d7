"""Two engines as one: the mean of both voices, and the rest from what that voice leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from musiclab.audio import Audio
from musiclab.errors import EngineError, WeightsError
from musiclab.separation import Engine, EngineInfo, Licence, load_engine, registry, separate
from musiclab.separation.engine import STEMS_4
from musiclab.separation.engines import builtin
from musiclab.separation.engines.together import Together, TogetherFamily, both
from musiclab.store import default_store

SR = 8000


class Shares(Engine):
    """Gives fixed shares of what it hears, and remembers how loud that was."""

    sr, segment, licence = SR, 0.5, Licence("MIT", "CC0-1.0")

    def __init__(self, name: str, **shares: float) -> None:
        self.name, self.stems, self.shares = name, tuple(shares), list(shares.values())
        self.version = name

    def separate(self, mixture: torch.Tensor) -> torch.Tensor:
        return torch.stack([share * mixture for share in self.shares], dim=1)


class Faster(Shares):
    """The same, at another rate."""

    sr = 2 * SR


def base() -> Shares:
    return Shares("base", vocals=0.4, drums=0.25, bass=0.5, other=0.125)


@pytest.fixture
def song(rng: np.random.Generator) -> Audio:
    return Audio(0.1 * rng.standard_normal((2, 3 * SR)).cumsum(1) / 10, SR)


def test_the_voice_is_the_mean_and_the_rest_is_found_in_what_it_leaves(song: Audio) -> None:
    engine = Together(base(), Shares("voice", vocals=0.6, accompaniment=0.4), name="two")
    stems = separate(song, engine=engine, cache=False)
    assert tuple(stems) == STEMS_4
    # Of the half that is left, 40 % are taken for a voice again and go to `other`.
    for name, share in {"vocals": 0.5, "drums": 0.125, "bass": 0.25, "other": 0.0625 + 0.2}.items():
        np.testing.assert_allclose(stems[name].samples, share * song.samples, atol=1e-6)
    total = sum(stem.samples for stem in stems.values()) + stems.residual.samples
    np.testing.assert_allclose(total, song.samples, atol=1e-6)


def test_each_has_its_own_rate(song: Audio) -> None:
    engine = Together(base(), Faster("voice", vocals=0.6), name="two")
    stems = separate(song, engine=engine, cache=False)
    inner = slice(SR // 4, -SR // 4)
    error = stems["vocals"].samples[:, inner] - 0.5 * song.samples[:, inner]
    assert np.abs(error).max() < 1e-2 * np.abs(song.samples).max()


def test_it_is_an_engine_for_whole_pieces_too(song: Audio) -> None:
    engine = Together(base(), Shares("voice", vocals=0.6), name="two")
    found = engine.separate(torch.from_numpy(song.samples.copy())[None])
    np.testing.assert_allclose(found[0, 0].numpy(), 0.5 * song.samples, atol=1e-6)


def test_progress_goes_on_through_all_three_runs_and_nothing_is_left_over(song: Audio, own_cache: Path) -> None:
    told: list[float] = []
    engine = Together(base(), Shares("voice", vocals=0.6), name="two", version="1")
    separate(song, engine=engine, progress=lambda share, _: told.append(share))
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 1
    kept = {path.name for path in own_cache.glob("results/*/*/*")}
    assert kept == {"vocals.npy", "drums.npy", "bass.npy", "other.npy", "card.json", ".contents.json"}
    again = default_store().info().kinds["results"].entries
    separate(song, engine=engine)
    assert default_store().info().kinds["results"].entries == again == 1


def test_both_have_to_know_a_voice() -> None:
    with pytest.raises(EngineError, match="no stem 'vocals'"):
        Together(base(), Shares("sides", centre=0.5), name="two")
    with pytest.raises(EngineError, match="no stem 'vocals'"):
        load_engine("embedded+centre")
    with pytest.raises(EngineError, match="nonsense"):
        load_engine("embedded+nonsense")


def test_any_two_engines_can_be_named(song: Audio) -> None:
    stems = separate(song, engine="hpss+repet-sim")
    assert stems.engine == "hpss+repet-sim"
    assert tuple(stems) == STEMS_4
    assert default_store().info().kinds["results"].entries == 1
    voices = [separate(song, engine=name, cache=False)["vocals"].samples for name in ("hpss", "repet-sim")]
    np.testing.assert_allclose(stems["vocals"].samples, (voices[0] + voices[1]) / 2, atol=1e-5)


def test_the_table_says_what_both_need() -> None:
    info = next(info for info in registry.engines() if info.name == "embedded+spleeter")
    assert not info.ready
    assert info.why_not
    assert info.licence.disputed
    assert both(Licence("MIT", "MIT"), Licence("MIT", "x", "there", "why")) == Licence("MIT", "MIT + x", "there", "why")


class Ready:
    """A family with one engine that is ready, or that turns out not to be."""

    def __init__(self, name: str, sdr: float | None, *, ready: bool = True, broken: bool = False) -> None:
        self.info = EngineInfo(name, STEMS_4, Licence("MIT", "MIT"), ready=ready, quality="as a test says", sdr=sdr)
        self.broken = broken

    def infos(self) -> list[EngineInfo]:
        return [self.info]

    def knows(self, name: str) -> bool:
        return name == self.info.name

    def load(self, name: str, **_: object) -> Engine:
        if self.broken:
            raise WeightsError("Its weights are damaged: fetch them again.")
        return Shares(name, vocals=0.1, drums=0.2, bass=0.3, other=0.4)

    def version(self, name: str, **_: object) -> str:
        return name


def test_auto_takes_the_best_that_is_ready_and_says_why(song: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    families = [
        Ready("grand", 12.0, ready=False), Ready("broken", 11.0, broken=True), Ready("unmeasured", None),
        Ready("fair", 8.0), Ready("good", 9.0), builtin,
    ]  # fmt: skip
    monkeypatch.setattr(registry, "FAMILIES", families)
    stems = separate(song)
    assert stems.engine == "good"
    assert stems.note == (
        "good: broken can't be had (it does not load); the best that is ready on this machine (as a test says)."
    )


def test_a_family_of_two_is_asked_of_the_others() -> None:
    family = TogetherFamily([Ready("fair", 8.0), builtin])  # type: ignore[list-item]
    assert family.knows("fair+hpss")
    assert not family.knows("fair")
    assert family.version("fair+hpss")
    assert family.version("fair+hpss") != family.version("hpss+fair")
