"""How do rows get to disk and back? One Parquet file, written whole or not at all."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import chain, repeat
from operator import attrgetter
from pathlib import Path

import polars as pl

from lamella.errors import StudyError
from lamella.table.rows import Observation, Rows

__all__ = ["SCHEMA", "concat", "from_frame", "read_rows", "to_frame", "write_rows"]

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


def to_frame(rows: Rows) -> pl.DataFrame:
    """The rows as a table with the columns of `SCHEMA`, in the same order.

    NaN is no value: it becomes null, and the row is flagged `not_a_number` if it had no flag.
    """
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
    lacking = [name for name in SCHEMA if name not in table.columns]
    if lacking:
        raise StudyError(
            f"the table of observations lacks {', '.join(lacking)}: another version wrote it. "
            "Run again with --fresh."
        )
    rows = tuple(map(Observation.__new__, repeat(Observation, table.height)))
    for name, dtype in SCHEMA.items():
        # Filling the slots column by column is five times as fast as 40,000 frozen `__init__`.
        fill = getattr(Observation, name).__set__
        column = table.get_column(name)
        values: Iterable[object]
        if stamp is not None and name in stamp:
            values = repeat(stamp[name])
        elif column.null_count() == table.height:
            values = repeat(None)
        else:
            values = (column if column.dtype == dtype else column.cast(dtype)).to_list()
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
            to_frame(rows).write_parquet(file, compression="zstd", compression_level=3)
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


def concat(tables: Iterable[Rows]) -> tuple[Observation, ...]:
    """All rows of several tables, one after the other."""
    return tuple(chain.from_iterable(tables))


def _without_nan(table: pl.DataFrame) -> pl.DataFrame:
    flagged = pl.col("value").is_nan() & pl.col("flag").is_null()
    return table.with_columns(
        pl.col("value", "low", "high").fill_nan(None),
        flag=pl.when(flagged).then(pl.lit("not_a_number")).otherwise("flag"),
        reason=pl.when(flagged).then(pl.lit(_NOT_A_NUMBER)).otherwise("reason"),
    )
