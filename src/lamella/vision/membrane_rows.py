"""Which rows does one counted field of a membrane give, and what does it look like?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError
from lamella.table.edits import Edit
from lamella.table.objects import Objects
from lamella.table.rows import Metric, Observation
from lamella.vision.cell_objects import cell_objects
from lamella.vision.cells import CellField
from lamella.vision.point_edits import Corrected, corrected, point_edits

__all__ = [
    "AUTOMATIC",
    "FIELD_METRICS",
    "TAUGHT",
    "CountedField",
    "MembranePlace",
    "colour_preview",
    "counted_field",
    "refused_rows",
    "usable_colour",
]

TAUGHT = ("taught", "counted with the pixel classes that a person's strokes have taught")
"""Flag and reason of a count that strokes have changed."""

AUTOMATIC = "automatic"
"""`object` of the count that a person's corrections have replaced."""

_DEEPEST = 255.0
_ABSURD = 2.0  # how far the pores may contradict a stated pixel size before nothing is counted

FIELD_METRICS: tuple[Metric, ...] = (
    Metric(
        "cell_count",
        "Cells in the field",
        "cells",
        "higher",
        "stained cells seen, cut by a border or not; the interval is the disagreement of counts "
        "by seeds, by area and by dye",
        "Transwell and Matrigel protocols, step 'count'",
    ),
    Metric(
        "cells_inside",
        "Cells of the field's area",
        "cells",
        "higher",
        "cell_count without the cells on the right and lower border",
    ),
    Metric("cell_density", "Cell density", "cells/mm²", "higher", "cells_inside / field_area"),
    Metric("field_area", "Area of the field", "mm²", "neither", "pixels x pixel_um²"),
    Metric(
        "stained_area_fraction", "Stained area", "", "higher", "stained pixels / pixels, 0 to 1"
    ),
    Metric(
        "integrated_density",
        "Integrated density",
        "OD mm²",
        "higher",
        "sum of the dye's optical density (natural logarithm) over the cells x pixel area",
    ),
    Metric("cell_area_median", "Area of a cell", "µm²", "neither", "median over the cells"),
    Metric(
        "focus", "Focus", "ln ratio", "neither", "ln of fine over coarse structure; falls with blur"
    ),
    Metric(
        "out_of_focus_fraction", "Out-of-focus area", "", "neither", "blurred share of the field"
    ),
    Metric(
        "saturated_fraction", "Saturated pixels", "", "neither", "share at the camera's full scale"
    ),
    Metric("pore_count", "Pores seen", "pores", "neither", "rings, dark around a bright core"),
    Metric(
        "pixel_estimate",
        "Pixel size, estimated from the pores",
        "µm",
        "neither",
        "nominal pore diameter / measured pore diameter: an estimate, used for nothing",
    ),
    Metric("quality", "Quality flag", "", "neither", "`text` names the flag, `reason` tells it"),
    Metric("input_problem", "Problem of the files", "", "neither", "as told by the files"),
    *(
        Metric(name, name.replace("_", " "), unit, "neither", level=True)
        for name, unit in (
            ("stain_red", "OD"),
            ("stain_green", "OD"),
            ("stain_blue", "OD"),
            ("stain_from", ""),
            ("stain_noise", "OD"),
            ("stain_threshold", "OD"),
            ("cells_by_seeds", "cells"),
            ("cells_by_area", "cells"),
            ("cells_by_dye", "cells"),
        )
    ),
)
_UNITS = {metric.name: metric.unit for metric in FIELD_METRICS}
_COUNTED = (
    "cell_count",
    "cells_inside",
    "cell_density",
    "stained_area_fraction",
)
_NO_PIXEL_SIZE = (
    "pixel_size_unknown",
    "no pixel size: cells per field only. State pixel_um in study.toml, or --pixel-um.",
)


@dataclass(frozen=True, slots=True)
class MembranePlace:
    """Where the rows of a field belong; `frame` and `time_h` as in the table."""

    assay: str
    plate: str
    well: str
    field: str
    frame: int | None = None
    time_h: float | None = None
    pixel_um: float | None = None

    def row(
        self,
        metric: str,
        value: float | None = None,
        *,
        text: str | None = None,
        ends: tuple[float | None, float | None] = (None, None),
        note: tuple[str, str] | None = None,
    ) -> Observation:
        """A row at this place; `note` is flag and reason."""
        return Observation(
            metric=metric,
            value=None if value is None else float(value),
            unit=_UNITS[metric],
            text=text,
            low=_known(ends[0]),
            high=_known(ends[1]),
            flag=note[0] if note else None,
            reason=note[1] if note else None,
            plate=self.plate,
            well=self.well,
            field=self.field,
            frame=self.frame,
            time_h=self.time_h,
            assay=self.assay,
        )


@dataclass(frozen=True, slots=True)
class CountedField:
    """Rows of a field, its stained area (H, W), a colour preview and the counted points.

    `cell_px` is the diameter at which cells were looked for, `objects` the cells one by one.
    """

    rows: tuple[Observation, ...]
    labels: NDArray[np.uint8]
    preview: NDArray[np.uint8]
    points: tuple[tuple[float, float], ...]
    state: str
    cell_px: float = 0.0
    objects: Objects | None = None

    @property
    def counted(self) -> tuple[Objects, ...]:
        """The objects, where the field was counted."""
        return () if self.objects is None else (self.objects,)


def usable_colour(image: NDArray[np.float32], *, deep: bool = False) -> None:
    """Refuse what is no picture of a colour camera in bright field.

    Args:
        image: Camera counts, shape (H, W) or (H, W, 3).
        deep: Whether more than 8 bits a colour are accepted.

    Raises:
        MeasurementError: Grey, grey stored as colour, or more than 8 bits a colour.
    """
    if image.ndim == 2 or image.shape[2] < 3:
        raise MeasurementError(
            "the picture is grey: violet cells cannot be told from grey pores without colour. "
            "Give the colour picture of the camera, or state light = 'fluorescence' (--set)."
        )
    if image.shape[2] > 3:
        raise MeasurementError(
            f"the picture has {image.shape[2]} channels where red, green and blue are needed. "
            "Save it as RGB without transparency."
        )
    if not np.isfinite(image).all():
        raise MeasurementError(
            "the picture holds pixels without a number. Export it again from the microscope."
        )
    if not deep and float(image.max(initial=0.0)) > _DEEPEST:
        raise MeasurementError(
            "the picture has more than 8 bits a colour, as a merge of fluorescence channels has. "
            "Convert it to 8-bit RGB, or state deep_colour = true (--set) if a colour camera took "
            "it so."
        )
    if min(image.shape[:2]) > 1 and bool((image[..., :1] == image[..., 1:]).all()):
        raise MeasurementError(
            "red, green and blue are equal: a grey picture stored as colour. Violet cells cannot "
            "be told from grey pores in it; give the colour picture of the camera."
        )


def counted_field(
    image: NDArray[np.float32],
    found: CellField,
    place: MembranePlace,
    *,
    edits: Sequence[Edit] = (),
    first: CellField | None = None,
    how: tuple[str, str] = TAUGHT,
) -> CountedField:
    """Rows and picture of a field, a person's corrections applied.

    Args:
        image: Camera counts, shape (H, W, 3) or (H, W).
        found: What `count_cells` found in it.
        place: Where it belongs.
        edits: Edits of its unit; those of kind `points` that mean this frame are applied.
        first: What was found without the strokes of a person, or without a network, where there
            are any.
        how: Flag and reason of what was found in its place.

    Raises:
        DecisionError: A correction cannot be applied.
        MeasurementError: The pores contradict the stated pixel size.
    """
    _check_scale(found, place)
    mine = point_edits(edits, field=place.field, frame=place.frame or 0)
    points = np.asarray(found.points_px, np.float64).reshape(-1, 2)
    new = None
    if mine:
        new = corrected(points, mine, reach_px=max(found.levels.cell_diameter_px, 8.0))
        points = new.points_px
    rows = (
        *_counts(found, new, place, first=first, how=how),
        *_numbers(found, place),
        *_levels(found, place),
    )
    count = next(row for row in rows if row.metric == "cell_count" and row.object is None)
    seen = f"{count.value or 0.0:.0f}"
    told = f"{seen} cell{'' if seen == '1' else 's'}" + (", corrected" if new else "")
    return CountedField(
        rows=rows,
        labels=np.asarray(found.labels != 0, np.uint8),
        preview=colour_preview(image),
        points=tuple((round(float(x), 1), round(float(y), 1)) for x, y in points),
        state=told,
        cell_px=found.levels.cell_diameter_px,
        objects=cell_objects(
            found,
            new,
            field=place.field,
            frame=place.frame or 0,
            time_h=place.time_h,
            pixel_um=place.pixel_um,
        ),
    )


def refused_rows(place: MembranePlace, error: Exception, *, flag: str) -> Iterator[Observation]:
    """The rows of a field that could not be counted: no number, and why."""
    told = str(error) or type(error).__name__
    for metric in _COUNTED:
        yield place.row(metric, note=(flag, told))


def colour_preview(image: NDArray[np.float32], *, long_side_px: int = 480) -> NDArray[np.uint8]:
    """A small picture for the eye, shape (h, w, 3); brighter than 8 bits is scaled down."""
    height, width = image.shape[:2]
    scale = min(1.0, long_side_px / max(height, width, 1))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    clean = np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0)
    small = np.asarray(cv2.resize(clean, size, interpolation=cv2.INTER_AREA), np.float32)
    top = float(small.max(initial=0.0))
    small = small * np.float32(_DEEPEST / top if top > _DEEPEST else 1.0)
    if small.ndim == 2:
        small = np.repeat(small[..., None], 3, axis=2)
    return np.asarray(np.clip(np.rint(small), 0, 255), np.uint8)


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _check_scale(found: CellField, place: MembranePlace) -> None:
    estimate = found.pore_pixel_um_estimate
    if estimate is None or place.pixel_um is None:
        return
    off = place.pixel_um / estimate
    if not 1 / _ABSURD <= off <= _ABSURD:
        raise MeasurementError(
            f"the stated pixel size, {place.pixel_um:g} µm, would make the pores {off:.2g} times "
            f"their size (the pores say about {estimate:.2g} µm). Correct pixel_um, or pore_um "
            "where the membrane has other pores."
        )


def _counts(
    found: CellField,
    new: Corrected | None,
    place: MembranePlace,
    *,
    first: CellField | None,
    how: tuple[str, str],
) -> Iterator[Observation]:
    area_mm2 = None
    if place.pixel_um is not None:
        area_mm2 = found.labels.size * (place.pixel_um * 1e-3) ** 2
    before = first or found
    automatic = place.row("cell_count", before.count, ends=(before.low, before.high))
    count, low, high, inside = found.count, found.low, found.high, found.inside
    if new is None and first is not None:
        yield replace(automatic, object=AUTOMATIC)
        yield place.row("cell_count", count, ends=(low, high), note=how)
    elif new is not None:
        # What a person has settled moves the interval as a whole: the rest stays as unsure.
        change = new.added - new.removed
        count = max(0.0, found.count + change)
        # Objects that a person adds or removes lie inside as often as the others do.
        inside = count * (found.inside / found.count if found.count else 1.0)
        low, high = max(0.0, min(low + change, count)), max(high + change, count)
        yield replace(automatic, object=AUTOMATIC)
        reason = f"a person added {new.added} and removed {new.removed}"
        yield place.row("cell_count", count, ends=(low, high), note=("corrected", reason))
    else:
        yield automatic
    share = inside / count if count else 1.0
    yield place.row("cells_inside", inside, ends=(low * share, high * share))
    if area_mm2 is None:
        yield place.row("cell_density", note=_NO_PIXEL_SIZE)
        return
    yield place.row("field_area", area_mm2)
    ends = (low * share / area_mm2, high * share / area_mm2)
    yield place.row("cell_density", inside / area_mm2, ends=ends)


def _numbers(found: CellField, place: MembranePlace) -> Iterator[Observation]:
    yield place.row("stained_area_fraction", found.stained_area_fraction)
    if place.pixel_um is None:
        unscaled = place.row("integrated_density", found.integrated_density)
        yield replace(unscaled, unit="OD px")
    else:
        yield place.row(
            "integrated_density", found.integrated_density * (place.pixel_um * 1e-3) ** 2
        )
    if found.median_cell_area_um2 is not None:
        yield place.row("cell_area_median", found.median_cell_area_um2)
    if found.focus is not None:
        yield place.row("focus", found.focus)
    yield place.row("out_of_focus_fraction", found.out_of_focus_fraction)
    yield place.row("saturated_fraction", found.saturated_fraction)
    yield place.row("pore_count", float(found.pore_count))
    if found.pore_pixel_um_estimate is not None:
        yield place.row("pixel_estimate", found.pore_pixel_um_estimate, text="estimate")
    for word, reason in found.flags:
        yield replace(place.row("quality", text=word, note=(word, reason)), object=word)


def _levels(found: CellField, place: MembranePlace) -> Iterator[Observation]:
    levels = found.levels
    for metric, part in zip(("stain_red", "stain_green", "stain_blue"), levels.stain, strict=False):
        yield place.row(metric, part)
    yield place.row("stain_from", text=levels.stain_from)
    yield place.row("stain_noise", levels.noise)
    yield place.row("stain_threshold", levels.threshold)
    yield place.row("cells_by_seeds", levels.by_seeds)
    yield place.row("cells_by_area", levels.by_area)
    yield place.row("cells_by_dye", levels.by_dye)
