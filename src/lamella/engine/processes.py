"""Runs calls on several processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from lamella.engine.contract import Lost

__all__ = ["run"]

T = TypeVar("T")
R = TypeVar("R")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")


def run(
    work: Callable[[T], R], items: Sequence[T], *, workers: int
) -> Iterator[tuple[int, R | Lost]]:
    """Run on `workers` processes. See `lamella.engine.contract.Engine`.

    A call that kills its process (memory, a crash in a decoder) takes the others of its pool
    down; those are run again, one pool each, so that only the guilty one is `Lost`.
    """
    broken: list[int] = []
    for index, result in _pooled(work, items, range(len(items)), workers):
        if isinstance(result, BrokenProcessPool):
            broken.append(index)
        else:
            yield index, result
    for index in broken:
        for _, result in _pooled(work, items, [index], 1):
            if isinstance(result, BrokenProcessPool):
                yield index, Lost("the process was killed (out of memory, or a damaged file)")
            else:
                yield index, result


def _pooled(
    work: Callable[[T], R], items: Sequence[T], chosen: Sequence[int], workers: int
) -> Iterator[tuple[int, R | Lost | BrokenProcessPool]]:
    # Spawned, not forked: the parent holds threads of polars and OpenCV.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread_each)
    try:
        futures: dict[Future[R], int] = {pool.submit(work, items[i]): i for i in chosen}
        for future in as_completed(futures):
            error = future.exception()
            if error is None:
                yield futures[future], future.result()
            elif isinstance(error, BrokenProcessPool):
                yield futures[future], error
            else:
                yield futures[future], Lost(f"{type(error).__name__}: {error}")
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_thread_each() -> None:
    for name in _THREADS:
        os.environ[name] = "1"
    import cv2

    cv2.setNumThreads(1)
