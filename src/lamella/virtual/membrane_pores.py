"""What do the pores of a track-etched membrane look like in bright field?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.virtual.bright_field import BrightField

__all__ = ["Pores", "draw_pores", "strew_pores"]

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]

_STEPS = 3  # positions of a pore within a pixel are drawn on a third of it


@dataclass(frozen=True, slots=True)
class Pores:
    """The pores of a membrane.

    Attributes:
        diameter_um: Nominal diameter [µm]; 8 for most tumour cells, 3 or 5 for leucocytes.
        per_mm2: Mean number; track etching strews them at random, so some coalesce.
        ring: Neutral density of the dark ring, where light is refracted away [optical density].
        core: Light that the pore gathers in its middle, relative to the membrane around it.
        filled: Share that holds dye and looks dark in the middle.
    """

    diameter_um: float = 8.0
    per_mm2: float = 1400.0
    ring: float = 0.46
    core: float = 0.16
    filled: float = 0.06

    @classmethod
    def of_diameter(cls, diameter_um: float) -> Pores:
        """A usual membrane of that pore size: the smaller the pores, the more there are.

        >>> Pores.of_diameter(3.0).per_mm2 > Pores.of_diameter(8.0).per_mm2
        True
        """
        if diameter_um >= 6:
            return cls(diameter_um=diameter_um)
        return cls(diameter_um=diameter_um, per_mm2=6000.0, ring=0.3, core=0.08, filled=0.02)


def strew_pores(rng: np.random.Generator, pores: Pores, *, camera: BrightField) -> F8:
    """Places of all pores that reach into the field, shape (n, 2) as x, y [px]."""
    height, width = camera.size_px
    reach = pores.diameter_um / camera.pixel_um
    area_mm2 = (height + 2 * reach) * (width + 2 * reach) * camera.pixel_um**2 * 1e-6
    number = int(rng.poisson(pores.per_mm2 * area_mm2))
    low, high = (-reach, -reach), (width + reach, height + reach)
    return np.asarray(rng.uniform(low, high, (number, 2)), np.float64)


def draw_pores(
    rng: np.random.Generator, at_px: F8, pores: Pores, *, camera: BrightField
) -> tuple[F4, F4]:
    """Neutral density and dye density that the pores add, each of shape (H, W).

    The neutral density is negative in a bright core. The dye of a filled pore is dark and
    nearly neutral, as a plug of precipitate is.
    """
    neutral = np.zeros(camera.size_px, np.float32)
    dye = np.zeros(camera.size_px, np.float32)
    stamps: dict[tuple[int, int], tuple[F4, F4]] = {}
    radius = 0.5 * pores.diameter_um / camera.pixel_um
    for (x, y), strength, filled in zip(
        at_px,
        rng.uniform(0.55, 1.25, len(at_px)),
        rng.random(len(at_px)) < pores.filled,
        strict=True,
    ):
        fine = int(_STEPS * (x % 1)), int(_STEPS * (y % 1))
        if fine not in stamps:
            stamps[fine] = _ring(radius, (np.asarray(fine) + 0.5) / _STEPS, pores)
        ring, plug = stamps[fine]
        corner = int(np.floor(x)) - ring.shape[0] // 2, int(np.floor(y)) - ring.shape[0] // 2
        _stamp(neutral, np.float32(strength) * ring, corner)
        if filled:
            _stamp(dye, plug * np.float32(rng.uniform(0.5, 1.0)), corner)
            _stamp(neutral, plug * np.float32(rng.uniform(0.15, 0.45)), corner)
    return neutral, dye


def _ring(radius: float, offset: F8, pores: Pores) -> tuple[F4, F4]:
    """One pore: its ring with core, and the plug of a filled one."""
    reach = int(np.ceil(1.9 * radius)) + 2
    at = np.arange(-reach, reach + 1, dtype=np.float32)
    dx, dy = at[None, :] - np.float32(offset[0]), at[:, None] - np.float32(offset[1])
    r = np.hypot(dx, dy) / np.float32(radius)
    width = max(0.27, 0.5 / radius)
    # Light comes a little from one side, so a ring is never evenly dark.
    side = 1 + 0.3 * (dx - dy) / np.maximum(np.hypot(dx, dy), 1e-3)
    ring = pores.ring * side * np.exp(-(((r - 0.98) / width) ** 2))
    core = np.log10(1 + pores.core) * np.exp(-((r / 0.62) ** 4))
    plug = np.exp(-((r / 0.78) ** 6))
    soft = cv2.GaussianBlur(np.asarray(ring - core, np.float32), (0, 0), 0.5)
    return np.asarray(soft, np.float32), np.asarray(plug, np.float32)


def _stamp(layer: F4, stamp: F4, corner: tuple[int, int]) -> None:
    """Add a stamp where it lies inside; overlapping rings do not add up without end."""
    height, width = layer.shape
    x, y = corner
    side = stamp.shape[0]
    rows = slice(max(0, -y), min(side, height - y))
    columns = slice(max(0, -x), min(side, width - x))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    here = layer[y + rows.start : y + rows.stop, x + columns.start : x + columns.stop]
    added = stamp[rows, columns]
    bright, dark = np.minimum(here, added), np.maximum(here, added)
    here[...] = np.where(dark > 0.1, dark + np.float32(0.25) * bright, here + added)
