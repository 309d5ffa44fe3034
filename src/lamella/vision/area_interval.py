"""How uncertain is the area of a gap? Perturbed threshold and scale, and the boundary."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.front_search import FrontSearch
from lamella.vision.regions import Regions
from lamella.vision.texture import Energy

__all__ = ["area_sd"]

# Factors on the fraction and on the window of the search.
_FRACTIONS = (0.5, 2.0)
_WINDOWS = (0.8, 1.25)
# Standard deviation in work units of where people draw a front, the same way along all of it.
_BOUNDARY_SD = 2.0


def area_sd(search: FrontSearch, regions: Regions, *, coarse: Energy) -> float:
    """Standard deviation of the area of the gap [map pixels].

    `s^2 = s_pert^2 + (P s_b)^2`: the spread of the area over other thresholds and windows, and
    the length P of the front times the standard deviation s_b of its place, which is fully
    correlated along the front because it is a matter of definition.

    Args:
        search: The search that found the regions.
        regions: What it found.
        coarse: The energy on a map of half the size, on which the search is repeated.
    """
    areas = _perturbed_areas(search.coarser(coarse))
    scale = regions.depth.size / coarse.squared.size
    front = regions.front
    boundary = _front_length(front, search.where) * _BOUNDARY_SD * search.energy.unit_px
    return math.hypot(float(np.std(areas, ddof=1)) * scale, boundary)


def _perturbed_areas(search: FrontSearch) -> list[float]:
    mean = search.mean()
    found = [search.regions(mean, fraction_by=by) for by in _FRACTIONS]
    found += [search.regions(search.mean(window_by=by), window_by=by) for by in _WINDOWS]
    return [float(np.count_nonzero(regions.front)) for regions in found]


def _front_length(front: NDArray[np.bool_], where: NDArray[np.bool_]) -> float:
    """Length of the outline inside the field, in pixels."""
    cross = np.ones((3, 3), np.uint8)
    inner = cv2.erode(front.view(np.uint8), cross, borderValue=1)
    outside = cv2.erode(where.view(np.uint8), cross, borderValue=1) == 0
    return float(np.count_nonzero(front & (inner == 0) & ~outside))
