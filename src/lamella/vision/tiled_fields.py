"""Rows of fields that overlap as tiles of one membrane: each cell counts once, each place too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamella.table.objects import Objects
from lamella.table.rows import Observation
from lamella.vision.cell_objects import inside_of_tile
from lamella.vision.membrane_rows import CountedField, MembranePlace
from lamella.vision.mosaic import Mosaic, kept_once, place_tiles

__all__ = ["Tile", "rows_counted_once", "stage_places_px"]

_SAME_CELL = 0.5  # of a cell diameter: nearer than this, two tiles show one cell
_PER_FIELD = ("cells_inside", "field_area", "cell_density")


@dataclass(frozen=True, slots=True)
class Tile:
    """One counted field: its place in the scan (from 0, row by row), its grey picture, its rows."""

    order: int
    grey: NDArray[np.float32]
    field: CountedField
    place: MembranePlace


def stage_places_px(
    orders: Sequence[int], *, columns: int, overlap: float, tile_px: tuple[int, int]
) -> NDArray[np.float64]:
    """Where a scan by rows puts each tile, shape (n, 2) as x, y.

    Args:
        orders: Place in the scan of each tile, from 0.
        columns: Tiles a row.
        overlap: Share of a tile that its neighbour shows too.
        tile_px: Width and height of a tile.

    >>> stage_places_px([0, 1, 2], columns=2, overlap=0.1, tile_px=(100, 50)).tolist()
    [[0.0, 0.0], [90.0, 0.0], [0.0, 45.0]]
    """
    at = np.array([divmod(order, columns)[::-1] for order in orders], np.float64)
    return at.reshape(-1, 2) * (1 - overlap) * np.asarray(tile_px, np.float64)


def rows_counted_once(
    tiles: Sequence[Tile], *, columns: int, overlap: float
) -> list[tuple[Observation | Objects, ...]]:
    """The rows and objects of each tile; `cells_inside` holds the cells that no other tile keeps.

    The area of a tile is its share of what the mosaic covers, so that the density of the insert
    is all cells over all area that was seen. A tile that could not be aligned lies where the
    scan says, and is flagged.

    Args:
        tiles: Counted fields of one size; two or more.
        columns: Tiles a row of the scan.
        overlap: Share of a tile that its neighbour shows too.
    """
    height, width = tiles[0].grey.shape
    stage = stage_places_px(
        [tile.order for tile in tiles], columns=columns, overlap=overlap, tile_px=(width, height)
    )
    mosaic = place_tiles([tile.grey for tile in tiles], stage_px=stage)
    kept = kept_once(
        [np.asarray(tile.field.points, np.float32).reshape(-1, 2) for tile in tiles],
        mosaic,
        tile_px=(width, height),
        same_px=_SAME_CELL * float(np.median([tile.field.cell_px for tile in tiles])),
    )
    found: list[tuple[Observation | Objects, ...]] = []
    for k, (tile, mine) in enumerate(zip(tiles, kept, strict=True)):
        counted = (inside_of_tile(objects, mine) for objects in tile.field.counted)
        found.append((*_rows(tile, int(mine.sum()), mosaic, k), *counted))
    return found


def _rows(tile: Tile, kept: int, mosaic: Mosaic, k: int) -> tuple[Observation, ...]:
    place, own = tile.place, [row for row in tile.field.rows if row.metric not in _PER_FIELD]
    points = len(tile.field.points)
    count = next(row for row in own if row.metric == "cell_count" and row.object is None)
    # Clusters may hold more cells than points; those of this tile keep their share.
    each = kept / points if points else 0.0
    value = each * (count.value or 0.0)
    # A network that finds too few lone cells has no interval: NaN is no end.
    low, high = (math.nan if end is None else each * end for end in (count.low, count.high))
    own.append(place.row("cells_inside", value, ends=(low, high)))
    if place.pixel_um is not None:
        share = mosaic.covered_px / len(mosaic.linked)
        area = share * (place.pixel_um * 1e-3) ** 2
        own.append(place.row("field_area", area))
        own.append(place.row("cell_density", value / area, ends=(low / area, high / area)))
    else:
        own += [row for row in tile.field.rows if row.metric == "cell_density"]
    if not mosaic.linked[k]:
        reason = "this tile could not be aligned with a neighbour; it lies where the scan says"
        doubt = place.row("quality", text="tile_not_aligned", note=("tile_not_aligned", reason))
        own.append(replace(doubt, object="tile_not_aligned"))
    return tuple(own)
