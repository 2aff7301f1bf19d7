"""The disk under a store."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from musiclab.store.disk import size_of


def test_the_size_of_a_folder_in_which_others_make_and_delete(tmp_path: Path) -> None:
    (tmp_path / "kept" / "deep").mkdir(parents=True)
    (tmp_path / "kept" / "deep" / "a").write_bytes(bytes(1000))
    (tmp_path / "kept" / "b").write_bytes(bytes(234))
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            for n in range(20):
                (tmp_path / f"passing{n}").mkdir()
                (tmp_path / f"passing{n}" / "empty").touch()
            for n in range(20):
                shutil.rmtree(tmp_path / f"passing{n}")

    other = threading.Thread(target=churn)
    other.start()
    try:
        sizes = {size_of(tmp_path / "kept") for _ in range(100)}
        around = {size_of(tmp_path) for _ in range(300)}
    finally:
        over.set()
        other.join()
    assert sizes == {1234}
    assert len(around) == 1  # and the link's own few bytes
    assert 1234 <= around.pop() < 1234 + 4096
