"""Where do overlapping tiles lie on one membrane, and which cells were seen twice?

Each pair of tiles that may overlap is aligned by phase correlation of the parts that they may
share; the places are then those that satisfy all pairs best. A cell that two tiles show is kept
where it lies deeper inside its tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Mosaic", "counted_once", "kept_once", "place_tiles"]

Image = NDArray[np.float32]
Floats = NDArray[np.float64]

# Pairs that share less than this of a tile, or whose correlation is below that, tell nothing.
_LEAST_SHARED, _LEAST_MATCH = 0.02, 0.3
# What the stage says weighs this much beside a pair that was aligned.
_STAGE_WEIGHT = 1e-3


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Tiles in place.

    Attributes:
        corners_px: Shape (n, 2), x and y of the upper left corner of each tile in the mosaic,
            of which the smallest are 0.
        size_px: Width and height of the mosaic.
        linked: Shape (n,), True where a tile was aligned with another; others lie where the
            stage says.
        covered_px: Pixels that at least one tile shows: the area of a density.
    """

    corners_px: Floats
    size_px: tuple[int, int]
    linked: NDArray[np.bool_]
    covered_px: int


def place_tiles(
    tiles: Sequence[Image], *, stage_px: Floats, slack_px: float | None = None
) -> Mosaic:
    """Tiles in place.

    Args:
        tiles: Camera counts of each, shape (H, W) or (H, W, 3), all of one size.
        stage_px: Shape (n, 2), x and y where the stage says each lies [px].
        slack_px: How far the stage may be off; None is a tenth of the tile.

    Raises:
        ValueError: The tiles differ in size, or their number is not that of the places.

    References:
        Kuglin and Hines 1975, phase correlation; Preibisch et al. 2009,
        10.1093/bioinformatics/btp184, for places that satisfy all pairs.

    >>> rng = np.random.default_rng(0)
    >>> field = cv2.GaussianBlur(rng.normal(size=(120, 300)).astype(np.float32), (0, 0), 1.5)
    >>> tiles = [field[:, :160], field[:, 123:283]]
    >>> place_tiles(tiles, stage_px=np.array([[0.0, 0], [130, 4]])).corners_px.round().tolist()
    [[0.0, 0.0], [123.0, 0.0]]
    """
    if len({tile.shape for tile in tiles}) > 1 or len(tiles) != len(stage_px):
        raise ValueError("all tiles must be of one size, with one place each")
    height, width = tiles[0].shape[:2]
    slack = 0.1 * max(height, width) if slack_px is None else slack_px
    grey = [tile.mean(axis=2, dtype=np.float32) if tile.ndim == 3 else tile for tile in tiles]
    stage = np.asarray(stage_px, np.float64)
    rows, wanted, linked = [], [], np.zeros(len(tiles), np.bool_)
    for a in range(len(tiles)):
        for b in range(a + 1, len(tiles)):
            step = _step(grey[a], grey[b], stage[b] - stage[a], slack)
            if step is not None:
                row = np.zeros(len(tiles))
                row[a], row[b] = -1.0, 1.0
                rows.append(row)
                wanted.append(step)
                linked[[a, b]] = True
    weights = np.vstack([*rows, _STAGE_WEIGHT * np.eye(len(tiles))])
    right = np.vstack([*wanted, _STAGE_WEIGHT * stage])
    corners = np.linalg.lstsq(weights, right, rcond=None)[0]
    corners -= corners.min(axis=0)
    size = _extent(corners, width, height)
    return Mosaic(corners, size, linked, _covered(corners, size, (width, height)))


def counted_once(
    points_px: Sequence[NDArray[np.float32]],
    mosaic: Mosaic,
    *,
    tile_px: tuple[int, int],
    same_px: float,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cells of all tiles, each once.

    Args:
        points_px: Of each tile, shape (k, 2), x and y in the tile.
        mosaic: The tiles in place.
        tile_px: Width and height of a tile.
        same_px: Two cells of two tiles that lie nearer than this are one.

    Returns:
        Points in the mosaic, shape (m, 2), and the tile that each was taken from, shape (m,).
    """
    kept = kept_once(points_px, mosaic, tile_px=tile_px, same_px=same_px)
    places = [
        np.asarray(points, np.float64).reshape(-1, 2)[mine] + corner
        for points, mine, corner in zip(points_px, kept, mosaic.corners_px, strict=True)
    ]
    tile = np.repeat(np.arange(len(points_px)), [int(mine.sum()) for mine in kept])
    return np.concatenate([np.zeros((0, 2)), *places]).astype(np.float32), tile.astype(np.int64)


def kept_once(
    points_px: Sequence[NDArray[np.float32]],
    mosaic: Mosaic,
    *,
    tile_px: tuple[int, int],
    same_px: float,
) -> list[NDArray[np.bool_]]:
    """Which cells of each tile are the ones that count; of twins the one deepest in its tile.

    Args:
        points_px, mosaic, tile_px, same_px: As for `counted_once`.

    Returns:
        Of each tile, shape (k,).
    """
    sizes = [len(points) for points in points_px]
    tile = np.repeat(np.arange(len(points_px)), sizes)
    if tile.size == 0:
        return [np.zeros(0, np.bool_) for _ in points_px]
    inside = np.concatenate([np.asarray(p, np.float64).reshape(-1, 2) for p in points_px])
    place = inside + mosaic.corners_px[tile]
    far = np.asarray(tile_px, np.float64) - 1 - inside
    depth = np.minimum(inside, far).min(axis=1)
    kept = np.ones(len(tile), np.bool_)
    for index in np.argsort(-depth, kind="stable"):
        if not kept[index]:
            continue
        near = np.hypot(*(place - place[index]).T) < same_px
        twins = np.flatnonzero(near & (tile != tile[index]) & kept)
        # Of each other tile only the nearest is the same cell.
        for other in np.unique(tile[twins]):
            rivals = twins[tile[twins] == other]
            kept[rivals[np.argmin(np.hypot(*(place[rivals] - place[index]).T))]] = False
    return np.split(kept, np.cumsum(sizes)[:-1])


def _step(first: Image, second: Image, guess: Floats, slack: float) -> Floats | None:
    """From the corner of the first tile to that of the second; None where nothing is shared."""
    height, width = first.shape
    dx, dy = (round(float(v)) for v in guess)
    wide, high = width - abs(dx), height - abs(dy)
    # A stage that is off by the slack may share more, or nothing.
    if wide <= 8 or high <= 8 or wide * high < _LEAST_SHARED * width * height:
        return None
    reach = round(slack)
    x, y = max(0, dx - reach), max(0, dy - reach)
    cut = (slice(max(0, dy - reach), height), slice(max(0, dx - reach), width))
    if dx < 0 or dy < 0:
        cut, x, y = (slice(0, height), slice(0, width)), 0, 0
    one = first[cut]
    two = np.zeros_like(one)
    part = second[: one.shape[0], : one.shape[1]]
    two[: part.shape[0], : part.shape[1]] = part
    best: tuple[float, Floats] | None = None
    for candidate in _peaks(one, two, count=4):
        step = candidate + np.array([x, y])
        if np.abs(step - guess).max() > slack + 1:
            continue
        match = _match(first, second, step)
        if best is None or match > best[0]:
            best = (match, step)
    return best[1] if best is not None and best[0] >= _LEAST_MATCH else None


def _peaks(one: Image, two: Image, *, count: int) -> list[Floats]:
    """The likeliest shifts of the second picture against the first."""
    window = cv2.createHanningWindow((one.shape[1], one.shape[0]), cv2.CV_32F)
    spectra = [np.fft.rfft2((part - part.mean()) * np.sqrt(window)) for part in (one, two)]
    cross = spectra[0] * np.conj(spectra[1])
    surface = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-12), s=one.shape)
    soft = np.asarray(cv2.GaussianBlur(surface.astype(np.float32), (0, 0), 0.8))
    found = []
    for _ in range(count):
        y, x = np.unravel_index(int(np.argmax(soft)), soft.shape)
        soft[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = -np.inf
        # A circular shift may stand for itself or for one turn less.
        for sx in (x, x - one.shape[1]):
            for sy in (y, y - one.shape[0]):
                found.append(np.array([float(sx), float(sy)]))
    return found


def _match(first: Image, second: Image, step: Floats) -> float:
    """Correlation of what two tiles share when the second lies `step` from the first."""
    height, width = first.shape
    dx, dy = (int(v) for v in step)
    if abs(dx) > width - 8 or abs(dy) > height - 8:
        return -1.0
    one = first[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
    two = second[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    if one.size < _LEAST_SHARED * first.size:
        return -1.0
    a, b = one - one.mean(), two - two.mean()
    spread = float(np.sqrt(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b)) / spread if spread > 0 else -1.0


def _extent(corners: Floats, width: int, height: int) -> tuple[int, int]:
    far = np.ceil(corners.max(axis=0))
    return int(far[0]) + width, int(far[1]) + height


def _covered(corners: Floats, size: tuple[int, int], tile: tuple[int, int]) -> int:
    seen = np.zeros((size[1], size[0]), np.bool_)
    for x, y in np.rint(corners).astype(int):
        seen[y : y + tile[1], x : x + tile[0]] = True
    return int(np.count_nonzero(seen))
