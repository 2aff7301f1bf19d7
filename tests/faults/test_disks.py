"""Disks that are full or may not be written: one sentence before or instead of half a file; the work is not lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from musiclab.codecs import files
from musiclab.errors import ExportError, StoreError
from musiclab.store import Store
from tests.faults import child

LIMITED = """
import resource, signal, sys
from pathlib import Path
from tests.faults import child
from musiclab.errors import MusiclabError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then the system says "file too large", as a full disk says "no space"
stems = child.stems(0)
stems.save(sys.argv[1], format=sys.argv[2])
before = {path.name: path.read_bytes() for path in Path(sys.argv[1]).glob("*.*") if path.is_file()}
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    child.stems(1).save(sys.argv[1], format=sys.argv[2])
except MusiclabError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert before == {path.name: path.read_bytes() for path in Path(sys.argv[1]).glob("*.*") if path.is_file()}
assert not list(Path(sys.argv[1]).rglob("*.part"))
child.stems(1).save(sys.argv[1], format=sys.argv[2])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limits of this kind")
@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "m4a"])
def test_a_disk_that_fills_while_stems_are_written(tmp_path: Path, format: str) -> None:
    """The old files are there still, nothing half-written is, and a second try works."""
    settings = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for limit in (0, 100, 3000):
        command = [sys.executable, "-c", LIMITED, str(tmp_path / f"{limit}"), format, str(limit)]
        done = subprocess.run(command, capture_output=True, text=True, env=settings, check=False)
        assert done.returncode == 0, done.stderr
        assert "There is no room left" in done.stdout, done.stdout
        assert ".musiclab" not in done.stdout


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_what_a_disk_refuses_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(files.Path, "mkdir", refuse)
    with pytest.raises(ExportError) as caught:
        child.stems(0).save(tmp_path / "out")
    assert str(caught.value).endswith(".")
    with pytest.raises(StoreError, match="MUSICLAB_CACHE"):
        Store(tmp_path / "cache").entry("k1", lambda place: None)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(ExportError, match="Nothing may be written"):
            child.stems(0).save(tmp_path / "out")
    finally:
        tmp_path.chmod(0o755)
