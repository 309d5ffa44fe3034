"""The pixel step: from the frames of a well to rows and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.assays.contract import Measured, Picture
from lamella.assays.scratch.drift import Track, start_track
from lamella.assays.scratch.masks import (
    edited_mask,
    mask_edit,
    moved,
    thinned,
    touching,
    with_margin,
)
from lamella.assays.scratch.rows import (
    AUTOMATIC,
    KNOWN,
    SERIES,
    Place,
    around_rows,
    axis_rows,
    exposure_rows,
    gap_rows,
    lost_frame,
    no_gap_rows,
    series_rows,
    shape_rows,
    wound_rows,
)
from lamella.assays.scratch.settings import ScratchSettings
from lamella.errors import MeasurementError
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.table.edits import Edit
from lamella.table.rows import Observation
from lamella.vision.confluence import Cover, Texture, learn_cover, texture, thumbnail
from lamella.vision.exposure import ExposureSample, measure_exposure, sample_exposure
from lamella.vision.front import Axis, fit_axis, measure_shape
from lamella.vision.gap import CELL_SCALES, Gap, find_gap_at_work_scale
from lamella.vision.preview import preview
from lamella.vision.registration import Shift
from lamella.vision.work_scale import WorkPicture, to_work_scale

__all__ = ["measure", "rows_of_masks"]

# A frame whose gap lies outside the first wound by more than half shows another place.
_SAME_PLACE = 0.5
# The texture of the first frame is trusted in a later one while half of the cells around the
# wound are still found by it; it speaks where the frame alone finds no gap, or one that lacks
# more than a fifth of the first wound (floating cells make bare dish look like tissue).
_CELLS_LEFT = 0.5
_LACKING = 0.2
_SMALLEST_REST = 5e-4  # of the field

Mask = NDArray[np.bool_]
Counts = NDArray[np.float32]


def measure(unit: Unit, settings: ScratchSettings) -> Iterator[Measured]:
    """Rows and pictures of every frame of a well; a frame that cannot be read is a flagged row.

    Each series is read in time order: its first open frame gives the axis, the first wound and
    the reference of the stage drift. Where a person drew the mask, its numbers stand in the
    table, and the automatic ones beside them (`object` is `automatic`).
    """
    for series in unit.series:
        place = Place(unit.plate, unit.well, series.field, series.pixel_um)
        yield from series_rows(place, series.problems)
        first: _First | None = None
        for frame in _in_time_order(series.frames):
            at = place.at(frame.index, frame.time_h)
            edit = mask_edit(unit.edits, field=series.field, frame=frame.index)
            try:
                found = _find(frame, first, edit=edit, series=series, settings=settings)
                rows = list(_rows(found, at))
                shown = _picture(found, series.field, frame.index)
                first = _followed(first, found)
            except Exception as error:  # whatever a file holds, it costs its own frame only
                yield from lost_frame(at, error)
                continue
            # No two frames are held at a time.
            del found
            yield from rows
            yield shown
            del shown


def rows_of_masks(
    masks: Sequence[Mask],
    *,
    times_h: Sequence[float] | None,
    pixel_um: float | None,
    place: tuple[str, str, str] = ("", "", ""),
) -> list[Observation]:
    """The rows that `measure` would yield for masks that are known.

    Args:
        masks: True in the gap, each of shape (H, W), in time order.
        times_h: Time of each mask [h]; None where unknown.
        pixel_um: Side of a pixel [µm]; None where unknown.
        place: Plate, well and field.
    """
    if times_h is not None and len(times_h) != len(masks):
        raise MeasurementError(
            f"{len(masks)} masks, but {len(times_h)} times. Give one time for each mask."
        )
    rows: list[Observation] = []
    axis, first = None, None
    here = Place(*place, pixel_um)
    for index, mask in enumerate(masks):
        at = here.at(index, None if times_h is None else float(times_h[index]))
        if axis is None and mask.any():
            axis, first = fit_axis(mask), mask
        rows.append(at.row("gap_alone", text=KNOWN))
        rows += _outlined(at, mask, axis=axis or Axis(round=True), valid=np.ones_like(mask))
        if first is not None:
            rows += wound_rows(at, mask, first=first, valid=np.ones_like(mask))
            rows += around_rows(at, mask, first=first, valid=np.ones_like(mask))
    return rows


def _in_time_order(frames: Sequence[Frame]) -> list[Frame]:
    """The frames by their times where all are known, else by their numbers."""
    timed = all(frame.time_h is not None for frame in frames)
    return sorted(frames, key=lambda f: (f.time_h or 0.0 if timed else 0.0, f.index))


@dataclass(frozen=True, slots=True)
class _First:
    """The frame with the first wound, to which the later ones relate."""

    shape: tuple[int, ...]
    wound_small: Mask
    axis: Axis
    track: Track
    cover: Cover | None
    covered: float
    cell_scale: float


def _followed(first: _First | None, found: _Found) -> _First | None:
    """What the next frame relates to."""
    if first is not None:
        return first if found.track is None else replace(first, track=found.track)
    if not found.wound.any():
        return None
    track = start_track(found.seen.small, found.wound, axis=found.axis)
    return _First(
        found.wound.shape,
        found.first_wound,
        found.axis,
        track,
        found.cover,
        found.covered,
        found.seen.gap.cell_scale,
    )


def _picture(found: _Found, field: str, frame: int) -> Picture:
    return Picture(
        field=field,
        frame=frame,
        labels=found.wound.view(np.uint8),
        preview=preview(found.seen.small),
        state=found.seen.gap.alone if found.seen.edit is None else "edited",
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in one frame; `first_wound` has the size of the thumbnail.

    `automatic` is the wound without a person's edit, `wound` with it; `first_wound` lies where
    the drift has taken it. `by_series` tells that the texture of the first frame was needed to
    find `automatic`. `track` is None in the first frame. `covered` is the share of cells around the
    first wound [%], 0 without a `cover`.
    """

    seen: _Seen
    automatic: Mask
    by_series: bool
    wound: Mask
    first_wound: Mask
    axis: Axis
    track: Track | None
    cover: Cover | None
    covered: float
    same_place: bool


def _find(
    frame: Frame,
    first: _First | None,
    *,
    edit: Edit | None,
    series: Series,
    settings: ScratchSettings,
) -> _Found:
    work, sample = _reduced(frame, series.pixel_um)
    small = thumbnail(work)
    # One film, one size of cells: a frame out of focus must not pass for one of larger cells.
    scales = CELL_SCALES if first is None else (first.cell_scale,)
    gap = find_gap_at_work_scale(work, cell_scales=scales)
    seen = _Seen(sample, small, texture(small), gap, edit)
    if first is None or first.shape != work.full_shape:
        return _at_first(seen)
    return _after(seen, first, settings=settings)


def _reduced(frame: Frame, pixel_um: float | None) -> tuple[WorkPicture, ExposureSample]:
    """All that is needed of the large picture, which is let go here."""
    counts = frame.grey()
    return to_work_scale(counts, pixel_um=pixel_um), sample_exposure(counts)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One frame as it was read, and what it says alone."""

    exposure: ExposureSample
    small: Counts
    texture: Texture
    gap: Gap
    edit: Edit | None

    def wound(self, automatic: Mask) -> Mask:
        """The mask that counts: a person's, where one was drawn."""
        return automatic if self.edit is None else edited_mask(self.edit, self.gap.mask.shape)


def _at_first(seen: _Seen) -> _Found:
    gap, wound = seen.gap, seen.wound(seen.gap.mask)
    cover = learn_cover(seen.texture, wound, valid=gap.valid)
    return _Found(
        seen=seen,
        automatic=gap.mask,
        by_series=False,
        wound=wound,
        first_wound=thinned(wound, seen.small.shape),
        axis=fit_axis(wound, valid=gap.valid),
        track=None,
        cover=cover,
        covered=_covered(cover, seen),
        same_place=True,
    )


def _after(seen: _Seen, first: _First, *, settings: ScratchSettings) -> _Found:
    gap, shape = seen.gap, seen.small.shape
    track = first.track.after(seen.small)
    factor = gap.mask.shape[1] / shape[1]
    before = moved(first.wound_small, track.shift.dx_px / factor, track.shift.dy_px / factor)
    near, small = with_margin(before), thinned(gap.mask, shape)
    same = bool(np.count_nonzero(small & near) >= _SAME_PLACE * np.count_nonzero(small))
    automatic = gap.mask
    if same and settings.first_wound_only:
        automatic = touching(gap.mask, near)
    covered = _covered(first.cover, seen)
    rest = _rest(first, seen, near=near, covered=covered) if same else None
    if rest is not None and gap.alone == "open":
        missing = np.count_nonzero(rest < 0) - np.count_nonzero(small & near)
        rest = rest if missing > _LACKING * np.count_nonzero(first.wound_small) else None
    if rest is not None:
        automatic = _enlarged(rest, gap.mask.shape) & gap.valid
    return _Found(
        seen=seen,
        automatic=automatic,
        by_series=rest is not None,
        wound=seen.wound(automatic),
        first_wound=before,
        axis=first.axis,
        track=track,
        cover=first.cover,
        covered=covered,
        same_place=same,
    )


def _covered(cover: Cover | None, seen: _Seen) -> float:
    return 0.0 if cover is None else cover.percent(seen.texture) or 0.0


def _rest(first: _First, seen: _Seen, *, near: Mask, covered: float) -> NDArray[np.float32] | None:
    """What of the first wound is still bare by its own texture; None where that cannot tell."""
    gap, cover = seen.gap, first.cover
    if cover is None or first.covered <= 0 or gap.alone == "unusable":
        return None
    if covered < _CELLS_LEFT * first.covered:
        return None
    rest = cover.bare(seen.texture, within=near)
    return rest if np.count_nonzero(rest < 0) >= _SMALLEST_REST * rest.size else None


def _enlarged(depth: NDArray[np.float32], shape: tuple[int, ...]) -> Mask:
    full = cv2.resize(depth, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.asarray(full) < 0)


def _rows(found: _Found, at: Place) -> Iterator[Observation]:
    gap = found.seen.gap
    if found.seen.edit is None:
        yield from _automatic(found, at)
    else:
        drawn = f"mask drawn by {found.seen.edit.who or 'a person'} ({found.seen.edit.id})"
        for row in _outlined(
            at,
            found.wound,
            axis=found.axis,
            valid=gap.valid,
            shift=None if found.track is None else found.track.shift,
        ):
            yield replace(row, flag="edited", reason=drawn)
        yield at.row("gap_alone", text=KNOWN, note=("edited", drawn))
        yield from _automatic(found, replace(at, object=AUTOMATIC))
    shape = found.first_wound.shape
    valid = thinned(gap.valid, shape)
    if gap.alone != "unusable" or found.seen.edit is not None:
        wound = thinned(found.wound, shape)
        yield from wound_rows(at, wound, first=found.first_wound, valid=valid)
    if found.cover is not None:
        yield at.row("outside_confluence", found.covered)
        part = found.first_wound & valid
        yield at.row("wound_cover", found.cover.percent(found.seen.texture, within=part))
    yield from gap_rows(at, gap)
    tissue = np.greater(gap.valid, found.wound)
    yield from exposure_rows(
        at, measure_exposure(found.seen.exposure, tissue=tissue, valid=gap.valid)
    )
    yield from _shift_rows(at, found)


def _automatic(found: _Found, at: Place) -> Iterator[Observation]:
    gap = found.seen.gap
    if gap.alone != "open" and not found.by_series:
        yield at.row("gap_alone", text=gap.alone, note=(gap.alone, gap.reason))
        yield from no_gap_rows(at, (gap.alone, gap.reason))
        return
    drawn: dict[str, Any] = {
        "axis": found.axis,
        "valid": gap.valid,
        "shift": None if found.track is None else found.track.shift,
    }
    if found.by_series:
        reason = gap.reason or "the frame alone misses a fifth of the first wound"
        yield at.row("gap_alone", text=SERIES, note=("by_series", reason))
        yield from _with_interval(found, at, **drawn)
        return
    yield at.row("gap_alone", text="open")
    # Gaps left out for lying far from the first wound take their share of the error with them.
    share = np.count_nonzero(found.automatic) / gap.area_px if gap.area_px else 0.0
    interval = (gap.low_px * share, gap.high_px * share)
    yield from _outlined(at, found.automatic, interval=interval, **drawn)


def _with_interval(found: _Found, at: Place, **drawn: Any) -> Iterator[Observation]:
    """Rows of a gap found by the texture of the series; its front is known to its window."""
    shape = measure_shape(found.automatic, axis=found.axis)
    growth = 0.0 if found.cover is None else found.cover.growth_px
    px = max(found.wound.shape) / max(found.seen.small.shape)
    half = shape.perimeter_px * max(growth, 1.0) * px / 2
    low, high = max(shape.area_px - half, 0.0), shape.area_px + half
    if found.seen.gap.alone == "open":  # the frame's own answer stays inside the interval
        low = min(low, found.seen.gap.area_px)
    yield from _outlined(at, found.automatic, interval=(low, high), **drawn)


def _outlined(
    at: Place,
    mask: Mask,
    *,
    axis: Axis,
    valid: Mask,
    shift: Shift | None = None,
    interval: tuple[float | None, float | None] = (None, None),
) -> list[Observation]:
    shape = measure_shape(mask, valid=None if valid.all() else valid, axis=axis)
    return [
        *shape_rows(at, shape, interval=interval),
        *axis_rows(at, axis, shape=shape, shift=shift),
    ]


def _shift_rows(at: Place, found: _Found) -> Iterator[Observation]:
    if not found.same_place:
        reason = "the gap lies outside the first wound: the frame shows another place"
        yield at.row("shift", text="another place", note=("unregistered", reason))
    elif found.track is not None and found.track.known:
        shift = found.track.shift
        drift = float(np.hypot(shift.dx_px, shift.dy_px))
        yield at.row("shift", drift, text=f"{shift.dx_px:.1f}, {shift.dy_px:.1f} px")
