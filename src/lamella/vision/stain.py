"""How much crystal violet lies in each pixel, and how much plain grey?

Light that passes a stained membrane is weakened in proportion to the dye (Beer and Lambert), so
the logarithm of the bare membrane over the picture is a sum of two parts: the dye, which takes
red and green and leaves blue, and what is grey: the rims of pores, hair, dirt and shadows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CRYSTAL_VIOLET",
    "StainModel",
    "estimate_stain",
    "lowest_level",
    "optical_density",
    "pooled_stain",
    "unmix",
    "white_reference",
]

Image = NDArray[np.float32]

# Crystal violet absorbs around 590 nm. Between the two cameras of the reference pictures, which
# see it as (0.66, 0.72, 0.19) and (0.76, 0.65, 0.06).
CRYSTAL_VIOLET = (0.71, 0.69, 0.14)
_NEUTRAL = (0.57735, 0.57735, 0.57735)
# A dye further than this from the prior is another dye, or a camera out of balance; one nearer
# than that to grey is dirt or dye in the dark of a pore, and would make cells of all that is grey.
_FARTHEST_DEGREES, _NEAREST_GREY_DEGREES = 22.0, 18.0
# The least share of a picture that can tell the direction of its dye.
_LEAST_SHARE = 0.002
_LEAST_DENSITY = 0.3
_THUMBNAIL_PX = 320
_BINS = 128
# Smoothing of a histogram: a normal of 1.3 bins.
_SOFT = np.exp(-0.5 * (np.arange(-4, 5) / 1.3) ** 2)
_SOFT /= _SOFT.sum()


@dataclass(frozen=True, slots=True)
class StainModel:
    """Directions of dye and grey in optical density.

    Attributes:
        violet: Red, green and blue of the dye, of length 1.
        neutral: The same of grey matter.
        source: Who told it.
    """

    violet: tuple[float, float, float] = CRYSTAL_VIOLET
    neutral: tuple[float, float, float] = _NEUTRAL
    source: Literal["picture", "prior", "given"] = "prior"

    def angle_to(self, other: StainModel) -> float:
        """Angle between the two dyes, in degrees."""
        cosine = float(np.dot(self.violet, other.violet))
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def white_reference(image: Image) -> Image:
    """Camera counts of the bare membrane everywhere, shape (H, W, 3): a smooth surface.

    The surface is quadratic in each channel's logarithm and fitted to pixels that are neither
    violet nor dark, so that a field full of cells does not pass for membrane.

    Args:
        image: Camera counts, shape (H, W, 3).
    """
    height, width = image.shape[:2]
    scale = min(1.0, _THUMBNAIL_PX / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    least = max(float(np.percentile(small, 99)) / 255.0, 1e-6)
    dark = -np.log(np.maximum(small, least))
    terms = _terms(size[1], size[0])
    bare = _bare(dark, terms)
    weights = np.stack([_fit(terms, dark[..., c], bare) for c in range(3)], axis=-1)
    surface = np.exp(-(terms @ weights)).astype(np.float32)
    return np.asarray(cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR))


def optical_density(image: Image, white: Image) -> Image:
    """Natural logarithm of white over image, shape (H, W, 3).

    Args:
        image: Camera counts, shape (H, W, 3); below 1/255 of white they count as that.
        white: Counts of the bare membrane, the same shape.

    >>> field = np.full((1, 1, 3), 100, np.float32)
    >>> optical_density(field, field * np.float32(np.e)).round(3).tolist()
    [[[1.0, 1.0, 1.0]]]
    """
    share = cv2.divide(image, np.maximum(white, np.float32(1e-6)))
    return np.asarray(-cv2.log(np.maximum(share, np.float32(1 / 255))), np.float32)


def unmix(density: Image, stain: StainModel) -> tuple[Image, Image]:
    """Dye and grey in each pixel by least squares, each of shape (H, W).

    Args:
        density: Optical density, shape (H, W, 3).
        stain: Directions of both.

    References:
        Ruifrok and Johnston 2001, colour deconvolution, with two parts.

    >>> model = StainModel()
    >>> dye, grey = unmix(np.array([[model.violet]], np.float32) * 2, model)
    >>> round(float(dye[0, 0]), 3), abs(round(float(grey[0, 0]), 3))
    (2.0, 0.0)
    """
    directions = np.array([stain.violet, stain.neutral], np.float64).T
    inverse = np.linalg.pinv(directions).astype(np.float32)
    parts = cv2.transform(density, inverse)
    return np.ascontiguousarray(parts[..., 0]), np.ascontiguousarray(parts[..., 1])


def estimate_stain(density: Image) -> StainModel:
    """The dye of this picture, from its strongly violet pixels; the prior where there are none.

    The purer half of those pixels counts, because pores inside cells add grey.

    Args:
        density: Optical density, shape (H, W, 3), smoothed over the noise.
    """
    prior = StainModel()
    dye, _ = unmix(density, prior)
    strong = dye > max(0.5 * float(np.percentile(dye, 99)), _LEAST_DENSITY)
    if strong.mean() < _LEAST_SHARE:
        return prior
    colours = density[strong].astype(np.float64)
    colours /= np.maximum(np.linalg.norm(colours, axis=1, keepdims=True), 1e-9)
    grey = colours.sum(axis=1)
    middle = np.median(colours[grey <= np.median(grey)], axis=0)
    red, green, blue = (float(c) for c in middle / np.linalg.norm(middle))
    found = StainModel((red, green, blue), source="picture")
    grey_angle = found.angle_to(StainModel(_NEUTRAL))
    known = found.angle_to(prior) <= _FARTHEST_DEGREES and grey_angle >= _NEAREST_GREY_DEGREES
    return found if known else prior


def pooled_stain(models: Iterable[StainModel]) -> StainModel:
    """The stain of a batch: the median of what its pictures tell; the prior where none tells.

    >>> pooled_stain([StainModel(), StainModel((0.6, 0.8, 0.0), source="picture")]).violet
    (0.6, 0.8, 0.0)
    """
    told = [model.violet for model in models if model.source == "picture"]
    if not told:
        return StainModel()
    middle = np.median(np.asarray(told), axis=0)
    red, green, blue = (float(c) for c in middle / np.linalg.norm(middle))
    return replace(StainModel(), violet=(red, green, blue), source="given")


def lowest_level(values: Image) -> tuple[float, float]:
    """Place and spread of the lowest class of values: the bare ground of a picture.

    Only the rise of the histogram on its low side is used, for above it cells begin: there a
    normal class rises fastest one spread below its centre, and its density is then the spread
    times the rise.

    Args:
        values: Any shape, finite.

    >>> rng = np.random.default_rng(0)
    >>> ground, cells = rng.normal(5, 1, 20_000), rng.uniform(6, 40, 50_000)
    >>> place, spread = lowest_level(np.concatenate([ground, cells]).astype(np.float32))
    >>> abs(place - 5) < 0.5, 0.7 < spread < 1.5
    (True, True)
    """
    flat = np.ravel(values)
    low, high = (float(p) for p in np.percentile(flat, [0.1, 99.5]))
    if not high > low:
        return low, 0.0
    counts, edges = np.histogram(flat, bins=_BINS, range=(low - 0.1 * (high - low), high))
    width = float(edges[1] - edges[0])
    density = np.convolve(np.r_[[0.0] * 4, counts], _SOFT, mode="same")
    rise = np.gradient(density)
    steep = int(np.argmax(rise >= 0.5 * rise.max()))
    while steep + 1 < len(rise) and rise[steep + 1] > rise[steep]:
        steep += 1
    spread = width * float(density[steep] / max(rise[steep], 1e-12))
    return float(edges[0]) + width * (steep - 4 + 0.5) + spread, spread


def _bare(dark: NDArray[np.floating], terms: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels of the bare membrane: not violet, and not darker than their like."""
    violet = np.linalg.pinv(np.array([CRYSTAL_VIOLET, _NEUTRAL]).T)[0]
    dye = np.asarray(dark @ violet, np.float32)
    place, spread = lowest_level(dye)
    bare = dye < place + 3 * spread
    grey = dark.mean(axis=-1)
    for _ in range(3):
        if bare.mean() < 0.005:
            break
        rest = grey - terms @ _fit(terms, grey, bare)
        below = rest[bare]
        middle = float(np.median(below))
        side = 1.4826 * float(np.median(np.abs(below - middle)))
        bare = (dye < place + 3 * spread) & (np.abs(rest - middle) < 2.5 * side + 1e-6)
    if bare.mean() < 0.005:
        bare = grey <= np.percentile(grey, 5)
    return np.asarray(bare)


def _terms(height: int, width: int) -> NDArray[np.float64]:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _fit(
    terms: NDArray[np.float64], values: NDArray[np.floating], where: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Least squares, pulled towards a flat surface where few pixels or few places are known."""
    known, right = terms[where], np.asarray(values[where], np.float64)
    normal = known.T @ known
    normal += np.diag([0.0, *[0.01 * known.shape[0]] * 2, *[0.03 * known.shape[0]] * 3])
    return np.asarray(np.linalg.solve(normal + 1e-9 * np.eye(6), known.T @ right))
