"""What does tissue look like in this picture, and what the bare dish?

A wide window decides which parts of the field belong to which class; a pixel is then smooth
when its energy lies within a small fraction of the way from the dish to the tissue around it.
Under such a window neighbours are alike, so a map of half the size tells the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles
from lamella.vision.texture import Energy
from lamella.vision.threshold import Split, minimum_error

__all__ = ["TwoClasses", "two_classes"]

# Work units: the window of the first look, and the reach of "the tissue around it".
_WIDE_WINDOW = 8.0
_TISSUE_REACH = 80.0
# Energies below this share of tissue are all the same emptiness (blocks of a JPEG file are
# exactly flat), so the log is taken of energy plus this.
_FLOOR = 0.01
# Weight with which the median of all tissue holds where little tissue is near.
_PRIOR = 0.02
# Pixels of the energy map, along each side, for one of the map of the tissue.
_COARSER = 2


@dataclass(frozen=True, slots=True)
class TwoClasses:
    """The two kinds of texture in one picture.

    Attributes:
        tissue: Energy of the tissue around each place, on a map of a few dozen pixels a side.
        tissue_median: Median energy of the tissue.
        gap: Mean energy of the dish.
        split: Threshold and shape of the histogram of log energy.
    """

    tissue: NDArray[np.float32]
    tissue_median: float
    gap: float
    split: Split

    @property
    def contrast(self) -> float:
        """Natural log of the ratio of tissue to dish."""
        return math.log(self.tissue_median / max(self.gap, 1e-12 * self.tissue_median, 1e-30))

    def between(self, fraction: float, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Energy this fraction of the way from dish to tissue, for a map of that shape."""
        dish = np.float32(self.gap)
        limit = dish + np.float32(fraction) * (self.tissue - dish)
        size = (shape[1], shape[0])
        return np.asarray(cv2.resize(limit, size, interpolation=cv2.INTER_LINEAR), np.float32)


def two_classes(energy: Energy, *, fine: NDArray[np.float32]) -> TwoClasses | None:
    """Energy of tissue and dish; None where there is only one energy.

    Args:
        energy: The energy map.
        fine: Shape (h, w), its mean under the window in which the front is sought.
    """
    wide = energy.mean(_WIDE_WINDOW)
    seen = energy.seen > 0.5
    values = wide[seen]
    if values.size < 64:
        return None
    (high,) = percentiles(values, 75.0)
    if not high > 0:
        return None
    level = np.asarray(cv2.log(wide + np.float32(_FLOOR * high)), np.float32)
    split = minimum_error(level[seen])
    if split is None:
        return None
    tissue = (level >= split.threshold) & seen
    dish = seen & ~tissue
    if not tissue.any() or not dish.any():
        return None
    (median,) = percentiles(fine[tissue], 50.0)
    return TwoClasses(
        tissue=_around(fine, tissue, median, _TISSUE_REACH * energy.unit_px),
        tissue_median=median,
        gap=float(fine[dish].mean(dtype=np.float64)),
        split=split,
    )


def _around(
    fine: NDArray[np.float32], tissue: NDArray[np.bool_], median: float, reach_px: float
) -> NDArray[np.float32]:
    height, width = fine.shape
    size = (max(1, width // _COARSER), max(1, height // _COARSER))
    weight = tissue.astype(np.float32)
    amount = cv2.resize(fine * weight, size, interpolation=cv2.INTER_AREA)
    near = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
    sigma = reach_px / _COARSER
    amount, near = cv2.GaussianBlur(amount, (0, 0), sigma), cv2.GaussianBlur(near, (0, 0), sigma)
    mean = (amount + np.float32(_PRIOR * median)) / (near + np.float32(_PRIOR))
    mean *= np.float32(median / percentiles(mean, 50.0)[0])
    return np.asarray(mean, np.float32)
