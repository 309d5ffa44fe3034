"""A small picture of a frame for the eye."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles

__all__ = ["preview"]


def preview(counts: NDArray[np.float32], *, long_side_px: int = 480) -> NDArray[np.uint8]:
    """The frame in 8-bit grey, contrast stretched between its 0.5th and 99.5th percentile.

    Args:
        counts: Camera counts, shape (H, W). Pixels that hold no finite number are black.
        long_side_px: Longest side of the picture.

    >>> ramp = np.linspace(0, 4095, 64 * 64, dtype=np.float32).reshape(64, 64)
    >>> small = preview(ramp, long_side_px=32)
    >>> small.shape, int(small.min()), int(small.max())
    ((32, 32), 0, 255)
    """
    height, width = counts.shape
    scale = min(1.0, long_side_px / max(height, width, 1))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(counts, size, interpolation=cv2.INTER_AREA), np.float32)
    known = np.isfinite(small)
    finite = np.ravel(small) if known.all() else small[known]
    if finite.size == 0:
        return np.zeros(small.shape, np.uint8)
    low, high = percentiles(finite[::3], 0.5, 99.5)
    if finite.size < small.size:
        small = np.nan_to_num(small, nan=low, posinf=high, neginf=low)
    grey = np.clip(small, low, high)
    grey -= np.float32(low)
    grey *= np.float32(255 / max(high - low, 1e-30))
    return np.asarray(np.rint(grey, out=grey), np.uint8)
