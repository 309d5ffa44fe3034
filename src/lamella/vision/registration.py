"""How far did the stage drift between two frames of one field?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Shift", "shift_between"]

_LONG_SIDE_PX = 512
# Structure coarser than this share of the long side is illumination.
_BACKGROUND = 0.04


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the moving frame lies against the reference.

    Attributes:
        dx_px, dy_px: The pixel (x, y) of the reference shows what the pixel
            (x + dx_px, y + dy_px) of the moving frame shows; full pixels.
        confidence: 0..1, share of the correlation that lies in its peak. Below about 0.05
            the frames have nothing in common that could be aligned.
    """

    dx_px: float
    dy_px: float
    confidence: float


def shift_between(
    reference: NDArray[np.float32],
    moving: NDArray[np.float32],
    *,
    mask: NDArray[np.bool_] | None = None,
) -> Shift:
    """Drift of the stage, by phase correlation.

    Args:
        reference: Camera counts, shape (H, W).
        moving: Camera counts of another frame of the same field, shape (H, W).
        mask: Shape (H, W), True where things stay in place (tissue outside the wound).

    Raises:
        ValueError: The shapes differ.

    References:
        Kuglin and Hines 1975, phase correlation, with a Hann window.

    >>> rng = np.random.default_rng(1)
    >>> field = cv2.GaussianBlur(rng.normal(size=(240, 300)).astype(np.float32), (0, 0), 2)
    >>> shift = shift_between(field[20:220, 30:270], field[17:217, 23:263])
    >>> round(shift.dx_px), round(shift.dy_px), shift.confidence > 0.3
    (7, 3, True)
    """
    if reference.shape != moving.shape:
        raise ValueError(f"frames of {reference.shape} and {moving.shape} px cannot be compared")
    height, width = reference.shape
    scale = min(1.0, _LONG_SIDE_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    weight = np.ones((size[1], size[0]), np.float32)
    if mask is not None:
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        weight = np.asarray(cv2.GaussianBlur(small, (0, 0), 3), np.float32)
    first, second = _structure(reference, size, weight), _structure(moving, size, weight)
    if first is None or second is None:
        return Shift(0.0, 0.0, 0.0)
    window = cv2.createHanningWindow(size, cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(first, second, window)
    return Shift(dx * width / size[0], dy * height / size[1], float(np.clip(response, 0, 1)))


def _structure(
    counts: NDArray[np.float32], size: tuple[int, int], weight: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    small = np.asarray(cv2.resize(counts, size, interpolation=cv2.INTER_AREA), np.float32)
    if not np.isfinite(small).all():
        return None
    largest = float(np.abs(small).max())
    if not 0 < largest < np.inf:
        return None
    small = small / np.float32(largest)
    fine = (small - _background(small, max(2.0, _BACKGROUND * max(size)))) * weight
    spread = float(fine.std(dtype=np.float64))
    return None if spread <= 0 else np.asarray(fine / spread, np.float32)


def _background(small: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Under a wide Gaussian, which needs no more than a copy of a quarter of the size."""
    height, width = small.shape
    size = (max(1, width // 4), max(1, height // 4))
    coarse = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), max(sigma_px / 4, 0.5))
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
