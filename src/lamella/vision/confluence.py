"""How much of the dish around a wound do cells cover?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Cover", "learn_cover", "thumbnail"]

Mask = NDArray[np.bool_]
Counts = NDArray[np.float32]

_LONG_SIDE_PX = 480
# The window is smaller than the hole that a missing cell leaves.
_WINDOW_PX = 1.0
# Pixels so near to the outline of the gap belong to neither side.
_RIM_PX = 4
_LEAST_SIDE = 0.01  # of the field


@dataclass(frozen=True, slots=True)
class Cover:
    """What tells cells from bare dish in one series: a texture half-way between both.

    Attributes:
        outside: Where cells are looked for: away from the first wound, shape (h, w) of the
            thumbnail.
        threshold: Natural log of squared gradient, in camera counts.
    """

    outside: Mask
    threshold: float

    def percent(self, small: Counts) -> float:
        """Share of the tissue around the first wound that cells cover, in percent.

        Args:
            small: Thumbnail of a frame of the same field, shape (h, w).
        """
        energy = _log_energy(small)
        return 100.0 * float(np.mean(energy[self.outside] > self.threshold))


def thumbnail(counts: Counts) -> Counts:
    """The frame at no more than 480 px on its long side; lost pixels hold 0."""
    scale = min(1.0, _LONG_SIDE_PX / max(counts.shape))
    size = tuple(max(1, round(side * scale)) for side in counts.shape[::-1])
    small = cv2.resize(counts, (size[0], size[1]), interpolation=cv2.INTER_AREA)
    return np.nan_to_num(np.asarray(small, np.float32))


def learn_cover(small: Counts, gap: Mask, *, valid: Mask) -> Cover | None:
    """The texture between tissue and gap of the first frame; None where it shows only one.

    Args:
        small: Thumbnail of the first frame, shape (h, w).
        gap: Its gap, shape (H, W).
        valid: True where the image shows the field, shape (H, W).
    """
    energy = _log_energy(small)
    inside, seen = _fitted(gap, energy.shape), _fitted(valid, energy.shape)
    rim = np.ones((2 * _RIM_PX + 1,) * 2, np.uint8)
    core = (cv2.erode(inside, rim, borderValue=(1.0,)) > 0) & (cv2.erode(seen, rim) > 0)
    around = (cv2.dilate(inside, rim) == 0) & (cv2.erode(seen, rim) > 0)
    if min(core.mean(), around.mean()) < _LEAST_SIDE:
        return None
    bare, cells = float(np.median(energy[core])), float(np.median(energy[around]))
    if cells <= bare:
        return None
    return Cover(np.asarray(around), (bare + cells) / 2)


def _log_energy(small: Counts) -> NDArray[np.float32]:
    fine = cv2.GaussianBlur(small, (0, 0), 0.7)
    dx = cv2.Scharr(fine, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(fine, cv2.CV_32F, 0, 1, scale=1 / 32)
    energy = cv2.GaussianBlur(dx * dx + dy * dy, (0, 0), _WINDOW_PX)
    return np.log(np.maximum(energy, np.float32(1e-20)))


def _fitted(mask: Mask, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    out = cv2.resize(mask.view(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(out, np.uint8)
