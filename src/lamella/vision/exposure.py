"""Is a picture sharp, and is it evenly lit?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Exposure", "measure_exposure"]

_TILE_PX = 128
_TILES_A_SIDE = 5
_COARSE_PX = 12


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a picture was taken.

    Attributes:
        sharpness: Natural log of the energy of the finest structure over that of structure
            four times as coarse, median over tiles of tissue; falls when the focus is lost.
            None where no tile is tissue.
        unevenness: (95th - 5th percentile) / median of the smooth background; 0 is even.
        brightness: Median camera counts of the valid field.
    """

    sharpness: float | None
    unevenness: float
    brightness: float


def measure_exposure(
    counts: NDArray[np.float32],
    *,
    tissue: NDArray[np.bool_] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> Exposure:
    """Sharpness, unevenness and brightness of one frame.

    Args:
        counts: Camera counts, shape (H, W).
        tissue: Where to judge sharpness, shape (H, W); None for everywhere.
        valid: True where the image shows the field, shape (H, W); None for all of it.
    """
    height, width = counts.shape
    step = max(1, min(height, width) // (8 * _COARSE_PX))
    thin = counts[::step, ::step]
    seen = np.isfinite(thin) if valid is None else np.isfinite(thin) & valid[::step, ::step]
    if not seen.any():
        return Exposure(None, 0.0, 0.0)
    middle = float(np.median(thin[seen]))
    coarse = _background(np.where(seen, thin, np.float32(middle)), seen)
    low, high = np.percentile(coarse, [5, 95])
    return Exposure(
        sharpness=_sharpness(counts, tissue),
        unevenness=float(high - low) / max(abs(middle), 1e-12),
        brightness=middle,
    )


def _background(filled: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Means over a coarse grid of what is seen."""
    height, width = filled.shape
    size = (max(2, _COARSE_PX * width // max(height, width)),) * 2
    share = cv2.resize(seen.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    light = cv2.resize(filled * seen, size, interpolation=cv2.INTER_AREA)
    inside = np.asarray(share) > 0.5
    if not inside.any():
        return np.asarray(filled[seen][:1], np.float32)
    return np.asarray(np.asarray(light)[inside] / np.asarray(share)[inside], np.float32)


def _sharpness(counts: NDArray[np.float32], tissue: NDArray[np.bool_] | None) -> float | None:
    side = min(_TILE_PX, *counts.shape)
    values = []
    for y in np.linspace(0, counts.shape[0] - side, _TILES_A_SIDE).astype(int):
        for x in np.linspace(0, counts.shape[1] - side, _TILES_A_SIDE).astype(int):
            window = (slice(y, y + side), slice(x, x + side))
            if tissue is not None and tissue[window].mean() < 0.9:
                continue
            tile = counts[window]
            if np.isfinite(tile).all():
                values.append(_fine_over_coarse(tile))
    return float(np.median(values)) if values else None


def _fine_over_coarse(tile: NDArray[np.float32]) -> float:
    fine = tile - cv2.GaussianBlur(tile, (0, 0), 1.0)
    coarse = cv2.GaussianBlur(tile, (0, 0), 1.0) - cv2.GaussianBlur(tile, (0, 0), 4.0)
    return float(np.log((np.var(fine) + 1e-12) / (np.var(coarse) + 1e-12)))
