"""A scratch series as a microscope would show it, with the true gap of every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.virtual.specimen import Scene, Specimen
from lamella.virtual.wound import Ground, Trace, depth_behind_front, lay_out, trace

__all__ = ["Scene", "ScratchSeries", "render_scratch", "true_gaps"]


@dataclass(frozen=True, slots=True)
class ScratchSeries:
    """A rendered series and its truth.

    Attributes:
        frames: Camera counts, shape (T, H, W), of the type that the camera states.
        truth: The gap between the fronts, islands filled, shape (T, H, W).
        islands: Patches of tissue inside the gap, shape (T, H, W).
        times_h: Shape (T,).
        pixel_um: Side of a pixel [µm].
    """

    frames: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
    truth: NDArray[np.bool_]
    islands: NDArray[np.bool_]
    times_h: NDArray[np.float64]
    pixel_um: float


def render_scratch(
    half_um: NDArray[np.float64],
    times_h: NDArray[np.float64],
    *,
    scene: Scene,
    rng: np.random.Generator,
) -> ScratchSeries:
    """The pictures of a gap that closes as told, and where the gap truly is.

    Args:
        half_um: Mean half width of a straight gap, or radius of a round one, at each frame [µm],
            shape (T,); values below 0 are sheets that have grown together; -inf is no gap ever,
            +inf no tissue.
        times_h: Times of the frames [h], shape (T,).
        scene: Gap, tissue and camera.
        rng: Source of all chance; the same state gives the same bytes.
    """
    camera = scene.camera
    fronts = _trace(half_um, times_h, scene, rng)
    specimen = Specimen.prepare(scene, half_um, times_h, rng)
    frames = np.empty((len(times_h), *camera.size_px), camera.dtype)
    truth = np.empty(frames.shape, np.bool_)
    islands = np.zeros(frames.shape, np.bool_)
    for i, ground in enumerate(_grounds(scene, fronts)):
        depth = depth_behind_front(ground, fronts, i)
        np.less(depth, 0, out=truth[i])
        if ground.island_um is not None:
            islands[i] = truth[i] & (ground.island_um > 0)
        counts = specimen.photograph(i, ground, depth, rng)
        frames[i] = counts if camera.dtype == "float32" else np.rint(counts, out=counts)
    return ScratchSeries(frames, truth, islands, np.asarray(times_h, np.float64), camera.pixel_um)


def true_gaps(
    half_um: NDArray[np.float64],
    times_h: NDArray[np.float64],
    *,
    scene: Scene,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """The gap of every frame without any picture, shape (T, H, W)."""
    fronts = _trace(half_um, times_h, scene, rng)
    grounds = _grounds(scene, fronts)
    return np.stack([depth_behind_front(g, fronts, i) < 0 for i, g in enumerate(grounds)])


def _trace(
    half_um: NDArray[np.float64],
    times_h: NDArray[np.float64],
    scene: Scene,
    rng: np.random.Generator,
) -> Trace:
    diagonal = float(np.hypot(*scene.camera.size_px)) * scene.camera.pixel_um
    length = diagonal + 2 * float(np.hypot(*scene.wound.offset_um))
    half = np.clip(half_um, -1e6, 1e6)
    return trace(scene.wound, half, np.asarray(times_h), length_um=length, rng=rng)


def _grounds(scene: Scene, fronts: Trace) -> Iterator[Ground]:
    """The ground of each frame: laid out once, or again for each place that the stage goes to."""
    camera = scene.camera
    ground, at = None, None
    for frame in range(len(fronts.right)):
        shift = camera.drift_at(frame)
        if ground is None or shift != at:
            ground, at = (
                lay_out(
                    scene.wound,
                    fronts,
                    shape=camera.size_px,
                    pixel_um=camera.pixel_um,
                    shift_um=shift,
                ),
                shift,
            )
        yield ground
