"""What one measured unit leaves on disk: rows, masks, previews, and the record that it is done.

A part is complete when its record exists; everything is written beside its place and renamed.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import tifffile
from numpy.typing import NDArray

from lamella.assays.contract import Picture
from lamella.inputs.images.series import Unit
from lamella.study.file_names import safe_name
from lamella.study.hashes import Stamp
from lamella.table.rows import Observation
from lamella.table.store import Table, read_table, to_frame, write_rows
from lamella.vision.outline import polygons

__all__ = ["PartRecord", "PartStore", "PictureRecord", "PictureWriter", "write_json"]

_JPEG_QUALITY = 60
_STAMP = ("plate", "well", "assay", "settings_hash", "input_hash", "version")


PART_LAYOUT = 2
"""Raised when a part is written in another way; parts of another layout are measured again."""


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A preview on disk: its file inside the part, its size and the outlines found.

    Each outline is x, y, x, y ... in whole pixels of the preview. `points` are x and y of the
    counted objects in the full picture [px], which is `scale` times as large.
    """

    field: str
    frame: int
    state: str
    file: str
    width_px: int
    height_px: int
    outlines: tuple[tuple[int, ...], ...] = ()
    points: tuple[tuple[float, float], ...] | None = None
    scale: float = 1.0

    @property
    def polygons(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """The outlines as points."""
        return tuple(tuple(zip(line[::2], line[1::2], strict=True)) for line in self.outlines)


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What a part was made from; equal hashes mean that it need not be measured again."""

    assay: str
    plate: str
    well: str
    stamps: tuple[Stamp, ...]
    input_hash: str
    settings_hash: str
    calibration_hash: str
    edits_hash: str
    version: str
    layout: int = PART_LAYOUT
    failed: str = ""
    pictures: tuple[PictureRecord, ...] = field(default=())


class PartStore:
    """The parts below one `results` folder."""

    def __init__(self, results: Path) -> None:
        """Use `results`; nothing is created before the first write."""
        self.results = results

    def folder(self, assay: str, plate: str, well: str) -> Path:
        """Where the part of one unit lies."""
        return self.results / "parts" / safe_name(assay) / safe_name(plate) / safe_name(well)

    def read_record(self, assay: str, plate: str, well: str) -> PartRecord | None:
        """The record of a finished part; None where there is none, or a damaged one."""
        try:
            text = (self.folder(assay, plate, well) / "done.json").read_text(encoding="utf-8")
            return _record_from(json.loads(text))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def read_table(self, records: Sequence[PartRecord]) -> Table:
        """The rows that the measurements yielded, each with its place and hashes."""
        places = [self.folder(record.assay, record.plate, record.well) for record in records]
        return read_table([place / "rows.parquet" for place in places])

    def write_rows(self, record: PartRecord, rows: Sequence[Observation]) -> None:
        """Write the rows of a part, each with its place and hashes.

        The part counts only after `finish`.
        """
        place = self.folder(record.assay, record.plate, record.well)
        place.mkdir(parents=True, exist_ok=True)
        stamp = {name: pl.lit(getattr(record, name)) for name in _STAMP}
        write_rows(Table(to_frame(rows).with_columns(**stamp)), place / "rows.parquet")

    def finish(self, record: PartRecord) -> None:
        """Write the record last: from now on the part is complete."""
        place = self.folder(record.assay, record.plate, record.well)
        write_json(place / "done.json", asdict(record))

    def begin(self, assay: str, plate: str, well: str) -> Path:
        """An empty folder for a part that is about to be measured."""
        place = self.folder(assay, plate, well)
        if place.is_dir():
            (place / "done.json").unlink(missing_ok=True)
            shutil.rmtree(place)
        place.mkdir(parents=True)
        return place


class PictureWriter:
    """Takes the pictures of one unit as they come and puts them on disk."""

    def __init__(self, place: Path, masks: Path, unit: Unit, key: str) -> None:
        """Previews go to `place`, the masks of each series to a file of the folder `masks`."""
        self._place = place
        self._masks = masks
        self._unit = unit
        self._key = key
        self._planes: dict[str, list[tuple[tuple[int, int], bytes]]] = {}
        self.records: list[PictureRecord] = []

    def add(self, picture: Picture) -> None:
        """Write the preview now and keep the mask, compressed, until `close`."""
        name = f"{safe_name(picture.field or 'field')}_{picture.frame:04d}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        shown = picture.preview
        if shown.ndim == 3:
            shown = np.ascontiguousarray(shown[..., ::-1])  # OpenCV writes blue first
        ok, jpeg = cv2.imencode(".jpg", shown, quality)
        if ok:
            (self._place / name).write_bytes(jpeg.tobytes())
        height, width = picture.preview.shape[:2]
        scale = width / picture.labels.shape[1]
        # Hundreds of outlines hide the cells: counted objects are drawn as points.
        found = polygons(picture.labels > 0, scale=scale) if picture.points is None else ()
        record = PictureRecord(
            picture.field,
            picture.frame,
            picture.state,
            name,
            width,
            height,
            tuple(tuple(round(value) for point in line for value in point) for line in found),
            picture.points,
            1 / scale,
        )
        self.records.append(record)
        plane = (picture.labels.shape, zlib.compress(picture.labels.tobytes(), 1))
        self._planes.setdefault(picture.field, []).append(plane)

    def close(self) -> None:
        """Write the masks, one label OME-TIFF a series."""
        sizes = {series.field: series.pixel_um for series in self._unit.series}
        for name, planes in self._planes.items():
            stem = "_".join(safe_name(part) for part in (self._unit.well, name) if part)
            folder = self._masks / safe_name(self._unit.plate)
            folder.mkdir(parents=True, exist_ok=True)
            _write_masks(folder / f"{stem}.ome.tif", planes, sizes.get(name), self._key)


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write JSON beside its place and rename, so that no half file is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, sort_keys=True)
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def _write_masks(
    path: Path, planes: list[tuple[tuple[int, int], bytes]], pixel_um: float | None, key: str
) -> None:
    height = max(shape[0] for shape, _ in planes)
    width = max(shape[1] for shape, _ in planes)
    metadata: dict[str, Any] = {"axes": "TYX", "UUID": f"urn:lamella:{key}"}
    if pixel_um is not None:
        metadata |= {"PhysicalSizeX": pixel_um, "PhysicalSizeY": pixel_um}
        metadata |= {"PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
    beside = path.with_name(path.name.removesuffix(".ome.tif") + ".part.ome.tif")
    tifffile.imwrite(
        beside,
        _padded(planes, height, width),
        shape=(len(planes), height, width),
        dtype=np.uint8,
        ome=True,
        compression="zlib",
        compressionargs={"level": 1},
        metadata=metadata,
    )
    beside.replace(path)


def _padded(
    planes: list[tuple[tuple[int, int], bytes]], height: int, width: int
) -> Iterator[NDArray[np.uint8]]:
    for shape, packed in planes:
        labels = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(shape)
        if shape == (height, width):
            yield labels
        else:
            yield np.pad(labels, ((0, height - shape[0]), (0, width - shape[1])))


def _record_from(raw: Mapping[str, Any]) -> PartRecord:
    if raw["layout"] != PART_LAYOUT:
        raise ValueError("the part is of another layout")
    pictures = tuple(map(_picture_from, raw["pictures"]))
    stamps = tuple((str(name), int(size), int(mtime)) for name, size, mtime in raw["stamps"])
    return PartRecord(**{**raw, "stamps": stamps, "pictures": pictures})


def _picture_from(item: Mapping[str, Any]) -> PictureRecord:
    points = item.get("points")
    read = {
        "outlines": tuple(map(tuple, item["outlines"])),
        "points": None if points is None else tuple((float(x), float(y)) for x, y in points),
    }
    return PictureRecord(**{**item, **read})
