"""Which of the found cells go, when a person has shown what a cell looks like?

The dye says how surely a found thing is a cell, and so do the strokes; both are log odds, and add
up. A thing goes whole or stays as it is: strokes never nibble at cells, nor split or join them.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_map import BLOB_PX, DyeMap

__all__ = ["without_doubted"]

Image = NDArray[np.float32]
Labels = NDArray[np.int32]

# A cell ends at this part of the typical density: there the dye says neither yes nor no. Its log
# odds at the typical density: a handful of strokes that agree can overrule it.
_ENDS_AT, _ODDS_OF_CELL = 1 / 3, 1.0
# How far around a thing its dye is taken away, in blobs.
_HALO = 1.0


def without_doubted(field: DyeMap, labels: Labels, *, level: float, log_odds: Image) -> DyeMap:
    """The map without the dye of things that both sources together doubt to be cells.

    Args:
        field: The map.
        labels: Shape (h, w), 0 outside what was found in it, 1..n inside.
        level: Typical density of a cell.
        log_odds: Natural log odds, by strokes, that a place is a cell; any size.
    """
    size = (field.dye.shape[1], field.dye.shape[0])
    told = np.asarray(cv2.resize(log_odds, size, interpolation=cv2.INTER_LINEAR), np.float32)
    steep = _ODDS_OF_CELL / (1 - _ENDS_AT)
    by_dye = np.float32(steep) * (field.smooth / np.float32(level) - np.float32(_ENDS_AT))
    thing = labels.ravel()
    total = np.bincount(thing, weights=(told + by_dye).ravel())
    doubted = total < 0
    doubted[0] = False
    if not doubted.any():
        return field
    side = 2 * round(_HALO * BLOB_PX) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    around = cv2.dilate(doubted[labels].view(np.uint8), disc) > 0
    gone = around & (doubted[labels] | (labels == 0))
    dye, smooth = field.dye.copy(), field.smooth.copy()
    dye[gone] = np.minimum(dye[gone], 0)
    smooth[gone] = np.minimum(smooth[gone], 0)
    return replace(field, dye=dye, smooth=smooth)
