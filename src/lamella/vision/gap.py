"""Where is the gap of a wound-healing picture, how large is it, and how sure is that?

Tissue has structure and a gap has none. The picture is brought to a work scale, borders and
writing are masked, gradient energy tells tissue from dish, and what is smooth over more than a
few cells is gap. A field of one texture is an answer and not an error: then the mask is empty,
and only other frames and wells can tell whether it is closed or bare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.area_interval import area_sd
from lamella.vision.burn_in import burnt_in
from lamella.vision.field_of_view import field_of_view
from lamella.vision.front_search import FrontSearch, one_class_because
from lamella.vision.ranks import percentiles
from lamella.vision.texture import Energy, gradient_energy
from lamella.vision.two_classes import TwoClasses, two_classes
from lamella.vision.work_scale import WorkPicture, to_work_scale

__all__ = ["CELL_SCALES", "Gap", "GapLevels", "find_gap", "find_gap_at_work_scale"]

Alone = Literal["open", "one_class", "unusable"]

_SMALLEST_SIDE_PX = 32
_SMALLEST_FIELD = 0.05
# Cells may be larger, or the layer looser, than the unit expects: where nothing is found, it is
# looked for once more with a unit of twice the size.
CELL_SCALES = (1.0, 2.0)
# Normal quantile of a 95 % interval.
_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class GapLevels:
    """What only the whole plate can judge: natural logs of the mean squared gradient
    (camera counts per work pixel, squared).

    Attributes:
        tissue: Median of the tissue; None where there is no gap beside it.
        gap: Median of the gap; None where there is none.
        image: Median of the whole valid field.
        noise: Of the flattest hundredth of the field.
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
        cell_scale: Of `CELL_SCALES`, how large the cells are beside those that the unit expects.
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
    cell_scale: float = 1.0


def find_gap(
    counts: NDArray[np.number],
    *,
    pixel_um: float | None = None,
    search: NDArray[np.bool_] | None = None,
) -> Gap:
    """The gap of one frame; never fails on a picture, whatever it shows.

    Args:
        counts: Camera counts, shape (H, W), of any real type and raw depth: nothing is
            rescaled beforehand.
        pixel_um: Side of a pixel [um]; None where nobody states it.
        search: Shape (H, W), where a gap may be, for example the dilated first wound of the
            series; None searches everywhere.

    References:
        Kittler and Illingworth 1986, 10.1016/0031-3203(86)90030-0.

    >>> rng = np.random.default_rng(0)
    >>> picture = rng.normal(100, 20, (300, 400)).astype(np.float32)
    >>> picture[:, 150:250] = rng.normal(100, 1, (300, 100))
    >>> gap = find_gap(picture)
    >>> gap.alone, 28_000 < gap.area_px < 32_000
    ('open', True)
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.size == 0:
        return _too_small(counts.shape)
    return find_gap_at_work_scale(to_work_scale(counts, pixel_um=pixel_um), search=search)


def find_gap_at_work_scale(
    work: WorkPicture,
    *,
    search: NDArray[np.bool_] | None = None,
    cell_scales: Sequence[float] = CELL_SCALES,
) -> Gap:
    """The same from the reduced picture, so that nobody has to hold the large one.

    Args:
        work: The picture at work scale.
        search: As for `find_gap`.
        cell_scales: Tried in turn until one shows a gap; frames of one series share what their
            first wound was found with.
    """
    if min(work.full_shape) < _SMALLEST_SIDE_PX:
        return _too_small(work.full_shape)
    field = field_of_view(work)
    if np.count_nonzero(field) < _SMALLEST_FIELD * field.size or work.spread <= 0:
        return _unusable(work.full_shape, "no structure: one grey level, or no numbers at all")
    first, *further = (_Look(work, field, search, scale) for scale in cell_scales)
    gap = first.gap()
    for look in further:
        if gap.alone == "open":
            break
        again = look.gap(by_itself=True)
        gap = again if again.alone == "open" else gap
    return gap


@dataclass(frozen=True, slots=True)
class _Look:
    """A search with cells so many times as large as usual."""

    work: WorkPicture
    field: NDArray[np.bool_]
    search: NDArray[np.bool_] | None
    cell_scale: float

    def gap(self, *, by_itself: bool = False) -> Gap:
        """What is found; `by_itself` where the histogram has to show both kinds of texture."""
        work = replace(self.work, unit_px=self.cell_scale * self.work.unit_px)
        inner = _inner(self.field, work.unit_px)
        energy = gradient_energy(work, seen=inner & ~burnt_in(work, field=self.field))
        coarse, mean = energy.coarser(), energy.mean(FrontSearch.WINDOW)
        fine = mean[1::2, 1::2].copy()
        classes = two_classes(coarse, fine=fine)
        valid = _fitted(self.field, work.full_shape)
        frame = _Frame(work, coarse, fine, classes, valid, self.cell_scale)
        why = one_class_because(classes)
        if classes is None or why:
            return _one_class(frame, why)
        where = _fitted(self.field, mean.shape)
        if self.search is not None:
            where &= _fitted(np.asarray(self.search, np.bool_), mean.shape)
        fronts = FrontSearch(energy, classes, where)
        if by_itself and fronts.remnant:
            return _one_class(frame, "one kind of texture at this scale")
        mean = fronts.mean() if fronts.remnant else mean
        return _open(frame, fronts, mean, place_known=self.search is not None)


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame on the way to its gap: picture, energy on a map of half the size of that of the
    search, its mean there, classes, field of view."""

    work: WorkPicture
    coarse: Energy
    fine: NDArray[np.float32]
    classes: TwoClasses | None
    valid: NDArray[np.bool_]
    cell_scale: float


def _open(
    frame: _Frame, search: FrontSearch, mean: NDArray[np.float32], *, place_known: bool
) -> Gap:
    regions = search.regions(mean)
    why = search.nothing_because(regions, place_known=place_known)
    if why:
        return _one_class(frame, why)
    mask = _enlarged(regions.depth, frame.valid, margins=frame.work.margins)
    area = float(np.count_nonzero(mask))
    islands, island_px = regions.islands()
    per_map_px = mask.size / regions.depth.size
    half = _Z95 * area_sd(search, regions, coarse=frame.coarse) * per_map_px
    return Gap(
        mask=mask,
        valid=frame.valid,
        area_px=area,
        low_px=max(0.0, area - half),
        high_px=min(float(np.count_nonzero(frame.valid)), area + half),
        islands=islands,
        island_area_px=min(area, island_px * per_map_px),
        levels=_levels(frame, regions.front),
        scale=1 / frame.work.block,
        alone="open",
        reason="",
        cell_scale=frame.cell_scale,
    )


def _one_class(frame: _Frame, why: str) -> Gap:
    nothing, scale = np.zeros_like(frame.valid), 1 / frame.work.block
    levels = _levels(frame, None)
    return Gap(nothing, frame.valid, 0.0, 0.0, 0.0, 0, 0.0, levels, scale, "one_class", why)


def _too_small(shape: tuple[int, ...]) -> Gap:
    size = " x ".join(str(side) for side in shape)
    return _unusable(shape[:2], f"a picture of {size} px is too small to judge")


def _unusable(shape: tuple[int, ...], why: str) -> Gap:
    nothing = np.zeros(shape, np.bool_)
    levels = GapLevels(None, None, 0.0, 0.0, 0.0)
    return Gap(nothing, nothing.copy(), 0.0, 0.0, 0.0, 0, 0.0, levels, 1.0, "unusable", why)


def _levels(frame: _Frame, front: NDArray[np.bool_] | None) -> GapLevels:
    to_counts = 2 * math.log(frame.work.spread)
    fine, seen = frame.fine, frame.coarse.seen > 0.5
    front = None if front is None else front[1::2, 1::2]
    values = fine[seen]

    def levels(energies: NDArray[np.float32], *percents: float) -> list[float]:
        if energies.size == 0:
            return []
        return [math.log(max(p, 1e-20)) + to_counts for p in percentiles(energies, *percents)]

    def middle(where: NDArray[np.bool_]) -> float | None:
        return next(iter(levels(fine[where], 50.0)), None)

    noise, image = levels(values, 1.0, 50.0) or (0.0, 0.0)
    return GapLevels(
        tissue=None if front is None else middle(seen & ~front),
        gap=None if front is None else middle(seen & front),
        image=image,
        noise=noise,
        separability=0.0 if frame.classes is None else frame.classes.split.separability,
    )


def _inner(field: NDArray[np.bool_], unit_px: float) -> NDArray[np.bool_]:
    """The field without the rim where the border's own edge would count as structure."""
    if field.all():
        return field
    side = 2 * max(1, round(4 * unit_px)) + 1
    return np.asarray(
        cv2.erode(field.astype(np.uint8), np.ones((side, side), np.uint8), borderValue=1) > 0
    )


def _enlarged(
    depth: NDArray[np.float32], valid: NDArray[np.bool_], *, margins: tuple[int, int]
) -> NDArray[np.bool_]:
    # Eight bits hold the few pixels about the front finely enough, and enlarge fastest.
    levels = np.clip(np.rint(depth * 16 + 128), 0, 255).astype(np.uint8)
    (height, width), (top, left) = valid.shape, margins
    size = (width - 2 * left, height - 2 * top)
    full = cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR)
    if top or left:
        full = cv2.copyMakeBorder(full, top, top, left, left, cv2.BORDER_REPLICATE)
    full = np.asarray(full, np.uint8)
    mask = np.greater(full, 128, out=full.view(np.bool_))
    return np.asarray(np.logical_and(mask, valid, out=mask))


def _fitted(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.all():
        return np.ones(shape, np.bool_)
    size = (shape[1], shape[0])
    share = cv2.resize(mask.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.greater(share, 127))
