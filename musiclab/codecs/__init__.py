"""Audio files: reading any of them, writing the usual ones.

`load` reads, `save` writes a file, `encode` makes the bytes of one in memory. Folders of stems: `musiclab.stemfiles`.
"""

from musiclab.codecs.decoding import load
from musiclab.codecs.encoding import encode, save
from musiclab.codecs.formats import FORMATS

__all__ = ["FORMATS", "encode", "load", "save"]
