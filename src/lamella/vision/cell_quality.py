"""What must a reader of a cell count know about the picture: focus, light, hair, doubtful scale?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_field import Flag
from lamella.vision.cell_map import BLOB_PX, CellScale, DyeMap
from lamella.vision.cell_pieces import CellPieces

__all__ = ["Quality", "focus_of", "long_things", "quality_flags", "saturated_fraction"]

Image = NDArray[np.float32]

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
_FILLED_SHARE = 0.25
_DENSE = 0.6
_SCALE_OFF, _SIZE_OFF = 1.6, 2.2


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a field can be read.

    Attributes:
        focus: Natural log of fine over coarse structure, median of the field; None where it
            has no structure.
        blurred: Share of the field that is out of focus.
        saturated: Share of pixels at the upper end of the camera's range.
        hair: Shape (h, w) of the dye map, True on hair and fibres.
    """

    focus: float | None
    blurred: float
    saturated: float
    hair: NDArray[np.bool_]


def focus_of(image: Image, *, shape: tuple[int, int]) -> tuple[float | None, float]:
    """Focus and blurred share of a picture, judged at work scale.

    Args:
        image: Camera counts, shape (H, W, 3) or (H, W).
        shape: Height and width at work scale.
    """
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
    if structure.mean() < 0.05:
        return None, 0.0
    ratio = np.log(np.maximum(fine[structure], 1e-9) / coarse[structure])
    return float(np.median(ratio)), float(np.mean(ratio < _BLURRED) * structure.mean())


def saturated_fraction(image: Image) -> float:
    """Share of pixels that hold the highest count, where several hold the same."""
    highest = float(image.max())
    at_end = sum(int(np.count_nonzero(rows >= highest)) for rows in image)
    return at_end / image.size if at_end > 4 else 0.0


def long_things(field: DyeMap) -> NDArray[np.bool_]:
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
    field: DyeMap, pieces: CellPieces, quality: Quality, *, scale: CellScale
) -> tuple[Flag, ...]:
    """Words and sentences for everything that makes a count doubtful."""
    found = [*_of_light(field, quality), *_of_picture(quality), *_of_scale(scale)]
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
    if pieces.small > _FILLED_SHARE * max(count, 8):
        text = "spots of dye no larger than a pore are not counted (filled pores, debris)"
        found.append(("filled_pores", f"{pieces.small} {text}"))
    return tuple(found)


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


def _of_picture(quality: Quality) -> list[Flag]:
    found: list[Flag] = []
    if quality.blurred > _BLURRED_SHARE:
        text = f"{quality.blurred:.0%} of the field is out of focus; cells may be missed there"
        found.append(("out_of_focus", text))
    if quality.hair.any():
        found.append(("hair", "a hair or fibre lies across the field and is left out"))
    return found


def _of_scale(scale: CellScale) -> list[Flag]:
    found: list[Flag] = []
    if scale.source == "picture":
        text = "neither pixel size nor pores tell the scale; it is taken from the blobs"
        found.append(("scale_guessed", f"{text} of this picture. State pixel_um"))
    if scale.off > _SCALE_OFF or scale.off < 1 / _SCALE_OFF:
        text = f"by the pores a pixel is {scale.off:.1f} times as large as stated"
        found.append(("pixel_size_contradicts_pores", f"{text}. Check pixel_um and pore_um"))
    return found


def _band(light: Image, band: tuple[float, float]) -> Image:
    inner, outer = (cv2.GaussianBlur(light, (0, 0), sigma) for sigma in band)
    return np.asarray(inner - outer, np.float32)
