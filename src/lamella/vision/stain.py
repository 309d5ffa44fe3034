"""How much crystal violet lies in each pixel, and how much plain grey?

Light that passes a stained membrane is weakened in proportion to the dye (Beer and Lambert), so
the logarithm of the picture over its own white is a sum of two parts: the dye, which takes red
and green and leaves blue, and what is grey: the rims of pores, dirt and shadows. The grey part
is taken out and the dye is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["CRYSTAL_VIOLET", "StainModel", "optical_density", "unmix", "white_reference"]

Image = NDArray[np.float32]

# Crystal violet absorbs at 540-600 nm; mean of what colour cameras see of it on membranes.
CRYSTAL_VIOLET = (0.70, 0.69, 0.17)
_WHITE_PERCENTILE = 85.0
_WHITE_TILES = 8


@dataclass(frozen=True, slots=True)
class StainModel:
    """Directions of dye and grey in optical density.

    Attributes:
        violet: Red, green and blue of the dye, of length 1.
        neutral: The same of grey matter.
        source: Who told it.
    """

    violet: tuple[float, float, float] = CRYSTAL_VIOLET
    neutral: tuple[float, float, float] = (0.5774, 0.5774, 0.5774)
    source: Literal["picture", "prior", "given"] = "prior"


def white_reference(image: Image) -> Image:
    """Camera counts of the bare membrane at each pixel, shape (H, W, 3), smooth.

    Args:
        image: Camera counts, shape (H, W, 3).
    """
    height, width, channels = image.shape
    grid = np.empty((_WHITE_TILES, _WHITE_TILES, channels), np.float32)
    rows = np.linspace(0, height, _WHITE_TILES + 1).astype(int)
    columns = np.linspace(0, width, _WHITE_TILES + 1).astype(int)
    reach_y, reach_x = height // _WHITE_TILES, width // _WHITE_TILES
    for i in range(_WHITE_TILES):
        for j in range(_WHITE_TILES):
            tile = image[
                max(0, rows[i] - reach_y) : rows[i + 1] + reach_y,
                max(0, columns[j] - reach_x) : columns[j + 1] + reach_x,
            ]
            grid[i, j] = np.percentile(tile.reshape(-1, channels), _WHITE_PERCENTILE, axis=0)
    smooth = cv2.GaussianBlur(grid, (0, 0), 1.0)
    return np.asarray(cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR))


def optical_density(image: Image, white: Image) -> Image:
    """Natural logarithm of white over image, shape (H, W, 3)."""
    least = np.float32(max(float(white.max()) / 255.0, 1e-6))
    return np.asarray(cv2.log(np.maximum(white, least) / np.maximum(image, least)), np.float32)


def unmix(density: Image, stain: StainModel) -> tuple[Image, Image]:
    """Dye and grey in each pixel by least squares, each of shape (H, W).

    Args:
        density: Optical density, shape (H, W, 3).
        stain: Directions of both.
    """
    directions = np.array([stain.violet, stain.neutral], np.float64).T
    inverse = np.linalg.pinv(directions).astype(np.float32)
    parts = cv2.transform(density, inverse)
    return np.ascontiguousarray(parts[..., 0]), np.ascontiguousarray(parts[..., 1])
