"""How are rows kept, on disk and by the ten thousand? As columns, written whole or not at all."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from typing import overload

import polars as pl

from lamella.errors import StudyError
from lamella.table.rows import Observation, Rows

__all__ = [
    "SCHEMA",
    "Table",
    "concat",
    "flagged",
    "from_frame",
    "last_time_h",
    "read_rows",
    "read_table",
    "rows_of",
    "to_frame",
    "write_rows",
]

SCHEMA = pl.Schema(
    {
        "study": pl.String(),
        "batch": pl.String(),
        "plate": pl.String(),
        "well": pl.String(),
        "field": pl.String(),
        "frame": pl.Int64(),
        "time_h": pl.Float64(),
        "object": pl.String(),
        "assay": pl.String(),
        "metric": pl.String(),
        "value": pl.Float64(),
        "text": pl.String(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "unit": pl.String(),
        "n": pl.Int64(),
        "flag": pl.String(),
        "reason": pl.String(),
        "settings_hash": pl.String(),
        "input_hash": pl.String(),
        "version": pl.String(),
    }
)
"""Columns of `observations.parquet`, in order."""

_NOT_A_NUMBER = "the computation ended without a number; look at the image or the read-out"


class Table(Sequence[Observation]):
    """Rows kept as columns; an observation is made of those that somebody looks at.

    A study has some 700 rows a well, and most pass from the parts to the results untouched: as
    columns they cost a hundredth of what as many objects cost.
    """

    __slots__ = ("_rows", "frame")

    def __init__(self, frame: pl.DataFrame) -> None:
        """Keep the columns of `SCHEMA`, one line a row."""
        self.frame = frame
        self._rows: tuple[Observation, ...] | None = None

    def __len__(self) -> int:
        """How many rows there are."""
        return self.frame.height

    def __iter__(self) -> Iterator[Observation]:
        """The rows in order; they are made once."""
        return iter(self._made())

    @overload
    def __getitem__(self, index: int) -> Observation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Observation, ...]: ...
    def __getitem__(self, index: int | slice) -> Observation | tuple[Observation, ...]:
        """One row, or several."""
        return self._made()[index]

    def __eq__(self, other: object) -> bool:
        """Whether the other holds the same rows in the same order."""
        if isinstance(other, Table):
            return self.frame.equals(other.frame)
        return isinstance(other, Sequence) and self._made() == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def _made(self) -> tuple[Observation, ...]:
        if self._rows is None:
            self._rows = from_frame(self.frame)
        return self._rows


def rows_of(rows: Rows, *metrics: str) -> Rows:
    """The rows of these metrics, in order; the others of a table are not even made."""
    if isinstance(rows, Table):
        return Table(rows.frame.filter(pl.col("metric").is_in(metrics)))
    return [row for row in rows if row.metric in metrics]


def flagged(rows: Rows) -> Rows:
    """The rows that carry a flag, in order; the others of a table are not even made."""
    if isinstance(rows, Table):
        return Table(rows.frame.filter(pl.col("flag") != ""))
    return [row for row in rows if row.flag]


def last_time_h(rows: Rows) -> float | None:
    """Time of the last row that states one [h]."""
    times = to_frame(rows)["time_h"].drop_nulls().to_list()
    return max(times, default=None)


def to_frame(rows: Rows) -> pl.DataFrame:
    """The rows as a table with the columns of `SCHEMA`, in the same order.

    NaN is no value: it becomes null, and the row is flagged `not_a_number` if it had no flag.
    """
    if isinstance(rows, Table):
        return rows.frame
    columns = {
        name: pl.Series(name, list(map(attrgetter(name), rows)), dtype, strict=False)
        for name, dtype in SCHEMA.items()
    }
    return _without_nan(pl.DataFrame(columns))


def from_frame(
    table: pl.DataFrame, *, stamp: Mapping[str, str] | None = None
) -> tuple[Observation, ...]:
    """The rows of a table with the columns of `SCHEMA`.

    Args:
        table: One line a row.
        stamp: Columns that get one value in all rows.

    Raises:
        StudyError: A column is missing or of another type.
    """
    table = _checked(table)
    rows = tuple(map(Observation.__new__, repeat(Observation, table.height)))
    for name in SCHEMA:
        # Filling the slots column by column is five times as fast as 40,000 frozen `__init__`.
        fill = getattr(Observation, name).__set__
        column = table.get_column(name)
        values: Iterable[object]
        if stamp is not None and name in stamp:
            values = repeat(stamp[name])
        elif column.null_count() == table.height:
            values = repeat(None)
        else:
            values = column.to_list()
        deque(map(fill, rows, values), maxlen=0)
    return rows


def write_rows(rows: Rows, path: Path) -> None:
    """Write the rows; a reader sees the old file or the new one, never half of one.

    The same rows give the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            # One chunk: how rows came together must not show in the bytes.
            frame = to_frame(rows).rechunk()
            frame.write_parquet(file, compression="zstd", compression_level=3)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_rows(path: Path, *, stamp: Mapping[str, str] | None = None) -> tuple[Observation, ...]:
    """The rows of a file, in the order in which they were written.

    Args:
        path: A file that `write_rows` wrote.
        stamp: Columns that get one value in all rows, for example their batch.

    Raises:
        StudyError: The file is missing, damaged, or of another version.
    """
    try:
        table = pl.read_parquet(path)
    except FileNotFoundError as error:
        raise StudyError(f"{path} does not exist. Run the study first.") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StudyError(
            f"{path} cannot be read; it is damaged or no Parquet file. "
            "Delete it and run again: it is measured anew."
        ) from error
    return from_frame(table, stamp=stamp)


def read_table(paths: Sequence[Path]) -> Table:
    """The rows of several files, one after the other, as columns.

    Raises:
        StudyError: A file is missing, damaged, or of another version.
    """
    if not paths:
        return Table(pl.DataFrame(schema=SCHEMA))
    try:
        frame = pl.read_parquet(list(paths))
    except (pl.exceptions.PolarsError, OSError):
        for path in paths:
            read_rows(path)  # tells which of them it is
        raise
    return Table(_checked(frame))


def concat(tables: Iterable[Rows]) -> Table:
    """All rows of several tables, one after the other."""
    frames = [to_frame(rows) for rows in tables]
    return Table(pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA))


def _checked(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the columns of `SCHEMA`."""
    lacking = [name for name in SCHEMA if name not in table.columns]
    if lacking:
        raise StudyError(
            f"the table of observations lacks {', '.join(lacking)}: another version wrote it. "
            "Run again with --fresh."
        )
    return table if table.schema == SCHEMA else table.select(list(SCHEMA)).cast(SCHEMA)


def _without_nan(table: pl.DataFrame) -> pl.DataFrame:
    flagged = pl.col("value").is_nan() & pl.col("flag").is_null()
    return table.with_columns(
        pl.col("value", "low", "high").fill_nan(None),
        flag=pl.when(flagged).then(pl.lit("not_a_number")).otherwise("flag"),
        reason=pl.when(flagged).then(pl.lit(_NOT_A_NUMBER)).otherwise("reason"),
    )
