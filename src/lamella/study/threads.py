"""Keeps OpenCV to one thread, so that every engine and machine gives the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """One OpenCV thread inside the block.

    The last bits of float32 sums depend on how OpenCV splits a picture among its threads;
    the cores are kept busy by measuring several wells at once.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
