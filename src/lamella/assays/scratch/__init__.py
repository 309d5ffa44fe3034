"""Wound healing (scratch): how fast does a gap in a monolayer close?

Each field is outlined frame by frame (`measure`), then states, closure, edge speed and quality
are settled with the whole study in view (`settle`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamella.assays.contract import Assay, Panel, Template
from lamella.assays.scratch.measure import measure, rows_of_masks
from lamella.assays.scratch.metrics import METRICS, NAME
from lamella.assays.scratch.settings import ScratchSettings
from lamella.assays.scratch.settle import settle
from lamella.table.rows import Observation
from lamella.table.wells import Design

__all__ = ["ASSAY", "ScratchSettings", "measure_masks", "rows_of_masks"]


def measure_masks(
    masks: Sequence[NDArray[np.bool_]],
    *,
    times_h: Sequence[float] | None,
    pixel_um: float | None,
    place: tuple[str, str] = ("", ""),
) -> list[Observation]:
    """Rows of a series whose gap masks are known, settled as a study of one field.

    The rows of several wells may be joined and settled again with their design: that gives the
    read-out on known masks that a study would give on the pictures.

    Args:
        masks: True in the gap, each of shape (H, W), in time order.
        times_h: Time of each mask [h]; None where unknown: speeds are then per frame.
        pixel_um: Side of a pixel [µm]; None where unknown: lengths are then in pixels.
        place: Plate and well.

    Raises:
        MeasurementError: The number of masks and of times differ.

    >>> masks = [np.zeros((100, 200), bool) for _ in range(4)]
    >>> for i, mask in enumerate(masks):
    ...     mask[:, 50 + 5 * i : 150 - 5 * i] = True
    >>> rows = measure_masks(masks, times_h=[0, 1, 2, 3], pixel_um=2.0)
    >>> next(row.value for row in rows if row.metric == "edge_speed")
    10.0
    """
    rows = rows_of_masks(masks, times_h=times_h, pixel_um=pixel_um, place=(*place, "1"))
    return list(settle(rows, Design(), ScratchSettings()))


def methods_text(settings: ScratchSettings) -> str:
    """Sentences for the methods section."""
    level = settings.window_closure_percent
    when = (
        f"at {settings.closure_at_h:g} h"
        if settings.closure_at_h is not None
        else f"at the last frame at which the vehicle had closed by no more than {level:g} %"
    )
    return (
        "The cell-free gap of every frame was outlined without user settings (log gradient "
        "energy, minimum-error threshold; Kittler and Illingworth 1986). Fields of a single "
        "texture were called closed or empty by comparison with tissue and gap of the plate at "
        "time zero. Closure was 100 (A0 - At) / A0. Edge speed was the least-squares slope of "
        "-(dA/dt) / (2 L), with A the gap area and L the length of the scratch axis (for round "
        "gaps -(dA/dt) / perimeter), over one window per plate from the end of the lag of the "
        f"vehicle to its closure of {level:g} %; its 95 % interval allows for correlated frames "
        f"and for the error of the areas. Closure was read {when}. Fields were averaged to one "
        "value per well."
    )


ASSAY: Assay[ScratchSettings] = Assay(
    name=NAME,
    title="Wound healing (scratch)",
    settings=ScratchSettings,
    metrics=METRICS,
    readouts=("edge_speed", "closure", "mean_closure", "edge_speed_delayed"),
    measure=measure,
    settle=settle,
    panels=(
        Panel("dose_response", "Edge speed over dose", "edge_speed"),
        Panel("time_course", "Closure over time", "closure"),
        Panel("contact_sheet", "Outlines of the gap", "gap_state"),
        Panel("plate", "Edge speed over the plate", "edge_speed"),
        Panel("table", "Wells", "edge_speed"),
    ),
    methods_text=methods_text,
    template=Template(
        protocol=(
            'gap_tool = "p200 tip"',
            "cells_per_cm2 = 100000",
            "serum_percent = 1",
            'proliferation_control = "mitomycin C 10 ug/mL 2 h"',
            "doubling_time_h = 24",
            "solvent_percent = 0.1",
        )
    ),
)
