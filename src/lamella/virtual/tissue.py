"""What does a patch of adherent tissue look like, cell by cell, before any optics?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Sheet", "Tissue", "grow_sheet", "smooth_noise"]

_MARGIN = 2.5  # cells copied around the sheet, so that it wraps without a seam


@dataclass(frozen=True, slots=True)
class Tissue:
    """How the cells of a sheet look.

    Attributes:
        cell_um: Mean distance between neighbouring cells [µm].
        confluence: Share of the tissue that cells cover; the rest are holes.
        lost_by_end: Share of the cells that have detached at the last frame (toxic dose).
        rounded_per_mm2: Rounded (dividing or dying) cells on the tissue.
        stray_per_mm2: Single cells that lie in the gap from the start.
        debris_per_mm2: Small specks on the bottom of the well.
    """

    cell_um: float = 22.0
    confluence: float = 1.0
    lost_by_end: float = 0.0
    rounded_per_mm2: float = 25.0
    stray_per_mm2: float = 3.0
    debris_per_mm2: float = 80.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """A square of tissue that wraps around at its borders, shape (S, S), float32.

    `thickness` is the optical thickness (a flat cell is about 1, junctions are near 0),
    `nuclei` the stained nuclei (0 to 1) and `rank` a number in 0 to 1, the same over a cell:
    of a tissue of confluence c the cells with a rank below c are there.
    """

    thickness: NDArray[np.float32]
    nuclei: NDArray[np.float32]
    rank: NDArray[np.float32]


def grow_sheet(rng: np.random.Generator, *, side_px: int, cell_px: float) -> Sheet:
    """A confluent sheet: a Voronoi tissue with curved junctions, nuclei and granules."""
    margin = int(np.ceil(_MARGIN * cell_px))
    seeds = _seeds(rng, side_px, cell_px)
    padded = _wrapped_points(seeds, side_px, margin)
    labels = _nearest(padded[:, :2], side_px + 2 * margin)
    owner = padded[:, 2].astype(np.int32)[labels]
    inward = _distance_to_junction(owner)
    crop = slice(margin, margin + side_px)
    owner, inward = owner[crop, crop], inward[crop, crop]
    nuclei = _nuclei(rng, padded, cell_px=cell_px, side=side_px + 2 * margin)[crop, crop]
    thickness = _relief(rng, owner, inward, nuclei, cells=len(seeds), cell_px=cell_px)
    rank = _ranks(rng, seeds, side_px)[owner]
    curve = [smooth_noise(rng, side_px, sigma_px=0.3 * cell_px) * 0.09 * cell_px for _ in "xy"]
    return Sheet(*(_bent(layer, curve) for layer in (thickness, nuclei, rank)))


def _relief(
    rng: np.random.Generator,
    owner: NDArray[np.int32],
    inward: NDArray[np.float32],
    nuclei: NDArray[np.float32],
    *,
    cells: int,
    cell_px: float,
) -> NDArray[np.float32]:
    """Domes that meet at junctions of uneven depth, with lumps, granules and a nucleus."""
    side = owner.shape[0]
    height = np.exp(0.38 * rng.standard_normal(cells)).astype(np.float32)[owner]
    slope = rng.uniform(0.16, 0.42, cells).astype(np.float32)[owner] * np.float32(cell_px)
    reach = np.minimum(inward / slope, 1.0)
    cleft = np.clip(0.62 + 0.34 * smooth_noise(rng, side, sigma_px=0.55 * cell_px), 0.12, 1.0)
    dome = height * (1 - cleft * (1 - reach) ** 2)
    grain = smooth_noise(rng, side, sigma_px=max(0.045 * cell_px, 0.6))
    lumps = smooth_noise(rng, side, sigma_px=0.12 * cell_px)
    bulk = 1.0 + (0.09 + 0.10 * (reach > 0.5)) * grain + 0.20 * lumps
    return np.asarray(dome * bulk + 0.45 * nuclei, np.float32)


def smooth_noise(rng: np.random.Generator, side_px: int, *, sigma_px: float) -> NDArray[np.float32]:
    """Gaussian noise with unit SD and that correlation length, wrapping, shape (S, S)."""
    shrink = max(1, int(sigma_px // 1.5))
    n = max(4, round(side_px / shrink))
    sigma = sigma_px * n / side_px
    pad = int(np.ceil(3 * sigma)) + 2
    white = np.pad(rng.standard_normal((n, n), dtype=np.float32), pad, mode="wrap")
    soft = cv2.GaussianBlur(white, (0, 0), sigma)
    size = round(side_px * (n + 2 * pad) / n)
    if n != side_px:
        soft = cv2.resize(soft, (size, size), interpolation=cv2.INTER_CUBIC)
    start = (soft.shape[0] - side_px) // 2
    noise = soft[start : start + side_px, start : start + side_px]
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def _seeds(rng: np.random.Generator, side_px: int, cell_px: float) -> NDArray[np.float64]:
    """Cell centres on a jittered grid with some missing: sizes vary, no cell is a sliver."""
    n = max(3, round(side_px / cell_px))
    pitch = side_px / n
    grid = (np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1) + 0.5) * pitch
    grid[::2, :, 0] += pitch / 2
    points = grid.reshape(-1, 2) + rng.uniform(-0.5, 0.5, (n * n, 2)) * pitch
    return np.asarray(points[rng.random(len(points)) > 0.18] % side_px, np.float64)


def _wrapped_points(seeds: NDArray[np.float64], side: int, margin: int) -> NDArray[np.float64]:
    """Seeds with their copies within the margin around, columns x, y, index of the seed."""
    index = np.arange(len(seeds))
    copies = []
    for dx in (-side, 0, side):
        for dy in (-side, 0, side):
            moved = seeds + np.array([dx + margin, dy + margin])
            inside = np.all((moved >= 0) & (moved < side + 2 * margin), axis=1)
            copies.append(np.column_stack([moved[inside], index[inside]]))
    return np.concatenate(copies)


def _nearest(points: NDArray[np.float64], side: int) -> NDArray[np.int32]:
    """Index of the point nearest to each pixel, shape (side, side)."""
    free = np.full((side, side), 255, np.uint8)
    columns, rows = points.astype(np.intp).T
    free[rows, columns] = 0
    _, labels = cv2.distanceTransformWithLabels(
        free, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(labels.max() + 1, np.int32)
    of_label[labels[rows, columns]] = np.arange(len(points))
    return np.asarray(of_label[labels], np.int32)


def _distance_to_junction(owner: NDArray[np.int32]) -> NDArray[np.float32]:
    inside = np.full(owner.shape, 255, np.uint8)
    inside[:, 1:][owner[:, 1:] != owner[:, :-1]] = 0
    inside[1:, :][owner[1:, :] != owner[:-1, :]] = 0
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def _nuclei(
    rng: np.random.Generator, points: NDArray[np.float64], *, cell_px: float, side: int
) -> NDArray[np.float32]:
    """Ellipses of a third of a cell, dimmer where the chromatin is loose."""
    count = int(points[:, 2].max()) + 1
    long_axis = cell_px * rng.uniform(0.20, 0.28, count)
    short_axis = long_axis * rng.uniform(0.6, 0.95, count)
    angle, bright = rng.uniform(0, 180, count), rng.uniform(0.55, 1.0, count)
    stain = np.zeros((side, side), np.float32)
    for x, y, number in points.tolist():
        i = int(number)
        centre, axes = (int(x * 16), int(y * 16)), (int(long_axis[i] * 16), int(short_axis[i] * 16))
        cv2.ellipse(stain, centre, axes, angle[i], 0, 360, bright[i], -1, cv2.LINE_8, 4)
    return np.asarray(cv2.GaussianBlur(stain, (0, 0), max(0.06 * cell_px, 0.5)), np.float32)


def _ranks(
    rng: np.random.Generator, seeds: NDArray[np.float64], side_px: int
) -> NDArray[np.float32]:
    """Order in which cells leave: neighbours tend to leave together, so holes are clumped."""
    clump = smooth_noise(rng, side_px, sigma_px=side_px / 24)
    columns, rows = seeds.astype(np.intp).T
    score = clump[rows, columns] + 0.6 * rng.standard_normal(len(seeds))
    return np.asarray((np.argsort(np.argsort(score)) + 0.5) / len(seeds), np.float32)


def _bent(layer: NDArray[np.float32], curve: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    side = layer.shape[0]
    x, y = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    bent = cv2.remap(
        layer, x + curve[0], y + curve[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    return np.asarray(bent, np.float32)
