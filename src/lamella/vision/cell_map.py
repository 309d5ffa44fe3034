"""How much dye lies where, at the scale at which one cell is one blob?

Every picture is brought to the same number of pixels across a cell, so that what follows has no
length in pixels. The scale comes from the stated pixel size, else from the pores of the
membrane, else from the blobs of the picture itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from lamella.vision.cell_field import CellSettings
from lamella.vision.pores import Pores
from lamella.vision.stain import (
    StainModel,
    estimate_stain,
    lowest_level,
    optical_density,
    unmix,
    white_reference,
)

__all__ = [
    "BLOB_PX",
    "GRAIN_PX",
    "CellScale",
    "DyeMap",
    "cell_scale",
    "dye_map",
    "fluorescence_map",
    "without_haze",
]

Image = NDArray[np.float32]

# Standard deviation of the blob filter [work px]: what splits cells.
BLOB_PX = 4.5
# The same in um for stained cells on a membrane, and as a share of a stated cell diameter.
_BLOB_UM, _BLOB_SHARE = 5.0, 0.25
# Of the scale at which the Laplacian has most energy, when nothing else tells.
_BLOB_OF_ENERGY = 0.75
_GUESS_PX = 480
# Width of a lone patch over the diameter of its cell: outlines are drawn on smoothed dye.
_LONE_WIDTH = 1.25
# Paler dye tells nothing of cells; a field without any is taken to be so many blobs wide; and
# cells of fewer pixels could not be told from pores.
_PALEST, _BLOBS_A_SIDE, _LEAST_BLOB_PX = 0.2, 80.0, 2.0
_MOST_ENLARGED = 4.0
# Smoothing at which the outline of a cell is drawn, in blobs.
_OUTLINE = 0.4
# Smoothing of the light before its logarithm [work px]: a JPEG holds colour at half the size of
# light, and a dark pixel whose colour is its neighbours' would pass for dye.
GRAIN_PX = 0.8
# Root of the sum of squares of the Laplacian of a normal of that width.
_GRAIN_LEFT = 0.608
# Kolmogorov distance within which a field is taken for noise of one normal class, and the spreads
# that its lower tail must reach: a field full of cells ends at the bare membrane.
_NORMAL_WITHIN, _LOWER_TAIL = 0.04, 2.2
# Radius of the disc that fits between cells and not inside one, in blobs.
_HAZE = 3.0
# Grey takes this share of itself away from the dye: a dark pore with some dye in it is no cell.
_GREY_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class CellScale:
    """At what scale cells are looked for.

    Attributes:
        blob_px: Standard deviation of the blob filter [full px].
        source: Who told it.
        off: Pixel size by the pores over the stated one; 1 where only one of them is known.
    """

    blob_px: float
    source: Literal["pixel_um", "pores", "picture"]
    off: float = 1.0

    @property
    def cell_px(self) -> float:
        """Diameter of a cell [full px]."""
        return self.blob_px / _BLOB_SHARE

    def refined(self, lone_area: float | None) -> CellScale:
        """The scale at which lone cells have the size that a cell should have there.

        Args:
            lone_area: What they cover at this scale [work px]; None where there is none.
        """
        if self.source != "picture" or lone_area is None:
            return self
        return replace(self, blob_px=max(self.blob_px * self.width_of(lone_area), _LEAST_BLOB_PX))

    def width_of(self, lone_area: float) -> float:
        """Diameter of a lone cell over that of the cells that are looked for.

        Args:
            lone_area: What it covers [work px].
        """
        wide = math.sqrt(4 * lone_area / math.pi) / self.work
        return wide / _LONE_WIDTH / self.cell_px

    @property
    def work(self) -> float:
        """Work pixels per full pixel."""
        return min(BLOB_PX / self.blob_px, _MOST_ENLARGED)


@dataclass(frozen=True, slots=True)
class DyeMap:
    """Dye at work scale.

    Attributes:
        dye: Shape (h, w), dye less its share of grey, bare membrane at 0.
        grey: Shape (h, w), grey density; zeros in fluorescence.
        noise: Spread of the bare membrane once smoothed to the scale of a cell's outline.
        smooth: Shape (h, w), the dye so smoothed.
        stain: Directions of dye and grey; None in fluorescence.
        white: Camera counts of the bare ground, median of each channel.
        unevenness: (Highest - lowest) / median of the bare ground's brightness.
    """

    dye: Image
    grey: Image
    noise: float
    smooth: Image
    stain: StainModel | None
    white: tuple[float, ...]
    unevenness: float


def cell_scale(
    image: Image, *, pixel_um: float | None, pores: Pores | None, settings: CellSettings
) -> CellScale:
    """The scale of cells in a picture.

    Args:
        image: Camera counts, shape (H, W, 3) or (H, W).
        pixel_um: Stated side of a pixel [um].
        pores: Pores of the membrane, where there are any.
        settings: May state the diameter of a cell.
    """
    known = settings.cell_um is not None or settings.light == "bright_field"
    blob_um = _BLOB_SHARE * settings.cell_um if settings.cell_um else _BLOB_UM
    estimate = pores.pixel_um(settings.pore_um) if pores else None
    if pixel_um and known:
        off = estimate / pixel_um if estimate else 1.0
        return CellScale(blob_um / pixel_um, "pixel_um", off)
    if estimate and known:
        return CellScale(blob_um / estimate, "pores")
    return CellScale(_blob_of_picture(image), "picture")


def dye_map(
    image: Image, *, scale: CellScale, stain: StainModel | None, exclude: NDArray[np.bool_] | None
) -> DyeMap:
    """Dye of a stained membrane at work scale.

    Args:
        image: Camera counts, shape (H, W, 3).
        scale: At what scale.
        stain: The stain of the batch; None lets the picture tell.
        exclude: Shape (H, W), True where nothing is counted.
    """
    small = _soft(image, scale)
    white = white_reference(small)
    density = optical_density(small, white)
    model = stain or estimate_stain(np.asarray(cv2.GaussianBlur(density, (0, 0), 1.0)))
    dye, grey = unmix(density, model)
    return _levelled(dye, grey, exclude, stain=model, white=white)


def without_haze(field: DyeMap, most: float) -> DyeMap:
    """The map less the dye that lies between cells: what an opening wider than a cell leaves.

    Args:
        field: The map.
        most: Density that haze cannot exceed, so that the inside of a cluster is not haze.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(_HAZE * BLOB_PX) + 1,) * 2)
    low = cv2.morphologyEx(np.clip(field.smooth, 0, np.float32(most)), cv2.MORPH_OPEN, disc)
    haze = np.asarray(cv2.GaussianBlur(low, (0, 0), BLOB_PX), np.float32)
    return replace(field, dye=field.dye - haze, smooth=field.smooth - haze)


def fluorescence_map(
    image: Image, *, scale: CellScale, exclude: NDArray[np.bool_] | None
) -> DyeMap:
    """Light of cells above a dark ground at work scale, in camera counts.

    Args:
        image: Camera counts, shape (H, W).
        scale: At what scale.
        exclude: Shape (H, W), True where nothing is counted.
    """
    small = _soft(image, scale)
    ground = _dark_ground(small)
    grey = np.zeros_like(small)
    light = small - ground
    light -= np.float32(lowest_level(_outlined(light))[0])
    return _levelled(light, grey, exclude, stain=None, white=ground[..., None])


def _levelled(
    dye: Image,
    grey: Image,
    exclude: NDArray[np.bool_] | None,
    *,
    stain: StainModel | None,
    white: Image,
) -> DyeMap:
    pure = _outlined(dye)
    if stain is not None:
        # The ground is where dye begins, whatever the white has missed.
        ground = np.float32(lowest_level(pure)[0])
        dye, pure = dye - ground, pure - ground
    noise = max(_spread_below(pure), _spread_of_grain(dye))
    normal = _one_normal(pure)
    if normal is not None:
        place, noise = normal
        dye = dye - np.float32(place)
    dye = np.asarray(dye - np.float32(_GREY_SHARE) * np.maximum(grey, 0), np.float32)
    smooth = _outlined(dye)
    if exclude is not None:
        size = (dye.shape[1], dye.shape[0])
        out = cv2.resize(exclude.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        dye[out] = smooth[out] = 0
    levels = tuple(float(v) for v in np.median(white[::8, ::8], axis=(0, 1)))
    light = white[::8, ::8].mean(axis=-1)
    unevenness = float(light.max() - light.min()) / max(float(np.median(light)), 1e-12)
    return DyeMap(dye, grey, noise, smooth, stain, levels, unevenness)


def _spread_below(smooth: Image) -> float:
    """Spread of the bare ground from the side below it, where no cell adds to it."""
    below = smooth[smooth < 0]
    return 1.4826 * float(np.median(-below)) if below.size else 0.0


def _one_normal(smooth: Image) -> tuple[float, float] | None:
    """Centre and spread where all of the field is one normal class, or nearly all."""
    values = np.sort(smooth[::3, ::3].ravel()).astype(np.float64)
    least, low, middle, high = (float(p) for p in np.percentile(values, [0.1, 16, 50, 84]))
    spread = (high - low) / 2
    if not spread > 0 or middle - least < _LOWER_TAIL * spread:
        return None
    share = np.arange(1, values.size + 1) / values.size
    distance = float(np.abs(ndtr((values - middle) / spread) - share).max())
    return (middle, spread) if distance < _NORMAL_WITHIN else None


def _spread_of_grain(dye: Image) -> float:
    """Spread that the grain between neighbouring pixels leaves at the outline scale."""
    grain = cv2.Laplacian(dye, cv2.CV_32F)[2:-2, 2:-2]
    pixel = 1.4826 * float(np.median(np.abs(grain))) / _GRAIN_LEFT
    return pixel / (2 * math.sqrt(math.pi) * _OUTLINE * BLOB_PX)


def _outlined(dye: Image) -> Image:
    rest = math.sqrt((_OUTLINE * BLOB_PX) ** 2 - GRAIN_PX**2)
    return np.asarray(cv2.GaussianBlur(dye, (0, 0), rest), np.float32)


def _soft(image: Image, scale: CellScale) -> Image:
    """The picture at work scale without its grain."""
    small = _at_work_scale(image, scale.work)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), GRAIN_PX), np.float32)


def _at_work_scale(image: Image, work: float) -> Image:
    height, width = image.shape[:2]
    size = (max(8, round(width * work)), max(8, round(height * work)))
    how = cv2.INTER_AREA if work < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.float32)


def _dark_ground(small: Image) -> Image:
    """The light between cells: an opening wider than cells, smoothed."""
    height, width = small.shape
    shrink = (max(4, width // 6), max(4, height // 6))
    thumb = cv2.resize(small, shrink, interpolation=cv2.INTER_AREA)
    side = 2 * max(3, round(5 * BLOB_PX / 6)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    low = cv2.GaussianBlur(cv2.morphologyEx(thumb, cv2.MORPH_OPEN, disc), (0, 0), side / 2)
    return np.asarray(cv2.resize(low, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _blob_of_picture(image: Image) -> float:
    """Scale of the blobs of a picture [full px]: where its Laplacian has most energy."""
    height, width = image.shape[:2]
    scale = min(1.0, _GUESS_PX / max(height, width))
    small = _at_work_scale(image, scale)
    if image.ndim == 3:
        dye, _ = unmix(optical_density(small, white_reference(small)), StainModel())
        dye = np.maximum(dye - np.float32(_PALEST), 0)
    else:
        dye = np.maximum(small - np.float32(lowest_level(small)[0]), 0)
    if not dye.any():
        return float(min(height, width)) / _BLOBS_A_SIDE
    sigmas = [
        1.2 * math.pow(2, k / 4) for k in range(int(4 * math.log2(min(small.shape[:2]) / 12)))
    ]
    energies = [_energy(dye, sigma) for sigma in sigmas]
    best = sigmas[int(np.argmax(energies))]
    return max(float(_BLOB_OF_ENERGY * best / scale), _LEAST_BLOB_PX)


def _energy(dye: Image, sigma: float) -> float:
    blurred = cv2.GaussianBlur(dye, (0, 0), sigma)
    blobs = np.maximum(-cv2.Laplacian(blurred, cv2.CV_32F), 0)
    return float(np.mean(blobs**2)) * float(sigma**4)
