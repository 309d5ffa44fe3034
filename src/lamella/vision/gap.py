"""Where is the gap of a wound-healing picture, how large is it, and how sure is that?

Tissue has structure and a gap has none. The picture is brought to a work scale, borders and
writing are masked, the log of the local gradient energy is split by a minimum-error threshold,
and what remains smooth over more than a few cells is gap. A histogram of one class is an answer
and not an error: then there is no gap in the mask, and only the other frames and wells can tell
whether the field is closed or empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.burn_in import burnt_in
from lamella.vision.field_of_view import field_of_view
from lamella.vision.regions import Regions, open_regions
from lamella.vision.texture import log_energy
from lamella.vision.threshold import Split, minimum_error
from lamella.vision.work_scale import WorkPicture, to_work_scale

__all__ = ["Gap", "GapLevels", "find_gap"]

Alone = Literal["open", "one_class", "unusable"]

# Lengths in work units (2 um, or 1/700 of the short side).
_WINDOW = 4.0
_DERIVATIVE = 0.7
_GROWTH = 4.0
# Of the energy of tissue: below it, how empty a pixel is does not matter.
_FLOOR = 1e-4
# The histogram must dip to this share of its lower peak before it holds two classes.
_DEEPEST_VALLEY = 0.85
# Standard deviation of a front, as a length in work units.
_FRONT_SD = 3.0
_SMALLEST_SIDE_PX = 32


@dataclass(frozen=True, slots=True)
class GapLevels:
    """What only the whole plate can judge: natural logs of texture energy, in camera counts.

    Attributes:
        tissue: Median of the tissue; None where there is no such class.
        gap: Median of the gap; None where there is no such class.
        image: Median of the whole valid field.
        noise: The flattest hundredth of the field.
        separability: 0..1, how far the two classes lie apart (see `threshold.Split`).
    """

    tissue: float | None
    gap: float | None
    image: float
    noise: float
    separability: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The gap of one frame, at full resolution.

    Attributes:
        mask: Shape (H, W), True inside the gap; islands in it are filled (front area).
        valid: Shape (H, W), True in the field of view.
        area_px: Pixels of `mask`.
        low_px, high_px: 95 % interval of the area: threshold and scale perturbed, plus the
            boundary term.
        islands: Cells and clumps inside the gap.
        island_area_px: Their pixels; the cell-free area is `area_px - island_area_px`.
        levels: What `settle` needs to decide states plate-wide.
        scale: Work pixels per full pixel.
        alone: What this frame alone can say: `one_class` is closed or empty.
        reason: Why it is not open, else "".
    """

    mask: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    area_px: float
    low_px: float
    high_px: float
    islands: int
    island_area_px: float
    levels: GapLevels
    scale: float
    alone: Alone
    reason: str


def find_gap(
    counts: NDArray[np.float32],
    *,
    pixel_um: float | None = None,
    search: NDArray[np.bool_] | None = None,
) -> Gap:
    """The gap of one frame.

    Args:
        counts: Camera counts, shape (H, W), raw depth: nothing is rescaled beforehand.
        pixel_um: Side of a pixel [um]; None where nobody states it.
        search: Shape (H, W), where a gap may be, for example the dilated first wound of the
            series; None searches everywhere.

    References:
        Kittler and Illingworth 1986, 10.1016/0031-3203(86)90030-0.
    """
    counts = np.asarray(counts, np.float32)
    if counts.ndim != 2 or min(counts.shape, default=0) < _SMALLEST_SIDE_PX:
        reason = f"a picture of {' x '.join(map(str, counts.shape))} px is too small to judge"
        return _nothing(counts.shape[:2], "unusable", reason)
    work = to_work_scale(counts, pixel_um=pixel_um)
    field = field_of_view(work)
    if field.mean() < 0.05 or not np.ptp(work.values[field]) > 0:
        reason = "no structure: the picture is one grey level, or holds no numbers"
        return _nothing(counts.shape, "unusable", reason)
    return _measured(counts, work, field, search)


def _measured(
    counts: NDArray[np.float32],
    work: WorkPicture,
    field: NDArray[np.bool_],
    search: NDArray[np.bool_] | None,
) -> Gap:
    seen = _eroded(field, work.unit_px) & ~burnt_in(work, field=field)
    weight = None if seen.all() else seen.astype(np.float32)
    energy = log_energy(
        work.values,
        window_px=_WINDOW * work.unit_px,
        derivative_px=_DERIVATIVE * work.unit_px,
        floor=_FLOOR,
        weight=weight,
    )
    values = energy[seen]
    split = minimum_error(values) if values.size else None
    where = field if search is None else field & _resized(search, field.shape)
    if split is None or split.valley > _DEEPEST_VALLEY:
        reason = "one kind of texture in the whole field: closed or empty"
        levels = _levels(energy, seen, None, split=split, spread=work.spread)
        return _nothing(counts.shape, "one_class", reason, levels=levels, field=field, work=work)
    regions = _regions(energy, split.threshold, where, work.unit_px)
    if not regions.front.any():
        reason = "no smooth region is larger than the holes between cells"
        levels = _levels(energy, seen, None, split=split, spread=work.spread)
        return _nothing(counts.shape, "one_class", reason, levels=levels, field=field, work=work)
    mask, valid = _resized(regions.front, counts.shape), _resized(field, counts.shape)
    area = float(np.count_nonzero(mask))
    half = 1.96 * _area_sd(energy, split, where, regions, work.unit_px) / work.scale**2
    return Gap(
        mask=mask,
        valid=valid,
        area_px=area,
        low_px=max(0.0, area - half),
        high_px=min(float(np.count_nonzero(valid)), area + half),
        islands=regions.islands,
        island_area_px=regions.island_area_px / work.scale**2,
        levels=_levels(energy, seen, regions.front, split=split, spread=work.spread),
        scale=work.scale,
        alone="open",
        reason="",
    )


def _regions(
    energy: NDArray[np.float32], threshold: float, where: NDArray[np.bool_], unit_px: float
) -> Regions:
    low = (energy < threshold) & where
    return open_regions(low, where=where, unit_px=unit_px, growth_px=_GROWTH * unit_px)


def _area_sd(
    energy: NDArray[np.float32],
    split: Split,
    where: NDArray[np.bool_],
    regions: Regions,
    unit_px: float,
) -> float:
    """Standard deviation of the area [work pixels]: perturbed threshold, and the boundary."""
    half = (energy.shape[1] // 2 or 1, energy.shape[0] // 2 or 1)
    small = np.asarray(cv2.resize(energy, half, interpolation=cv2.INTER_AREA), np.float32)
    small_where = _resized(where, small.shape)
    step = 0.1 * (split.high_mean - split.low_mean)
    areas = [
        np.count_nonzero(_regions(small, t, small_where, unit_px / 2).front)
        for t in (split.threshold - step, split.threshold, split.threshold + step)
    ]
    perturbed = float(np.std(areas, ddof=1)) * energy.size / small.size
    boundary = _front_length(regions.front, where) * _FRONT_SD * unit_px
    return float(np.hypot(perturbed, boundary))


def _front_length(front: NDArray[np.bool_], where: NDArray[np.bool_]) -> float:
    inner = cv2.erode(front.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    rim = front & (inner == 0)
    at_border = cv2.erode(where.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) == 0
    return float(np.count_nonzero(rim & ~at_border))


def _levels(
    energy: NDArray[np.float32],
    seen: NDArray[np.bool_],
    front: NDArray[np.bool_] | None,
    *,
    split: Split | None,
    spread: float,
) -> GapLevels:
    # The energy is in units of the picture's own range; only counts compare between pictures.
    energy = energy + np.float32(2 * np.log(max(spread, 1e-30)))
    values = energy[seen] if seen.any() else np.zeros(1, np.float32)
    tissue = gap = None
    if front is not None:
        inside, outside = energy[seen & front], energy[seen & ~front]
        gap = float(np.median(inside)) if inside.size else None
        tissue = float(np.median(outside)) if outside.size else None
    return GapLevels(
        tissue=tissue,
        gap=gap,
        image=float(np.median(values)),
        noise=float(np.percentile(values, 1)),
        separability=0.0 if split is None else split.separability,
    )


def _nothing(
    shape: tuple[int, ...],
    alone: Alone,
    reason: str,
    *,
    levels: GapLevels | None = None,
    field: NDArray[np.bool_] | None = None,
    work: WorkPicture | None = None,
) -> Gap:
    empty = np.zeros(shape, np.bool_)
    return Gap(
        mask=empty,
        valid=np.zeros_like(empty) if field is None else _resized(field, shape),
        area_px=0.0,
        low_px=0.0,
        high_px=0.0,
        islands=0,
        island_area_px=0.0,
        levels=levels or GapLevels(None, None, 0.0, 0.0, 0.0),
        scale=1.0 if work is None else work.scale,
        alone=alone,
        reason=reason,
    )


def _eroded(field: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    if field.all():
        return field
    side = 2 * max(1, round(4 * unit_px)) + 1
    return cv2.erode(field.astype(np.uint8), np.ones((side, side), np.uint8), borderValue=1) > 0


def _resized(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.shape == shape:
        return mask.copy()
    picture = mask.view(np.uint8) * np.uint8(1)
    out = cv2.resize(picture, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(out).view(np.bool_)
