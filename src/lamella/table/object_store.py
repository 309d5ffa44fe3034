"""How do objects get to disk and back? One Parquet file an assay, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from lamella.errors import StudyError
from lamella.table.objects import Objects

__all__ = ["object_frame", "read_objects", "write_objects"]

_PLACE = pl.Schema(
    {"field": pl.String(), "frame": pl.Int32(), "time_h": pl.Float64(), "object": pl.Int32()}
)


def object_frame(found: Sequence[Objects], stamp: Mapping[str, str] | None = None) -> pl.DataFrame:
    """One line an object, in order: the stamp, its place, its number in the frame, its columns.

    `object` counts from 1 in each frame. NaN becomes null.

    >>> import numpy as np
    >>> one = Objects("f1", 0, {"x_px": np.array([1.5, 7.0], np.float32)})
    >>> object_frame([one], {"well": "B02"}).columns
    ['well', 'field', 'frame', 'time_h', 'object', 'x_px']
    """
    stamped = [pl.lit(text).alias(name) for name, text in (stamp or {}).items()]
    frames = [_frame(one) for one in found]
    whole = pl.concat(frames, how="vertical_relaxed") if frames else pl.DataFrame(schema=_PLACE)
    return whole.select(*stamped, pl.all())


def write_objects(table: pl.DataFrame, path: Path) -> None:
    """Write the table; a reader sees the old file or the new one, never half of one.

    The same table gives the same bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            # One chunk: how lines came together must not show in the bytes.
            table.rechunk().write_parquet(file, compression="zstd", compression_level=3)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read_objects(path: Path) -> pl.DataFrame:
    """The objects of a file.

    Raises:
        StudyError: The file is missing or damaged.
    """
    try:
        return pl.read_parquet(path)
    except FileNotFoundError as error:
        raise StudyError(f"{path} does not exist. Run the study first.") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise StudyError(
            f"{path} cannot be read; it is damaged or no Parquet file. Run again with --fresh."
        ) from error


def _frame(one: Objects) -> pl.DataFrame:
    count = len(one)
    place = {
        "field": pl.Series([one.field], dtype=pl.String()).new_from_index(0, count),
        "frame": pl.Series([one.frame], dtype=pl.Int32()).new_from_index(0, count),
        "time_h": pl.Series([one.time_h], dtype=pl.Float64()).new_from_index(0, count),
        "object": pl.int_range(1, count + 1, dtype=pl.Int32(), eager=True),
    }
    # A list, where values of several kinds stand: no text and no truth value is None.
    columns = {
        name: pl.Series(name, values.tolist() if values.dtype == object else values)
        for name, values in one.columns.items()
    }
    return pl.DataFrame(place | columns).with_columns(pl.selectors.float().fill_nan(None))
