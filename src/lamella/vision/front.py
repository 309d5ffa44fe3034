"""Where are the two fronts of a gap, how long are they and how far apart?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Axis", "Shape", "fit_axis", "measure_shape"]

# Geometry is read on an area-downsampled copy: a front has no detail below 1/800 of the field,
# and the area itself is counted at full resolution.
_WORK_SIDE_PX = 800
# The direction is read at the scale of the whole front: single cells ahead of it (6 % of the
# field) are smoothed away. Two parallel fronts have coherence 1, a disc 0.
_AXIS_SIDE_PX = 160
_AXIS_SIGMA = 0.06
_ROUND_BELOW = 0.25
# A mid-line that leaves the direction of the fronts by more rests on ragged or cut-off fronts.
_LARGEST_TURN_DEG = 5.0
# The outline is measured at the scale of cells: at that of pixels its length would be one of the
# camera. A disc of radius r work pixels comes out short by sigma^2 / (2 r^2).
_OUTLINE_SIGMA = 3.0
_SMALLEST_GAP = 1e-3  # of the valid field
_FULL, _HALF = 255, 127


@dataclass(frozen=True, slots=True)
class Axis:
    """The line along which a scratch runs; a round gap has none.

    Positions are in pixels of the full image from its centre: along the scratch (`start_px` to
    `end_px`) and across it (`across_px`).

    Attributes:
        round: True for a gap without a direction (stopper, dot); the rest is then 0.
        tilt_deg: Angle from the vertical image axis, in (-90, 90]; positive leans to the right
            at the bottom.
        across_px: Offset of the line from the image centre, at right angles to it.
        start_px: Where the gap, or the valid field, begins on that line.
        end_px: Where it ends.
        reach_px: Half the distance across that the gap needed when the axis was fitted.
        coherence: 1 for straight parallel fronts, 0 for a disc.
    """

    round: bool
    tilt_deg: float = 0.0
    across_px: float = 0.0
    start_px: float = 0.0
    end_px: float = 0.0
    reach_px: float = 0.0
    coherence: float = 0.0

    @property
    def length_px(self) -> float:
        """Length of the scratch inside the valid field [px]."""
        return self.end_px - self.start_px

    @property
    def normal(self) -> tuple[float, float]:
        """Unit vector (x, y) across the scratch, towards the right (down for a level one)."""
        angle = math.radians(self.tilt_deg)
        x, y = math.cos(angle), -math.sin(angle)
        return (-x, -y) if abs(self.tilt_deg) > 45 and y < 0 else (x, y)


@dataclass(frozen=True, slots=True)
class Shape:
    """Size and form of the gap in one frame, in pixels of the full image.

    Widths are read on lines across the axis, one work pixel apart, all gaps of a line summed and
    0 where it is closed; `width_mean_px` is area / axis length. For a round gap it is the
    equivalent diameter and the other widths are None. `left_px` and `right_px` are the mean
    positions of the two fronts (upper and lower for a level scratch) from the image centre, over
    the `open_lines` share of lines that are still open. Roughness is the SD of the fronts about
    their straight lines. `perimeter_px` leaves out the border of the field.
    """

    area_px: float
    valid_px: float
    count: int
    perimeter_px: float
    width_mean_px: float | None = None
    width_median_px: float | None = None
    width_sd_px: float | None = None
    open_lines: float | None = None
    left_px: float | None = None
    right_px: float | None = None
    roughness_px: float | None = None

    @property
    def fraction(self) -> float:
        """Share of the valid field that is gap."""
        return self.area_px / self.valid_px if self.valid_px else 0.0

    @property
    def width_cv(self) -> float | None:
        """SD of the width over its mean."""
        if self.width_sd_px is None or not self.width_mean_px:
            return None
        return self.width_sd_px / self.width_mean_px


def fit_axis(gap: NDArray[np.bool_], *, valid: NDArray[np.bool_] | None = None) -> Axis:
    """The direction of a scratch, from the directions of its fronts.

    The main normal of the front comes from the structure tensor of the smoothed mask; the line
    half-way between the two fronts then corrects it.

    Args:
        gap: True in the gap, shape (H, W).
        valid: True where the image shows the field, shape (H, W); None for all of it.

    >>> gap = np.zeros((100, 200), bool)
    >>> gap[:, 80:120] = True
    >>> axis = fit_axis(gap)
    >>> axis.tilt_deg, axis.length_px, axis.round
    (0.0, 100.0, False)
    """
    work = _reduce(gap, valid)
    if not work.gap.any():
        return Axis(round=True)
    coarse = _coarser(work, math.ceil(max(work.gap.shape) / _AXIS_SIDE_PX))
    gx, gy = _gradient(coarse, max(1.5, _AXIS_SIGMA * max(coarse.gap.shape)))
    xx, yy, xy = _total(gx * gx), _total(gy * gy), _total(gx * gy)
    energy = xx + yy
    coherence = math.hypot(xx - yy, 2 * xy) / energy if energy > 0 else 0.0
    if coherence < _ROUND_BELOW:
        return Axis(round=True, coherence=coherence)
    tilt = _wrap(-math.degrees(0.5 * math.atan2(2 * xy, xx - yy)))
    # A line through hundreds of rows needs no finer picture.
    half = _coarser(work, 2)
    for _ in range(2):
        turn = _midline_turn(_turned(half, tilt))
        if abs(turn) > _LARGEST_TURN_DEG:
            break
        tilt = _wrap(tilt + (turn if abs(tilt) <= 45 else -turn))
    return _extent(work, tilt, coherence)


def measure_shape(
    gap: NDArray[np.bool_], *, valid: NDArray[np.bool_] | None = None, axis: Axis | None = None
) -> Shape:
    """Area, number, widths, fronts and roughness of a gap.

    Args:
        gap: True in the gap, shape (H, W).
        valid: True where the image shows the field, shape (H, W); None for all of it.
        axis: Of the first frame of the series, so that all frames are read on the same lines;
            None fits one to this frame.

    >>> gap = np.zeros((100, 200), bool)
    >>> gap[:, 80:120] = True
    >>> shape = measure_shape(gap)
    >>> shape.area_px, shape.width_mean_px, shape.width_sd_px, round(shape.perimeter_px, 3)
    (4000.0, 40.0, 0.0, 200.0)
    """
    inside = gap if valid is None else gap & valid
    area = float(np.count_nonzero(inside))
    seen = float(gap.size if valid is None else np.count_nonzero(valid))
    work = _reduce(gap, valid)
    axis = fit_axis(gap, valid=valid) if axis is None else axis
    near = _around_gap(work)
    gx, gy = _gradient(near, _OUTLINE_SIGMA)
    # OpenCV's magnitude changes in its last digit with the place of its arrays in memory.
    perimeter = _total(np.sqrt(gx * gx + gy * gy)) * work.factor
    count = _count(near, least_px=_SMALLEST_GAP * seen / work.factor**2)
    if axis.round or axis.length_px <= 0:
        diameter = 2 * math.sqrt(area / math.pi) if area else 0.0
        return Shape(area, seen, count, perimeter, width_mean_px=diameter)
    return _on_lines(work, axis, Shape(area, seen, count, perimeter, area / axis.length_px))


@dataclass(frozen=True, slots=True)
class _Work:
    """Gap and valid field as shares of a work pixel, 0 to 255; `factor` full pixels a side."""

    gap: NDArray[np.uint8]
    valid: NDArray[np.uint8]
    factor: int


def _reduce(gap: NDArray[np.bool_], valid: NDArray[np.bool_] | None) -> _Work:
    factor = max(1, math.ceil(max(gap.shape) / _WORK_SIDE_PX))
    height, width = gap.shape[0] // factor, gap.shape[1] // factor
    inside = _shrink(gap, factor)
    if valid is None:
        return _Work(inside, np.full((height, width), _FULL, np.uint8), factor)
    seen = _shrink(valid, factor)
    return _Work(inside * (seen > _HALF), seen, factor)


def _shrink(mask: NDArray[np.bool_], factor: int) -> NDArray[np.uint8]:
    height, width = mask.shape[0] // factor, mask.shape[1] // factor
    pixels = mask[: height * factor, : width * factor].view(np.uint8) * np.uint8(_FULL)
    if factor == 1:
        return np.asarray(pixels, np.uint8)
    scaled = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, np.uint8)


def _coarser(work: _Work, factor: int) -> _Work:
    height, width = work.gap.shape[0] // factor, work.gap.shape[1] // factor
    if factor == 1 or min(height, width) < 8:
        return work
    cut = (slice(0, height * factor), slice(0, width * factor))
    gap, valid = (
        cv2.resize(picture[cut], (width, height), interpolation=cv2.INTER_AREA)
        for picture in (work.gap, work.valid)
    )
    return _Work(np.asarray(gap, np.uint8), np.asarray(valid, np.uint8), work.factor * factor)


def _around_gap(work: _Work) -> _Work:
    """The part of the picture outside which there is neither gap nor slope."""
    x, y, width, height = cv2.boundingRect(work.gap)
    if width == 0:
        return work
    margin = math.ceil(7 * _OUTLINE_SIGMA)
    part = (
        slice(max(y - margin, 0), y + height + margin),
        slice(max(x - margin, 0), x + width + margin),
    )
    return _Work(work.gap[part], work.valid[part], work.factor)


def _gradient(work: _Work, sigma: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slope of the mask smoothed inside the valid field, so that its border is no front."""
    whole = bool((work.valid == _FULL).all())
    # Steps of eight bits across a front sum to the whole step, so its length stays exact.
    smooth = np.asarray(cv2.GaussianBlur(work.gap, (0, 0), sigma, borderType=cv2.BORDER_REFLECT))
    if not whole:
        weight = cv2.GaussianBlur(work.valid, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        smooth = np.asarray(smooth / np.maximum(weight, 1).astype(np.float32))
    scale = 0.5 / _FULL if whole else 0.5
    gx = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1, scale=scale), np.float32)
    gy = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1, scale=scale), np.float32)
    if whole:
        return gx, gy
    inside = (work.valid > _HALF).astype(np.uint8)
    inside = np.asarray(cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=(1.0,)), np.uint8)
    return np.asarray(gx * inside, np.float32), np.asarray(gy * inside, np.float32)


def _total(values: NDArray[np.float32]) -> float:
    """Sum to nine digits: further ones depend on the order in which it is formed."""
    return float(f"{values.sum(dtype=np.float64):.9g}")


def _count(work: _Work, *, least_px: float) -> int:
    count, labels = cv2.connectedComponents((work.gap > _HALF).view(np.uint8), connectivity=8)
    if count <= 2:
        return int(np.count_nonzero(labels) >= max(least_px, 1))
    areas = np.bincount(np.ravel(labels), minlength=count)
    return int((areas[1:] >= least_px).sum())


def _wrap(tilt_deg: float) -> float:
    wrapped = (tilt_deg + 90.0) % 180.0 - 90.0
    return 90.0 if wrapped == -90.0 else wrapped


@dataclass(frozen=True, slots=True)
class _Turned:
    """The work picture turned so that the scratch is upright: a row is a line across it.

    Attributes:
        gap: All rows of the turned picture, and those of its columns that hold the gap.
        left: The column of the turned picture at which `gap` begins.
        shape: Rows and columns of the whole turned picture.
        valid: The valid field as it was, and `matrix`, which turns it; None: not to be turned.
    """

    gap: NDArray[np.uint8]
    left: int
    shape: tuple[int, int]
    valid: NDArray[np.uint8]
    matrix: NDArray[np.float64] | None

    @property
    def middle(self) -> tuple[float, float]:
        """Row and column of the image centre."""
        return (self.shape[0] - 1) / 2, (self.shape[1] - 1) / 2

    def seen(self, column: float) -> NDArray[np.bool_]:
        """Which pixels of the column nearest to this place lie in the valid field."""
        nearest = int(np.clip(round(column), 0, self.shape[1] - 1))
        if self.matrix is None:
            return np.asarray(self.valid[:, nearest] > _HALF)
        size, how = (1, self.shape[0]), cv2.INTER_NEAREST
        line = cv2.warpAffine(self.valid, _shifted(self.matrix, nearest), size, flags=how)
        return np.asarray(np.asarray(line)[:, 0] > _HALF)


def _turned(work: _Work, tilt_deg: float) -> _Turned:
    gap, valid, turn = work.gap, work.valid, tilt_deg
    if abs(tilt_deg) > 45:  # exchange rows and columns first: level scratches stay exact
        gap, valid = np.ascontiguousarray(gap.T), np.ascontiguousarray(valid.T)
        turn = (90.0 - abs(tilt_deg)) * math.copysign(1.0, tilt_deg)
    height, width = gap.shape
    x, y, across, along = cv2.boundingRect(gap)
    if abs(turn) < 0.01:
        return _Turned(gap[:, x : x + max(across, 1)], x, gap.shape, valid, None)
    side = math.ceil(math.hypot(height, width))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -turn, 1.0)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    corners = np.array([(i, j, 1) for i in (x - 1, x + across) for j in (y - 1, y + along)])
    columns = corners @ matrix[0]
    left = int(np.clip(math.floor(columns.min()), 0, side - 1))
    size = (int(np.clip(math.ceil(columns.max()) + 1, left + 1, side)) - left, side)
    turned = cv2.warpAffine(gap, _shifted(matrix, left), size, flags=cv2.INTER_LINEAR)
    return _Turned(
        np.asarray(turned, np.uint8), left, (side, side), valid, np.asarray(matrix, np.float64)
    )


def _shifted(matrix: cv2.typing.MatLike, left: int) -> NDArray[np.float64]:
    """The same turn for a picture that begins at this column."""
    moved = np.array(matrix, np.float64)
    moved[0, 2] -= left
    return moved


@dataclass(frozen=True, slots=True)
class _Fronts:
    """Of each row: is it open, and where its first front begins and its last one ends."""

    open: NDArray[np.bool_]
    first: NDArray[np.float64]
    last: NDArray[np.float64]


def _fronts(turned: _Turned) -> _Fronts:
    inside = turned.gap > _HALF
    return _Fronts(
        np.asarray(inside.any(axis=1)),
        turned.left + inside.argmax(axis=1) - 0.5,
        turned.left + inside.shape[1] - 0.5 - inside[:, ::-1].argmax(axis=1),
    )


def _complete(
    turned: _Turned, rows: NDArray[np.bool_], columns: tuple[float, float]
) -> NDArray[np.bool_]:
    """Rows whose whole wound lies inside the field; all of them where most are cut."""
    whole = rows & turned.seen(columns[0]) & turned.seen(columns[1])
    return whole if whole.sum() * 2 >= rows.sum() else rows


def _midline_turn(turned: _Turned) -> float:
    """Degrees by which the line half-way between the fronts leaves the upright."""
    fronts = _fronts(turned)
    if fronts.open.sum() < 20:
        return 0.0
    rows = np.flatnonzero(_complete(turned, fronts.open, _reach(fronts)))
    if rows.size < 20:
        return 0.0
    middle = (fronts.first[rows] + fronts.last[rows]) / 2
    centred = rows - rows.mean()
    return math.degrees(math.atan(float((centred * middle).sum() / (centred**2).sum())))


def _reach(fronts: _Fronts) -> tuple[float, float]:
    """Columns between which the fronts lie, without the outermost twentieth."""
    return (
        float(np.percentile(fronts.first[fronts.open], 5)),
        float(np.percentile(fronts.last[fronts.open], 95)),
    )


def _extent(work: _Work, tilt_deg: float, coherence: float) -> Axis:
    turned = _turned(work, tilt_deg)
    fronts = _fronts(turned)
    open_rows = np.flatnonzero(fronts.open)
    if open_rows.size == 0:
        return Axis(round=True, coherence=coherence)
    row0, column0 = turned.middle
    across = float(np.mean((fronts.first[open_rows] + fronts.last[open_rows]) / 2))
    on_line = np.flatnonzero(turned.seen(across))
    on_line = on_line[(on_line >= open_rows[0]) & (on_line <= open_rows[-1])]
    if on_line.size == 0:
        return Axis(round=True, coherence=coherence)
    left, right = _reach(fronts)
    return Axis(
        round=False,
        tilt_deg=tilt_deg,
        across_px=(across - column0) * work.factor,
        start_px=(float(on_line[0]) - 0.5 - row0) * work.factor,
        end_px=(float(on_line[-1]) + 0.5 - row0) * work.factor,
        reach_px=max(across - left, right - across) * work.factor,
        coherence=coherence,
    )


def _on_lines(work: _Work, axis: Axis, shape: Shape) -> Shape:
    turned = _turned(work, axis.tilt_deg)
    row0, column0 = turned.middle
    scale = work.factor
    position = (np.arange(turned.gap.shape[0]) - row0) * scale
    middle = column0 + axis.across_px / scale
    reach = axis.reach_px / scale - 1
    rows = _complete(
        turned,
        np.asarray((position >= axis.start_px) & (position <= axis.end_px)),
        (middle - reach, middle + reach),
    )
    if rows.sum() < 2:
        return shape
    widths = turned.gap.sum(axis=1, dtype=np.int64)[rows] * (scale / _FULL)
    fronts = _fronts(turned)
    shape = replace(
        shape,
        width_median_px=float(np.median(widths)),
        width_sd_px=float(np.std(widths, ddof=1)),
        open_lines=float(fronts.open[rows].mean()),
    )
    line = np.flatnonzero(rows & fronts.open)
    if line.size < 3:
        return shape
    left, right = fronts.first[line], fronts.last[line]
    return replace(
        shape,
        left_px=float(left.mean() - column0) * scale,
        right_px=float(right.mean() - column0) * scale,
        roughness_px=scale * math.sqrt((_scatter(line, left) + _scatter(line, right)) / 2),
    )


def _scatter(x: NDArray[np.intp], y: NDArray[np.float64]) -> float:
    """Variance of y about its straight line over x."""
    centred, level = x - x.mean(), y - y.mean()
    spread = float((centred**2).sum())
    residual = level - centred * (float((centred * level).sum()) / spread if spread else 0.0)
    return float((residual**2).sum()) / max(len(x) - 2, 1)
