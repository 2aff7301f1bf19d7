"""Undo and redo."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class History(Generic[T]):
    """Undo and redo over things that never change in place: `do` an edit, `undo` it, `redo` it.

    >>> history = History(part)            # doctest: +SKIP
    >>> history.do(part.remove(note))      # doctest: +SKIP
    >>> history.undo() is part             # doctest: +SKIP
    True
    """

    present: T
    _past: list[T] = field(default_factory=list, init=False, repr=False)
    _future: list[T] = field(default_factory=list, init=False, repr=False)

    def do(self, new: T) -> T:
        """Make `new` the present; what had been undone is forgotten."""
        self._past.append(self.present)
        self._future.clear()
        self.present = new
        return new

    def amend(self, new: T) -> T:
        """Change the present without a step of its own: one movement of a slider is one edit."""
        self._future.clear()
        self.present = new
        return new

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to do again."""
        return bool(self._future)

    def undo(self) -> T:
        """Back by one edit; the present if there is none."""
        return self._step(self._past, self._future)

    def redo(self) -> T:
        """Forward again by one edit; the present if there is none."""
        return self._step(self._future, self._past)

    def _step(self, source: list[T], target: list[T]) -> T:
        if source:
            target.append(self.present)
            self.present = source.pop()
        return self.present
