"""Measured rows, gathered again into the series of one field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamella.assays.scratch.metrics import DERIVED, NAME, unit_of
from lamella.assays.scratch.rows import AUTOMATIC
from lamella.table.rows import Observation

__all__ = ["EXCLUDED", "FieldSeries", "gather", "measured_only"]

EXCLUDED = "excluded"
Floats = NDArray[np.float64]
_DERIVED_NAMES = frozenset(metric.name for metric in DERIVED)


@dataclass(frozen=True, slots=True)
class FieldSeries:
    """What was measured in one field, in order of the frames.

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

    def template(self) -> Observation:
        """A row of this field without a value, for what is derived from it."""
        any_row = next(iter(self.rows[0].values()))
        return replace(
            any_row,
            metric="",
            value=None,
            unit="",
            text=None,
            low=None,
            high=None,
            n=None,
            flag=None,
            reason=None,
            frame=None,
            time_h=None,
            object=None,
            assay=NAME,
        )

    def unit(self, metric: str) -> str:
        """Unit of a metric with the calibration of this field."""
        return unit_of(metric, calibrated=self.calibrated, timed=self.timed)


def measured_only(rows: Iterable[Observation]) -> list[Observation]:
    """The rows that `measure` yielded, in one fixed order, whatever the order they come in."""
    kept = [row for row in rows if row.metric not in _DERIVED_NAMES]
    return sorted(kept, key=_place)


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
    numbers = tuple(sorted(frames))
    rows = tuple(frames[number] for number in numbers)
    times = [next(iter(row.values())).time_h for row in rows]
    timed = all(time is not None for time in times)
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


def _place(row: Observation) -> tuple[str, str, str, int, str, str]:
    frame = -1 if row.frame is None else row.frame
    return row.plate, row.well, row.field, frame, row.metric, row.object or ""
