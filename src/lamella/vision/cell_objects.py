"""Where does each counted cell lie, how large is it, and does it count?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lamella.table.objects import Objects
from lamella.vision.cell_field import CellField
from lamella.vision.point_edits import Corrected

__all__ = ["cell_objects", "inside_of_tile"]

_TENTH = 1  # decimals of a place [px]: finer than anybody clicks


def cell_objects(
    found: CellField,
    new: Corrected | None,
    *,
    field: str,
    frame: int,
    time_h: float | None = None,
    pixel_um: float | None = None,
) -> Objects:
    """One line a cell: those that count first, then those that a person took away.

    Columns: `x_px`, `y_px` in the full picture, `x_um`, `y_um` from its upper left corner,
    `area_px`, `area_um2` (none where a person added the cell), `inside` (belongs to the area
    of the field by the edge rule; none where added), `status` (`found`, `added`, `removed`) and
    `accepted` (part of the count).

    Args:
        found: What was counted.
        new: What a person made of it; None where nobody did.
        field, frame, time_h: Where and when.
        pixel_um: Side of a pixel [um]; None leaves um empty.
    """
    automatic = np.asarray(found.points_px, np.float64).reshape(-1, 2)
    count = len(automatic)
    origin = np.arange(count) if new is None else np.asarray(new.origin, np.int64)
    places = automatic if new is None else np.asarray(new.points_px, np.float64).reshape(-1, 2)
    gone = np.setdiff1d(np.arange(count), origin)
    places = np.round(np.concatenate([places, automatic[gone]]), _TENTH)
    known = np.concatenate([origin, gone])
    areas = np.bincount(found.labels.ravel(), minlength=count + 1)[1 : count + 1]
    status = np.where(known >= 0, "found", "added").astype("U7")
    status[len(origin) :] = "removed"
    scale = np.nan if pixel_um is None else pixel_um
    area = np.append(areas, 0).astype(np.float64)[known]
    area[known < 0] = np.nan
    belongs = np.append(found.belongs, False)[known].astype(object)
    belongs[known < 0] = None
    columns = {
        "x_px": places[:, 0],
        "y_px": places[:, 1],
        "x_um": (places[:, 0] + 0.5) * scale,
        "y_um": (places[:, 1] + 0.5) * scale,
        "area_px": area,
        "area_um2": area * scale**2,
    }
    small = {name: values.astype(np.float32) for name, values in columns.items()}
    told = {"inside": belongs, "status": status, "accepted": status != "removed"}
    return Objects(field, frame, small | told, time_h)


def inside_of_tile(objects: Objects, kept: NDArray[np.bool_] | Sequence[bool]) -> Objects:
    """The same cells; `inside` says which of those that count no other tile of the mosaic has.

    Args:
        objects: From `cell_objects`.
        kept: Of each cell that counts, in order.
    """
    inside = np.zeros(len(objects), object)
    inside[:] = False
    inside[: len(kept)] = list(map(bool, kept))
    return replace(objects, columns={**objects.columns, "inside": inside})
