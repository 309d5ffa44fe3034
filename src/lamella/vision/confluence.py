"""What of the dish do cells cover, told by the texture that the first frame of a series shows?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles
from lamella.vision.work_scale import WorkPicture

__all__ = ["Cover", "Texture", "learn_cover", "texture", "thumbnail"]

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
# A dish without any gradient (a rendered or compressed one) counts as this share of the cells.
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Texture:
    """Squared gradient of a thumbnail, in squared camera counts per pixel, shape (h, w): in the
    window in which cells are looked for (`fine`), and in that of a remaining gap (`wide`)."""

    fine: Counts
    wide: Counts


@dataclass(frozen=True, slots=True)
class Cover:
    """What tells cells from bare dish in one series: a texture half-way between both.

    Attributes:
        outside: Where cells are looked for: away from the first wound, shape (h, w) of the
            thumbnail.
        threshold: Squared gradient, the geometric mean of that of cells and of dish.
        gap_threshold: The same in the window in which a remaining gap is looked for.
        growth_px: Pixels of the thumbnail by which that window makes a gap too narrow: known
            from the first frame, where the gap is known.
    """

    outside: Mask
    threshold: float
    gap_threshold: float
    growth_px: float

    def percent(self, frame: Texture, *, within: Mask | None = None) -> float | None:
        """Share of a part of the field that cells cover, in percent; None of an empty part.

        Args:
            frame: Texture of a frame of the same field.
            within: That part, shape (h, w); None for the tissue around the first wound.
        """
        part = self.outside if within is None else within
        cells = np.count_nonzero(part & (frame.fine > self.threshold))
        room = np.count_nonzero(part)
        return 100.0 * cells / room if room else None

    def bare(self, frame: Texture, *, within: Mask) -> NDArray[np.float32]:
        """Where the dish is still as bare as the first gap was: where the result is below 0.

        Args:
            frame: Texture of a frame of the same field.
            within: Where the first wound was, with a margin, shape (h, w).

        Returns:
            Shape (h, w): distance to the outline [thumbnail px], negative inside the gap; it
            can be enlarged to the full frame without steps.
        """
        core = _bare(frame, threshold=self.gap_threshold) & within
        if not core.any():
            return np.full(core.shape, np.inf, np.float32)
        depth = cv2.distanceTransform((~core).view(np.uint8), cv2.DIST_L2, 5)
        return np.asarray(depth, np.float32) - np.float32(self.growth_px + 1e-3)


def thumbnail(work: WorkPicture) -> Counts:
    """The frame at no more than 480 px on its long side, in camera counts about their median;
    lost pixels hold 0."""
    scale = min(1.0, _LONG_SIDE_PX / max(work.values.shape))
    size = tuple(max(1, round(side * scale)) for side in work.values.shape[::-1])
    small = cv2.resize(work.values, (size[0], size[1]), interpolation=cv2.INTER_AREA)
    return np.asarray(small * np.float32(work.spread), np.float32)


def texture(small: Counts) -> Texture:
    """What tells cells from dish in a thumbnail, shape (h, w)."""
    fine = cv2.GaussianBlur(small, (0, 0), 0.7)
    dx = cv2.Scharr(fine, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(fine, cv2.CV_32F, 0, 1, scale=1 / 32)
    squared = cv2.multiply(dx, dx)
    cv2.accumulateSquare(dy, squared)
    windows = (cv2.GaussianBlur(squared, (0, 0), px) for px in (_WINDOW_PX, _GAP_WINDOW_PX))
    return Texture(*(np.asarray(energy, np.float32) for energy in windows))


def learn_cover(frame: Texture, gap: Mask, *, valid: Mask) -> Cover | None:
    """The texture between tissue and gap of the first frame; None where it shows only one.

    Args:
        frame: Texture of the first frame, shape (h, w).
        gap: Its gap, shape (H, W).
        valid: True where the image shows the field, shape (H, W).
    """
    shape = frame.fine.shape
    inside, seen = _fitted(gap, shape), _fitted(valid, shape)
    rim = np.ones((2 * _RIM_PX + 1,) * 2, np.uint8)
    whole = np.asarray(cv2.erode(seen, rim, borderValue=(1.0,)) > 0)
    core = whole & (cv2.erode(inside, rim, borderValue=(1.0,)) > 0)
    around = whole & (cv2.dilate(inside, rim) == 0)
    if min(core.mean(), around.mean()) < _LEAST_SIDE:
        return None
    between = []
    for energy in (frame.fine, frame.wide):
        bare, cells = (percentiles(energy[side][::3], 50.0)[0] for side in (core, around))
        if cells <= bare:
            return None
        between.append(math.sqrt(max(bare, _FLOOR * cells) * cells))
    found = _bare(frame, threshold=between[1]) & (cv2.dilate(inside, rim) > 0)
    growth = (int(inside.sum()) - int(found.sum())) / max(_outline(found), 1)
    return Cover(np.asarray(around), between[0], between[1], max(growth, 0.0))


def _bare(frame: Texture, *, threshold: float) -> Mask:
    low = (frame.wide < threshold).view(np.uint8)
    side = 2 * _GAP_RADIUS_PX + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(low, cv2.MORPH_OPEN, disc) > 0)


def _outline(mask: Mask) -> int:
    inner = cv2.erode(mask.view(np.uint8), np.ones((3, 3), np.uint8), borderValue=(1.0,))
    return int(np.count_nonzero(mask & (np.asarray(inner) == 0)))


def _fitted(mask: Mask, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    out = cv2.resize(mask.view(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(out, np.uint8)
