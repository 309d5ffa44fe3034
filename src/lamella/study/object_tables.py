"""The objects of a study, one table an assay: from the parts to `results/objects`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from lamella.study.decisions import Decisions
from lamella.study.file_names import safe_name
from lamella.study.parts import PartRecord, PartStore
from lamella.table.object_store import object_frame, read_objects, write_objects
from lamella.table.objects import Objects
from lamella.table.wells import Design

__all__ = ["OBJECTS", "write_object_tables", "write_part_objects"]

OBJECTS = "objects"
_PART = "objects.parquet"


def write_part_objects(place: Path, objects: Sequence[Objects]) -> None:
    """Write the objects of one unit beside its rows; an assay without any leaves no file."""
    if objects:
        write_objects(object_frame(objects), place / _PART)


def write_object_tables(
    store: PartStore,
    records: Sequence[PartRecord],
    *,
    study: str,
    design: Design,
    decisions: Decisions,
) -> tuple[Path, ...]:
    """Write `objects/<assay>.parquet` of each assay that finds objects, in order of the parts.

    Leading columns: study, batch, plate, well, field, frame, time_h, object; last: `excluded`,
    True where a decision leaves the place out. The parts alone decide the bytes.
    """
    written = []
    for assay in sorted({record.assay for record in records}):
        tables = [
            _stamped(read_objects(path), record, study=study, design=design)
            for record in records
            if record.assay == assay
            and (path := store.folder(assay, record.plate, record.well) / _PART).is_file()
        ]
        path = store.results / OBJECTS / f"{safe_name(assay)}.parquet"
        if not tables:
            path.unlink(missing_ok=True)
            continue
        # A part without any object may hold columns without a type.
        whole = pl.concat(tables, how="diagonal_relaxed")
        write_objects(_with_excluded(whole, assay, decisions), path)
        written.append(path)
    return tuple(written)


def _stamped(
    table: pl.DataFrame, record: PartRecord, *, study: str, design: Design
) -> pl.DataFrame:
    well = design.at(record.plate, record.well)
    stamp: Mapping[str, str] = {
        "study": study,
        "batch": well.batch if well else "",
        "plate": record.plate,
        "well": record.well,
    }
    return table.select(*(pl.lit(text).alias(name) for name, text in stamp.items()), pl.all())


def _with_excluded(table: pl.DataFrame, assay: str, decisions: Decisions) -> pl.DataFrame:
    """The last decision about a place wins, so an `include` takes back an earlier `exclude`."""
    left_out = pl.lit(False)
    for edit in decisions.standing:
        if edit.kind in ("exclude", "include") and edit.target.assay in ("", assay):
            meant = pl.lit(True)
            for column in ("plate", "well", "field"):
                if wanted := getattr(edit.target, column):
                    meant &= pl.col(column) == wanted
            if edit.target.frame is not None:
                meant &= pl.col("frame") == edit.target.frame
            left_out = pl.when(meant).then(edit.kind == "exclude").otherwise(left_out)
    return table.with_columns(excluded=left_out)
