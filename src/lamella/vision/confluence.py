"""What of the dish do cells cover, told by the texture that the first frame of a series shows?"""

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
# A remaining gap is looked for in a window of this size, and is no thinner than twice this.
_GAP_WINDOW_PX, _GAP_RADIUS_PX = 2.0, 4
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
        gap_threshold: The same in the window in which a remaining gap is looked for.
        growth_px: Pixels of the thumbnail by which that window makes a gap too narrow: known
            from the first frame, where the gap is known.
    """

    outside: Mask
    threshold: float
    gap_threshold: float
    growth_px: float

    def percent(self, small: Counts) -> float:
        """Share of the tissue around the first wound that cells cover, in percent.

        Args:
            small: Thumbnail of a frame of the same field, shape (h, w).
        """
        energy = _log_energy(small, _WINDOW_PX)
        return 100.0 * float(np.mean(energy[self.outside] > self.threshold))

    def bare(self, small: Counts, *, within: Mask) -> NDArray[np.float32]:
        """Where the dish is still as bare as the first gap was: where the result is below 0.

        Args:
            small: Thumbnail of a frame of the same field, shape (h, w).
            within: Where the first wound was, with a margin, shape (h, w).

        Returns:
            Shape (h, w): distance to the outline [thumbnail px], negative inside the gap; it
            can be enlarged to the full frame without steps.
        """
        core = _bare(small, threshold=self.gap_threshold) & within
        if not core.any():
            return np.full(small.shape, np.inf, np.float32)
        depth = cv2.distanceTransform((~core).view(np.uint8), cv2.DIST_L2, 5)
        return np.asarray(depth, np.float32) - np.float32(self.growth_px + 1e-3)


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
    inside, seen = _fitted(gap, small.shape), _fitted(valid, small.shape)
    rim = np.ones((2 * _RIM_PX + 1,) * 2, np.uint8)
    whole = np.asarray(cv2.erode(seen, rim, borderValue=(1.0,)) > 0)
    core = whole & (cv2.erode(inside, rim, borderValue=(1.0,)) > 0)
    around = whole & (cv2.dilate(inside, rim) == 0)
    if min(core.mean(), around.mean()) < _LEAST_SIDE:
        return None
    halves = []
    for window in (_WINDOW_PX, _GAP_WINDOW_PX):
        energy = _log_energy(small, window)
        bare, cells = float(np.median(energy[core])), float(np.median(energy[around]))
        if cells <= bare:
            return None
        halves.append((bare + cells) / 2)
    found = _bare(small, threshold=halves[1]) & (cv2.dilate(inside, rim) > 0)
    growth = (int(inside.sum()) - int(found.sum())) / max(_outline(found), 1)
    return Cover(np.asarray(around), halves[0], halves[1], max(growth, 0.0))


def _bare(small: Counts, *, threshold: float) -> Mask:
    low = (_log_energy(small, _GAP_WINDOW_PX) < threshold).astype(np.uint8)
    side = 2 * _GAP_RADIUS_PX + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(low, cv2.MORPH_OPEN, disc) > 0)


def _outline(mask: Mask) -> int:
    inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=(1.0,))
    return int(np.count_nonzero(mask & (np.asarray(inner) == 0)))


def _log_energy(small: Counts, window_px: float) -> NDArray[np.float32]:
    fine = cv2.GaussianBlur(small, (0, 0), 0.7)
    dx = cv2.Scharr(fine, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(fine, cv2.CV_32F, 0, 1, scale=1 / 32)
    energy = cv2.GaussianBlur(dx * dx + dy * dy, (0, 0), window_px)
    return np.log(np.maximum(energy, np.float32(1e-20)))


def _fitted(mask: Mask, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    out = cv2.resize(mask.view(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(out, np.uint8)
