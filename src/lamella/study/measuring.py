"""Measures one unit and leaves its part on disk: the work that an engine runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeGuard

from lamella import __version__
from lamella.assays import ASSAYS
from lamella.assays.contract import Picture, Settings
from lamella.errors import StudyError
from lamella.inputs.images import content_hash
from lamella.inputs.images.series import Unit
from lamella.study.hashes import (
    Stamp,
    calibration_of,
    digest,
    edits_digest,
    stamps_of,
    unit_paths,
)
from lamella.study.object_tables import write_part_objects
from lamella.study.parts import PartRecord, PartStore, PictureWriter
from lamella.study.threads import one_thread
from lamella.table.edits import Edit
from lamella.table.objects import Objects
from lamella.table.rows import Observation

__all__ = ["Call", "is_current", "measure_part", "record_loss"]


@dataclass(frozen=True, slots=True)
class Call:
    """One unit to measure, with everything that decides its outcome; can be pickled."""

    assay: str
    unit: Unit
    settings: Settings
    folder: Path
    results: Path

    @property
    def stamps(self) -> tuple[Stamp, ...]:
        """Name, size and time of change of every file of the unit."""
        return stamps_of(unit_paths(self.unit), self.folder)

    @property
    def settings_hash(self) -> str:
        """Hash of the settings of the assay, the same for all units of a study."""
        return digest(self.settings.model_dump(mode="json"))

    @property
    def calibration_hash(self) -> str:
        """Hash of what is known of the unit beside its pixels: fields, times, pixel size."""
        return digest(calibration_of(self.unit))

    @property
    def edits_hash(self) -> str:
        """Hash of the edits made to the unit, and of the examples that teach it."""
        return edits_digest(self.unit.edits, self.unit.examples)


def is_current(call: Call, record: PartRecord | None) -> bool:
    """Whether the part on disk is what this call would make, as far as can be seen cheaply."""
    return _same_recipe(record, call) and record.stamps == call.stamps


def measure_part(call: Call, *, fresh: bool = False) -> str:
    """Measure the unit, write its part; returns "measured", "kept" or the reason of a failure.

    A unit whose files were only touched or copied keeps its part, unless `fresh` is asked for:
    the content decides.
    """
    store = PartStore(call.results)
    stamps = call.stamps
    hashes = _content_hashes(call.unit)
    input_hash = digest(sorted(hashes.values()))
    old = store.read_record(call.assay, call.unit.plate, call.unit.well)
    if not fresh and _same_recipe(old, call) and old.input_hash == input_hash:
        store.finish(replace(old, stamps=stamps))
        return "kept"
    unit, stale = _without_stale(call.unit, hashes)
    record = _new_record(call, stamps, input_hash)
    place = store.begin(call.assay, call.unit.plate, call.unit.well)
    masks = call.results / "masks" / call.assay
    key = digest(
        [record.input_hash, record.settings_hash, record.calibration_hash, record.edits_hash]
    )
    writer = PictureWriter(place, masks, unit, key)
    with one_thread():
        rows, objects, failed = _collect(call, unit, writer)
    store.write_rows(record, [*rows, *stale])
    write_part_objects(place, objects)
    writer.close()
    store.finish(replace(record, failed=failed, pictures=tuple(writer.records)))
    return failed or "measured"


def record_loss(call: Call, reason: str) -> None:
    """Write the part of a unit whose process was lost: one flagged row, tried again next time."""
    store = PartStore(call.results)
    record = replace(_new_record(call, call.stamps, ""), failed=reason)
    store.begin(call.assay, call.unit.plate, call.unit.well)
    store.write_rows(record, [_failure(call.unit, reason)])
    store.finish(record)


def _collect(
    call: Call, unit: Unit, writer: PictureWriter
) -> tuple[list[Observation], list[Objects], str]:
    assay = next(assay for assay in ASSAYS if assay.name == call.assay)
    rows: list[Observation] = []
    objects: list[Objects] = []
    try:
        for item in assay.measure(unit, call.settings):
            if isinstance(item, Picture):
                writer.add(item)
            elif isinstance(item, Objects):
                objects.append(item)
            else:
                rows.append(item)
    except Exception as error:
        # What was measured before stays; one bad unit never ends a plate.
        told = str(error) if isinstance(error, StudyError) else f"{type(error).__name__}: {error}"
        rows.append(_failure(unit, told))
        return rows, objects, told
    return rows, objects, ""


def _failure(unit: Unit, reason: str) -> Observation:
    return Observation(
        "measurement", plate=unit.plate, well=unit.well, flag="not_measured", reason=reason
    )


def _new_record(call: Call, stamps: tuple[Stamp, ...], input_hash: str) -> PartRecord:
    return PartRecord(
        call.assay,
        call.unit.plate,
        call.unit.well,
        stamps,
        input_hash,
        call.settings_hash,
        call.calibration_hash,
        call.edits_hash,
        __version__,
    )


def _same_recipe(record: PartRecord | None, call: Call) -> TypeGuard[PartRecord]:
    return (
        record is not None
        and not record.failed
        and record.settings_hash == call.settings_hash
        and record.calibration_hash == call.calibration_hash
        and record.edits_hash == call.edits_hash
        and record.version == __version__
    )


def _content_hashes(unit: Unit) -> dict[Path, str]:
    hashes = {}
    for path in unit_paths(unit):
        try:
            hashes[path] = content_hash(path)
        except (OSError, StudyError):
            hashes[path] = "unreadable"
    return hashes


def _without_stale(unit: Unit, hashes: dict[Path, str]) -> tuple[Unit, list[Observation]]:
    """The unit without edits whose picture has changed since, and a flagged row for each."""
    kept: list[Edit] = []
    rows: list[Observation] = []
    for edit in unit.edits:
        seen = set(_hashes_under(edit, unit, hashes))
        if edit.input_hash and edit.input_hash not in seen:
            rows.append(_stale(unit, edit))
        else:
            kept.append(edit)
    return dataclasses.replace(unit, edits=tuple(kept)), rows


def _hashes_under(edit: Edit, unit: Unit, hashes: dict[Path, str]) -> Iterator[str]:
    for series in unit.series:
        if edit.target.field in ("", series.field):
            for frame in series.frames:
                if edit.target.frame in (None, frame.index):
                    yield hashes[frame.path]


def _stale(unit: Unit, edit: Edit) -> Observation:
    return Observation(
        "edit",
        plate=unit.plate,
        well=unit.well,
        field=edit.target.field,
        frame=edit.target.frame,
        text=edit.id,
        flag="stale_edit",
        reason=f"the image has changed since the decision '{edit.id}' was made; it was not "
        "applied. Look at the frame again and decide anew.",
    )
