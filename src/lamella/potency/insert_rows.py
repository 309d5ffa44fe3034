"""From counted fields to inserts, batches and the study: densities, ratios and their intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from lamella.errors import MeasurementError
from lamella.potency.comparisons import compare_with_vehicle
from lamella.potency.insert_ratios import (
    Arm,
    Dispersion,
    batch_index,
    batch_ratio,
    pooled_dispersion,
    ratio_over_batches,
)
from lamella.potency.insert_table import Insert, Treatment, arm_of, treatments_of
from lamella.potency.inserts import sampled_density
from lamella.potency.selectivity import Ratio
from lamella.table.rows import Metric, Observation
from lamella.table.wells import Design

__all__ = [
    "INSERT_METRICS",
    "Membrane",
    "Study",
    "effect_rows",
    "index_rows",
    "insert_rows",
    "ratio_rows",
]

_SCALE = {"%": 100.0}

INSERT_METRICS: tuple[Metric, ...] = (
    Metric(
        "insert_density",
        "Density on the insert",
        "cells/mm²",
        "higher",
        "cells of all fields / their area; interval by design over the fields, t with m - 1 "
        "degrees of freedom and finite-population correction",
        "Cochran 1977, Sampling Techniques, ch. 6",
    ),
    Metric(
        "cells_per_insert",
        "Cells per insert",
        "cells",
        "higher",
        "insert_density x membrane area of the product",
    ),
    Metric(
        "percent_of_seeded",
        "Cells through the membrane, % of seeded",
        "%",
        "higher",
        "100 x cells_per_insert / cells loaded on the insert",
    ),
    Metric(
        "stained_area_of_insert",
        "Stained area on the insert",
        "",
        "higher",
        "mean of stained_area_fraction over the fields",
    ),
    Metric(
        "viability_corrected_density",
        "Density corrected for viability",
        "cells/mm²",
        "higher",
        "density / (viability / vehicle viability), same dose, time and batch",
    ),
    Metric(
        "percent_of_vehicle",
        "Cells, of vehicle",
        "%",
        "higher",
        "100 x mean density / mean density of the vehicle inserts of the batch",
    ),
    Metric(
        "percent_of_vehicle_corrected",
        "Cells, of vehicle, corrected for viability",
        "%",
        "higher",
        "% of vehicle / (viability / vehicle viability)",
    ),
    Metric(
        "effect_vs_vehicle",
        "Ratio to vehicle, Dunnett",
        "ratio",
        "higher",
        "ratio of batch means of insert densities, batch as block, simultaneous interval",
        "Dunnett 1955, JASA 50:1096",
    ),
    Metric(
        "chemotaxis_index",
        "Chemotaxis index",
        "ratio",
        "higher",
        "mean density with attractant / mean density without, same batch",
    ),
)


@dataclass(frozen=True, slots=True)
class Membrane:
    """Facts of the inserts: membrane area [mm²] and cells seeded on each; None: not stated."""

    area_mm2: float | None = None
    seeded_cells: float | None = None


@dataclass(frozen=True)
class Study:
    """All inserts of a study, by batch and treatment; what ratios are made from."""

    assay: str
    inserts: tuple[Insert, ...]
    design: Design
    units: Mapping[str, str]
    treatment: Mapping[tuple[str, str], Treatment] = field(init=False)
    arms: Mapping[tuple[str, Treatment], Arm] = field(init=False)
    dispersion: Dispersion | None = field(init=False)

    def __post_init__(self) -> None:
        """Group the inserts into arms and pool how they scatter."""
        object.__setattr__(self, "treatment", treatments_of(self.design))
        members: dict[tuple[str, Treatment], list[Insert]] = defaultdict(list)
        for insert in self.inserts:
            if insert.well_of is not None and not insert.excluded:
                key = insert.batch, self.treatment[insert.plate, insert.well]
                members[key].append(insert)
        object.__setattr__(self, "arms", {key: arm_of(members[key]) for key in sorted(members)})
        object.__setattr__(self, "dispersion", pooled_dispersion(list(self.arms.values())))

    def batches_of(self, *treatments: Treatment) -> list[str]:
        """Batches that have inserts of all of the treatments."""
        names = sorted({batch for batch, _ in self.arms})
        return [b for b in names if all((b, treatment) in self.arms for treatment in treatments)]

    def treatments(self) -> list[Treatment]:
        """Every treatment of the study once."""
        return sorted({treatment for _, treatment in self.arms})

    def row(self, metric: str, found: Ratio, *, label: str, batch: str | None) -> Observation:
        """A row of a whole batch (`batch` named) or of all batches; `object` says of what."""
        note = (None, None) if found.value is not None else ("no_ratio", found.text)
        return Observation(
            metric=metric,
            value=found.value,
            unit=self.units[metric],
            text=found.text,
            low=found.low,
            high=found.high,
            n=found.n,
            flag=note[0],
            reason=note[1],
            batch=batch or "",
            object=label if batch is None else f"{label}, batch {batch}",
            assay=self.assay,
        )


def insert_rows(insert: Insert, membrane: Membrane, *, assay: str) -> Iterator[Observation]:
    """Density, cells per insert and their like of one insert; without a field, why not."""
    place = Observation("", plate=insert.plate, well=insert.well, batch=insert.batch, assay=assay)
    unit = "cells/mm²" if insert.calibrated else "cells/field"
    stated = ("insert_density", "cells_per_insert", "percent_of_seeded", "stained_area_of_insert")
    if insert.excluded:
        reason = "; ".join(insert.lost) or "no field was counted"
        flag = "excluded" if "excluded" in reason else "no_field"
        for name in stated:
            yield replace(place, metric=name, flag=flag, reason=reason)
        return
    area = membrane.area_mm2 if insert.calibrated else None
    found = sampled_density(insert.cells, insert.areas, membrane_area=area)
    base = replace(
        place,
        metric="insert_density",
        value=found.density,
        unit=unit,
        low=found.low,
        high=found.high,
        n=found.n_fields,
    )
    if found.low is None:
        reason = "one field: nothing tells how the fields of this insert differ"
        base = replace(base, flag="one_field", reason=reason)
    yield base
    yield _times(base, "cells_per_insert", area, unit="cells", lacking=_no_area(insert))
    seeded = None if not membrane.seeded_cells or area is None else area / membrane.seeded_cells
    lacking = "state cells_per_insert in the protocol, and the membrane"
    per_cent = None if seeded is None else 100 * seeded
    yield _times(base, "percent_of_seeded", per_cent, unit="%", lacking=lacking)
    share = sum(s * a for s, a in zip(insert.stained, insert.areas, strict=True))
    mean = share / sum(insert.areas)
    yield replace(place, metric="stained_area_of_insert", value=mean, n=found.n_fields)


def ratio_rows(
    study: Study,
    metric: str,
    pairs: Iterable[tuple[str, Treatment, Treatment]],
) -> Iterator[Observation]:
    """A row for each batch and one over the batches of each (label, above, below)."""
    scale = _SCALE.get(study.units[metric], 1.0)
    for label, above, below in pairs:
        batches = study.batches_of(above, below)
        for batch in batches:
            arms = study.arms[batch, above], study.arms[batch, below]
            found = batch_ratio(*arms, dispersion=study.dispersion, scale=scale)
            yield study.row(metric, found, label=label, batch=batch)
        if batches:
            sides = [[study.arms[b, t].density for b in batches] for t in (above, below)]
            over = ratio_over_batches(sides[0], sides[1], scale=scale)
            yield study.row(metric, over, label=label, batch=None)


def index_rows(
    study: Study,
    metric: str,
    quads: Iterable[tuple[str, tuple[Treatment, Treatment, Treatment, Treatment]]],
) -> Iterator[Observation]:
    """As `ratio_rows`, for (a / b) / (c / d)."""
    for label, four in quads:
        batches = study.batches_of(*four)
        ratios: list[tuple[float, float]] = []
        for batch in batches:
            a, b, c, d = (study.arms[batch, treatment] for treatment in four)
            found = batch_index((a, b, c, d), dispersion=study.dispersion)
            yield study.row(metric, found, label=label, batch=batch)
            if found.value is not None:
                ratios.append((a.density / b.density, c.density / d.density))
        if ratios:
            over = ratio_over_batches([r[0] for r in ratios], [r[1] for r in ratios])
            yield study.row(metric, over, label=label, batch=None)


def effect_rows(study: Study, entered: Callable[[Treatment], bool]) -> Iterator[Observation]:
    """Each treatment against the vehicle of its cell line: batch as block, Dunnett's interval."""
    for line in sorted({t.cell_line for t in study.treatments()}):
        arms = {
            key: arm
            for key, arm in study.arms.items()
            if key[1].cell_line == line and entered(key[1])
        }
        values = [arm.density for arm in arms.values()]
        labels = [treatment.label for _, treatment in arms]
        vehicles = [t.label for _, t in arms if t.role == "vehicle"]
        if not vehicles or len(set(labels)) < 2 or min(values) <= 0:
            continue
        batches = [batch for batch, _ in arms]
        try:
            found = compare_with_vehicle(
                values, labels, batch=batches, vehicle=vehicles[0], scale="ratio"
            )
        except MeasurementError:
            continue
        for effect in found.effects:
            yield Observation(
                metric="effect_vs_vehicle",
                value=effect.estimate,
                low=effect.low,
                high=effect.high,
                unit="ratio",
                n=effect.n,
                text=effect.text,
                object=effect.treatment,
                assay=study.assay,
            )


def _times(
    base: Observation, metric: str, factor: float | None, *, unit: str, lacking: str
) -> Observation:
    if factor is None:
        blank = replace(base, metric=metric, value=None, low=None, high=None, n=None, unit=unit)
        return replace(blank, flag="not_stated", reason=lacking)
    ends = [None if v is None else v * factor for v in (base.value, base.low, base.high)]
    return replace(base, metric=metric, value=ends[0], low=ends[1], high=ends[2], unit=unit)


def _no_area(insert: Insert) -> str:
    if not insert.calibrated:
        return "no pixel size, so the area of a field is not known"
    return "state the membrane: the setting insert = '24-well 6.5 mm', or insert_area_cm2"
