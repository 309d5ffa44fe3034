"""Cells that have rounded up: dividing on the tissue, stray in the gap, floating when dying."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.virtual.camera import Camera
from lamella.virtual.tissue import Tissue

__all__ = ["RoundCell", "RoundCells", "scatter"]

_SMALLEST_UM, _LARGEST_UM = 6.0, 10.5
_SIZES = 6

RoundCell = tuple[int, int, int, float]
"""Column and row of the centre, index of the size, and how much it stands out."""


@dataclass(frozen=True, slots=True)
class RoundCells:
    """The rounded cells of a series: strays keep their place, the others come and go.

    `bodies`, `rims` and `domes` hold one small square picture for each size: where the cell
    hides the picture below, the light that it adds there, and its height.
    """

    tissue: Tissue
    camera: Camera
    strays: NDArray[np.float64]
    bodies: tuple[NDArray[np.float32], ...]
    rims: tuple[NDArray[np.float32], ...]
    domes: tuple[NDArray[np.float32], ...]

    @classmethod
    def strewn(cls, tissue: Tissue, camera: Camera, rng: np.random.Generator) -> RoundCells:
        """Strew the strays and draw the small pictures."""
        bodies, rims, domes = [], [], []
        for size_um in np.linspace(_SMALLEST_UM, _LARGEST_UM, _SIZES):
            radius = size_um / camera.pixel_um
            reach = int(np.ceil(2.0 * radius)) + 1
            at = np.arange(-reach, reach + 1, dtype=np.float32) / np.float32(radius)
            r = np.hypot(at[:, None], at[None, :])
            body = 1 / (1 + (r / 1.14) ** 8)
            bright = 1.15 * np.exp(-(((r - 0.72) / 0.28) ** 2))
            dark = 0.38 * np.exp(-(((r - 1.35) / 0.22) ** 2))
            bodies.append((0.85 * body).astype(np.float32))
            rims.append((0.89 * body + bright - dark).astype(np.float32))
            domes.append((2.5 * np.sqrt(np.maximum(1 - r * r, 0))).astype(np.float32))
        strays = scatter(rng, tissue.stray_per_mm2, camera)
        return cls(tissue, camera, strays, tuple(bodies), tuple(rims), tuple(domes))

    def at(
        self,
        drift_um: tuple[float, float],
        depth_um: NDArray[np.float32],
        *,
        extra_per_mm2: float,
        rng: np.random.Generator,
    ) -> list[RoundCell]:
        """The rounded cells of one frame; `extra_per_mm2` are those that float, also in the gap."""
        camera = self.camera
        height, width = camera.size_px
        cells = []
        rate = self.tissue.rounded_per_mm2 + extra_per_mm2
        floating = extra_per_mm2 / rate if rate else 0.0
        for x, y, size in scatter(rng, rate, camera).tolist():
            gain, floats = camera.contrast * rng.uniform(0.35, 1.1), rng.random() < floating
            column, row = min(int(x), width - 1), min(int(y), height - 1)
            if floats or depth_um[row, column] > 0:
                cells.append((column, row, _size_index(size), gain))
        drift_x, drift_y = (shift / camera.pixel_um for shift in drift_um)
        for x, y, size in self.strays.tolist():
            column = round(x + drift_x + rng.normal(0, 1.5))
            row = round(y + drift_y + rng.normal(0, 1.5))
            cells.append((column, row, _size_index(size), camera.contrast))
        return cells

    def add_rings(self, relative: NDArray[np.float32], cells: list[RoundCell]) -> None:
        """Paint the cells in transmitted light: a bright rim, a dim core, a dark ring around."""
        for column, row, size, gain in cells:
            there, part = _overlap(relative.shape, column, row, self.bodies[size].shape[0])
            patch = relative[there]
            patch *= 1 - np.float32(gain) * self.bodies[size][part]
            patch += np.float32(gain) * self.rims[size][part]

    def add_domes(self, thickness: NDArray[np.float32], cells: list[RoundCell]) -> None:
        """Paint the cells as heights."""
        for column, row, size, gain in cells:
            there, part = _overlap(thickness.shape, column, row, self.domes[size].shape[0])
            thickness[there] += np.float32(gain) * self.domes[size][part]


def scatter(rng: np.random.Generator, per_mm2: float, camera: Camera) -> NDArray[np.float64]:
    """Rows of x, y [px] and radius [µm] of things strewn over a picture."""
    height, width = camera.size_px
    count = rng.poisson(per_mm2 * height * width * camera.pixel_um**2 * 1e-6)
    place = rng.uniform(0, 1, (count, 2)) * (width, height)
    return np.column_stack([place, rng.uniform(_SMALLEST_UM, _LARGEST_UM, count)])


def _size_index(size_um: float) -> int:
    share = (size_um - _SMALLEST_UM) / (_LARGEST_UM - _SMALLEST_UM)
    return min(int(share * _SIZES), _SIZES - 1)


def _overlap(
    shape: tuple[int, ...], column: int, row: int, side: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of a picture that a small one around a pixel covers, and that part of it."""
    there, part = [], []
    for centre, length in ((row, shape[0]), (column, shape[1])):
        start = centre - side // 2
        low, high = max(start, 0), max(min(start + side, length), 0)
        there.append(slice(low, max(high, low)))
        part.append(slice(low - start, max(high, low) - start))
    return (there[0], there[1]), (part[0], part[1])
