"""Arrays for samples: in memory, or where they are longer than memory suits, in a temporary file that is mapped.

The system keeps of such a file in memory what is being used, and gives that memory back when others need it. It goes
with the last array that looks into it, and at the latest with this process. Nobody has to know which kind an array is.
"""

from __future__ import annotations

import errno
import logging
import math
import mmap
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

IN_MEMORY = 1 << 29  # bytes of one array: 25 minutes of stereo at 44.1 kHz

logger = logging.getLogger("musiclab")


class NoRoomError(OSError):
    """The disk has no room for what is about to be written: nothing was."""


def empty(shape: tuple[int, ...]) -> np.ndarray:
    """A float32 array [shape=`shape`] whose values are not set, as ``numpy.empty`` makes it.

    Above `IN_MEMORY` bytes it lies in a temporary file; in memory all the same where no disk has room for that.
    """
    size = 4 * math.prod(shape)
    if size > IN_MEMORY:
        try:
            return np.ndarray(shape, np.float32, buffer=_file_of(size))
        except OSError as error:
            logger.warning("%.1f GB of sound stay in memory: %s.", size / 1e9, error.strerror or error)
    return np.empty(shape, np.float32)


def copied(samples: np.ndarray) -> np.ndarray:
    """A copy of `samples` as float32, in rows; see `empty`."""
    out = empty(samples.shape)
    out[...] = samples
    return out


def _file_of(size: int) -> mmap.mmap:
    """So many bytes of a file without a name."""
    chosen = tempfile.gettempdir()
    # On many Linux systems /tmp is memory itself; /var/tmp is a disk, and is there for what is large.
    folder = "/var/tmp" if chosen == "/tmp" and os.access("/var/tmp", os.W_OK) else chosen
    with tempfile.TemporaryFile(prefix="musiclab-", dir=folder) as file:
        reserve(file, size, Path(folder))
        if os.fstat(file.fileno()).st_size < size:
            file.truncate(size)
        return mmap.mmap(file.fileno(), size)  # holds the file


def reserve(file: BinaryIO, size: int, folder: Path) -> None:
    """Take `size` bytes of the disk for a file that was just made, so that none is missing when it is filled.

    Raises
    ------
    NoRoomError
        If the disk of `folder`, which it lies in, has no room for them.
    """
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
            return
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoomError(error.errno, error.strerror, str(folder)) from None
        # else a disk that can't reserve: look, at least
    if shutil.disk_usage(folder).free < size:
        raise NoRoomError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
