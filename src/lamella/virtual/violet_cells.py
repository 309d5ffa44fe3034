"""What does a stained cell look like on a membrane, and how do cells lie together?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.virtual.bright_field import BrightField
from lamella.virtual.tissue import smooth_noise

__all__ = ["CellLook", "StainedCell", "clusters_for", "draw_cells", "place_cells"]

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]

_OVERLAP = 0.35  # a cell under another adds this part of its stain: crowded cells flatten out
_TRIES = 40
_SEEN = 0.2  # a cell of which less lies inside the field is a sliver that nobody counts
_SHEET = 512
_ANGLES = 360


@dataclass(frozen=True, slots=True)
class CellLook:
    """How the stained cells of one line look.

    Attributes:
        shape: `spread` (spindles and stars that crawl) or `round` (rounded, in grape clusters).
        diameter_um: Diameter of a disc of the same area as the mean cell [µm].
        size_cv: Relative SD of that diameter.
        stain: Violet density in the body of the mean cell [optical density, green].
        stain_cv: Relative SD of the density from cell to cell.
        clustered: Share of the cells that lie in clusters of 2 to `largest`.
        largest: Most cells of one cluster.
        soft_um: Width over which a cell fades at its edge [µm].
    """

    shape: Literal["spread", "round"] = "spread"
    diameter_um: float = 20.0
    size_cv: float = 0.17
    stain: float = 0.70
    stain_cv: float = 0.24
    clustered: float = 0.25
    largest: int = 12
    soft_um: float = 1.5


@dataclass(frozen=True, slots=True)
class StainedCell:
    """One cell to draw: middle, size, density and the outline as radius over angle."""

    x_px: float
    y_px: float
    radius_px: float
    stain: float
    turn: float
    stretch: float
    waves: F8 = field(repr=False)
    spikes: F8 = field(repr=False)


def place_cells(
    rng: np.random.Generator,
    clusters: tuple[int, ...],
    *,
    look: CellLook,
    camera: BrightField,
) -> tuple[StainedCell, ...]:
    """Cells in clusters of the given sizes (1 = alone), strewn over a field and its margin.

    Clusters keep apart where there is room; the cells of one touch and slightly overlap.

    Args:
        rng: Decides everything.
        clusters: Number of cells of each cluster; see `clusters_for`.
        look: Shape and size.
        camera: The field and its pixels.
    """
    radius = 0.5 * look.diameter_um / camera.pixel_um
    margin = _margin_px(max(clusters, default=1), look, camera)
    placed: list[StainedCell] = []
    taken = np.zeros((0, 3))
    for count in sorted(clusters, reverse=True):
        spread = radius * (0.95 * np.sqrt(count) - 0.1)
        at = _free_place(rng, taken, spread, margin=margin, size=camera.size_px)
        members = _members(rng, count, at, radius=radius, shape=look.shape)
        # Cells crawl beside each other, not over each other: each keeps most of its disc.
        taken = np.vstack([taken, np.column_stack([members, np.full(count, 0.85 * radius)])])
        for x, y in members:
            placed.append(_cell(rng, (x, y), look=look, radius=radius))
    return tuple(placed)


def _margin_px(largest: int, look: CellLook, camera: BrightField) -> float:
    """How far outside a field the middle of a cluster may lie and still reach into it."""
    return 0.75 * look.diameter_um / camera.pixel_um * (0.95 * float(np.sqrt(largest)) + 0.7)


def clusters_for(
    rng: np.random.Generator,
    expected: float,
    *,
    look: CellLook,
    camera: BrightField,
) -> tuple[int, ...]:
    """Cluster sizes such that `expected` cells belong to the field, its margin included.

    Args:
        rng: Decides the sizes.
        expected: Cells that belong to the field, on average over places.
        look: How the cells cluster.
        camera: The field and its pixels.
    """
    height, width = camera.size_px
    margin = _margin_px(look.largest if look.clustered else 1, look, camera)
    around = (height + 2 * margin) * (width + 2 * margin) / (height * width)
    total = round(expected * around)
    sizes: list[int] = []
    in_clusters = round(look.clustered * total)
    while sum(sizes) < in_clusters:
        # Small clusters are common, large ones hold many of the cells.
        size = round(float(np.exp(rng.uniform(np.log(2), np.log(look.largest)))))
        sizes.append(min(size, max(in_clusters - sum(sizes), 1)))
    return (*sizes, *[1] * (total - sum(sizes)))


def draw_cells(
    rng: np.random.Generator,
    cells: tuple[StainedCell, ...],
    *,
    look: CellLook,
    camera: BrightField,
) -> tuple[F4, NDArray[np.bool_], NDArray[np.bool_]]:
    """Violet density of the field, which cells belong to it, and which are seen at all.

    A cell is seen if a fifth of its body lies inside. It belongs to the field if it is seen and
    touches neither the right nor the lower border: each cell of a tiled membrane then belongs to
    exactly one field, but for slivers.

    Returns:
        Density, shape (H, W); belongs and seen, shape (n,).
    """
    height, width = camera.size_px
    density = np.zeros(camera.size_px, np.float32)
    sheet = smooth_noise(rng, _SHEET, sigma_px=max(0.8 / camera.pixel_um, 0.8))
    counted = np.zeros(len(cells), np.bool_)
    seen = np.zeros(len(cells), np.bool_)
    for index, cell in enumerate(cells):
        patch, body, corner = _patch(cell, look=look, soft_px=look.soft_um / camera.pixel_um)
        start = rng.integers(0, _SHEET, 2)
        take = np.ix_(*((at + np.arange(len(patch))) % _SHEET for at in start))
        patch *= 1 + np.float32(0.16) * sheet[take]
        ys, xs = np.nonzero(body)
        ys, xs = ys + corner[1], xs + corner[0]
        visible = (xs >= 0) & (ys >= 0) & (xs < width) & (ys < height)
        seen[index] = visible.mean() >= _SEEN
        counted[index] = seen[index] and xs.max() < width - 1 and ys.max() < height - 1
        _lay_over(density, patch, corner)
    return density, counted, seen


def _lay_over(density: F4, patch: F4, corner: tuple[int, int]) -> None:
    """Add one cell to those that lie there, as far as it lies inside."""
    height, width = density.shape
    x, y = corner
    rows = slice(max(0, -y), min(len(patch), height - y))
    columns = slice(max(0, -x), min(len(patch), width - x))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    here = density[y + rows.start : y + rows.stop, x + columns.start : x + columns.stop]
    added = patch[rows, columns]
    both = np.minimum(here, added)
    np.maximum(here, added, out=here)
    here += np.float32(_OVERLAP) * both


def _cell(
    rng: np.random.Generator, at: tuple[float, float], *, look: CellLook, radius: float
) -> StainedCell:
    size = radius * max(0.55, 1 + look.size_cv * rng.standard_normal())
    stain = look.stain * float(np.exp(look.stain_cv * rng.standard_normal()))
    turn = float(rng.uniform(0, np.pi))
    if look.shape == "round":
        waves = np.stack([rng.normal(0, 0.03, 3), rng.uniform(0, 2 * np.pi, 3)])
        stretch = 1 + abs(0.08 * rng.standard_normal())
        return StainedCell(*at, size, stain, turn, stretch, waves, np.zeros((3, 0)))
    stretch = float(np.clip(np.exp(0.28 + 0.30 * rng.standard_normal()), 1.0, 2.4))
    waves = np.stack([rng.normal(0, [0.10, 0.09, 0.05]), rng.uniform(0, 2 * np.pi, 3)])
    arms = int(rng.integers(2, 6))
    # A cell pulled long has its arms at its ends; a compact one has them anywhere.
    ends = rng.choice([0.0, np.pi], arms) + rng.normal(0, 0.12 + 1.2 / stretch**2, arms)
    length = rng.uniform(0.25, 1.25, arms) / stretch**0.6
    spikes = np.stack([ends, length, rng.uniform(0.12, 0.30, arms)])
    return StainedCell(*at, size, stain, turn, stretch, waves, spikes)


def _outline(cell: StainedCell) -> F4:
    """Radius of the outline over angle [px], shape (_ANGLES,), from the long axis on."""
    angle = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    a, b = cell.radius_px * cell.stretch**0.75, cell.radius_px / cell.stretch**0.75
    edge = a * b / np.hypot(b * np.cos(angle), a * np.sin(angle))
    ripple = np.zeros(_ANGLES)
    for order, (height, phase) in enumerate(cell.waves.T, start=2):
        ripple += height * np.cos(order * angle + phase)
    edge *= 1 + ripple
    for towards, length, width in cell.spikes.T:
        off = np.abs((angle - towards + np.pi) % (2 * np.pi) - np.pi)
        edge += cell.radius_px * length * np.exp(-((off / width) ** 1.3))
    return np.asarray(edge, np.float32)


def _patch(
    cell: StainedCell, *, look: CellLook, soft_px: float
) -> tuple[F4, NDArray[np.bool_], tuple[int, int]]:
    """Density of one cell alone, its body, each (side, side), and the corner where they lie."""
    outline = _outline(cell)
    reach = int(np.ceil(float(outline.max()) + 3 * soft_px)) + 1
    x0, y0 = round(cell.x_px) - reach, round(cell.y_px) - reach
    at = np.arange(2 * reach + 1, dtype=np.float32)
    dx = np.repeat(at[None, :] + np.float32(x0 - cell.x_px), at.size, axis=0)
    dy = np.repeat(at[:, None] + np.float32(y0 - cell.y_px), at.size, axis=1)
    r, angle = cv2.cartToPolar(dx, dy)
    place = (np.asarray(angle) - np.float32(cell.turn)) * np.float32(_ANGLES / (2 * np.pi))
    edge = outline[place.astype(np.intp) % _ANGLES]
    soft = np.float32(0.45 * max(soft_px, 0.5))
    inside = 1 / (1 + cv2.exp(np.clip((r - edge) / soft, -30, 30)))
    if look.shape == "round":
        depth = r / np.maximum(edge, 1)
        # A rounded cell is a dark nucleus in a pale rim of cytoplasm.
        rim = 1 / (1 + cv2.exp(np.clip((depth - 0.74) / np.float32(0.06), -30, 30)))
        profile = 0.45 + 0.60 * rim
    else:
        # The cell is thick around its dark nucleus and thin in its lamella and arms.
        away = r / np.float32(cell.radius_px)
        core = 1 / (1 + cv2.exp(np.clip((away - 0.48) / np.float32(0.07), -30, 30)))
        profile = 0.44 + 0.42 * cv2.exp(-((away / np.float32(0.85)) ** 2)) + 0.30 * core
    density = np.asarray(np.float32(cell.stain) * profile * inside, np.float32)
    return density, np.asarray(inside > 0.5), (x0, y0)


def _free_place(
    rng: np.random.Generator, taken: F8, spread: float, *, margin: float, size: tuple[int, int]
) -> tuple[float, float]:
    """A place that keeps clear of what lies there; the least crowded one where none does."""
    height, width = size
    best, room = (0.0, 0.0), -np.inf
    for _ in range(_TRIES):
        at = rng.uniform(-margin, width + margin), rng.uniform(-margin, height + margin)
        if not len(taken):
            return at
        gap = np.hypot(taken[:, 0] - at[0], taken[:, 1] - at[1]) - taken[:, 2] - spread
        if gap.min() > room:
            best, room = at, float(gap.min())
        if room > 0:
            break
    return best


def _members(
    rng: np.random.Generator,
    count: int,
    at: tuple[float, float],
    *,
    radius: float,
    shape: str,
) -> F8:
    """Centres of the cells of one cluster, shape (count, 2): each touches one of the others."""
    near = (1.64, 1.96) if shape == "round" else (1.8, 2.4)
    members = np.zeros((1, 2))
    while len(members) < count:
        best, room = members[0], -np.inf
        for _ in range(_TRIES):
            beside = members[rng.integers(len(members))]
            angle, step = rng.uniform(0, 2 * np.pi), radius * rng.uniform(*near)
            trial = beside + step * np.array([np.cos(angle), np.sin(angle)])
            gap = float(np.hypot(*(members - trial).T).min())
            if gap > room:
                best, room = trial, gap
            if room >= near[0] * radius * 0.98:
                break
        members = np.vstack([members, best])
    return np.asarray(members - members.mean(axis=0) + np.asarray(at), np.float64)
