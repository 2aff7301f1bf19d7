"""Results and model weights on disk: made or fetched once, checked, never half-written."""

from musiclab.store.disk import parse_size
from musiclab.store.entries import PINNED, Info, Store, Usage, default_store, key_of
from musiclab.store.seal import contents, damage, sha256_of

__all__ = [
    "PINNED",
    "Info",
    "Store",
    "Usage",
    "contents",
    "damage",
    "default_store",
    "key_of",
    "parse_size",
    "sha256_of",
]
