"""How far did the stage drift between two frames of one field?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Landmarks", "Shift", "landmarks", "shift_between"]

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
    return landmarks(reference).shift_to(landmarks(moving), mask=mask)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What of a frame can be found again in another one of the same field.

    Attributes:
        structure: Shape (h, w), the frame without its illumination; None where it shows nothing.
        full_shape: (H, W) of the frame.
    """

    structure: NDArray[np.float32] | None
    full_shape: tuple[int, ...]

    def shift_to(self, moving: Landmarks, *, mask: NDArray[np.bool_] | None = None) -> Shift:
        """As `shift_between`, for frames of which the landmarks are known already."""
        if self.full_shape != moving.full_shape:
            raise ValueError(
                f"frames of {self.full_shape} and {moving.full_shape} px cannot be compared"
            )
        if self.structure is None or moving.structure is None:
            return Shift(0.0, 0.0, 0.0)
        size = (self.structure.shape[1], self.structure.shape[0])
        weight = None
        if mask is not None:
            small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
            weight = np.asarray(cv2.GaussianBlur(small, (0, 0), 3), np.float32)
        first, second = (_weighted(frame.structure, weight) for frame in (self, moving))
        if first is None or second is None:
            return Shift(0.0, 0.0, 0.0)
        (dx, dy), response = cv2.phaseCorrelate(first, second, _hann(size))
        height, width = self.full_shape
        return Shift(dx * width / size[0], dy * height / size[1], float(np.clip(response, 0, 1)))


def landmarks(counts: NDArray[np.float32]) -> Landmarks:
    """The landmarks of a frame in camera counts, shape (H, W)."""
    height, width = counts.shape
    scale = min(1.0, _LONG_SIDE_PX / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = np.asarray(cv2.resize(counts, size, interpolation=cv2.INTER_AREA), np.float32)
    if not np.isfinite(small).all():
        return Landmarks(None, counts.shape)
    largest = float(np.abs(small).max())
    if not 0 < largest < np.inf:
        return Landmarks(None, counts.shape)
    small = small / np.float32(largest)
    fine = small - _background(small, max(2.0, _BACKGROUND * max(size)))
    return Landmarks(np.asarray(fine, np.float32), counts.shape)


def _weighted(
    structure: NDArray[np.float32] | None, weight: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    """Of unit variance; None where nothing is left."""
    if structure is None:
        return None
    fine = structure if weight is None else structure * weight
    _, spread = cv2.meanStdDev(fine)
    return np.asarray(fine / np.float32(spread[0, 0]), np.float32) if spread[0, 0] > 0 else None


@lru_cache(maxsize=4)
def _hann(size: tuple[int, int]) -> cv2.typing.MatLike:
    return cv2.createHanningWindow(size, cv2.CV_32F)


def _background(small: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Under a wide Gaussian, which needs no more than a copy of a quarter of the size."""
    height, width = small.shape
    size = (max(1, width // 4), max(1, height // 4))
    coarse = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), max(sigma_px / 4, 0.5))
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))
