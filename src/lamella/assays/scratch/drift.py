"""Where has the stage gone since the first frame, told apart from cells that move in?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.assays.scratch.masks import moved
from lamella.vision.front import Axis
from lamella.vision.registration import Landmarks, Shift, landmarks

__all__ = ["Track", "start_track"]

Mask = NDArray[np.bool_]
Counts = NDArray[np.float32]

# Steps are told on copies of this size: cells are seen, and a step costs milliseconds.
_LONG_SIDE_PX = 256
# A step is believed from this confidence on (pictures of another place reach 0.05, sheets that
# have just met 0.15) and up to this share of the long side.
_ALIGNED = 0.2
_FARTHEST = 0.1


@dataclass(frozen=True, slots=True)
class Track:
    """The stage from frame to frame.

    The sheets on both sides of a wound move against each other, so each side is aligned by
    itself, with the frame before, and the mean of both is the stage.

    Attributes:
        last: What can be found again of the last frame, as a small picture.
        sides: Tissue on either side of the first wound, each of shape (h, w).
        factor: Full pixels per pixel of the thumbnail.
        shift: Since the first frame [full px]; its confidence is that of the last step.
        known: Whether any step could be told.
    """

    last: Landmarks
    sides: tuple[Mask, ...]
    factor: float
    shift: Shift
    known: bool = False

    def after(self, small: Counts) -> Track:
        """The track with one more frame of the same size, given as its thumbnail."""
        found = landmarks(_smaller(small))
        # Each side is looked for where the stage has taken it.
        dx, dy = self.shift.dx_px / self.factor, self.shift.dy_px / self.factor
        sides = [moved(side, dx, dy) for side in self.sides]
        steps = [self.last.shift_to(found, mask=side) for side in sides]
        if not _believed(steps, max(found.full_shape)):
            still = Shift(self.shift.dx_px, self.shift.dy_px, 0.0)
            return Track(found, self.sides, self.factor, still, self.known)
        since = Shift(
            self.shift.dx_px + self.factor * float(np.mean([step.dx_px for step in steps])),
            self.shift.dy_px + self.factor * float(np.mean([step.dy_px for step in steps])),
            min(step.confidence for step in steps),
        )
        return Track(found, self.sides, self.factor, since, True)


def start_track(small: Counts, wound: Mask, *, axis: Axis) -> Track:
    """A track that starts at the frame with the first wound, shape (H, W)."""
    small = _smaller(small)
    height, width = small.shape
    factor = wound.shape[1] / width
    inside = cv2.resize(wound.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    tissue = np.asarray(inside) == 0
    found = landmarks(small)
    if axis.round:
        return Track(found, (tissue,), factor, Shift(0.0, 0.0, 1.0))
    nx, ny = axis.normal
    y, x = np.mgrid[0:height, 0:width]
    across = nx * (x - (width - 1) / 2) + ny * (y - (height - 1) / 2) - axis.across_px / factor
    sides = tuple(tissue & half for half in (across < 0, across > 0))
    # A side of which less than a twentieth of the field is seen tells nothing.
    seen = tuple(side for side in sides if side.mean() > 0.05)
    return Track(found, seen if len(seen) == 2 else (), factor, Shift(0.0, 0.0, 1.0))


def _believed(steps: Sequence[Shift], long_side_px: int) -> bool:
    reach = _FARTHEST * long_side_px
    return bool(steps) and all(
        step.confidence >= _ALIGNED and np.hypot(step.dx_px, step.dy_px) <= reach for step in steps
    )


def _smaller(small: Counts) -> Counts:
    scale = min(1.0, _LONG_SIDE_PX / max(small.shape))
    size = (max(8, round(small.shape[1] * scale)), max(8, round(small.shape[0] * scale)))
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.float32)
