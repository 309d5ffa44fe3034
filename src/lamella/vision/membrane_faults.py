"""What lies on or above a stained membrane that is neither a sharp cell nor an open pore?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.cell_map import BLOB_PX, DyeMap

__all__ = ["Bubble", "SoftPatch", "bubbles", "filled_pores", "folds", "on_rims", "soft_patches"]

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]

# Bubbles are looked for on a small picture: this many work px a pixel, at most this long a side.
_COARSE, _COARSE_SIDE_PX = 4, 160
# Radii [coarse px], each 12 % above the last, up to this share of the short side.
_SMALLEST_RIM_PX, _RIM_STEP, _LARGEST_RIM = 6.0, 1.12, 0.75
# A rim is dark by so many spreads of the picture, at least by so much grey; so much of its circle
# is dark, beyond what is dark within it; and so much of it lies in the picture.
_RIM_SPREADS, _RIM_GREY, _RIM_SHOWN, _RIM_INSIDE = 4.0, 0.15, 0.85, 0.55
# A fold is brighter by so much grey, and so many spreads; longer than this share of the picture
# and than so many times its width.
_FOLD_GREY, _FOLD_SPREADS, _FOLD_LONG, _FOLD_STRETCH = 0.08, 2.5, 0.15, 3.0
# Parts of the typical density of a cell: a slope a pixel that only what is in focus has, and dye.
_STEEP, _SOFT_DYE = 0.08, 0.15
# Work px around a steep slope that belong to a sharp thing; radius of the disc that fits a patch.
_SHARP_REACH, _SOFT_REACH = 4, 5
# A soft patch covers at least a cell, and less than this share of its surroundings is sharp.
_CELL_AREA, _SHARP_AROUND = 4 * math.pi * BLOB_PX**2, 0.4
# Grey by which a filled pore exceeds its surroundings.
_PLUG = 0.3
_DIRECTIONS = 8


@dataclass(frozen=True, slots=True)
class Bubble:
    """A round dark rim: its middle and radius [work px]."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class SoftPatch:
    """Dye without a sharp edge: its middle, area, extent, and width where widest [work px]."""

    x: float
    y: float
    area: float
    length: float
    width: float


def bubbles(field: DyeMap) -> tuple[Bubble, ...]:
    """Air bubbles: circles, wider than cells, that are dark and grey nearly all around.

    Args:
        field: A stained membrane at work scale.
    """
    above, spread, coarse = _coarse_grey(field)
    dye = _thumbnail(field.smooth, (above.shape[1], above.shape[0]))
    dark = ((above > max(_RIM_GREY, _RIM_SPREADS * spread)) & (above > dye)).astype(np.float32)
    found: list[tuple[float, Bubble]] = []
    radius = _SMALLEST_RIM_PX
    while dark.any() and radius < _LARGEST_RIM * min(dark.shape):
        share, x, y = _best_rim(dark, radius)
        if share >= _RIM_SHOWN:
            at = ((x + 0.5) * coarse - 0.5, (y + 0.5) * coarse - 0.5)
            found.append((share, Bubble(*at, radius * coarse)))
        radius *= _RIM_STEP
    kept: list[Bubble] = []
    for _, one in sorted(found, key=lambda pair: -pair[0]):
        if all(math.hypot(one.x - k.x, one.y - k.y) > max(one.radius, k.radius) for k in kept):
            kept.append(one)
    return tuple(kept)


def folds(field: DyeMap, rings: tuple[Bubble, ...]) -> tuple[tuple[float, float], ...]:
    """Middles (x, y) of long bright bands [work px]: where a membrane bends, it gathers light.

    Args:
        field: A stained membrane at work scale.
        rings: Its bubbles, which are bright within.
    """
    above, spread, coarse = _coarse_grey(field)
    bright = (above < -max(_FOLD_GREY, _FOLD_SPREADS * spread)).view(np.uint8)
    count, parts, stats, middles = cv2.connectedComponentsWithStats(bright)
    found = []
    for k in range(1, count):
        long, wide = _sides(parts == k, stats[k])
        x, y = (float(v + 0.5) * coarse - 0.5 for v in middles[k])
        hidden = any(math.hypot(x - one.x, y - one.y) < one.radius for one in rings)
        if long > max(_FOLD_LONG * max(above.shape), _FOLD_STRETCH * wide) and not hidden:
            found.append((x, y))
    return tuple(found)


def on_rims(found: tuple[Bubble, ...], shape: tuple[int, int]) -> Mask:
    """True on and near the rims of bubbles, shape (h, w)."""
    rim = np.zeros(shape, np.uint8)
    for one in found:
        width = max(2, round(0.3 * one.radius))
        cv2.circle(rim, (round(one.x), round(one.y)), round(one.radius), 1, width)
    return rim > 0


def soft_patches(
    field: DyeMap, labels: Labels, *, level: float, judged: Mask
) -> tuple[SoftPatch, ...]:
    """Dye that is out of focus where the membrane is in focus: it does not lie on the membrane.

    Args:
        field: A stained membrane at work scale.
        labels: Shape (h, w), above 0 inside counted cells.
        level: Typical density of a cell.
        judged: Shape (h, w), True where the membrane is in focus.
    """
    dye = field.dye * np.float32(1 / level)
    soft = cv2.GaussianBlur(dye, (0, 0), 2.0)
    slope = [cv2.Sobel(soft, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1))]
    steep = (cv2.magnitude(*slope) > _STEEP).view(np.uint8)
    sharp = cv2.dilate(steep, _disc(_SHARP_REACH)) > 0
    wide = np.asarray(cv2.GaussianBlur(dye, (0, 0), 3.0))
    bare = (wide[~sharp & (labels == 0)])[::7]
    ground = float(np.percentile(bare, 25)) if bare.size > 100 else 0.0
    patch = (wide > ground + _SOFT_DYE) & ~sharp & judged
    opened = cv2.morphologyEx(patch.view(np.uint8), cv2.MORPH_OPEN, _disc(_SOFT_REACH))
    count, parts, stats, middles = cv2.connectedComponentsWithStats(opened, ltype=cv2.CV_16U)
    grown = cv2.dilate(parts, _disc(3))
    beside = (grown > 0) & (parts == 0)
    total = np.maximum(np.bincount(grown[beside], minlength=count), 1)
    edged = np.bincount(grown[beside], weights=sharp[beside], minlength=count) / total
    area = stats[:, cv2.CC_STAT_AREA]
    chosen = np.flatnonzero((area >= _CELL_AREA) & (edged < _SHARP_AROUND))
    return tuple(
        SoftPatch(float(x), float(y), float(area[k]), *_sides(parts == k, stats[k]))
        for k, (x, y) in zip(chosen.tolist(), middles[chosen], strict=True)
        if k > 0
    )


def filled_pores(
    field: DyeMap, labels: Labels, *, radius: float, open_at: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Dark discs of the size of a pore, without a bright core and away from dye; (n, 2) as x, y.

    Args:
        field: A stained membrane at work scale.
        labels: Shape (h, w), above 0 inside counted cells.
        radius: Of a pore [work px].
        open_at: Shape (k, 2), x and y of the open pores: the gap between two is not filled.
    """
    sigma = radius / math.sqrt(2)
    curved = cv2.Laplacian(cv2.GaussianBlur(field.grey, (0, 0), sigma), cv2.CV_32F)
    strength = curved * np.float32(-(sigma**2))
    peak = (strength >= cv2.dilate(strength, np.ones((5, 5), np.uint8))) & (strength > _PLUG)
    y, x = np.nonzero(peak & (labels == 0))
    soft = np.asarray(cv2.GaussianBlur(field.grey, (0, 0), 0.7), np.float32)
    core = _around(soft, (x, y), 0.0)[:, 0]
    within, outside = _around(soft, (x, y), 0.6 * radius), _around(soft, (x, y), 1.8 * radius)
    ground = np.median(outside, axis=1)
    height = core - ground
    full = (height > _PLUG) & (within.min(axis=1) - ground > 0.5 * height)
    full &= core >= 0.85 * within.mean(axis=1)
    full &= (outside < (ground + 0.5 * height)[:, None]).sum(axis=1) >= _DIRECTIONS - 2
    at = np.stack([x, y], axis=1)[full].astype(np.float64)
    if len(at) and len(open_at):
        gaps = np.hypot(*(at[:, None] - open_at[None]).transpose(2, 0, 1)).min(axis=1)
        at = at[gaps > 1.6 * radius]
    return np.asarray(at)


def _coarse_grey(field: DyeMap) -> tuple[Image, float, float]:
    """Grey against its median on a small picture, its spread, and work px a pixel."""
    coarse = max(_COARSE, max(field.grey.shape) / _COARSE_SIDE_PX)
    size = [max(8, round(side / coarse)) for side in field.grey.shape[::-1]]
    grey = _thumbnail(field.grey, (size[0], size[1]))
    above = grey - np.float32(np.median(grey))
    return above, 1.4826 * float(np.median(np.abs(above))), coarse


def _thumbnail(plane: Image, size: tuple[int, int]) -> Image:
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), np.float32)


def _best_rim(dark: Image, radius: float) -> tuple[float, int, int]:
    """The circle of that radius whose rim is darkest against its inside: share, x, y."""
    rim, inside = _rim_kernels(round(radius, 4))
    reach = rim.shape[0] // 2
    border = (reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    padded, shown = (
        np.asarray(cv2.copyMakeBorder(part, *border, value=0), np.float32)
        for part in (dark, np.ones_like(dark))
    )
    seen = _summed(shown, rim)
    share = _summed(padded, rim) / np.maximum(seen, 1)
    share[seen < _RIM_INSIDE * rim.sum()] = 0
    share -= _summed(padded, inside) / np.maximum(_summed(shown, inside), 1)
    y, x = np.unravel_index(int(np.argmax(share)), share.shape)
    return float(share[y, x]), int(x) - reach, int(y) - reach


@lru_cache(maxsize=64)
def _rim_kernels(radius: float) -> tuple[Image, Image]:
    reach = int(np.ceil(1.35 * radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(x, y)
    rim = np.abs(distance - radius) < max(1.0, 0.06 * radius)
    return rim.astype(np.float32), (distance < 0.75 * radius).astype(np.float32)


def _summed(picture: Image, kernel: Image) -> Image:
    border = cv2.BORDER_CONSTANT
    return np.asarray(cv2.filter2D(picture, cv2.CV_32F, kernel, borderType=border))


def _sides(patch: Mask, stats: NDArray[np.integer]) -> tuple[float, float]:
    """How far a patch reaches, and the diameter of the widest disc in it."""
    x, y, width, height = (int(v) for v in stats[:4])
    alone = np.pad(patch[y : y + height, x : x + width], 1)
    deep = cv2.distanceTransform(alone.view(np.uint8), cv2.DIST_L2, 3)
    return math.hypot(width, height), 2 * float(np.max(deep))


def _around(picture: Image, at: tuple[NDArray[np.intp], NDArray[np.intp]], radius: float) -> Image:
    if len(at[0]) == 0:
        return np.zeros((0, _DIRECTIONS), np.float32)
    angle = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    x = (at[0][:, None] + radius * np.cos(angle)).astype(np.float32)
    y = (at[1][:, None] + radius * np.sin(angle)).astype(np.float32)
    border = cv2.BORDER_REFLECT
    return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=border), np.float32)


def _disc(radius: int) -> NDArray[np.uint8]:
    side = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
