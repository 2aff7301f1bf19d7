"""A batch on dask's workers: what is missing is said, and a worker that dies takes no song with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import psutil
import pytest

import musiclab as ml
from musiclab.batches import cluster as clusters
from musiclab.errors import BatchError
from tests.unit.batches.test_batch import CENTRE, write_song

distributed = pytest.importorskip("distributed", reason="dask's distributed isn't installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # what dask says of ports and slow starts is not ours


def started(workers: int, **how: Any) -> Any:
    settings = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    return distributed.LocalCluster(n_workers=workers, **{"processes": False, **settings, **how})


@pytest.fixture(scope="module")
def here() -> Iterator[Any]:
    """A scheduler with two workers that have a GPU by name, in this process."""
    with started(2, resources={"GPU": 1}) as cluster:
        yield cluster


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    for number in range(6):
        write_song(tmp_path / "songs" / f"{number}.wav", 200.0 + 20 * number)
    (tmp_path / "songs" / "bad.ogg").write_bytes(b"OggS" + bytes(60))
    return tmp_path / "songs"


class TestCluster:
    def test_every_song_is_done_by_its_workers(self, here: Any, songs: Path, tmp_path: Path) -> None:
        how: dict[str, Any] = {"out": tmp_path / "out", "options": CENTRE, "progress": False}
        made = ml.batch(songs, scheduler=here.scheduler_address, **how)
        assert (made.done, len(made.failed)) == (6, 1)
        rows = [json.loads(line) for line in (tmp_path / "out" / "report.jsonl").read_text().splitlines()]
        assert len({row["song"] for row in rows}) == len(rows) == 7
        assert all(row["worker"] for row in rows)
        assert not (tmp_path / "out" / clusters.SEEN).exists()
        assert ml.batch(songs, scheduler=here.scheduler_address, **how).kept == 6

    def test_places_that_all_see_may_be_in_memory(self, here: Any, songs: Path) -> None:
        memory = fsspec.filesystem("memory")
        memory.put(str(songs), "/cluster-test/songs", recursive=True)
        out = "memory://cluster-test/out"
        made = ml.batch(
            "memory://cluster-test/songs", out=out, options=CENTRE, scheduler=here.scheduler_address, progress=False
        )
        assert made.done == 6
        memory.rm("/cluster-test", recursive=True)

    def test_no_more_than_a_few_songs_are_handed_out_at_once(
        self, here: Any, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clusters, "AHEAD", 1)
        most: list[int] = []
        submit = clusters.Cluster.submit

        def counted(self: clusters.Cluster, task: Any) -> None:
            submit(self, task)
            most.append(len(self._tasks))

        monkeypatch.setattr(clusters.Cluster, "submit", counted)
        made = ml.batch(songs, out=tmp_path / "out", options=CENTRE, scheduler=here.scheduler_address, progress=False)
        assert made.done == 6
        assert max(most) == 2

    def test_a_resource_that_no_worker_offers_is_said_at_once(self, here: Any, songs: Path, tmp_path: Path) -> None:
        with pytest.raises(BatchError, match=r"offers TPU=1: 2 with GPU=1\. Start one with"):
            ml.batch(
                songs, out=tmp_path / "out", options=CENTRE, scheduler=here.scheduler_address, resources={"TPU": 1},
                progress=False,
            )  # fmt: skip

    def test_a_cluster_without_workers_is_waited_for_as_long_as_asked(self, songs: Path, tmp_path: Path) -> None:
        with started(0) as empty, pytest.raises(BatchError, match=r"no worker .* there is none"):
            ml.batch(
                songs, out=tmp_path / "out", options=CENTRE, scheduler=empty.scheduler_address, patience_s=0,
                progress=False,
            )  # fmt: skip

    def test_no_scheduler_is_said(self, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clusters, "CONNECT_S", 0.2)
        with pytest.raises(BatchError, match="There is no scheduler at tcp://127"):
            ml.batch(songs, out=tmp_path / "out", options=CENTRE, scheduler="tcp://127.0.0.1:9", progress=False)

    def test_workers_that_do_not_see_the_folder_are_said(
        self, here: Any, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = clusters._seen
        monkeypatch.setattr(clusters, "_seen", lambda target: {**seen(target), "mark": ""})
        with pytest.raises(BatchError, match="doesn't see the folder"):
            ml.batch(songs, out=tmp_path / "out", options=CENTRE, scheduler=here.scheduler_address, progress=False)

    def test_workers_of_another_version_are_said(
        self, here: Any, songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clusters, "_seen", lambda target: {"version": "0.0.1", "mark": ""})
        with pytest.raises(BatchError, match=r"has musiclab 0\.0\.1"):
            ml.batch(songs, out=tmp_path / "out", options=CENTRE, scheduler=here.scheduler_address, progress=False)

    def test_a_row_for_a_song_that_workers_died_with(self) -> None:
        from distributed import KilledWorker

        class Future:
            status = "error"

            def exception(self) -> Exception:
                return KilledWorker("key", None, 3)

        from musiclab.batches.perform import Task
        from musiclab.batches.request import Request

        cluster = object.__new__(clusters.Cluster)
        row = cluster._row(Task("a.wav", "out", "a", Request("separate")), Future())
        assert row.again
        assert "too little memory" in row.error


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_no_song_with_it(songs: Path, tmp_path: Path) -> None:
    with started(2, processes=True) as cluster:
        killed: list[int] = []

        def kill(fraction: float, text: str) -> None:
            if fraction > 0 and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                psutil.Process(killed[0]).kill()  # its nanny starts another

        made = ml.batch(songs, out=tmp_path / "out", options=CENTRE, scheduler=cluster.scheduler_address, progress=kill)
    assert killed
    assert (made.done, len(made.failed)) == (6, 1)
    assert len({row.song for row in made.rows}) == 7
