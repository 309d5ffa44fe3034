"""Where exactly is the gap: two rough fronts, at any angle, carried through time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from lamella.virtual.fronts import Shape

__all__ = ["Ground", "Trace", "Wound", "depth_behind_front", "lay_out", "trace"]

_STEP_UM = 2.0  # sampling of the front lines along the gap
_CELL_UM = 7.0  # reach of a single protrusion along the front
# Of the diagonal that the front lines are sampled along: an upright gap shows this part of it.
_SHOWN_FROM, _SHOWN = 0.16, 0.68
_RESTLESS_H = 30.0  # protrusions come and go within a quarter of this


@dataclass(frozen=True, slots=True)
class Wound:
    """The shape of a gap apart from its width.

    Attributes:
        shape: `straight` (tip, insert) or `circle` (stopper).
        tilt_deg: Angle between the axis of a straight gap and the vertical of the picture,
            clockwise; 90 is a horizontal gap.
        offset_um: Where its middle lies from the middle of the picture, x to the right, y down.
        roughness_um: SD of each front about its line at 0 h.
        finger_share: SD that leader cells add, as a share of the distance a front has moved.
        bridges: Strands of tissue across a straight gap; n of them leave n + 1 gaps.
        islands: Patches of tissue left inside a straight gap.
    """

    shape: Shape = "straight"
    tilt_deg: float = 0.0
    offset_um: tuple[float, float] = (0.0, 0.0)
    roughness_um: float = 7.0
    finger_share: float = 0.10
    bridges: int = 0
    islands: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """Both front lines of a gap over time, sampled every 2 µm along it.

    `left` and `right` are distances from `middle` [µm], shape (T, L), below 0 once a front has
    passed it. A round gap has `right` alone; its samples go once around.
    `islands` are rows of along, across, radius [µm].
    """

    left: NDArray[np.float32] | None
    right: NDArray[np.float32]
    middle: NDArray[np.float32]
    islands: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ground:
    """How the pixels of a picture lie to a gap, each of shape (H, W); the same for all frames
    unless the stage drifts.

    Attributes:
        across_um: Distance from the middle of the gap, negative on the left.
        index: Which sample of the front lines belongs to a pixel.
        out_x, out_y: Direction away from the middle of the gap.
        island_um: Depth inside the islands, below 0 outside of them; None without islands.
    """

    across_um: NDArray[np.float32]
    index: NDArray[np.intp]
    out_x: NDArray[np.float32]
    out_y: NDArray[np.float32]
    island_um: NDArray[np.float32] | None


def trace(
    wound: Wound,
    half_um: NDArray[np.float64],
    times_h: NDArray[np.float64],
    *,
    length_um: float,
    rng: np.random.Generator,
) -> Trace:
    """The front lines of a gap whose mean half width [µm], shape (T,), is given.

    Args:
        wound: Shape and roughness.
        half_um: Half width of a straight gap or radius of a round one at each frame [µm]; may
            go below 0, which is how far the sheets have grown together.
        times_h: Times of the frames [h], shape (T,).
        length_um: Length of gap to sample: the diagonal of the picture.
        rng: Source of the roughness.
    """
    if wound.shape == "circle":
        length_um = 2 * np.pi * float(half_um[0])
    n = max(64, int(np.ceil(length_um / _STEP_UM)) + 2)
    sides = [_rough_side(wound, half_um, times_h, n, rng) for _ in range(2)]
    middle = (_noise(rng, n, 120.0) + _noise(rng, n, _CELL_UM)) * 0.5 * wound.roughness_um
    for position in _spread(rng, wound.bridges, length_um):
        away = np.abs(np.arange(n) * _STEP_UM - position)
        strand = 2.0 * half_um[0] * np.clip(1.6 - away / 40.0, 0.0, 1.0)
        sides = [side - strand.astype(np.float32) for side in sides]
    islands = np.array(
        [
            (at, rng.uniform(-0.35, 0.35) * half_um[0], rng.uniform(30.0, 55.0))
            for at in _between(wound.bridges, wound.islands, length_um)
        ]
    ).reshape(-1, 3)
    left = None if wound.shape == "circle" else sides[0]
    return Trace(left, sides[1], middle.astype(np.float32), islands)


def lay_out(
    wound: Wound,
    fronts: Trace,
    *,
    shape: tuple[int, int],
    pixel_um: float,
    shift_um: tuple[float, float] = (0.0, 0.0),
) -> Ground:
    """The gap on the pixels of a picture of that (H, W); `shift_um` is how far it has drifted."""
    height, width = shape
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2) * np.float32(pixel_um)
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2) * np.float32(pixel_um)
    x = (x - np.float32(wound.offset_um[0] + shift_um[0]))[None, :]
    y = (y - np.float32(wound.offset_um[1] + shift_um[1]))[:, None]
    n = fronts.middle.size
    if wound.shape == "circle":
        across = np.hypot(x, y)
        index = (np.arctan2(y, x) * np.float32(n / (2 * np.pi))).astype(np.intp) % n
        inverse = 1 / (across + np.float32(1e-3))
        return Ground(across, index, x * inverse, y * inverse, None)
    angle = np.deg2rad(wound.tilt_deg)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    across = x * cos + y * sin
    along = y * cos - x * sin
    if wound.bridges or wound.islands:
        along += _ragged(fronts, across)
    index = np.clip(along / _STEP_UM + n / 2, 0, n - 1).astype(np.intp)
    across -= np.take(fronts.middle, index)
    sign = np.copysign(np.float32(1.0), across)
    island = _island_depth(fronts, across, index) if len(fronts.islands) else None
    return Ground(across, index, sign * cos, sign * sin, island)


def depth_behind_front(ground: Ground, fronts: Trace, frame: int) -> NDArray[np.float32]:
    """Distance of each pixel behind the nearest front [µm], shape (H, W): below 0 in the gap."""
    depth = ground.across_um - np.take(fronts.right[frame], ground.index)
    if fronts.left is not None:
        left = np.take(fronts.left[frame], ground.index)
        left += ground.across_um
        np.maximum(depth, np.negative(left, out=left), out=depth)
    return np.asarray(depth, np.float32)


def _rough_side(
    wound: Wound,
    half_um: NDArray[np.float64],
    times_h: NDArray[np.float64],
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """One front line over time: the cut, leaders that run ahead, and restless protrusions."""
    moved = np.abs(half_um[0] - half_um)[:, None]
    cut = (_noise(rng, n, 45.0) + 0.6 * _noise(rng, n, 16.0)) * 0.86 * wound.roughness_um
    leaders = _noise(rng, n, 70.0) * wound.finger_share * np.minimum(moved, 250.0)
    early, late = _noise(rng, n, _CELL_UM), _noise(rng, n, _CELL_UM)
    phase = (2 * np.pi * (times_h - times_h[0]) / _RESTLESS_H)[:, None]
    edge = (np.cos(phase) * early + np.sin(phase) * late) * min(5.0, 0.7 * wound.roughness_um)
    # The cut is smoothed out as cells fill its dents.
    memory = np.exp(-moved / 150.0)
    return np.asarray(half_um[:, None] + cut * memory + leaders + edge, np.float32)


def _noise(rng: np.random.Generator, n: int, reach_um: float) -> NDArray[np.float64]:
    """Zero mean, unit SD, correlated over that length, and periodic, shape (n,)."""
    sigma = min(reach_um / _STEP_UM, n / 8)
    noise = gaussian_filter1d(rng.standard_normal(n), sigma, mode="wrap")
    return np.asarray((noise - noise.mean()) / noise.std(), np.float64)


def _spread(rng: np.random.Generator, count: int, length_um: float) -> NDArray[np.float64]:
    """Places along the gap that cut the part of it which every picture shows evenly."""
    cuts = (np.arange(count) + 1 + rng.uniform(-0.15, 0.15, count)) / (count + 1)
    return np.asarray((_SHOWN_FROM + _SHOWN * cuts) * length_um, np.float64)


def _between(bridges: int, count: int, length_um: float) -> NDArray[np.float64]:
    """Places for islands: in turn in each part that the bridges leave, never on a bridge."""
    parts = bridges + 1
    rows = max(1, -(-count // parts))
    number = np.arange(count)
    inside = (number // parts + 0.5) / rows
    place = (number % parts + inside) / parts
    return np.asarray((_SHOWN_FROM + _SHOWN * place) * length_um, np.float64)


def _ragged(fronts: Trace, place_um: NDArray[np.float32]) -> NDArray[np.float32]:
    """A wiggle along the other direction, so that strands and islands have no ruled edges."""
    n = fronts.middle.size
    index = np.clip(place_um / np.float32(_STEP_UM) + n / 2, 0, n - 1).astype(np.intp)
    return np.asarray(1.6 * np.take(fronts.middle, index), np.float32)


def _island_depth(
    fronts: Trace, across: NDArray[np.float32], index: NDArray[np.intp]
) -> NDArray[np.float32]:
    along = index.astype(np.float32) * np.float32(_STEP_UM)
    depth = np.full(across.shape, -np.inf, np.float32)
    for at, side, radius in fronts.islands.tolist():
        distance = np.hypot(across - side, along - at)
        np.maximum(depth, radius - distance, out=depth)
    return depth
