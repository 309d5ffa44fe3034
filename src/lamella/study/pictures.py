"""Measures pictures that belong to no study: rows per image, masks on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lamella.assays import ASSAYS
from lamella.assays.contract import Assay, Picture, Settings
from lamella.errors import SettingsError, StudyError, nearest
from lamella.inputs.images import Inventory, open_images
from lamella.inputs.images.series import Frame, Unit
from lamella.study.decisions import Decisions, read_decisions
from lamella.study.edited import edited_units
from lamella.study.file_names import safe_name
from lamella.study.mask_png import mask_png
from lamella.study.model import findings_of
from lamella.study.threads import one_thread
from lamella.study.weights import named_weights
from lamella.table.findings import Finding
from lamella.table.rows import Observation
from lamella.table.wells import Design

__all__ = ["Measured", "MeasuredRow", "Request", "measure_pictures"]

Progress = Callable[[int, int, str], None]
_CELLS = ("well", "field", "frame", "time_h", "metric", "value", "low", "high", "unit")
_TOLD = ("text", "flag", "reason", "object")


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure and how the files are to be understood; see `open_images`.

    `masks` is the folder that gets the mask of each image as PNG (255 = gap, cell, network).
    `decisions` is a file like `decisions.jsonl` of a study: corrections and strokes whose targets
    name well and field as the rows do. `settings` are settings of the assay and their values as
    a person writes them, `weights` those of the network that they may ask for.
    """

    assay: str
    paths: tuple[Path, ...]
    pixel_um: float | None = None
    interval_h: float | None = None
    pattern: str | None = None
    preset: str | None = None
    masks: Path | None = None
    decisions: Path | None = None
    settings: tuple[tuple[str, str], ...] = ()
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class MeasuredRow:
    """A row with the file that it comes from; None for a value of a whole series."""

    path: Path | None
    row: Observation

    def document(self) -> dict[str, Any]:
        """The row as it stands in JSON."""
        values = {name: getattr(self.row, name) for name in (*_CELLS, *_TOLD)}
        return {"path": None if self.path is None else str(self.path), **values}

    def cells(self) -> Iterator[object]:
        """The row as it stands in a table of text."""
        yield self.path
        for name in (*_CELLS, *_TOLD):
            yield getattr(self.row, name)


@dataclass(frozen=True, slots=True)
class Measured:
    """All rows, in the order of the pictures, and what was wrong with the files."""

    rows: tuple[MeasuredRow, ...]
    findings: tuple[Finding, ...]


def measure_pictures(request: Request, *, progress: Progress | None = None) -> Measured:
    """Measure every picture of the request; a bad one is a flagged row.

    Raises:
        SettingsError: The assay is not known, or a setting of it.
        StudyError: A pattern or preset is not valid.
    """
    assay = _assay(request.assay)
    settings = named_weights(request.weights)(_settings(assay, request.settings), assay.name)
    inventory = _inventory(request)
    decisions = read_decisions(request.decisions) if request.decisions else Decisions()
    units, of_edits = edited_units(inventory.units, decisions, assay=assay.name)
    names = _mask_names(units)
    files: dict[tuple[str, str, str, int | None], Path] = {}
    rows: list[Observation] = []
    for done, unit in enumerate(units, start=1):
        for series in unit.series:
            for frame in series.frames:
                files[unit.plate, unit.well, series.field, frame.index] = frame.path
        with one_thread():
            rows += _measured(assay, unit, settings, masks=request.masks, names=names)
        if progress is not None:
            progress(done, len(units), unit.well or unit.series[0].field)
    settled = assay.settle(rows, Design(), settings)
    levels = {metric.name for metric in assay.metrics if metric.level}
    shown = tuple(
        MeasuredRow(files.get((row.plate, row.well, row.field, row.frame)), row)
        for row in settled
        if row.metric not in levels
    )
    return Measured(shown, (*inventory.findings, *decisions.findings, *of_edits))


def _settings(assay: Assay[Any], stated: Sequence[tuple[str, str]]) -> Settings:
    try:
        settings: Settings = assay.settings.model_validate(dict(stated))
    except ValidationError as error:
        found = findings_of(error, assay.settings, place=f"settings of {assay.name}")
        raise SettingsError(" ".join(f"{f.message} {f.remedy}" for f in found)) from error
    return settings


def _measured(
    assay: Assay[Any],
    unit: Unit,
    settings: Settings,
    *,
    masks: Path | None,
    names: dict[tuple[Path, int], str],
) -> Iterator[Observation]:
    frames = {(s.field, frame.index): frame for s in unit.series for frame in s.frames}
    try:
        for item in assay.measure(unit, settings):
            if isinstance(item, Observation):
                yield replace(item, plate=unit.plate, well=unit.well, assay=assay.name)
            elif isinstance(item, Picture) and masks is not None:
                frame = frames[item.field, item.frame]
                _write_mask(masks / names[frame.path, frame.plane], item)
            del item  # not kept while the next picture is read
    except StudyError as error:
        yield Observation(
            "measurement",
            plate=unit.plate,
            well=unit.well,
            assay=assay.name,
            flag="not_measured",
            reason=str(error),
        )


def _write_mask(path: Path, picture: Picture) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mask_png(picture.labels > 0))


def _inventory(request: Request) -> Inventory:
    # One call for all paths: pictures given one by one may be the frames of one series.
    return open_images(
        request.paths,
        pattern=request.pattern,
        preset=request.preset,
        pixel_um=request.pixel_um,
        interval_h=request.interval_h,
    )


def _mask_names(units: Sequence[Unit]) -> dict[tuple[Path, int], str]:
    """A file name for each plane: the stem of the image, longer where two would be the same."""
    frames: list[Frame] = [f for unit in units for s in unit.series for f in s.frames]
    planes = Counter(frame.path for frame in frames)
    stems = Counter(path.stem for path in planes)
    names = {}
    for frame in frames:
        stem = frame.path.stem
        if stems[stem] > 1:
            stem = safe_name("_".join(frame.path.with_suffix("").parts[-2:]) + frame.path.suffix)
        page = f"_p{frame.plane:04d}" if planes[frame.path] > 1 else ""
        names[frame.path, frame.plane] = f"{stem}{page}.png"
    return names


def _assay(name: str) -> Assay[Any]:
    known = {assay.name: assay for assay in ASSAYS}
    if name not in known:
        raise SettingsError(f"assay '{name}' is not known. {nearest(name, known)}")
    return known[name]
