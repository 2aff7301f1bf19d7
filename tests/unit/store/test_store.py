"""The store's four promises: whole or absent, made once, bounded, never in the way."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musiclab.errors import StoreError
from musiclab.store import Store, damage, entries, key_of, parse_size, seal, sha256_of

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(autouse=True)
def roomy_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept must not depend on how full the disk of the test machine is."""
    monkeypatch.setattr(entries, "free_bytes", lambda folder: 10**12)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def filler(text: str = "sound", name: str = "a.bin") -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder, (then, then))


class TestEntry:
    def test_is_made_once_and_found_again(self, store: Store) -> None:
        calls: list[Path] = []

        def fill(folder: Path) -> None:
            calls.append(folder)
            (folder / "deep").mkdir()
            (folder / "deep" / "x.txt").write_text("hello")

        first = store.entry("k1", fill)
        second = Store(store.root).entry("k1", fill)
        assert first == second == store.root / "results" / "k1"[:2] / "k1"
        assert len(calls) == 1
        assert (first / "deep" / "x.txt").read_text() == "hello"
        assert store.peek("k1") == first

    def test_peek_knows_nothing_of_what_was_not_made(self, store: Store) -> None:
        assert store.peek("k1") is None
        assert not store.root.exists(), "looking must not create anything"

    def test_a_failing_fill_leaves_nothing_and_its_error_is_passed_on(self, store: Store) -> None:
        def fill(folder: Path) -> None:
            (folder / "half").write_text("half")
            raise RuntimeError("the model broke")

        with pytest.raises(RuntimeError, match="the model broke"):
            store.entry("k1", fill)
        assert store.peek("k1") is None
        assert list(store.root.glob("tmp/*")) == []
        assert store.entry("k1", filler()).is_dir()

    def test_cancelling_leaves_nothing(self, store: Store) -> None:
        def fill(folder: Path) -> None:
            (folder / "half").write_text("half")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store.entry("k1", fill)
        assert list(store.root.glob("tmp/*")) == []
        assert store.peek("k1") is None

    @pytest.mark.parametrize("harm", ["truncate", "one byte", "delete", "no record"])
    def test_a_damaged_result_is_made_again(self, store: Store, harm: str) -> None:
        folder = store.entry("k1", filler("whole"))
        if harm == "truncate":
            (folder / "a.bin").write_text("w")
        elif harm == "one byte":
            before = (folder / "a.bin").stat()
            (folder / "a.bin").write_text("whale")
            os.utime(folder / "a.bin", ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nobody had been there
        else:
            (folder / ("a.bin" if harm == "delete" else ".contents.json")).unlink()
        assert store.peek("k1") is None
        assert (store.entry("k1", filler("again")) / "a.bin").read_text() == "again"

    @pytest.mark.parametrize("name", ["../x", "{outside}"])
    def test_a_record_names_no_file_outside_its_folder(self, store: Store, name: str) -> None:
        """Even if that is there and as it says."""
        folder = store.entry("k1", filler("whole"))
        name = name.format(outside=folder.parent / "x")
        (folder.parent / "x").write_bytes((folder / "a.bin").read_bytes())
        record = json.loads((folder / ".contents.json").read_text())
        (folder / ".contents.json").write_text(json.dumps(record | {name: record["a.bin"]}))
        assert store.peek("k1") is None

    @pytest.mark.parametrize(
        "record",
        [
            "null", "[]", "{}", "3", '"a.bin"', '{"a.bin": null}', '{"a.bin": {"size": 5}}', '{"a.bin": [5]}', "{",
            '{"b.bin": {"size": 0, "sha256": "x"}}',
            '{"a.bin": {"size": "5", "sha256": "x"}}', '{"a.bin": {"size": 5, "sha256": null}}',
            '{"../x": {"size": 5, "sha256": "x"}}', '{"/etc/passwd": {"size": 5, "sha256": "x"}}', "\xff",
            '{"a\\u0000b": {"size": 5, "sha256": "x"}}', "[" * 100_000,
        ],
    )  # fmt: skip
    def test_a_record_that_can_not_be_is_damage(self, store: Store, record: str) -> None:
        folder = store.entry("k1", filler("whole"))
        (folder / ".contents.json").write_text(record, encoding="latin-1")
        assert store.peek("k1") is None
        assert store.verify() == [folder]
        assert (store.entry("k1", filler("again")) / "a.bin").read_text() == "again"

    def test_what_nobody_touched_is_not_read_again(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = store.entry("k1", filler("whole"))
        monkeypatch.setattr(seal, "sha256_of", lambda path: pytest.fail("read"))
        assert store.peek("k1") == folder

    def test_a_copy_of_the_store_is_read_once(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        store.entry("k1", filler("whole"))
        copy = Store(shutil.copytree(store.root, store.root.parent / "copy"))
        assert copy.peek("k1") is not None
        monkeypatch.setattr(seal, "sha256_of", lambda path: pytest.fail("read"))
        assert copy.peek("k1") is not None

    def test_an_entry_of_an_older_version_is_found(self, store: Store) -> None:
        """Its record tells sizes and digests only."""
        folder = store.entry("k1", filler("whole"))
        record = json.loads((folder / ".contents.json").read_text())
        del record["a.bin"]["times"]
        (folder / ".contents.json").write_text(json.dumps(record))
        assert store.peek("k1") == folder

    @pytest.mark.parametrize("name", ["x" * 300, "y/" * 3000])
    def test_a_place_where_nothing_can_be_is_said(self, tmp_path: Path, name: str) -> None:
        store = Store(tmp_path / name)
        assert store.peek("k1") is None
        assert store.recall("k1", lambda: 3, write=lambda *_: None, read=lambda _: 4) == 3
        with pytest.raises(StoreError, match="set MUSICLAB_CACHE"):
            store.entry("k1", filler())
        with pytest.raises(StoreError):
            store.clear()

    def test_changed_weights_are_never_replaced_unasked(self, store: Store) -> None:
        folder = store.entry("net", filler("weights"), kind="weights")
        (folder / "a.bin").write_text("other")
        assert store.entry("net", filler("again"), kind="weights") == folder
        assert (folder / "a.bin").read_text() == "other", "their reader refuses them: see separation.weights"
        assert store.verify() == [folder]

    @pytest.mark.parametrize("key", ["../../etc", "a/b", "", ".hidden", "A" * 10, "x", "a" * 200, "a\n"])
    def test_keys_can_not_leave_the_folder(self, store: Store, key: str) -> None:
        with pytest.raises(ValueError, match="lower-case"):
            store.entry(key, filler())

    def test_verify_reads_every_byte(self, store: Store) -> None:
        folder = store.entry("k1", filler("abcd"))
        store.entry("k2", filler("efgh"))
        assert store.verify() == []
        (folder / "a.bin").write_text("abcX")
        now = (folder / "a.bin").stat()  # as a failing disk does it, which changes no times
        record = json.loads((folder / ".contents.json").read_text())
        record["a.bin"]["times"] = [now.st_mtime_ns, now.st_ctime_ns]
        (folder / ".contents.json").write_text(json.dumps(record))
        assert store.peek("k1") == folder
        assert store.verify() == [folder]
        assert damage(folder, deep=True) == ["a.bin"]


class TestKeys:
    def test_order_of_mappings_does_not_matter(self) -> None:
        assert key_of("demucs", {"a": 1, "b": 2}) == key_of("demucs", {"b": 2, "a": 1})

    @given(st.lists(st.one_of(st.text(), st.integers(), st.floats(allow_nan=False)), max_size=4))
    def test_every_part_matters(self, parts: list[object]) -> None:
        assert key_of(*parts) != key_of(*parts, "one more")
        assert len(key_of(*parts)) == 64

    def test_digest_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "abc").write_bytes(b"abc")  # the example of FIPS 180-2
        assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class TestLimit:
    def fill_four(self, store: Store) -> None:
        for i, key in enumerate(("e0", "e1", "e2", "e3")):
            age(store.entry(key, filler("x" * 1000)), 4000 - 1000 * i)

    def kept(self, store: Store) -> set[str]:
        return {folder.name for folder in store.root.glob("*/??/*")}

    def test_what_was_used_longest_ago_goes_first(self, tmp_path: Path) -> None:
        store = Store(tmp_path, limit_bytes=10**9)
        self.fill_four(store)
        assert store.peek("e0") is not None  # used just now, so e1 is the oldest
        size = store.info().kinds["results"].bytes // 4
        Store(tmp_path, limit_bytes=3 * size + 10).entry("e4", filler("x" * 1000))
        assert self.kept(store) == {"e0", "e3", "e4"}

    def test_what_was_asked_for_a_moment_ago_stays_even_above_the_limit(self, tmp_path: Path) -> None:
        store = Store(tmp_path, limit_bytes=10)
        store.entry("e0", filler("x" * 1000))
        store.entry("e1", filler("x" * 1000))
        assert self.kept(store) == {"e0", "e1"}

    def test_weights_stay(self, tmp_path: Path) -> None:
        store = Store(tmp_path, limit_bytes=10)
        age(store.entry("net", filler("x" * 1000), kind="weights"), 10**6)
        age(store.entry("e0", filler()), 10**6)
        store.entry("e1", filler())
        assert self.kept(store) == {"net", "e1"}

    def test_on_a_nearly_full_disk_old_results_make_room_before_new_ones_are_made(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = Store(tmp_path, limit_bytes=10**9)
        self.fill_four(store)
        size = store.info().kinds["results"].bytes // 4
        monkeypatch.setattr(entries, "free_bytes", lambda folder: entries.RESERVE - 2 * size + 10)
        there: set[str] = set()
        store.entry("e4", lambda folder: there.update(self.kept(store)) or ((folder / "x").write_text("x") and None))
        assert there == {"e2", "e3"}

    def test_what_is_being_made_stays(self, tmp_path: Path) -> None:
        store = Store(tmp_path, limit_bytes=10)
        age(store.entry("e0", filler()), 10**6)
        with store._lock("results", "e0"):
            store.entry("e1", filler())
            assert store.clear() > 0  # only e1
        assert self.kept(store) == {"e0"}

    @pytest.mark.parametrize(
        ("text", "size"), [("10GB", 10**10), ("1.5 mb", 1_500_000), ("2K", 2000), ("77", 77), ("3b", 3)]
    )
    def test_sizes_as_people_write_them(self, text: str, size: int) -> None:
        assert parse_size(text) == size

    @pytest.mark.parametrize("text", ["", "GB", "-1GB", "1 PB", "ten", "1e9"])
    def test_what_is_no_size_is_said(self, text: str) -> None:
        with pytest.raises(StoreError, match="is not a size"):
            parse_size(text)

    def test_settings_come_from_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MUSICLAB_CACHE", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("MUSICLAB_CACHE_LIMIT", "5MB")
        assert (Store().root, Store().limit_bytes) == (tmp_path / "elsewhere", 5_000_000)


class TestInfoAndClear:
    def test_info_counts_each_kind(self, store: Store) -> None:
        assert store.info().kinds == {}
        store.entry("e0", filler("x" * 5000))
        store.entry("e1", filler())
        store.entry("net", filler(), kind="weights")
        kinds = store.info().kinds
        assert {name: usage.entries for name, usage in kinds.items()} == {"results": 2, "weights": 1}
        assert 5000 < kinds["results"].bytes < 6000

    def test_clear_spares_the_weights_unless_they_are_named(self, store: Store) -> None:
        store.entry("e0", filler("x" * 5000))
        store.entry("net", filler(), kind="weights")
        assert store.clear() > 5000
        assert store.peek("e0") is None
        assert store.peek("net", "weights") is not None
        store.clear("weights")
        assert store.info().kinds == {}

    def test_remove(self, store: Store) -> None:
        store.entry("e0", filler())
        store.remove("e0")
        store.remove("e0")
        assert store.peek("e0") is None


class TestRecall:
    @staticmethod
    def ask(store: Store, compute: Callable[[], str]) -> str:
        return store.recall(
            "k1",
            compute,
            write=lambda value, folder: (folder / "v").write_text(value) and None,
            read=lambda folder: (folder / "v").read_text(),
        )

    @staticmethod
    def forbidden() -> str:
        raise AssertionError("computed twice")

    def test_the_second_time_nothing_is_computed(self, store: Store) -> None:
        assert self.ask(store, lambda: "one") == "one"
        assert self.ask(store, self.forbidden) == "one"

    def test_a_folder_that_can_not_be_used_costs_nothing_but_the_cache(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        calls: list[int] = []

        def compute() -> str:
            calls.append(1)
            return "one"

        assert self.ask(Store(tmp_path / "file"), compute) == "one"
        assert len(calls) == 1
        assert "MUSICLAB_CACHE" in caplog.text

    def test_a_disk_that_fills_up_while_writing_does_not_lose_the_work(self, store: Store) -> None:
        def write(value: str, folder: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(folder / value))

        calls: list[int] = []

        def compute() -> str:
            calls.append(1)
            return "one"

        assert store.recall("k1", compute, write=write, read=lambda _: "never") == "one"
        assert len(calls) == 1
        assert list(store.root.glob("tmp/*")) == []

    def test_an_entry_that_can_not_be_read_is_made_again(self, store: Store) -> None:
        store.entry("k1", filler("not what is expected", "other"))
        assert self.ask(store, lambda: "one") == "one"
        assert self.ask(store, lambda: "two") == "two", "the unreadable entry was removed, this one is kept"
        assert self.ask(store, self.forbidden) == "two"

    def test_errors_of_the_computation_are_not_the_stores(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            self.ask(store, lambda: (tmp_path / "no such song").read_text())
        with pytest.raises(ValueError, match="bad"):
            self.ask(store, lambda: str(int("bad")))


class TestTrouble:
    def test_a_full_disk_is_said_in_one_sentence(self, store: Store) -> None:
        def fill(folder: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(folder / "x"))

        with pytest.raises(StoreError, match=r"No space left.*free some space, or set MUSICLAB_CACHE"):
            store.entry("k1", fill)

    def test_a_file_in_the_way_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(StoreError, match="can't be used"):
            Store(tmp_path / "file").entry("k1", filler())

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
    def test_a_read_only_folder_can_be_read_but_not_written(self, store: Store) -> None:
        store.entry("k1", filler())
        for folder in [*store.root.rglob("*"), store.root]:
            if folder.is_dir():
                folder.chmod(0o555)
        try:
            assert store.peek("k1") is not None
            with pytest.raises(StoreError):
                store.entry("k2", filler())
        finally:
            for folder in [store.root, *store.root.rglob("*")]:
                folder.chmod(0o755)

    def test_what_a_killed_process_left_is_swept_away(self, store: Store) -> None:
        store.entry("k1", filler())
        for name in ("results~k9~0a1b2c3d", "~trash"):
            (store.root / "tmp" / name).mkdir(parents=True)
            (store.root / "tmp" / name / "x").write_text("left over")
        store.entry("k2", filler())
        assert list(store.root.glob("tmp/*")) == []

    def test_what_another_process_is_making_is_not_swept_away(self, store: Store) -> None:
        other = store.root / "tmp" / "results~k9~0a1b2c3d"
        other.mkdir(parents=True)
        with store._lock("results", "k9"):
            store.entry("k2", filler())
            assert other.exists()


def _ask_slowly(root: str, log: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]

    def fill(folder: Path) -> None:
        with Path(log).open("a") as file:
            file.write("made\n")
        time.sleep(0.3)
        (folder / "x").write_text("x" * 100)

    assert (Store(root).entry("shared", fill) / "x").read_text() == "x" * 100


def test_two_processes_that_ask_at_once_make_it_once(tmp_path: Path) -> None:
    barrier = SPAWN.Barrier(3)
    log = tmp_path / "log"
    workers = [SPAWN.Process(target=_ask_slowly, args=(str(tmp_path / "c"), str(log), barrier)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert log.read_text() == "made\n"


class TestShared:
    """A store that many share: looked into first, never written to."""

    @pytest.fixture
    def school(self, tmp_path: Path) -> Store:
        store = Store(tmp_path / "school")
        store.entry("song", filler("of the school"))
        store.entry("net", filler("weights"), kind="weights")
        return store

    def test_what_is_there_is_not_made_again_and_nothing_in_it_changes(self, school: Store, tmp_path: Path) -> None:
        def state() -> dict[Path, tuple[int, int]]:
            seen = {path: path.stat() for path in [school.root, *school.root.rglob("*")]}
            return {path: (one.st_mtime_ns, one.st_size) for path, one in seen.items()}

        before, mine = state(), Store(tmp_path / "mine", shared=[school.root])
        assert mine.entry("song", lambda folder: pytest.fail("it is there")) == school.place("song")
        assert mine.peek("net", "weights") == school.place("net", "weights")
        assert mine.entry("another", filler("mine")) == mine.place("another")
        mine.remove("song")
        mine.clear("weights")
        assert state() == before
        assert mine.info().kinds.keys() == {"results"}, "only what is its own"
        assert not mine.place("song").exists()

    def test_a_damaged_entry_of_it_is_made_anew_in_ones_own(self, school: Store, tmp_path: Path) -> None:
        (school.place("song") / "a.bin").write_text("changed")
        mine = Store(tmp_path / "mine", shared=[school.root])
        assert mine.entry("song", filler("of my own")) == mine.place("song")
        assert (school.place("song") / "a.bin").read_text() == "changed"

    def test_the_environment_names_several(
        self, school: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = os.pathsep.join(["", str(tmp_path / "missing"), str(school.root)])
        monkeypatch.setenv("MUSICLAB_CACHE_SHARED", names)
        assert Store().peek("song") == school.place("song")
        assert Store(tmp_path / "alone").shared == ()
