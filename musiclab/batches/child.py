"""The program of a pool's process: ``python -m musiclab.batches.child``. Tasks come as lines of JSON, rows go back so.

It ends when its input does, in the middle of a song too: whoever started it is gone, or wants it gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from queue import SimpleQueue
from typing import TextIO

from musiclab import heap
from musiclab.batches.perform import Task, perform
from musiclab.errors import Cancelled


def main() -> None:
    """Do what is asked until nobody asks."""
    with heap.kept():  # from song to song too
        _work()


def _work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for whoever started this
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)  # what libraries print is no answer
    tasks: SimpleQueue[str | None] = SimpleQueue()
    gone = threading.Event()
    threading.Thread(target=_listen, args=(sys.stdin, tasks, gone), daemon=True).start()
    while (line := tasks.get()) is not None:
        try:
            row = perform(Task.of(json.loads(line)), cancel=gone, worker=f"process {os.getpid()}")
        except Cancelled:
            break
        answers.write(json.dumps(row.as_dict()) + "\n")
        answers.flush()


def _listen(asked: TextIO, tasks: SimpleQueue[str | None], gone: threading.Event) -> None:
    for line in asked:
        tasks.put(line)
    gone.set()
    tasks.put(None)


if __name__ == "__main__":
    main()
