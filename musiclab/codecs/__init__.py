"""Audio files: reading any of them, writing the usual ones."""

from musiclab.codecs.decoding import load
from musiclab.codecs.encoding import encode, save, save_stems

__all__ = ["encode", "load", "save", "save_stems"]
