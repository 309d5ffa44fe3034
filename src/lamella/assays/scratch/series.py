"""Measured rows, gathered again into the series of one field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lamella.assays.scratch.metrics import DERIVED, NAME, unit_of
from lamella.assays.scratch.rows import AUTOMATIC
from lamella.table.rows import Observation, Rows
from lamella.table.store import to_frame

__all__ = ["EXCLUDED", "ORIGIN", "Author", "FieldSeries", "Sheet", "gather"]

EXCLUDED = "excluded"
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_DERIVED_NAMES = tuple(metric.name for metric in DERIVED)
_FIELD = ("plate", "well", "field")
ORIGIN = ("study", "batch", *_FIELD, "settings_hash", "input_hash", "version")
"""What all rows of a field have in common."""


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
class _Grid:
    """Where each metric of each frame stands in the table.

    `row` has a line a metric and a column a frame, those of all fields one after the other: the
    number of the row in the table, -1 where there is none. The other columns have one entry a
    row of the table.
    """

    metrics: Mapping[str, int]
    row: Ints
    value: Floats
    low: Floats
    high: Floats
    unit: Sequence[str]
    text: Sequence[str | None]
    flag: Sequence[str | None]
    reason: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class FieldSeries:
    """What was measured in one field, in order of time.

    Attributes:
        frames: Number of each frame.
        excluded: True where a person took the frame out.
        time: Hours since time zero; the number of the frame where no times are known.
        timed: Whether `time` is in hours.
        calibrated: Whether lengths are in micrometres.
        origin: Any of its measured rows.
    """

    plate: str
    well: str
    field: str
    frames: tuple[int, ...]
    excluded: NDArray[np.bool_]
    time: Floats
    timed: bool
    calibrated: bool
    origin: Observation
    grid: _Grid
    span: slice

    def column(self, metric: str) -> Floats:
        """Values of a metric, shape (T,), NaN where a frame has none."""
        return self._picked(self.grid.value, metric)

    def error(self, metric: str) -> Floats:
        """Standard error of a metric from its 95 % interval, shape (T,), NaN where unknown."""
        low, high = self._picked(self.grid.low, metric), self._picked(self.grid.high, metric)
        return np.asarray((high - low) / 3.92)

    def words(self, metric: str) -> list[str]:
        """Text of a metric in each frame."""
        return [word or "" for word in self._told(self.grid.text, metric)]

    def flags(self, metric: str) -> list[str | None]:
        """Flag of a metric in each frame."""
        return self._told(self.grid.flag, metric)

    def reasons(self, metric: str) -> list[str | None]:
        """Reason of the flag of a metric in each frame."""
        return self._told(self.grid.reason, metric)

    def author(self) -> Author:
        """Writes rows for this field, with the study, batch and hashes of its measured rows."""
        return Author(self.origin)

    def unit(self, metric: str) -> str:
        """Unit of a metric with the calibration of this field."""
        return unit_of(metric, calibrated=self.calibrated, timed=self.timed)

    def _rows(self, metric: str) -> Ints:
        line = self.grid.metrics.get(metric)
        if line is None:
            return np.full(len(self.frames), -1)
        return self.grid.row[line, self.span]

    def _picked(self, values: Floats, metric: str) -> Floats:
        rows = self._rows(metric)
        return np.where(rows < 0, np.nan, values[rows])

    def _told(self, words: Sequence[str | None], metric: str) -> list[str | None]:
        return [None if row < 0 else words[row] for row in self._rows(metric).tolist()]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that `measure` yielded, in one fixed order, whatever the order they came in.

    Attributes:
        table: The rows, by plate, well and field.
        place: For each row, its frame among those of all fields one after the other; -1 for
            rows of no frame, and for those that a person's mask has replaced.
        fields: One series for each field, in order of plate, well and field.
    """

    table: pl.DataFrame
    place: Ints
    fields: tuple[FieldSeries, ...]


def gather(rows: Rows) -> Sheet:
    """The measured rows among these, as the series of each field."""
    number, name = pl.col("frame").fill_null(-1), pl.col("object").fill_null("")
    table = (
        to_frame(rows)
        .filter(~pl.col("metric").is_in(_DERIVED_NAMES))
        .sort(*_FIELD, number, "metric", name, maintain_order=True)
    )
    if table.is_empty():
        return Sheet(table, np.zeros(0, np.int64), ())
    frames = _Frames.of(table)
    grid = _grid(table, frames.place, int(frames.field.size))
    return Sheet(table, frames.place, tuple(_each_series(table, frames, grid)))


@dataclass(frozen=True, slots=True)
class _Frames:
    """The frames of all fields, field by field in order of time.

    `place` has an entry a row of the table: its frame, or -1. The others have one a frame:
    `first` is the row that it begins with, `field` counts the fields from 0.
    """

    place: Ints
    first: Ints
    field: Ints
    number: Ints
    time: Floats
    timed: NDArray[np.bool_]

    @classmethod
    def of(cls, table: pl.DataFrame) -> _Frames:
        turns = [pl.col(name) != pl.col(name).shift() for name in _FIELD]
        counted = table.select(pl.any_horizontal(turns).fill_null(True).cum_sum() - 1)
        field_of = counted.to_series().to_numpy().astype(np.int64)
        kept = pl.col("frame").is_not_null() & pl.col("object").ne_missing(AUTOMATIC)
        rows = table.select(pl.arg_where(kept)).to_series().to_numpy().astype(np.int64)
        numbers = table["frame"].fill_null(-1).to_numpy()
        begins = np.ones(rows.size, np.bool_)
        one_frame = numbers[rows[1:]] == numbers[rows[:-1]]
        begins[1:] = ~(one_frame & (field_of[rows[1:]] == field_of[rows[:-1]]))
        first = rows[begins]
        field, number = field_of[first], numbers[first]
        time = table["time_h"].to_numpy()[first]
        untimed = np.zeros(int(field_of[-1]) + 1, np.bool_)
        untimed[field[np.isnan(time)]] = True
        timed = ~untimed[field]
        order = np.lexsort((number, np.where(timed, time, 0.0), field))
        rank = np.empty(order.size, np.int64)
        rank[order] = np.arange(order.size)
        place = np.full(table.height, -1, np.int64)
        place[rows] = rank[np.cumsum(begins) - 1]
        return cls(place, first[order], field[order], number[order], time[order], timed[order])


def _grid(table: pl.DataFrame, place: Ints, frames: int) -> _Grid:
    names = table["metric"].unique().sort()
    metric = table["metric"].cast(pl.Enum(names)).to_physical().to_numpy()
    row = np.full((len(names), frames), -1, np.int64)
    kept = np.flatnonzero(place >= 0)
    row[metric[kept], place[kept]] = kept
    low, high, value = (table[name].to_numpy() for name in ("low", "high", "value"))
    unit, text, flag, reason = (
        table[name].to_list() for name in ("unit", "text", "flag", "reason")
    )
    lines = {name: line for line, name in enumerate(names)}
    return _Grid(lines, row, value, low, high, unit, text, flag, reason)


def _each_series(table: pl.DataFrame, frames: _Frames, grid: _Grid) -> Iterator[FieldSeries]:
    out = (table["flag"] == EXCLUDED).fill_null(False).to_numpy()
    excluded = ((grid.row >= 0) & out[grid.row]).any(axis=0)
    starts = np.flatnonzero(np.diff(frames.field, prepend=-1))
    origins = table.select(ORIGIN)[frames.first[starts].tolist()].iter_rows(named=True)
    spans = pairwise([*starts.tolist(), frames.field.size])
    for (start, end), stated in zip(spans, origins, strict=True):
        span = slice(start, end)
        timed = bool(frames.timed[start])
        areas = (
            grid.row[grid.metrics["gap_area"], span].tolist() if "gap_area" in grid.metrics else ()
        )
        unit = next((grid.unit[row] for row in areas if row >= 0), "")
        origin = Observation("", **stated)
        yield FieldSeries(
            plate=origin.plate,
            well=origin.well,
            field=origin.field,
            frames=tuple(frames.number[span].tolist()),
            excluded=excluded[span],
            time=np.asarray(frames.time[span] if timed else frames.number[span], np.float64),
            timed=timed,
            calibrated=unit == "µm²",
            origin=origin,
            grid=grid,
            span=span,
        )
