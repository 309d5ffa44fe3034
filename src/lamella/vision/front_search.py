"""How is the front sought, and when is there none to be found?"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.regions import Regions, open_regions
from lamella.vision.texture import Energy
from lamella.vision.two_classes import TwoClasses

__all__ = ["SHALLOWEST_VALLEY", "FrontSearch", "one_class_because"]

# Natural log of the least ratio of tissue to dish that is worth a search.
_LEAST_CONTRAST = 0.7
# The histogram must dip to this share of its lower peak before it shows two classes.
SHALLOWEST_VALLEY = 0.75
# A gap too small for a peak of its own: share of the field, share of the largest piece, or
# standard deviation along the line of pieces in units of that across it, and how far from
# the centre that line may run, as a share of the picture.
_LEAST_REMNANT, _MOST_REMNANT, _ONE_PIECE, _ALONG_A_LINE, _CENTRAL = 0.01, 0.15, 0.8, 4.0, 0.3
# A field that is smooth to this share has no monolayer.
_MOST_SMOOTH = 0.9


@dataclass(frozen=True, slots=True)
class FrontSearch:
    """The search for the front in one energy map; run again with other constants it tells how
    far the area depends on them."""

    energy: Energy
    classes: TwoClasses
    where: NDArray[np.bool_]

    # Work units: Gaussian window of the mean energy.
    WINDOW: ClassVar[float] = 5.0
    # How far from dish to tissue the energy of a smooth pixel may lie.
    FRACTION: ClassVar[float] = 0.1
    # What is left of a wound that has no peak of its own in the histogram is hardly wider than
    # that window: there a narrower one looks, and more strictly.
    REMNANT_WINDOW: ClassVar[float] = 3.0
    REMNANT_FRACTION: ClassVar[float] = 0.05
    # At a straight front between dish and tissue the windowed energy passes that fraction
    # -quantile(fraction) windows inside the gap. Real fronts are less dense than the tissue
    # behind them, which takes it somewhat further.
    FRONT_DENSITY: ClassVar[float] = 1.6
    # The sheet around a remnant has met, and is denser.
    REMNANT_FRONT_DENSITY: ClassVar[float] = 1.4

    @property
    def remnant(self) -> bool:
        """Is the gap, if there is one, too small for a peak of its own?"""
        return self.classes.split.valley > SHALLOWEST_VALLEY

    def mean(self, *, window_by: float = 1.0) -> NDArray[np.float32]:
        """Mean energy under the window of the search, multiplied by this factor."""
        window = self.REMNANT_WINDOW if self.remnant else self.WINDOW
        return self.energy.mean(window_by * window)

    def regions(
        self, mean: NDArray[np.float32], *, fraction_by: float = 1.0, window_by: float = 1.0
    ) -> Regions:
        """Gaps, with fraction and window multiplied by these factors.

        Args:
            mean: What `mean` gives for that window.
            fraction_by: Factor on the fraction.
            window_by: Factor on the window.
        """
        window = window_by * (self.REMNANT_WINDOW if self.remnant else self.WINDOW)
        fraction = fraction_by * (self.REMNANT_FRACTION if self.remnant else self.FRACTION)
        density = self.REMNANT_FRONT_DENSITY if self.remnant else self.FRONT_DENSITY
        return open_regions(
            mean < self.classes.between(fraction, mean.shape),
            where=self.where,
            unit_px=self.energy.unit_px,
            growth=-NormalDist().inv_cdf(fraction) * window * density,
        )

    def coarser(self, energy: Energy) -> FrontSearch:
        """The same search on a map of half the size: for differences of areas that is enough."""
        return FrontSearch(energy, self.classes, self.where[1::2, 1::2].copy())

    def nothing_because(self, regions: Regions, *, place_known: bool) -> str:
        """Why these regions are no gap; "" where they are one.

        Args:
            regions: What was found.
            place_known: The search was confined to where a wound has been: then a small
                opening there is the rest of it.
        """
        front = regions.front
        share = np.count_nonzero(front) / max(float(self.energy.seen.sum()), 1e-9)
        if share == 0:
            return "no smooth region is larger than the holes between cells"
        if share > _MOST_SMOOTH:
            return "smooth all over: no monolayer beside the gap"
        if place_known or not self.remnant:
            return ""
        if _LEAST_REMNANT <= share <= _MOST_REMNANT and _one_wound(front):
            return ""
        return "openings are few or scattered like holes of a closed monolayer: closed or empty"


def one_class_because(classes: TwoClasses | None) -> str:
    """Why the field holds one kind of texture; "" where it may hold two."""
    if classes is None or classes.contrast < _LEAST_CONTRAST:
        return "one kind of texture in the whole field: closed or empty"
    return ""


def _one_wound(front: NDArray[np.bool_]) -> bool:
    """Do the openings lie as the rest of one wound does: in one piece, or along one line that
    does not hug an edge of the picture, where light and focus fall off?"""
    _, _, stats, _ = cv2.connectedComponentsWithStats(front.view(np.uint8))
    areas = np.asarray(stats[1:, cv2.CC_STAT_AREA], np.float64)
    if float(areas.max()) >= _ONE_PIECE * float(areas.sum()):
        return True
    rows, columns = np.nonzero(front)
    lengths, axes = np.linalg.eigh(np.cov(np.stack([columns, rows]).astype(np.float64)))
    on_a_line = lengths[1] >= _ALONG_A_LINE**2 * max(float(lengths[0]), 1.0)
    height, width = front.shape
    off_centre = np.array([columns.mean() - width / 2, rows.mean() - height / 2]) @ axes[:, 0]
    reach = abs(axes[0, 0]) * width + abs(axes[1, 0]) * height
    return bool(on_a_line and abs(off_centre) <= _CENTRAL * reach)
