"""Audio files: reading any of them, writing the usual ones.

`load` reads, `save` and `save_stems` write files, `encode` makes the bytes of one in memory.
"""

from musiclab.codecs.decoding import load
from musiclab.codecs.encoding import encode, save
from musiclab.codecs.formats import FORMATS
from musiclab.codecs.stemfiles import SavedStems, read_stems, save_stems

__all__ = ["FORMATS", "SavedStems", "encode", "load", "read_stems", "save", "save_stems"]
