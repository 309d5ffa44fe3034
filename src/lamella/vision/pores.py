"""Where are the pores of the membrane, and how large is a pixel if they are of the stated size?

A track-etched pore is a dark ring with a bright core, all of one size and grey. Rings of many
radii are looked for; where they are pores, one radius stands out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Pores", "find_pores"]

Image = NDArray[np.float32]

# Rings are looked for on a picture of this long side, enlarged at most twofold.
_LONG_SIDE_PX, _MOST_ENLARGED = 960, 2.0
# Radii [px of that picture], each 19 % above the last; halves of the picture serve the large.
_SMALLEST_RADIUS, _STEP, _RADII = 2.6, 1.19, 14
_OCTAVE_FROM = 3.7
# Optical density by which the ring must exceed its core and what lies outside.
_CONTRAST = 0.12
_DIRECTIONS = 8
_MOST_CANDIDATES = 4000
# Fewer rings of one size are no membrane; and one size must hold this share of all rings.
_LEAST_PORES, _LEAST_SHARE = 8, 0.5


@dataclass(frozen=True, slots=True)
class Pores:
    """The open pores of one field.

    Attributes:
        points_px: Shape (n, 2), x and y of each pore, float32.
        radius_px: Radius of the dark ring, mean over pores; None where too few are seen.
    """

    points_px: NDArray[np.float32]
    radius_px: float | None

    def pixel_um(self, pore_um: float) -> float | None:
        """Pixel size if the pores are `pore_um` wide: an estimate, good to about a tenth."""
        return None if self.radius_px is None else pore_um / (2 * self.radius_px)


def find_pores(image: Image) -> Pores:
    """Pores of one bright-field picture; none where no ring size stands out.

    Args:
        image: Camera counts, shape (H, W, 3).
    """
    height, width = image.shape[:2]
    scale = min(_MOST_ENLARGED, _LONG_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    grey = np.asarray(cv2.resize(image, size, interpolation=how).mean(axis=-1), np.float32)
    least = max(float(np.percentile(grey, 99)) / 255.0, 1e-6)
    dark = np.asarray(-np.log(np.maximum(grey, np.float32(least))), np.float32)
    rings = _true_rings(dark, _candidates(dark))
    mode = _mode(rings)
    if mode is None:
        return Pores(np.zeros((0, 2), np.float32), None)
    near = rings[np.abs(np.log(rings[:, 2] / mode)) < 1.6 * np.log(_STEP)]
    single = _singled(near, mode, dark.shape)
    if len(single) < _LEAST_PORES:
        return Pores(np.zeros((0, 2), np.float32), None)
    radius = float(np.exp(np.average(np.log(single[:, 2]), weights=single[:, 3])))
    points = (single[:, :2] + 0.5) / scale - 0.5
    return Pores(points.astype(np.float32), radius / scale)


@lru_cache(maxsize=32)
def _ring_kernel(radius: float) -> Image:
    """Dark ring, bright core, bright surroundings: sum 0, sum of squares 1."""
    reach = int(np.ceil(1.9 * radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance, width = np.hypot(x, y), 0.22 * radius + 0.35
    kernel = np.zeros(distance.shape)
    for centre, spread, weight in (
        (radius, width, 1.0),
        (0.0, 0.45 * radius, -0.5),
        (1.65 * radius, width, -0.5),
    ):
        part = np.exp(-0.5 * ((distance - centre) / spread) ** 2)
        kernel += weight * part / part.sum()
    kernel -= kernel.mean()
    return np.asarray(kernel / np.sqrt((kernel**2).sum()), np.float32)


def _candidates(dark: Image) -> NDArray[np.float64]:
    """Local peaks of the ring response, one row each: x, y, radius, response."""
    found, level, octave = [], dark, 0
    for k in range(_RADII):
        radius = _SMALLEST_RADIUS * _STEP**k
        while radius / 2**octave >= 2 * _OCTAVE_FROM:
            octave += 1
            half = cv2.resize(level, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            level = np.asarray(half, np.float32)
        kernel = _ring_kernel(round(radius / 2**octave, 6))
        if min(level.shape) <= kernel.shape[0]:
            break
        response = cv2.filter2D(level, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)
        peak = response >= cv2.dilate(response, np.ones((5, 5), np.uint8))
        y, x = np.nonzero(peak & (response > 2 * _CONTRAST))
        place = (np.stack([x, y], axis=1) + 0.5) * 2**octave - 0.5
        rows = np.c_[place, np.full(len(x), radius), response[y, x]]
        found.append(rows)
    every = np.concatenate(found) if found else np.zeros((0, 4))
    return every[np.argsort(-every[:, 3], kind="stable")][:_MOST_CANDIDATES]


def _true_rings(dark: Image, rings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rings that are darker than core and surroundings in all directions."""
    if len(rings) == 0:
        return rings
    soft = np.asarray(cv2.GaussianBlur(dark, (0, 0), 0.7), np.float32)
    core = _around(soft, rings, 0.0)[:, :1]
    ring, outside = _around(soft, rings, 1.0), _around(soft, rings, 1.7)
    height = np.median(ring, axis=1)
    true = (ring > core).all(axis=1) & ((ring > outside).sum(axis=1) >= _DIRECTIONS - 1)
    true &= (height - core[:, 0] > _CONTRAST) & (height - np.median(outside, axis=1) > _CONTRAST)
    return np.asarray(rings[true])


def _around(picture: Image, rings: NDArray[np.float64], radii: float) -> Image:
    angle = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    x = rings[:, :1] + radii * rings[:, 2:3] * np.cos(angle)
    y = rings[:, 1:2] + radii * rings[:, 2:3] * np.sin(angle)
    where = (x.astype(np.float32), y.astype(np.float32))
    border = cv2.BORDER_REFLECT
    return np.asarray(cv2.remap(picture, *where, cv2.INTER_LINEAR, borderMode=border), np.float32)


def _mode(rings: NDArray[np.float64]) -> float | None:
    """The one radius that stands out, weighted by how dark the rings are."""
    if len(rings) < _LEAST_PORES:
        return None
    place = np.rint(np.log(rings[:, 2] / _SMALLEST_RADIUS) / np.log(_STEP)).astype(int)
    amount = np.bincount(place, weights=rings[:, 3], minlength=_RADII)
    around = np.convolve(amount, np.ones(3), mode="same")
    best = int(np.argmax(around + 1e-3 * amount))
    if around[best] < _LEAST_SHARE * amount.sum():
        return None
    part = slice(max(0, best - 1), best + 2)
    exponent = float(np.average(np.arange(_RADII)[part], weights=amount[part]))
    return float(_SMALLEST_RADIUS * _STEP**exponent)


def _singled(
    rings: NDArray[np.float64], radius: float, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """The strongest ring of each place."""
    strength = np.zeros(shape, np.float32)
    x = np.clip(np.rint(rings[:, 0]).astype(int), 0, shape[1] - 1)
    y = np.clip(np.rint(rings[:, 1]).astype(int), 0, shape[0] - 1)
    np.maximum.at(strength, (y, x), rings[:, 3].astype(np.float32))
    side = 2 * max(1, round(radius)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    strongest = cv2.dilate(strength, disc)[y, x] <= rings[:, 3].astype(np.float32)
    return np.asarray(rings[strongest])
