"""At what size is a picture worked on, and how is it brought there?

Texture is a matter of cells, not of pixels: a gap needs no more than about seven pixels across a
cell. One area-averaging pass brings any picture to that size, and everything after it costs the
same whatever the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles

__all__ = ["UNIT_UM", "WorkPicture", "to_work_scale"]

# All lengths of the search are multiples of a unit of 2 um. Without a pixel size the field is
# taken to be 1.4 mm on its short side (10x objective), so that a unit is 1/700 of it.
UNIT_UM = 2.0
_UNITS_ON_SHORT_SIDE = 700
# A work pixel of about 2.8 um puts 7 pixels across a cell of 20 um; finer gains nothing.
_WORK_PIXEL_UM = 2.8
_SHORT_SIDE_PX = 500
# Told or not, the work picture stays within these short sides: fewer pixels cannot hold a
# front, more cost time and show organelles.
_SHORTEST_PX, _LONGEST_PX = 300, 800
# Beyond these the stated pixel size cannot be that of cells in a dish.
_UNIT_RANGE_PX = (0.25, 4.0)
# Values farther out, in spreads, are errors of a file; their squares must stay finite.
_FARTHEST = 1e6
# Pixels that are made float counts at a time.
_BAND_PX = 2**18
# Pixels from which the range of a picture is read.
_SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class WorkPicture:
    """A picture at work scale.

    Attributes:
        values: Shape (h, w), offset and range of the camera removed: median 0, and the spread
            between the 1st and the 99th percentile is 1. Lost pixels hold 0.
        spread: That spread, in camera counts; 0 for a picture of one grey level.
        known: Shape (h, w), False where the picture holds no finite number.
        full_shape: (H, W) of the picture that it was made from.
        block: Side of the square of full pixels that a work pixel is the mean of.
        unit_px: Work pixels that stand for 2 um, or for 1/700 of the short side where the pixel
            size is not known: all lengths of the search are multiples of it.
        margins: Rows and columns of the full picture that are left out at either end.
    """

    values: NDArray[np.float32]
    spread: float
    known: NDArray[np.bool_]
    full_shape: tuple[int, int]
    block: int
    unit_px: float
    margins: tuple[int, int] = (0, 0)


def to_work_scale(counts: NDArray[np.number], *, pixel_um: float | None = None) -> WorkPicture:
    """The picture at work scale, in units of its own range.

    Args:
        counts: Camera counts, shape (H, W), of any real type.
        pixel_um: Side of a pixel [um], None where nobody states it.
    """
    height, width = counts.shape
    short = min(height, width)
    wanted = short / _SHORT_SIDE_PX if not pixel_um else _WORK_PIXEL_UM / pixel_um
    wanted = min(max(wanted, short / _LONGEST_PX), short / _SHORTEST_PX)
    block = _block_side(wanted, height, width)
    top, left = _left_out(height, block), _left_out(width, block)
    values = _reduced(counts, block, (top, left))
    margins = (0, 0) if top is None or left is None else (top, left)
    known = np.isfinite(values)
    unit = short / block / _UNITS_ON_SHORT_SIDE if not pixel_um else UNIT_UM / block / pixel_um
    unit = float(np.clip(unit, *_UNIT_RANGE_PX))
    own, spread = _in_own_range(values, known)
    return WorkPicture(own, spread, known, (height, width), block, unit, margins)


def _left_out(side: int, block: int) -> int | None:
    """Pixels left out at either end of a side, so that an even number of whole blocks remains and
    a mirrored picture has the same ones; None of an odd side, where that cannot be."""
    rest = side % (2 * block)
    return rest // 2 if rest % 2 == 0 else None


def _reduced(
    counts: NDArray[np.number], block: int, margins: tuple[int | None, int | None]
) -> NDArray[np.float32]:
    """Means of squares of pixels; of fractions of them, which takes eight times as long, only
    where whole ones do not fit."""
    if block == 1:
        return np.asarray(counts, np.float32)
    height, width = counts.shape
    top, left = margins
    if top is None or left is None:
        size = (round(width / block), round(height / block))
        whole = np.asarray(counts, np.float32)
        return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)
    return _block_means(counts[top : height - top, left : width - left], block)


def _block_means(picture: NDArray[np.number], block: int) -> NDArray[np.float32]:
    """A picture of whole numbers becomes one of float counts band by band: it is never held so."""
    height, width = picture.shape[0] // block, picture.shape[1] // block
    rows = height if picture.dtype == np.float32 else max(1, _BAND_PX // (width * block**2))
    means = np.empty((height, width), np.float32)
    for top in range(0, height, rows):
        below = min(top + rows, height)
        band = np.asarray(picture[top * block : below * block], np.float32)
        size = (width, below - top)
        means[top:below] = cv2.resize(band, size, interpolation=cv2.INTER_AREA)
    return means


def _block_side(wanted: float, height: int, width: int) -> int:
    """The whole number near `wanted`, if possible one that divides both sides."""
    nearest = max(1, round(wanted))
    near = [side for side in range(1, 2 * nearest) if 0.75 * wanted <= side <= 1.3 * wanted]
    fitting = [side for side in near if height % side == 0 and width % side == 0]
    return min(fitting or [nearest], key=lambda side: abs(side - wanted))


def _in_own_range(
    values: NDArray[np.float32], known: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], float]:
    finite = np.ravel(values) if known.all() else values[known]
    if finite.size == 0:
        return np.zeros_like(values), 0.0
    sample = finite[:: max(1, finite.size // _SAMPLE)]
    low, middle, high = percentiles(sample, 1.0, 50.0, 99.0)
    if not high > low:
        low, high = float(finite.min()), float(finite.max())
    spread = high - low
    if not spread > 0:
        return np.zeros_like(values), 0.0
    if not known.all():
        values = np.where(known, values, np.float32(middle))
    # Seven digits hold the difference of two camera counts; a damaged file may hold anything.
    digits = np.float32 if spread > 1e-30 and max(-low, high) < 1e30 else np.float64
    with np.errstate(over="ignore"):
        own = np.subtract(values, digits(middle), dtype=digits)
        own /= digits(spread)
    return np.clip(own, -_FARTHEST, _FARTHEST).astype(np.float32, copy=False), spread
