"""How many stained cells does a field hold, where are they, and how sure is that?

Bright field: the dye of each pixel (`stain`), less what is grey; blobs of dye at the scale of a
cell (`cell_map`); neighbours joined to cells by the valley between them and by the size of the
field's own cells (`cell_split`, `cell_pieces`). Fluorescence goes the same way with light above
the dark ground in the place of dye.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError
from lamella.vision.cell_field import CellField, CellLevels, CellSettings, Flag
from lamella.vision.cell_map import (
    CellScale,
    DyeMap,
    cell_scale,
    dye_map,
    fluorescence_map,
)
from lamella.vision.cell_pieces import CellPieces, find_pieces
from lamella.vision.cell_quality import (
    Quality,
    long_things,
    quality_flags,
    quality_of,
)
from lamella.vision.channels import shining_channel
from lamella.vision.pixel_classes import PixelClasses
from lamella.vision.pores import Pores, find_pores
from lamella.vision.stain import StainModel
from lamella.vision.taught_cells import without_doubted

__all__ = ["CellField", "CellLevels", "CellSettings", "StainModel", "count_cells"]

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SMALLEST_SIDE_PX = 32
# Channels that differ by less than this share of white everywhere are a grey picture.
_LEAST_COLOUR = 0.01
# A field holds at least a few cells' diameters and a cell at least a few pixels.
_LARGEST_BLOB, _SMALLEST_BLOB = 0.15, 0.6
# Where only the picture tells the scale it is corrected so often, until it moves less than this.
_REFINED, _NEAR = 3, 1.15
_DEFAULT = CellSettings()
_NO_PORES = Pores(np.zeros((0, 2), np.float32), None)


def count_cells(
    image: Image,
    *,
    pixel_um: float | None = None,
    settings: CellSettings = _DEFAULT,
    stain: StainModel | None = None,
    exclude: Mask | None = None,
    classes: PixelClasses | None = None,
) -> CellField:
    """Cells of one field with their count interval.

    Args:
        image: Camera counts, shape (H, W, 3) in red, green, blue for stained membranes; (H, W)
            in fluorescence, where of three channels the one with most contrast counts.
        pixel_um: Side of a pixel [um]; None where nobody states it.
        settings: How cells are counted.
        stain: The stain of the batch; None lets the picture tell.
        exclude: Shape (H, W), True where nothing is counted.
        classes: What strokes have taught; only what looks like their class `cell` counts.

    Raises:
        MeasurementError: The picture is grey where colour is needed, has an alpha channel or
            four inks, holds lost pixels, is too small, or its pixel size cannot be true.

    >>> rng = np.random.default_rng(0)
    >>> membrane = rng.normal(200, 3, (200, 260, 3)).astype(np.float32)
    >>> for x in (60, 130, 200):
    ...     _ = cv2.circle(membrane, (x, 100), 10, (80, 70, 150), -1)
    >>> count_cells(membrane, pixel_um=1.0).count
    3.0
    """
    image, flags = _checked(image, settings)
    stained = settings.light == "bright_field"
    pores = find_pores(image) if stained else _NO_PORES
    scale = cell_scale(image, pixel_um=pixel_um, pores=pores, settings=settings)
    _refuse_impossible(scale, image.shape, pixel_um)
    view = _View(image, stain, exclude, classes)
    found = view.at(scale)
    for _ in range(_REFINED):
        finer = scale.refined(found[1].lone_area)
        if 1 / _NEAR < finer.blob_px / scale.blob_px < _NEAR:
            break
        scale, found = finer, view.at(finer)
    field, pieces, hair = found
    quality = quality_of(image, field, hair=hair)
    flags += quality_flags(field, pieces, quality, scale=scale, pores=pores)
    whole = _Found(field, pieces, quality, scale, pores)
    return _field(whole, image.shape, pixel_um=pixel_um, settings=settings, flags=flags)


@dataclass(frozen=True, slots=True)
class _View:
    """A picture that may be looked at on several scales."""

    image: Image
    stain: StainModel | None
    exclude: Mask | None
    classes: PixelClasses | None

    def at(self, scale: CellScale) -> tuple[DyeMap, CellPieces, Mask]:
        """Dye, cells and hair."""
        if self.image.ndim == 3:
            field = dye_map(self.image, scale=scale, stain=self.stain, exclude=self.exclude)
        else:
            field = fluorescence_map(self.image, scale=scale, exclude=self.exclude)
        hair = long_things(field)
        pieces = find_pieces(field, hair=hair)
        if self.classes is not None and pieces.level is not None:
            odds = self.classes.log_odds(self.image, name="cell", cell_px=scale.cell_px)
            field = without_doubted(field, pieces.labels, level=pieces.level, log_odds=odds)
            pieces = find_pieces(field, hair=hair)
        return field, pieces, hair


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything that was found at work scale."""

    field: DyeMap
    pieces: CellPieces
    quality: Quality
    scale: CellScale
    pores: Pores


def _field(
    found: _Found,
    shape: tuple[int, ...],
    *,
    pixel_um: float | None,
    settings: CellSettings,
    flags: tuple[Flag, ...],
) -> CellField:
    height, width = shape[:2]
    pieces, (rows, columns) = found.pieces, found.field.dye.shape
    labels = cv2.resize(pieces.labels, (width, height), interpolation=cv2.INTER_NEAREST)
    stretch = np.array([width / columns, height / rows])
    points = ((pieces.middles[:, ::-1] + 0.5) * stretch - 0.5).astype(np.float32)
    cut = np.union1d(pieces.labels[-1], pieces.labels[:, -1])
    belongs = ~np.isin(np.arange(1, len(points) + 1), cut)
    full_px = float(stretch[0] * stretch[1])
    area = float(np.median(pieces.areas)) * full_px if len(points) else 0.0
    return CellField(
        points_px=points,
        belongs=belongs,
        count=float(len(points)),
        low=pieces.low,
        high=pieces.high,
        inside=float(belongs.sum()),
        labels=np.asarray(labels, np.int32),
        stained_area_fraction=float(np.mean(pieces.labels > 0)),
        integrated_density=float(pieces.dyes.sum()) * full_px,
        median_cell_area_um2=area * pixel_um**2 if area and pixel_um else None,
        focus=found.quality.focus,
        out_of_focus_fraction=found.quality.blurred,
        saturated_fraction=found.quality.saturated,
        pore_count=len(found.pores.points_px),
        pore_pixel_um_estimate=found.pores.pixel_um(settings.pore_um),
        flags=flags,
        levels=_levels(found, full_px),
    )


def _levels(found: _Found, full_px: float) -> CellLevels:
    field, pieces = found.field, found.pieces
    area, dye = pieces.lone_area, pieces.lone_dye
    return CellLevels(
        stain=field.stain.violet if field.stain else (),
        stain_from=field.stain.source if field.stain else "prior",
        white=field.white,
        noise=field.noise,
        threshold=pieces.threshold,
        cell_density=pieces.level,
        cell_area_px=None if area is None else area * full_px,
        cell_dye=None if dye is None else dye * full_px,
        cell_diameter_px=found.scale.cell_px,
        scale_from=found.scale.source,
        by_seeds=float(len(pieces.areas)),
        by_area=pieces.by_area,
        by_dye=pieces.by_dye,
    )


def _checked(image: Image, settings: CellSettings) -> tuple[Image, tuple[Flag, ...]]:
    """The picture as it is counted, with what had to be chosen."""
    image = np.asarray(image, np.float32)
    size = " x ".join(str(side) for side in image.shape)
    if image.ndim not in (2, 3) or min(image.shape[:2], default=0) < _SMALLEST_SIDE_PX:
        raise MeasurementError(
            f"A picture of {size} px is too small to count cells in; "
            f"at least {_SMALLEST_SIDE_PX} x {_SMALLEST_SIDE_PX} px are needed."
        )
    if image.ndim == 3 and image.shape[2] != 3:
        raise MeasurementError(
            f"A picture of {size} has {image.shape[2]} channels (alpha, or four inks). "
            "Save it as RGB with three channels."
        )
    if not np.isfinite(image[::7].sum()) or not np.isfinite(image.sum()):
        raise MeasurementError("The picture holds pixels without a finite number.")
    if settings.light == "bright_field":
        return _coloured(image), ()
    return shining_channel(image)


def _coloured(image: Image) -> Image:
    remedy = (
        "Stained cells are told from pores by colour: take the pictures in colour, or set "
        "light = 'fluorescence' if cells shine on a dark ground."
    )
    if image.ndim == 2:
        raise MeasurementError(f"The picture is grey. {remedy}")
    thin = image[::3, ::3]
    difference = float(np.ptp(thin, axis=-1).max())
    if difference <= _LEAST_COLOUR * max(float(np.percentile(thin, 99)), 1e-12):
        raise MeasurementError(f"The three channels of the picture are the same grey. {remedy}")
    return image


def _refuse_impossible(scale: CellScale, shape: tuple[int, ...], pixel_um: float | None) -> None:
    if scale.source != "pixel_um":
        return
    if not _SMALLEST_BLOB <= scale.blob_px <= _LARGEST_BLOB * min(shape[:2]):
        cell, short = scale.cell_px, min(shape[:2])
        raise MeasurementError(
            f"With a pixel of {pixel_um:g} um a cell would be {cell:.3g} px wide in a picture "
            f"of {short} px. Check pixel_um (camera pixel / magnification, often 0.2 to 2)."
        )
