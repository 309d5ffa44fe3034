"""Rendered membranes counted: empty ones hold no cell, and clusters are told apart.

Short runs of `bench/closed_loop_membrane.py`; the thresholds are the same.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from lamella.virtual.membrane import Membrane, render_membrane
from lamella.virtual.violet_cells import CellLook
from lamella.vision.cells import count_cells

SPREAD = CellLook(clustered=0.5, largest=40)
ROUND = CellLook(
    "round", diameter_um=20, size_cv=0.1, stain=0.5, soft_um=2.5, clustered=0.8, largest=40
)


def counted(expected: float, look: CellLook, seed: int):
    scene = replace(Membrane(look=look).sized((480, 640), pixel_um=0.8))
    field = render_membrane(expected, scene=scene, rng=np.random.default_rng([seed, 7]))
    return field, count_cells(field.image.astype(np.float32), pixel_um=field.pixel_um)


@pytest.mark.parametrize("seed", range(8))
def test_an_empty_membrane_with_pores_holds_no_cell(seed):
    field, found = counted(0, ROUND, seed)
    assert len(field.pores_px) > 100
    assert (found.count, found.inside) == (0, 0)


def test_counts_are_within_five_percent_and_intervals_hold_the_truth():
    errors, held = [], []
    for seed, expected in enumerate((5, 15, 40, 80, 150, 250) * 3):
        field, found = counted(expected, ROUND if seed % 2 else SPREAD, seed)
        errors.append(abs(found.count - field.count) / max(field.count, 1))
        held.append(found.low <= field.count <= found.high)
    assert np.median(errors) <= 0.05
    # 90 %, less three standard errors of a share of that many fields; 96 fields are in the bench.
    assert np.mean(held) >= 0.9 - 3 * math.sqrt(0.9 * 0.1 / len(held))
