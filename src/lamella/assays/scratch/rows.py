"""Rows of one frame: numbers in pixels become observations with unit, interval and reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamella.assays.scratch.metrics import NAME, unit_of
from lamella.table.rows import Observation
from lamella.vision.exposure import Exposure
from lamella.vision.front import Axis, Shape
from lamella.vision.gap import Gap
from lamella.vision.registration import Shift

__all__ = [
    "AUTOMATIC",
    "KNOWN",
    "SERIES",
    "Place",
    "around_rows",
    "axis_rows",
    "exposure_rows",
    "gap_rows",
    "lost_frame",
    "no_gap_rows",
    "series_rows",
    "shape_rows",
    "wound_rows",
]

Mask = NDArray[np.bool_]
Interval = tuple[float | None, float | None]

# `object` of the numbers that a person's mask has replaced.
AUTOMATIC = "automatic"
# `gap_alone` of a mask that a person drew or a renderer knows: nothing is left to decide.
KNOWN = "known"

# `gap_alone` of a frame that says too little by itself and was read with the texture of the
# first frame of its series.
SERIES = "series"

_POWERS = {"px": 1, "px²": 2}
_UNCALIBRATED = (
    "pixel_size_unknown",
    "no pixel size: values are in pixels. State pixel_um in study.toml, or --pixel-um.",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row belongs, and the calibration that turns pixels into micrometres."""

    plate: str
    well: str
    field: str
    pixel_um: float | None
    frame: int | None = None
    time_h: float | None = None
    object: str | None = None

    def at(self, frame: int, time_h: float | None) -> Place:
        """The same field at one frame."""
        return replace(self, frame=frame, time_h=time_h)

    def row(
        self,
        metric: str,
        value: float | None = None,
        *,
        text: str | None = None,
        interval: Interval = (None, None),
        note: tuple[str, str] | None = None,
    ) -> Observation:
        """A row at this place; lengths and areas come in pixels; `note` is flag and reason."""
        pixels = unit_of(metric, calibrated=False)
        power = _POWERS.get(pixels, 0)
        factor = 1.0
        if power and self.pixel_um is not None:
            factor = self.pixel_um**power
        if power and self.pixel_um is None and note is None:
            note = _UNCALIBRATED
        low, high = interval
        return Observation(
            metric=metric,
            value=None if value is None else float(value) * factor,
            unit=unit_of(metric, calibrated=self.pixel_um is not None),
            text=text,
            low=None if low is None else low * factor,
            high=None if high is None else high * factor,
            flag=note[0] if note else None,
            reason=note[1] if note else None,
            plate=self.plate,
            well=self.well,
            field=self.field,
            frame=self.frame,
            time_h=self.time_h,
            object=self.object,
            assay=NAME,
        )


def series_rows(place: Place, problems: Sequence[str]) -> Iterator[Observation]:
    """What the input said about the whole series."""
    for number, problem in enumerate(problems):
        at = replace(place, object=f"input {number + 1}")
        yield at.row("input_problem", note=("input", problem))


def lost_frame(place: Place, error: Exception) -> Iterator[Observation]:
    """A frame that could not be read or measured: its state, and why it has no number."""
    told = str(error) or type(error).__name__
    note = ("unreadable", told)
    yield place.row("gap_alone", text="unusable", note=note)
    yield from no_gap_rows(place, note)


def no_gap_rows(place: Place, note: tuple[str, str]) -> Iterator[Observation]:
    """The numbers of a frame that has none yet."""
    for metric in ("gap_area_fraction", "gap_area", "gap_count", "gap_width_mean"):
        yield place.row(metric, note=note)


def shape_rows(place: Place, shape: Shape, *, interval: Interval) -> Iterator[Observation]:
    """Size and form of the gap; `interval` is that of its area in pixels."""
    share: Interval = (None, None)
    if shape.valid_px:
        low, high = interval
        share = (
            None if low is None else low / shape.valid_px,
            None if high is None else high / shape.valid_px,
        )
    yield place.row("gap_area_fraction", shape.fraction, interval=share)
    yield place.row("gap_area", shape.area_px, interval=interval)
    yield place.row("gap_count", float(shape.count))
    values = {
        "gap_width_mean": shape.width_mean_px,
        "gap_width_median": shape.width_median_px,
        "gap_width_sd": shape.width_sd_px,
        "gap_width_cv": shape.width_cv,
        "front_perimeter": shape.perimeter_px,
        "edge_roughness": shape.roughness_px,
        "open_lines": shape.open_lines,
        "valid_area": shape.valid_px,
    }
    for metric, value in values.items():
        if value is not None:
            yield place.row(metric, value)


def axis_rows(
    place: Place, axis: Axis, *, shape: Shape, shift: Shift | None
) -> Iterator[Observation]:
    """Where the fronts stand, drift taken out; a round gap has no axis and no sides."""
    if axis.round:
        return
    yield place.row("scratch_length", axis.length_px)
    yield place.row("scratch_tilt", axis.tilt_deg)
    nx, ny = axis.normal
    drift = 0.0 if shift is None else nx * shift.dx_px + ny * shift.dy_px
    if shape.left_px is not None and shape.right_px is not None:
        yield place.row("front_left", shape.left_px - drift)
        yield place.row("front_right", shape.right_px - drift)


def wound_rows(place: Place, gap: Mask, *, first: Mask, valid: Mask) -> Iterator[Observation]:
    """Confluence inside the first wound; all gaps of the frame count."""
    yield from _covered(place, "wound_confluence", gap, where=first & valid)


def around_rows(place: Place, gap: Mask, *, first: Mask, valid: Mask) -> Iterator[Observation]:
    """Confluence outside the first wound, of masks that are known."""
    yield from _covered(place, "outside_confluence", gap, where=valid & ~first)


def _covered(place: Place, metric: str, gap: Mask, *, where: Mask) -> Iterator[Observation]:
    room = np.count_nonzero(where)
    if room:
        yield place.row(metric, 100.0 * (1.0 - np.count_nonzero(gap & where) / room))


def gap_rows(place: Place, gap: Gap) -> Iterator[Observation]:
    """Cells inside the gap, and the texture levels that `settle` decides states from."""
    if gap.alone == "open":
        yield place.row("cells_in_gap", float(gap.islands))
        yield place.row("cells_in_gap_area", gap.island_area_px)
    levels = {
        "tissue_level": gap.levels.tissue,
        "gap_level": gap.levels.gap,
        "image_level": gap.levels.image,
        "noise_level": gap.levels.noise,
        "separability": gap.levels.separability,
    }
    for metric, value in levels.items():
        if value is not None and math.isfinite(value):
            yield place.row(metric, value)


def exposure_rows(place: Place, exposure: Exposure) -> Iterator[Observation]:
    """Sharpness, unevenness and brightness."""
    if exposure.sharpness is not None:
        yield place.row("focus", exposure.sharpness)
    yield place.row("unevenness", exposure.unevenness)
    yield place.row("brightness", exposure.brightness)
