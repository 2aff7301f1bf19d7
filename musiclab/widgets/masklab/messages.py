"""What a mask lab's work consists of: steps, some of which the page is told of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Message = tuple[dict[str, Any], list[bytes]]  # to the page: what it says, and its buffers


@dataclass(frozen=True)
class Step:
    """A piece of work: how much of all is done by now (0 to 1), and the message that tells of it, if any."""

    done: float
    message: Message | None = None
