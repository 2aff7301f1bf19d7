"""The program that reads a song for a job, with limits: ``python -m musiclab.agent.decode SONG FOLDER LIMITS``.

A file can be anything: a few bytes that ask for gigabytes, or a damaged one that crashes the decoder. Here neither
takes anything with it. The samples are left as ``song.npy`` with ``song.json``; what is wrong as one sentence on
stdout.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from musiclab.errors import AudioError, MusiclabError

if TYPE_CHECKING:
    from musiclab.agent.records import Limits
    from musiclab.audio import Audio

BAD = 3  # exit code: the file can't be read, and stdout says why


def decoded(path: Path, limits: Limits, *, title: str) -> Audio:
    """The sound of a file, decoded in a process of its own.

    Raises
    ------
    AudioError
        If it can't be read, is too long, or takes too much memory or time.
    """
    import numpy as np

    from musiclab.audio import Audio

    command = [sys.executable, "-P", "-m", "musiclab.agent.decode", str(path), str(limits.decode_bytes)]
    command += [str(limits.decode_seconds), str(limits.seconds)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.decode_seconds, check=False)
    except subprocess.TimeoutExpired:
        raise AudioError(f"Reading the file took more than {limits.decode_seconds} s: give another one.") from None
    if done.returncode == BAD:
        raise AudioError(done.stdout.decode(errors="replace").strip())
    if done.returncode:
        sys.stderr.write(done.stderr.decode(errors="replace"))
        raise AudioError("The file is damaged, or takes more memory than is allowed here: give another one.")
    samples = np.load(path.with_name("song.npy"), mmap_mode="r")
    sr = json.loads(path.with_name("song.json").read_text(encoding="utf-8"))["sr"]
    return Audio.of_checked(samples, sr, title=title)


def _limit(memory: int, seconds: int) -> None:
    """Take no more than so much memory and processor time, where the system can be told."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: Path, longest: float) -> int:
    """Read the file and write what is in it."""
    import numpy as np

    from musiclab import codecs

    try:
        audio = codecs.load(path, duration=longest + 1.0)
        if audio.duration > longest:
            raise AudioError(f"The song is longer than {longest / 60:.0f} minutes, which is the limit here.")
    except MusiclabError as error:
        sys.stdout.write(str(error))
        return BAD
    np.save(path.with_name("song.npy"), audio.samples)
    path.with_name("song.json").write_text(json.dumps({"sr": audio.sr}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    _limit(int(sys.argv[2]), int(sys.argv[3]))
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[4])))
