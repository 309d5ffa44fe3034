"""Measured rows, gathered again into the series of one field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.assays.scratch.metrics import DERIVED, NAME, unit_of
from lamella.assays.scratch.rows import AUTOMATIC
from lamella.table.rows import Observation

__all__ = ["EXCLUDED", "Author", "FieldSeries", "gather", "measured_only"]

EXCLUDED = "excluded"
Floats = NDArray[np.float64]
_DERIVED_NAMES = frozenset(metric.name for metric in DERIVED)


class Author:
    """Writes derived rows; a study has tens of thousands, so nothing is copied twice."""

    def __init__(self, measured: Observation) -> None:
        """`measured` is any row of the field that the new rows belong to."""
        self._origin = measured

    def row(self, metric: str, value: float | None = None, **more: Any) -> Observation:
        """A row of the same field; `more` are further values of an observation."""
        origin = self._origin
        place = {"plate": origin.plate, "well": origin.well, "field": origin.field}
        return Observation(
            metric,
            value,
            study=origin.study,
            batch=origin.batch,
            assay=NAME,
            settings_hash=origin.settings_hash,
            input_hash=origin.input_hash,
            version=origin.version,
            **(place | more),
        )


@dataclass(frozen=True, slots=True)
class FieldSeries:
    """What was measured in one field, in order of time.

    Attributes:
        frames: Number of each frame.
        rows: Of each frame, its rows by metric.
        excluded: True where a person took the frame out.
        time: Hours since time zero; the number of the frame where no times are known.
        timed: Whether `time` is in hours.
        calibrated: Whether lengths are in micrometres.
    """

    plate: str
    well: str
    field: str
    frames: tuple[int, ...]
    rows: tuple[Mapping[str, Observation], ...]
    excluded: NDArray[np.bool_]
    time: Floats
    timed: bool
    calibrated: bool

    def column(self, metric: str) -> Floats:
        """Values of a metric, shape (T,), NaN where a frame has none."""
        values = [row.get(metric) for row in self.rows]
        return np.array([np.nan if v is None or v.value is None else v.value for v in values])

    def error(self, metric: str) -> Floats:
        """Standard error of a metric from its 95 % interval, shape (T,), NaN where unknown."""
        errors = []
        for rows in self.rows:
            row = rows.get(metric)
            known = row is not None and row.low is not None and row.high is not None
            errors.append((row.high - row.low) / 3.92 if known else np.nan)  # type: ignore[union-attr, operator]
        return np.array(errors)

    def word(self, metric: str, frame: int) -> str:
        """Text of a metric in the frame at that position of the series."""
        row = self.rows[frame].get(metric)
        return "" if row is None or row.text is None else row.text

    def author(self) -> Author:
        """Writes rows for this field, with the study, batch and hashes of its measured rows."""
        return Author(next(iter(self.rows[0].values())))

    def unit(self, metric: str) -> str:
        """Unit of a metric with the calibration of this field."""
        return unit_of(metric, calibrated=self.calibrated, timed=self.timed)


def measured_only(rows: Iterable[Observation]) -> list[Observation]:
    """The rows that `measure` yielded, in one fixed order, whatever the order they come in."""
    fields: dict[tuple[str, str, str], list[Observation]] = {}
    for row in rows:
        if row.metric not in _DERIVED_NAMES:
            fields.setdefault((row.plate, row.well, row.field), []).append(row)
    return [row for _, mine in sorted(fields.items()) for row in sorted(mine, key=_place)]


def gather(rows: Iterable[Observation]) -> list[FieldSeries]:
    """One series for each field, in order of plate, well and field."""
    fields: dict[tuple[str, str, str], dict[int, dict[str, Observation]]] = {}
    for row in rows:
        if row.frame is None or row.object == AUTOMATIC:
            continue
        frames = fields.setdefault((row.plate, row.well, row.field), {})
        frames.setdefault(row.frame, {})[row.metric] = row
    return [_series(key, frames) for key, frames in sorted(fields.items())]


def _series(
    key: tuple[str, str, str], frames: Mapping[int, Mapping[str, Observation]]
) -> FieldSeries:
    time_of = {number: next(iter(rows.values())).time_h for number, rows in frames.items()}
    timed = all(time is not None for time in time_of.values())
    numbers = tuple(sorted(frames, key=lambda n: (time_of[n] or 0.0 if timed else 0.0, n)))
    rows = tuple(frames[number] for number in numbers)
    times = [time_of[number] for number in numbers]
    area = next((row["gap_area"] for row in rows if "gap_area" in row), None)
    return FieldSeries(
        plate=key[0],
        well=key[1],
        field=key[2],
        frames=numbers,
        rows=rows,
        excluded=np.array([any(r.flag == EXCLUDED for r in row.values()) for row in rows]),
        time=np.array(times if timed else numbers, np.float64),
        timed=timed,
        calibrated=area is not None and area.unit == "µm²",
    )


def _place(row: Observation) -> tuple[int, str, str]:
    return -1 if row.frame is None else row.frame, row.metric, row.object or ""
