"""Overlapping tiles of one membrane: cells count once, and so does the area."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lamella.assays import transwell
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.table.rows import Observation
from lamella.table.wells import Design, Well
from lamella.virtual.membrane import Membrane, render_membrane
from lamella.vision.cells import count_cells

TILE = (300, 400)
STEP = (255, 340)  # 15 % overlap
PIXEL_UM = 1.0


@pytest.fixture(scope="module")
def membrane() -> np.ndarray:
    scene = Membrane().sized((TILE[0] + STEP[0], TILE[1] + STEP[1]), pixel_um=PIXEL_UM)
    return render_membrane(90, scene=scene, rng=np.random.default_rng(4)).image


def read_tile(whole: np.ndarray, off: tuple[int, int], path: Path, plane: int) -> np.ndarray:
    row, column = divmod(plane, 2)
    y, x = row * STEP[0] + off[0] * row, column * STEP[1] + off[1] * column
    tile = whole[y : y + TILE[0], x : x + TILE[1]]
    return tile.astype(np.float32)


def unit_of(whole: np.ndarray, off: tuple[int, int] = (0, 0)) -> Unit:
    reader = partial(read_tile, whole, off)
    frames = [Frame(Path(f"{k}.tif"), k, TILE, reader) for k in range(4)]
    return Unit("P1", "A01", tuple(Series(f"f{k}", (f,), PIXEL_UM) for k, f in enumerate(frames)))


def density(whole: np.ndarray, off: tuple[int, int] = (0, 0), **settings: object) -> Observation:
    chosen = transwell.TranswellSettings(**settings)
    measured = transwell.ASSAY.measure(unit_of(whole, off), chosen)
    rows = [item for item in measured if isinstance(item, Observation)]
    design = Design((Well("P1", "A01", "1", "vehicle"),))
    settled = transwell.ASSAY.settle(rows, design, chosen)
    return next(row for row in settled if row.metric == "insert_density")


TILES = {"tile_columns": 2, "tile_overlap_percent": 15}


def test_four_tiles_count_what_the_whole_membrane_counts(membrane):
    whole = count_cells(membrane.astype(np.float32), pixel_um=PIXEL_UM)
    mm2 = membrane.shape[0] * membrane.shape[1] * 1e-6
    tiled = density(membrane, **TILES)
    # A cell on a seam may be cut differently in two tiles: 5 % of about a hundred cells.
    assert tiled.value * mm2 == pytest.approx(whole.count, rel=0.05)


def test_cells_in_the_overlap_would_count_twice_without_it(membrane):
    measured = transwell.ASSAY.measure(unit_of(membrane), transwell.TranswellSettings())
    seen = [m.value for m in measured if isinstance(m, Observation) and m.metric == "cell_count"]
    mm2 = membrane.shape[0] * membrane.shape[1] * 1e-6
    # The four tiles show 1.17 times the area of the membrane, and cut cells twice.
    assert sum(seen) > 1.1 * density(membrane, **TILES).value * mm2


def test_a_stage_that_is_off_by_some_pixels_changes_nothing_much(membrane):
    told = density(membrane, off=(-6, -9), **TILES)
    assert told.value == pytest.approx(density(membrane, **TILES).value, rel=0.05)
