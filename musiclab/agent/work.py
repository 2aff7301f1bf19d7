"""The program that does one job: ``python -m musiclab.agent.work FOLDER``.

Without a folder it loads what jobs need, and waits until one is named on its standard input.

It waits for its turn, reads the song, works, and writes how far it is into its record. It stops when the file
``cancel`` appears beside it. What it says of itself holds no path of this machine; the whole story is in ``log.txt``.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from musiclab.agent.confined import Confined
from musiclab.agent.records import CANCEL, INPUT, LOCK, LOG, WORDS, Record, read_record
from musiclab.errors import Cancelled, MusiclabError
from musiclab.progress import Watch

EVERY = 0.15  # s between two reports
# What most jobs load, the slowest first: the packages, and what of ours reads, separates, listens and saves.
LOADED = (
    *("torch", "onnxruntime", "swift_f0", "scipy.signal", "pyloudnorm", "av", "soundfile", "soxr", "python_stretch"),
    *("musiclab.agent.answered", "musiclab.agent.decode", "musiclab.agent.tools", "musiclab.recipes.karaoke"),
    *("musiclab.separation.whole", "musiclab.separation.engines.embedded.network", "musiclab.transcription.chart"),
    *("musiclab.separation.engines.embedded.placing", "musiclab.metrics.loudness", "musiclab.recipes.describe"),
)
# Absolute paths of two parts and more, in quotes and without; not the tail of an address or of a fraction.
_QUOTED = re.compile(r"""(['"])(?:[A-Za-z]:)?[\\/](?:(?!\1).)*[\\/]((?:(?!\1).)*)\1""")
_PLAIN = re.compile(r"""(?<![\w:/\\.])(?:[A-Za-z]:)?(?:[\\/]+[^\\/\s'",;]+)+[\\/]+([^\\/\s'",;]*)""")


class _Stop:
    """Somebody wants this job to stop."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / CANCEL

    def is_set(self) -> bool:
        return self._file.exists()


def main(folder: Path, loaded: Callable[[], None] = lambda: None) -> None:
    """Do the job of a folder, once it is `loaded`."""
    with FileLock(folder / LOCK):
        record = read_record(folder)
        if record is None or record.is_over:
            return
        out = Confined(folder.parents[2])
        record = record.write(folder, pid=os.getpid())
        loaded()
        try:
            record = _done(record, folder, out)
        except Cancelled:
            record.write(folder, status="cancelled", message="cancelled")
        except MusiclabError as error:
            traceback.print_exc()
            record.write(folder, status="failed", message="", error=pathless(str(error), out.root))
        except (ValueError, TypeError, KeyError) as error:  # a wrong argument
            traceback.print_exc()
            record.write(folder, status="failed", message="", error=pathless(_sentence(error), out.root))
        except BaseException:
            traceback.print_exc()
            told = (
                f"Something went wrong inside musiclab: whoever runs this server finds more in the log of {record.id}."
            )
            record.write(folder, status="failed", message="", error=told)
        finally:
            for path in (*folder.glob(f"{INPUT}*"), folder / "song.npy", folder / WORDS):
                with suppress(OSError):  # Windows keeps what is mapped until the process ends
                    path.unlink(missing_ok=True)


def _done(record: Record, folder: Path, out: Confined) -> Record:
    watch = Watch(_reporter(record, folder), _Stop(folder))
    with _turn(folder.parent, record.limits.at_once, watch):
        from musiclab.agent import answered, tools
        from musiclab.agent.decode import decoded

        watch(0.0, "reading the song")
        song = decoded(next(folder.glob(f"{INPUT}*")), record.limits, title=Path(record.song).stem)
        arguments = dict(record.arguments)
        if (folder / WORDS).exists():
            arguments["lyrics"] = folder / WORDS
        place = out.place(*record.place)
        files, result = tools.run(record.tool, song, arguments, place, watch.part(0.02, 1.0))
        made = tuple(path.resolve().relative_to(out.root).as_posix() for path in files)
        told = _cleaned(json.loads(json.dumps(result, default=str)), out.root)
        again = {
            "made_with": answered.made_with(record.arguments),
            "marks": tuple(answered.mark_of(out.root / name) for name in made),
        }
        return record.write(folder, status="done", progress=1.0, message="", files=made, result=told, **again)


def _cleaned(value: Any, out: Path) -> Any:
    """JSON data with every text in it `pathless`."""
    if isinstance(value, dict):
        return {name: _cleaned(inner, out) for name, inner in value.items()}
    if isinstance(value, list):
        return [_cleaned(inner, out) for inner in value]
    return pathless(value, out) if isinstance(value, str) else value


@contextmanager
def _turn(root: Path, at_once: int, watch: Watch) -> Iterator[None]:
    """Wait until fewer than `at_once` jobs work."""
    slots = [FileLock(root / f"slot{number}.lock", timeout=0) for number in range(at_once)]
    while True:
        for slot in slots:
            try:
                slot.acquire()
            except Timeout:
                continue
            try:
                yield
            finally:
                slot.release()
            return
        watch(0.0, "waiting for its turn")
        time.sleep(0.1)


def _reporter(record: Record, folder: Path) -> Callable[[float, str], None]:
    """What writes the progress, which never falls, and not too often."""
    last, reached = 0.0, 0.0

    def report(fraction: float, text: str) -> None:
        nonlocal last, reached
        reached = max(reached, min(fraction, 0.999))
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            waits = text == "waiting for its turn"
            status = "waiting" if waits else "working"
            record.write(folder, pid=os.getpid(), status=status, progress=reached, message=text)

    return report


def _sentence(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def pathless(text: str, out: Path) -> str:
    """Without any absolute path: what lies in the output folder is told from there, all else by its last part."""
    for root in (str(out), str(out.resolve())):
        text = text.replace(root + os.sep, "").replace(root, "the output folder")
    return _PLAIN.sub(r"\1", _QUOTED.sub(r"\1\2\1", text))


def load() -> None:
    """Load what jobs need."""
    for name in LOADED:
        with suppress(ImportError):  # a job that needs it says what is missing
            importlib.import_module(name)


def awaited() -> Path:
    """The folder that is named on standard input; whoever ends that input ends this."""
    line = sys.stdin.readline()
    if not line:
        os._exit(0)  # in the middle of loading, too
    folder = Path(line.rstrip("\n"))
    os.chdir(folder)
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    return folder


def waiting_main() -> None:
    """Do the job of a folder that is named later. It is taken at once; work begins when all is loaded."""
    loading = threading.Thread(target=load, daemon=True)
    loading.start()
    main(awaited(), loading.join)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        waiting_main()
