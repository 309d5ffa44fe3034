"""Matrigel invasion: how many cells get through a coat of matrix, and how many without it?

Invasion is its own endpoint: a compound may slow migration and yet raise invasion, so the sign
of its effect is free. Fields are counted alone (`measure`); coated and uncoated inserts meet in
`settle`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lamella.assays.contract import Assay, Measured, Panel
from lamella.assays.membrane import (
    COUNTED,
    ELUTION_PANELS,
    MembraneSettings,
    count_frames,
    counting_text,
    membrane_template,
)
from lamella.inputs.images.series import Unit
from lamella.potency.elution import ELUTION_METHODS, ELUTION_METRICS
from lamella.potency.insert_rows import INSERT_METRICS, Study, index_rows, ratio_rows
from lamella.potency.insert_settle import Plan, measured_rows, settle_inserts, vehicle_pairs
from lamella.potency.insert_table import Treatment
from lamella.table.rows import Metric, Observation, Rows
from lamella.table.wells import Design
from lamella.vision.membrane_rows import FIELD_METRICS

__all__ = ["ASSAY", "InvasionSettings"]

NAME = "invasion"
READOUT = "invaded_density"
_DERIVED = (
    Metric(
        READOUT,
        "Invaded cells",
        "cells/mm²",
        "higher",
        "insert_density of the coated inserts with attractant",
        "Matrigel protocol, step 'count'",
    ),
    *INSERT_METRICS,
    *ELUTION_METRICS,
    Metric(
        "percent_invasion",
        "Invasion",
        "%",
        "higher",
        "100 x mean density through the coat / mean density of uncoated inserts, same arm and "
        "batch",
        "Matrigel protocol, step 'data analysis'",
    ),
    Metric(
        "invasion_index",
        "Invasion index",
        "ratio",
        "higher",
        "% invasion of the arm / % invasion of the vehicle, same batch",
        "Matrigel protocol, step 'data analysis'",
    ),
    Metric(
        "uncoated_percent_of_vehicle",
        "Cells, of vehicle, uncoated inserts",
        "%",
        "higher",
        "100 x mean density / mean density of the vehicle, both uncoated, same batch",
    ),
)


class InvasionSettings(MembraneSettings):
    """Settings of the invasion assay."""


def measure(unit: Unit, settings: InvasionSettings) -> Iterator[Measured]:
    """Rows and pictures of every field of an insert."""
    yield from count_frames(NAME, unit, settings)


def settle(rows: Rows, design: Design, settings: InvasionSettings) -> Rows:
    """Densities of inserts, % invasion, invasion index and quality of the whole study.

    Derived rows that come in are made anew, so settling twice gives the same table.
    """
    measured = measured_rows(rows, _DERIVED)
    plan = Plan(
        assay=NAME,
        readout=READOUT,
        entered=_invaded,
        why_not="an uncoated control, one without attractant, or a blank: it enters ratios, not "
        "the curve",
        metrics=_DERIVED,
        membrane=settings.membrane(design.protocol),
    )
    study, derived = settle_inserts(measured, design, plan)
    return [*measured, *derived, *_coated_over_uncoated(study)]


def methods_text(settings: InvasionSettings) -> str:
    """Sentences for the methods section."""
    return (
        f"{counting_text(settings)} The density of an insert is all cells over the area of all "
        "fields, its interval that of a random sample of fields. Invasion is the mean density "
        "through the coat over that of uncoated inserts of the same arm and batch, the invasion "
        "index that of an arm over that of the vehicle. Within a batch, ratios have Fieller "
        "intervals (the index one on the log scale) with the negative-binomial scatter of inserts "
        "pooled over all arms; over batches they are geometric means with t-intervals, n = "
        "batches. Fields were never counted as n."
    )


def _coated_over_uncoated(study: Study) -> Iterator[Observation]:
    treatments = study.treatments()
    pairs = [
        (coated.label, coated, replace(coated, coated=False))
        for coated in treatments
        if coated.coated and _invaded(coated) and replace(coated, coated=False) in treatments
    ]
    yield from ratio_rows(study, "percent_invasion", pairs)
    quads = [
        (label, (coated, bare, control, control_bare))
        for label, coated, bare in pairs
        for _, control, control_bare in pairs
        if control.role == "vehicle" != coated.role
        and (control.cell_line, control.attracted) == (coated.cell_line, coated.attracted)
    ]
    yield from index_rows(study, "invasion_index", quads)
    bare_pairs = vehicle_pairs(study, lambda one: one.coated is False and one.migrates)
    yield from ratio_rows(study, "uncoated_percent_of_vehicle", bare_pairs)


def _invaded(treatment: Treatment) -> bool:
    return treatment.coated is not False and treatment.migrates


ASSAY: Assay[InvasionSettings] = Assay(
    name=NAME,
    title="Matrigel invasion",
    settings=InvasionSettings,
    metrics=(*FIELD_METRICS, *_DERIVED),
    readouts=(
        READOUT,
        "viability_corrected_density",
        "cells_per_insert",
        "percent_of_seeded",
        "stained_area_of_insert",
        "eluted_od",
        "eluted_cells",
    ),
    measure=measure,
    settle=settle,
    panels=(
        Panel("dose_response", "{readout} over dose", READOUT),
        *ELUTION_PANELS,
        Panel("ratios", "Through the coat, of uncoated", "percent_invasion", needs=COUNTED),
        Panel("ratios", "Invasion index", "invasion_index", needs=COUNTED),
        Panel("ratios", "Of vehicle, batch by batch", "percent_of_vehicle", needs=COUNTED),
        Panel("contact_sheet", "Counted cells", "cell_count", needs=COUNTED),
        Panel("plate", "Invaded cells over the plate", READOUT, needs=COUNTED),
        Panel("table", "Inserts", needs=COUNTED),
    ),
    methods_text=methods_text,
    methods_of_tables=ELUTION_METHODS,
    template=membrane_template(
        matrix=(
            "matrix_mg_per_ml = 0.2           # as laid on",
            'matrix_lot = ""',
            "matrix_ul_per_insert = 50",
            'matrix_form = "coat"             # coat below 1 mg/mL, gel from 3 mg/mL',
        )
    ),
)
