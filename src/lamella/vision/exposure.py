"""Is a picture sharp, and is it evenly lit?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles

__all__ = ["Exposure", "ExposureSample", "measure_exposure", "sample_exposure"]

# Sharpness is judged on tiles of an area-downsampled copy, so that it means structure of a few
# micrometres whatever the camera.
_LONG_SIDE_PX = 1024
_TILE_PX = 96
_TILES_A_SIDE = 4
_COARSE_PX = 12
# A tile is of tissue when this share of it is.
_TISSUE = 0.9
# Structure is fine between Gaussians of 1 and 2 px, and coarse between those of 3 and 6 px, which
# are 1.5 and 3 px of a tile of half the size; noise is estimated from what is above 0.7 px.
_FINE, _COARSE, _NOISE = (1.0, 2.0), (1.5, 3.0), 0.7


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a picture was taken.

    Attributes:
        sharpness: Natural log of the energy of fine structure over that of structure three
            times as coarse, noise taken out, median over tiles of tissue; falls when the focus
            is lost. None where no tile is tissue, or nothing but noise is seen.
        unevenness: (95th - 5th percentile) / median of the smooth background; 0 is even.
        brightness: Median camera counts of the valid field.
    """

    sharpness: float | None
    unevenness: float
    brightness: float


@dataclass(frozen=True, slots=True)
class ExposureSample:
    """What of a picture its exposure is judged from.

    Attributes:
        thin: Every `step`th pixel in both directions.
        tiles: Evenly spread squares of the picture, reduced; `windows` are their places in it.
            A square with lost pixels is left out.
    """

    thin: NDArray[np.float32]
    step: int
    tiles: tuple[NDArray[np.float32], ...]
    windows: tuple[tuple[slice, slice], ...]


def sample_exposure(counts: NDArray[np.number]) -> ExposureSample:
    """The sample of one frame in camera counts of any real type, shape (H, W)."""
    height, width = counts.shape
    step = max(1, min(height, width) // (8 * _COARSE_PX))
    factor = max(1, math.ceil(max(counts.shape) / _LONG_SIDE_PX))
    side = min(_TILE_PX * factor, *counts.shape)
    tiles, windows = [], []
    for y in np.linspace(0, height - side, _TILES_A_SIDE).astype(int):
        for x in np.linspace(0, width - side, _TILES_A_SIDE).astype(int):
            window = (slice(y, y + side), slice(x, x + side))
            small = (side // factor,) * 2
            if small[0] < 4:
                continue
            square = np.asarray(counts[window], np.float32)
            tile = cv2.resize(square, small, interpolation=cv2.INTER_AREA)
            # A lost pixel is lost in the mean of its neighbours, too.
            if np.isfinite(tile).all():
                tiles.append(np.asarray(tile, np.float32))
                windows.append(window)
    thin = counts[::step, ::step].astype(np.float32)
    return ExposureSample(thin, step, tuple(tiles), tuple(windows))


def measure_exposure(
    sample: ExposureSample,
    *,
    tissue: NDArray[np.bool_] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> Exposure:
    """Sharpness, unevenness and brightness of one frame.

    Args:
        sample: Of the frame, shape (H, W).
        tissue: Where to judge sharpness, shape (H, W); None for everywhere.
        valid: True where the image shows the field, shape (H, W); None for all of it.
    """
    thin, step = sample.thin, sample.step
    seen = np.isfinite(thin) if valid is None else np.isfinite(thin) & valid[::step, ::step]
    if not seen.any():
        return Exposure(None, 0.0, 0.0)
    (middle,) = percentiles(thin[seen], 50.0)
    coarse = _background(np.where(seen, thin, np.float32(middle)), seen)
    low, high = percentiles(coarse, 5.0, 95.0)
    return Exposure(
        sharpness=_sharpness(sample, tissue),
        unevenness=(high - low) / max(abs(middle), 1e-12),
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


def _sharpness(sample: ExposureSample, tissue: NDArray[np.bool_] | None) -> float | None:
    bands, finest = [], []
    for tile, window in zip(sample.tiles, sample.windows, strict=True):
        finest.append(_variance(tile, cv2.GaussianBlur(tile, (0, 0), _NOISE)))
        if tissue is None or _share(tissue[window]) > _TISSUE:
            half = cv2.resize(tile, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            bands.append((_energy(tile, _FINE), _energy(half, _COARSE)))
    if not bands:
        return None
    # The tile with the least of the finest structure shows what is noise.
    noise = min(finest) / _gain((0.0, _NOISE))
    values = [_log_ratio(fine, coarse, noise) for fine, coarse in bands]
    known = [value for value in values if value is not None]
    return float(np.median(known)) if 2 * len(known) > len(values) else None


def _share(mask: NDArray[np.bool_]) -> float:
    return np.count_nonzero(mask) / max(mask.size, 1)


def _energy(tile: cv2.typing.MatLike, band: tuple[float, float]) -> float:
    return _variance(*(cv2.GaussianBlur(tile, (0, 0), sigma) for sigma in band))


def _variance(first: cv2.typing.MatLike, second: cv2.typing.MatLike) -> float:
    """Of their difference; OpenCV does it in a fifth of the time of NumPy."""
    _, sd = cv2.meanStdDev(cv2.subtract(first, second))
    return float(sd[0, 0]) ** 2


def _log_ratio(fine: float, coarse: float, noise: float) -> float | None:
    # A pixel of the half-sized tile is the mean of four.
    coarse_noise = noise * _gain(_COARSE) / 4
    structure = coarse - coarse_noise
    if structure <= 2 * coarse_noise:
        return None
    return math.log(max(fine - noise * _gain(_FINE), 1e-3 * structure) / structure)


@lru_cache(maxsize=8)
def _gain(band: tuple[float, float]) -> float:
    """Variance that white noise of variance 1 keeps between two Gaussians (0: unblurred)."""
    point = np.zeros((65, 65), np.float32)
    point[32, 32] = 1.0
    low = point if band[0] == 0 else cv2.GaussianBlur(point, (0, 0), band[0])
    return float(((low - cv2.GaussianBlur(point, (0, 0), band[1])) ** 2).sum())
