"""What should be doubted about the inserts of a study, seen side by side?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from lamella.potency.insert_rows import Study
from lamella.potency.insert_table import Insert
from lamella.table.rows import Observation, Rows

__all__ = ["DOUBTS", "doubts"]

DOUBTS: Mapping[str, str] = {
    "few_fields": "fewer than 4 fields of an insert were counted",
    "fields_differ": "fields of an insert scatter far more than counts do (CV above 60 %)",
    "inserts_differ": "inserts of one arm and batch differ more than threefold",
    "stain_differs": "the stain of an insert points more than 8 degrees off that of its batch",
    "batches_stain_differ": "the stains of two batches point apart by more than 8 degrees",
    "blank_not_empty": "a blank insert shows more than 5 % of the vehicle's cells",
    "out_of_focus": "more than half of a field is blurred",
}

_FEW = 4
_FIELD_CV = 0.6
_INSERT_FOLD = 3.0
_TELLING = 10.0  # cells of a field that its stain can be judged by
_MANY = 20.0  # cells: below it, counts scatter by themselves
_APART_DEG = 8.0
_BLANK = 0.05
_BLURRED = 0.5

Vector = NDArray[np.float64]


def doubts(study: Study, rows: Rows) -> list[Observation]:
    """A row for each doubt: `text` and `object` name it, `reason` tells it."""
    return [
        *_of_fields(study),
        *_of_arms(study),
        *_of_stains(study, rows),
        *_of_blanks(study),
        *_of_focus(study, rows),
    ]


def _doubt(study: Study, word: str, reason: str, insert: Insert | None = None) -> Observation:
    return Observation(
        metric="quality",
        text=word,
        flag=word,
        reason=reason,
        object=word if insert is not None else f"{word}: {reason}",
        plate=insert.plate if insert else "",
        well=insert.well if insert else "",
        batch=insert.batch if insert else "",
        assay=study.assay,
    )


def _of_fields(study: Study) -> Iterator[Observation]:
    for insert in study.inserts:
        if insert.excluded:
            continue
        number = len(insert.cells)
        if number < _FEW:
            told = f"{number} field{'s' * (number > 1)} of this insert counted; take 5, at random"
            yield _doubt(study, "few_fields", told, insert)
        cells = np.asarray(insert.cells)
        if number >= 3 and cells.mean() > _MANY:
            cv = float(cells.std(ddof=1) / cells.mean())
            if cv > _FIELD_CV:
                told = f"its fields vary by {100 * cv:.0f} % CV: edge, bubble or uneven seeding"
                yield _doubt(study, "fields_differ", told, insert)


def _of_arms(study: Study) -> Iterator[Observation]:
    for (batch, treatment), arm in study.arms.items():
        density = arm.cells / arm.area
        if len(density) < 2 or arm.cells.mean() < _MANY:
            continue
        fold = float(density.max() / max(density.min(), 1e-12))
        if fold > _INSERT_FOLD:
            told = f"batch {batch}, {treatment.label}: inserts differ {fold:.3g}-fold"
            yield _doubt(study, "inserts_differ", told)


def _of_stains(study: Study, rows: Rows) -> Iterator[Observation]:
    """The stain of each insert beside the median of its batch, and batches beside each other."""
    seen = _stains(rows)
    batches: dict[str, list[Vector]] = defaultdict(list)
    for insert in study.inserts:
        if (insert.plate, insert.well) in seen:
            batches[insert.batch].append(seen[insert.plate, insert.well])
    middle = {batch: np.median(np.stack(all_), axis=0) for batch, all_ in batches.items()}
    for insert in study.inserts:
        mine = seen.get((insert.plate, insert.well))
        if mine is not None and len(batches[insert.batch]) > 2:
            apart = _angle_deg(mine, middle[insert.batch])
            if apart > _APART_DEG:
                told = f"its stain points {apart:.0f} degrees off that of batch {insert.batch}"
                yield _doubt(study, "stain_differs", told, insert)
    names = sorted(middle)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            apart = _angle_deg(middle[one], middle[other])
            if apart > _APART_DEG:
                told = f"the stains of batches {one} and {other} point {apart:.0f} degrees apart"
                yield _doubt(study, "batches_stain_differ", told)


def _stains(rows: Rows) -> dict[tuple[str, str], Vector]:
    """Mean stain of each insert over the fields whose own picture told it, with cells enough."""
    cells = {
        (row.plate, row.well, row.field, row.frame)
        for row in rows
        if row.metric == "cell_count" and row.object is None and (row.value or 0.0) >= _TELLING
    }
    told = cells & {
        (row.plate, row.well, row.field, row.frame)
        for row in rows
        if row.metric == "stain_from" and row.text == "picture" and row.flag != "excluded"
    }
    names = ("stain_red", "stain_green", "stain_blue")
    found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        place = (row.plate, row.well, row.field, row.frame)
        if row.metric in names and row.value is not None and place in told:
            found[row.plate, row.well][row.metric].append(row.value)
    return {
        place: np.array([float(np.mean(parts[name])) for name in names])
        for place, parts in sorted(found.items())
        if all(parts[name] for name in names)
    }


def _angle_deg(one: Vector, other: Vector) -> float:
    cosine = float(one @ other) / (float(np.linalg.norm(one)) * float(np.linalg.norm(other)))
    return math.degrees(math.acos(min(max(cosine, -1.0), 1.0)))


def _of_blanks(study: Study) -> Iterator[Observation]:
    vehicles: dict[str, list[float]] = defaultdict(list)
    for (batch, treatment), arm in study.arms.items():
        if treatment.role == "vehicle":
            vehicles[batch].append(arm.density)
    for insert in study.inserts:
        blank = insert.well_of is not None and insert.well_of.role == "blank"
        if not blank or insert.excluded or not vehicles[insert.batch]:
            continue
        share = sum(insert.cells) / sum(insert.areas) / max(median(vehicles[insert.batch]), 1e-12)
        if share > _BLANK:
            told = f"this blank insert shows {100 * share:.0f} % of the vehicle's density"
            yield _doubt(study, "blank_not_empty", told, insert)


def _of_focus(study: Study, rows: Rows) -> Iterator[Observation]:
    blurred: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        bad = row.metric == "out_of_focus_fraction" and (row.value or 0.0) > _BLURRED
        if bad and row.flag != "excluded":
            blurred[row.plate, row.well].append(row.field)
    for insert in study.inserts:
        fields: Sequence[str] = sorted(set(blurred.get((insert.plate, insert.well), ())))
        if fields:
            told = f"more than half of field {', '.join(fields)} is blurred"
            yield _doubt(study, "out_of_focus", told, insert)
