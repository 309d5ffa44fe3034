"""Runs calls one after the other in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from lamella.engine.contract import Lost

__all__ = ["run"]

T = TypeVar("T")
R = TypeVar("R")


def run(
    work: Callable[[T], R], items: Sequence[T], *, workers: int = 1
) -> Iterator[tuple[int, R | Lost]]:
    """Run in order; `workers` is ignored. See `lamella.engine.contract.Engine`."""
    for index, item in enumerate(items):
        try:
            yield index, work(item)
        except Exception as error:
            yield index, Lost(f"{type(error).__name__}: {error}")
