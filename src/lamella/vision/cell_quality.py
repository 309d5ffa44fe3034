"""What must a reader of a cell count know about the picture: focus, light, dirt, doubtful scale?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_field import Flag
from lamella.vision.cell_map import BLOB_PX, CellScale, DyeMap
from lamella.vision.cell_pieces import CellPieces
from lamella.vision.membrane_faults import bubbles, filled_pores, folds, on_rims, soft_patches
from lamella.vision.pores import Pores

__all__ = ["Quality", "long_things", "quality_flags", "quality_of"]

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

# Bands of structure [work px] whose ratio falls when the focus is lost, and the window that is
# judged, in blobs.
_FINE, _COARSE, _WINDOW = (1.0, 2.0), (3.0, 6.0), 3.0
# Log ratio below which a place is blurred: an eighth of what sharp membranes show.
_BLURRED = -2.2
_BLURRED_SHARE = 0.15
# A hair is grey, longer than this many blobs and thinner than that many.
_HAIR_GREY, _HAIR_LONG, _HAIR_THIN = 0.5, 30.0, 6.0
_SATURATED_SHARE = 0.005
_CLIPPED_WHITE = 0.2
_UNEVEN = 0.35
_DISAGREE = 0.25
_FILLED_SHARE, _LEAST_FILLED = 0.25, 8
_DENSE = 0.6
# Soft patches are worth a word when so many, or so many a counted cell, are seen, or when they
# cover this share; one that is so much longer than wide, and so many blobs long, is a smear.
_LEAST_SOFT, _SOFT_SHARE, _SOFT_COVER = 3, 0.05, 0.03
_SMEAR_STRETCH, _SMEAR_LONG = 3.0, 20.0
# Radius of a pore over the diameter of a cell, where no open pore tells it; places that are told.
_PORE_OF_CELL, _PLACES = 0.2, 3
_SCALE_OFF, _SIZE_OFF = 1.6, 2.2
_HAIR: Flag = ("hair", "a hair or fibre lies across the field and is left out")


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a field can be read.

    Attributes:
        focus: Natural log of fine over coarse structure, median of the field; None where it
            has no structure.
        blurred: Share of the field that is out of focus.
        saturated: Share of pixels at the upper end of the camera's range.
        hair: Shape (h, w) of the dye map, True on hair and fibres.
        sharp: Shape (h, w), True where the membrane is in focus.
    """

    focus: float | None
    blurred: float
    saturated: float
    hair: Mask
    sharp: Mask


def quality_of(image: Image, field: DyeMap, *, hair: Mask) -> Quality:
    """Focus and saturation of a picture.

    Args:
        image: Camera counts, shape (H, W, 3) or (H, W).
        field: Its dye, at work scale.
        hair: Shape (h, w), from `long_things`.
    """
    shape = field.dye.shape
    how = cv2.INTER_AREA if shape[0] < image.shape[0] else cv2.INTER_CUBIC
    grey = cv2.resize(image, shape[::-1], interpolation=how)
    grey = grey.mean(axis=-1) if grey.ndim == 3 else grey
    top = max(float(np.percentile(grey, 99)), 1e-6)
    light = np.log(np.maximum(grey, np.float32(top / 255)))
    window = _WINDOW * BLOB_PX
    fine, coarse = (
        cv2.GaussianBlur(np.square(_band(light, band)), (0, 0), window) for band in (_FINE, _COARSE)
    )
    structure = coarse > 1e-6
    saturated = _saturated_fraction(image)
    if structure.mean() < 0.05:
        return Quality(None, 0.0, saturated, hair, np.zeros(shape, np.bool_))
    ratio = np.log(np.maximum(fine, 1e-9) / np.maximum(coarse, 1e-9))
    blurred = structure & (ratio < _BLURRED)
    middle = float(np.median(ratio[structure]))
    return Quality(middle, float(blurred.mean()), saturated, hair, structure & ~blurred)


def long_things(field: DyeMap) -> Mask:
    """Hair and fibres: grey, thin, and far longer than a cell; shape (h, w)."""
    grey = cv2.GaussianBlur(field.grey, (0, 0), 0.8 * BLOB_PX)
    thing = ((grey > _HAIR_GREY) & (grey > field.smooth)).view(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(thing)
    long = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    thin = stats[:, cv2.CC_STAT_AREA] / np.maximum(long, 1)
    is_hair = (long > _HAIR_LONG * BLOB_PX) & (thin < _HAIR_THIN * BLOB_PX)
    is_hair[0] = False
    return np.asarray(is_hair[parts]) if count > 1 else np.zeros(grey.shape, np.bool_)


def quality_flags(
    field: DyeMap, pieces: CellPieces, quality: Quality, *, scale: CellScale, pores: Pores
) -> tuple[Flag, ...]:
    """Words and sentences for everything that makes a count doubtful."""
    found = [*_of_light(field, quality), *_of_focus(quality), *_of_scale(scale)]
    count = len(pieces.areas)
    other = (pieces.by_area + pieces.by_dye) / 2
    if count and abs(other - count) > _DISAGREE * count:
        text = f"cells seen one by one are {count}, by area and dye {other:.0f}; the interval"
        found.append(("counts_disagree", f"{text} holds both"))
    if pieces.lone_area is not None and scale.source == "pixel_um":
        wide = scale.width_of(pieces.lone_area)
        if not 1 / _SIZE_OFF < wide < _SIZE_OFF:
            text = f"single patches are {wide:.1f} times as wide as cells at the stated pixel size"
            found.append(("pixel_size_doubtful", f"{text}. Check pixel_um, or state cell_um"))
    covered = float(np.mean(pieces.labels > 0))
    if covered > _DENSE:
        found.append(("dense", f"cells cover {covered:.0%} of the field, so many overlap"))
    if field.stain is not None:
        found += _of_dirt(field, quality, scale.work)
        found += _of_soft(field, pieces, quality, scale.work)
        found += _of_pores(field, pieces, pores, scale)
    elif quality.hair.any():
        found.append(_HAIR)
    return tuple(found)


def _of_dirt(field: DyeMap, quality: Quality, work: float) -> list[Flag]:
    found: list[Flag] = []
    rings = bubbles(field)
    if rings:
        text = f"{len(rings)} round dark rims, as of air bubbles,"
        places = _at(((one.x, one.y) for one in rings), work)
        found.append(("bubbles", f"{text} lie in the field{places}; look what they hide"))
    bent = folds(field, rings)
    if bent:
        text = f"the membrane is folded{_at(bent, work)}"
        found.append(("wrinkles", f"{text}; what lies on a fold is out of focus or hidden"))
    # The rim of a bubble is as long and thin as a hair.
    hair = quality.hair & ~on_rims(rings, field.grey.shape) if rings else quality.hair
    if hair.mean() > 0.2 * quality.hair.mean():
        y, x = np.nonzero(hair)
        places = _at([(float(np.median(x)), float(np.median(y)))], work)
        found.append((_HAIR[0], _HAIR[1] + places))
    return found


def _of_soft(field: DyeMap, pieces: CellPieces, quality: Quality, work: float) -> list[Flag]:
    found: list[Flag] = []
    if pieces.level is None:
        return found
    patches = soft_patches(field, pieces.labels, level=pieces.level, judged=quality.sharp)
    smears = [
        one
        for one in patches
        if one.length > max(_SMEAR_LONG * BLOB_PX, _SMEAR_STRETCH * one.width)
    ]
    if smears:
        text = f"{len(smears)} pale smears of dye without an edge, as a swab leaves them,"
        places = _at(((one.x, one.y) for one in smears), work)
        found.append(("streaks", f"{text} lie over the field{places}"))
    rest = sorted((one for one in patches if one not in smears), key=lambda one: -one.area)
    many = len(rest) >= max(_LEAST_SOFT, _SOFT_SHARE * len(pieces.areas))
    if many or sum(one.area for one in rest) > _SOFT_COVER * field.dye.size:
        text = f"{len(rest)} blurred violet patches lie where the membrane is sharp"
        places = _at(((one.x, one.y) for one in rest), work)
        what = "cells that the swab left above the membrane may be among the counted ones"
        found.append(("residual_cells", f"{text}{places}: {what}"))
    return found


def _of_pores(field: DyeMap, pieces: CellPieces, pores: Pores, scale: CellScale) -> list[Flag]:
    radius = (pores.radius_px or _PORE_OF_CELL * scale.cell_px) * scale.work
    open_at = pores.points_px * np.float32(scale.work)
    places = filled_pores(field, pieces.labels, radius=radius, open_at=open_at)
    full, seen = len(places), len(places) + len(open_at)
    if full > max(_LEAST_FILLED, _FILLED_SHARE * seen):
        text = f"{full} of {seen} pores are filled and dark{_at(places, scale.work)}"
        return [("filled_pores", f"{text}; where dye fills them they can pass for small cells")]
    if pieces.small > _FILLED_SHARE * max(len(pieces.areas), 8):
        text = "spots of dye no larger than a pore are not counted (filled pores, debris)"
        return [("filled_pores", f"{pieces.small} {text}")]
    return []


def _of_light(field: DyeMap, quality: Quality) -> list[Flag]:
    found: list[Flag] = []
    if field.stain is None:
        if quality.saturated > _SATURATED_SHARE:
            text = f"{quality.saturated:.1%} of the pixels are at the camera's end"
            found.append(("saturated", f"{text}; expose shorter"))
        return found
    if quality.saturated > _CLIPPED_WHITE:
        text = f"white is clipped on {quality.saturated:.0%} of the picture"
        found.append(("overexposed", f"{text}, so pale cells are lost; expose shorter"))
    if field.unevenness > _UNEVEN:
        text = f"the membrane's brightness varies by {field.unevenness:.0%} over the field"
        found.append(("vignetting", text))
    return found


def _of_focus(quality: Quality) -> list[Flag]:
    if quality.blurred <= _BLURRED_SHARE:
        return []
    text = f"{quality.blurred:.0%} of the field is out of focus; cells may be missed there"
    return [("out_of_focus", text)]


def _of_scale(scale: CellScale) -> list[Flag]:
    found: list[Flag] = []
    if scale.source == "picture":
        text = "neither pixel size nor pores tell the scale; it is taken from the blobs"
        found.append(("scale_guessed", f"{text} of this picture. State pixel_um"))
    if scale.off > _SCALE_OFF or scale.off < 1 / _SCALE_OFF:
        text = f"by the pores a pixel is {scale.off:.1f} times as large as stated"
        found.append(("pixel_size_contradicts_pores", f"{text}. Check pixel_um and pore_um"))
    return found


def _saturated_fraction(image: Image) -> float:
    """Share of pixels that hold the highest count, where several hold the same."""
    highest = float(image.max())
    at_end = sum(int(np.count_nonzero(rows >= highest)) for rows in image)
    return at_end / image.size if at_end > 4 else 0.0


def _at(places: Iterable[Iterable[float]], work: float) -> str:
    """Where they are in the full picture, the first few."""
    told = [f"x {x / work:.0f}, y {y / work:.0f}" for x, y in places]
    more = f" and {len(told) - _PLACES} more" if len(told) > _PLACES else ""
    return f" (at {'; '.join(told[:_PLACES])}{more})"


def _band(light: Image, band: tuple[float, float]) -> Image:
    inner, outer = (cv2.GaussianBlur(light, (0, 0), sigma) for sigma in band)
    return np.asarray(inner - outer, np.float32)
