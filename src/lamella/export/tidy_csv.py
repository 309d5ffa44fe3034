"""What does a statistics program need of a study? Tidy CSV: observations, wells, potency."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeAlias

from lamella.potency.result import BetweenBatches, CurveResult, Potency, PotencyResult
from lamella.study.result import AssayResult, StudyResult
from lamella.table.rows import Observation
from lamella.table.wells import Well
from lamella.units import dose_unit_scale

__all__ = ["write"]

Cell: TypeAlias = str | float | int | None

_WELLS = ("plate", "well", "batch", "role", "cell_line", "compound", "dose", "dose_unit")
_READOUT = ("assay", "group", "readout", "unit", "value", "entered")
_POTENCY = (
    *("assay", "group", "readout", "curve", "batch", "level", "n", "model"),
    *("kind", "headline", "value", "low", "high", "unit", "verdict", "text"),
    *("log10_ec50", "slope", "at_zero_dose", "at_infinite_dose", "flags"),
)
_BASE_UNIT = {"molar": "mol/L", "g_per_l": "g/L", "au": "au"}


def write(result: StudyResult, out_dir: Path) -> tuple[Path, ...]:
    """Write `observations.csv`, `wells.csv` and `potency.csv`; return their paths.

    UTF-8 without byte order mark, commas, decimal points, empty where there is no value; numbers
    in full precision, so that reading them gives the same values back. Doses of `wells.csv` are
    in the unit of the dose-response of the assay, else in mol/L or g/L. `n` of `potency.csv`
    counts wells for a curve and batches for the estimate between batches (its `level` says
    which).
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in fields(Observation)]
    # Assays that are split into groups share the rows of their vehicle wells: state each once.
    rows = dict.fromkeys(row for assay in result.assays for row in assay.rows)
    factors = sorted({name for well in result.design.wells for name in well.factors})
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[Cell]]]] = {
        "observations": (names, ([getattr(row, name) for name in names] for row in rows)),
        "wells": ((*_WELLS, *factors, *_READOUT), _wells(result, factors)),
        "potency": (_POTENCY, _potencies(result)),
    }
    return tuple(_table(out_dir / f"{name}.csv", *table) for name, table in tables.items())


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Path:
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return beside.replace(path)


def _wells(result: StudyResult, factors: Sequence[str]) -> Iterator[Sequence[Cell]]:
    for assay in result.assays:
        places = {(row.plate, row.well) for row in assay.rows}
        for well in result.design.wells:
            if assay.group and (well.plate, well.well) not in places:
                continue
            value = assay.wells.get((well.plate, well.well))
            yield (
                *_plan(well, assay.dose_unit),
                *(well.factors.get(name) for name in factors),
                assay.assay.name,
                assay.group,
                assay.readout.name,
                assay.readout.unit,
                value,
                "no" if value is None else "yes",
            )


def _plan(well: Well, unit: str) -> tuple[Cell, ...]:
    told = (well.plate, well.well, well.batch, well.role, well.cell_line, well.compound)
    if well.dose is None:
        return (*told, None, "")
    dimension, scale = dose_unit_scale(unit or _BASE_UNIT[well.dose.dimension])
    if dimension != well.dose.dimension:
        unit, scale = "", 1.0
    # Changing the unit rounds in the last bit: 31.6 nM must not become 31.599999999999998.
    amount = float(f"{well.dose.amount / scale:.12g}")
    return (*told, amount, unit or _BASE_UNIT[well.dose.dimension])


def _potencies(result: StudyResult) -> Iterator[Sequence[Cell]]:
    for assay in result.assays:
        if assay.potency is None:
            continue
        for curve in assay.potency.curves:
            for kind, potency in (
                ("relative", curve.relative_ic50),
                ("absolute", curve.absolute_ic50),
            ):
                yield _curve_line(assay, curve, kind, potency)
        if assay.potency.between_batches is not None:
            yield _between_line(assay, assay.potency, assay.potency.between_batches)


def _curve_line(
    assay: AssayResult, curve: CurveResult, kind: str, potency: Potency
) -> tuple[Cell, ...]:
    fitted = curve.parameters
    level = "all wells" if curve.batch is None else "batch"
    return (
        *(assay.assay.name, assay.group, assay.readout.name, curve.id, curve.batch),
        *(level, len(curve.doses), curve.model, kind),
        "yes" if kind == curve.headline else "no",
        *(potency.value, potency.low, potency.high, assay.dose_unit),
        *(potency.verdict, potency.text),
        *(fitted.log10_ec50, fitted.slope, fitted.at_zero_dose, fitted.at_infinite_dose),
        "; ".join(curve.flags),
    )


def _between_line(
    assay: AssayResult, potency: PotencyResult, between: BetweenBatches
) -> tuple[Cell, ...]:
    kinds = {curve.headline for curve in potency.curves}
    return (
        *(assay.assay.name, assay.group, assay.readout.name, "", None),
        *("between batches", between.n, between.method),
        *(kinds.pop() if len(kinds) == 1 else "mixed", "yes"),
        *(between.value, between.low, between.high, assay.dose_unit),
        *(between.verdict, between.text),
        *(None, None, None, None),
        "; ".join(potency.flags),
    )
