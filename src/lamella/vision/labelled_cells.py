"""What does a field say whose cells somebody else has outlined?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_field import CellField, Flag
from lamella.vision.cell_interval import count_interval
from lamella.vision.stain import StainModel, optical_density, unmix, white_reference

__all__ = ["field_of_labels"]

Image = NDArray[np.float32]
Labels = NDArray[np.int32]
Floats = NDArray[np.float64]

# Flags that speak of the cells that were found, not of the picture.
_OF_CELLS = ("counts_disagree", "dense")


def field_of_labels(
    image: Image, labels: Labels, base: CellField, *, pixel_um: float | None, by: str
) -> CellField:
    """A field with the cells of a label image in the place of those that Lamella found.

    The interval is the disagreement of counts by outline, area and dye, as that of `count_cells`
    is; where fewer than eight cells stand alone the size of one is not known and neither is an
    interval: `low` and `high` are NaN.

    Args:
        image: Camera counts, shape (H, W, 3) or (H, W).
        labels: Shape (H, W), 0 outside, 1..n inside cells.
        base: What `count_cells` says of the picture: its light, focus and pores stay.
        pixel_um: Side of a pixel [um].
        by: Who drew the outlines.
    """
    count = int(labels.max(initial=0))
    dye = _dye(image, base)
    inside = labels.ravel()
    areas, dyes = (
        np.asarray(np.bincount(inside, weights, count + 1)[1:], np.float64)
        for weights in (None, np.maximum(dye, 0).ravel())
    )
    cut = np.union1d(labels[-1], labels[:, -1])
    belongs = ~np.isin(np.arange(1, count + 1), cut)
    told = count_interval(labels, areas=areas, dyes=dyes) if count else None
    told = told if told and told.sized else None
    flags = tuple(flag for flag in base.flags if flag[0] not in _OF_CELLS)
    flags += _doubts(base, count, known=told is not None, by=by)
    middle = float(np.median(areas)) if count else None
    levels = replace(
        base.levels,
        by_seeds=float(count),
        by_area=told.by_area if told else float(count),
        by_dye=told.by_dye if told else float(count),
        cell_area_px=middle,
        cell_dye=float(np.median(dyes)) if count else None,
    )
    return replace(
        base,
        points_px=_middles(labels, areas),
        belongs=belongs,
        count=float(count),
        low=told.low if told else math.nan,
        high=told.high if told else math.nan,
        inside=float(belongs.sum()),
        labels=labels,
        stained_area_fraction=float(np.mean(labels > 0)),
        integrated_density=float(dyes.sum()),
        median_cell_area_um2=middle * pixel_um**2 if middle and pixel_um else None,
        flags=flags,
        levels=levels,
    )


def _dye(image: Image, base: CellField) -> Image:
    """Density of the dye, or light above the dark ground, shape (H, W)."""
    if image.ndim == 2 or not base.levels.stain:
        light = image if image.ndim == 2 else image.max(axis=2)
        return np.asarray(light - np.float32(base.levels.white[0]), np.float32)
    red, green, blue = base.levels.stain
    density = optical_density(image, white_reference(image))
    return unmix(density, StainModel((red, green, blue)))[0]


def _middles(labels: Labels, areas: Floats) -> NDArray[np.float32]:
    """Centre of each cell, shape (n, 2) as x, y."""
    y, x = np.nonzero(labels)
    cell = labels[y, x]
    sums = [np.bincount(cell, weights=at, minlength=len(areas) + 1)[1:] for at in (x, y)]
    return np.asarray(np.stack(sums, axis=1) / np.maximum(areas, 1)[:, None], np.float32)


def _doubts(base: CellField, count: int, *, known: bool, by: str) -> tuple[Flag, ...]:
    found: list[Flag] = []
    if not known:
        text = f"{by} finds too few lone cells to tell how sure its count is"
        found.append(("no_interval", f"{text}: no interval is known"))
    if not base.low <= count <= base.high:
        text = f"{by} counts {count} cells, Lamella {base.count:.0f}"
        found.append(("counters_disagree", f"{text} ({base.low:.0f} to {base.high:.0f})"))
    return tuple(found)
