"""How Demucs's transformer attends: in the way that is fastest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def flash_attention() -> Iterator[None]:
    """Attention through ``scaled_dot_product_attention`` for as long as this lasts.

    The fused "fast path" of torch's encoder layers, which it takes otherwise, writes the whole attention matrix to
    memory; without it the layers use flash attention, which is faster and needs less memory, for an error of 2e-7.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
