"""What an engine is: it runs the same pure function over many items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["Engine", "Lost"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Lost:
    """An item whose call ended without a result, and why."""

    reason: str


class Engine(Protocol):
    """Runs `work(item)` for every item and yields (index of the item, result or `Lost`).

    Results come in the order in which they are ready. An exception of one call is a `Lost`
    for that item alone and never ends the others. `work` and the items can be pickled.
    """

    def __call__(
        self, work: Callable[[T], R], items: Sequence[T], *, workers: int
    ) -> Iterator[tuple[int, R | Lost]]:
        """Run them all; closing the iterator early leaves no process behind."""
        ...
