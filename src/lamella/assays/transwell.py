"""Transwell migration: how many cells crawl through the pores of a membrane?

Each field of the underside is counted alone (`measure`); densities of inserts, ratios to vehicle
and quality are settled with the whole study in view (`settle`).
"""

from __future__ import annotations

from collections.abc import Iterator

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
from lamella.potency.insert_rows import INSERT_METRICS
from lamella.potency.insert_settle import Plan, measured_rows, settle_inserts
from lamella.potency.insert_table import Treatment
from lamella.table.rows import Metric, Rows
from lamella.table.wells import Design
from lamella.vision.membrane_rows import FIELD_METRICS

__all__ = ["ASSAY", "TranswellSettings"]

NAME = "transwell"
READOUT = "migrated_density"
_DERIVED = (
    Metric(
        READOUT,
        "Migrated cells",
        "cells/mm²",
        "higher",
        "insert_density of the inserts with attractant",
        "Transwell protocol, step 'count'",
    ),
    *INSERT_METRICS,
    *ELUTION_METRICS,
)


class TranswellSettings(MembraneSettings):
    """Settings of the Transwell assay."""


def measure(unit: Unit, settings: TranswellSettings) -> Iterator[Measured]:
    """Rows and pictures of every field of an insert."""
    yield from count_frames(NAME, unit, settings)


def settle(rows: Rows, design: Design, settings: TranswellSettings) -> Rows:
    """Densities of inserts, % of vehicle, chemotaxis index and quality of the whole study.

    Derived rows that come in are made anew, so settling twice gives the same table.
    """
    measured = measured_rows(rows, _DERIVED)
    plan = Plan(
        assay=NAME,
        readout=READOUT,
        entered=_migrated,
        why_not="a control without attractant, or a blank: it enters ratios, not the curve",
        metrics=_DERIVED,
        membrane=settings.membrane(design.protocol),
    )
    _, derived = settle_inserts(measured, design, plan)
    return [*measured, *derived]


def methods_text(settings: TranswellSettings) -> str:
    """Sentences for the methods section."""
    return (
        f"{counting_text(settings)} The density of an insert is all cells over the area of all "
        "fields, its interval that of a random sample of fields. Ratios to vehicle within a batch "
        "have Fieller intervals with the negative-binomial scatter of inserts pooled over all "
        "arms; over batches they are geometric means with t-intervals, n = batches. Fields were "
        "never counted as n."
    )


def _migrated(treatment: Treatment) -> bool:
    return treatment.migrates


ASSAY: Assay[TranswellSettings] = Assay(
    name=NAME,
    title="Transwell migration",
    settings=TranswellSettings,
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
        Panel("ratios", "Of vehicle, batch by batch", "percent_of_vehicle", needs=COUNTED),
        Panel("ratios", "With and without attractant", "chemotaxis_index", needs=COUNTED),
        Panel("contact_sheet", "Counted cells", "cell_count", needs=COUNTED),
        Panel("plate", "Migrated cells over the plate", READOUT, needs=COUNTED),
        Panel("table", "Inserts", needs=COUNTED),
    ),
    methods_text=methods_text,
    methods_of_tables=ELUTION_METHODS,
    template=membrane_template(),
)
