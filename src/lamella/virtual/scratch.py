"""A scratch series as a microscope would show it, with the true gap of every frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.virtual.camera import Camera, contrast, expose, illumination
from lamella.virtual.tissue import Sheet, Tissue, grow_sheet, smooth_noise
from lamella.virtual.wound import Field, Trace, Wound, place, trace

__all__ = ["Scene", "ScratchSeries", "render_scratch", "true_gaps"]

_FOLLOW_UM = 450.0  # how deep into the sheet the cells are pulled along by the front
_RESTLESS_UM = 7.0  # how far a cell of the sheet wanders about its place
_RESTLESS_H = 20.0  # and how long it takes to come back to it

_PER_UM, _ZERO = 4.0, 16.0  # sampling of the profile below


def _front_profile() -> NDArray[np.float32]:
    """Thickness at a depth behind the front: a thin lamella, a bulge, then the flat sheet."""
    depth = np.maximum(np.arange(60 * _PER_UM) - _ZERO, 0) / _PER_UM
    rise = 0.30 + 0.70 * np.clip(depth / 7.0, 0, 1)
    return np.asarray(rise * (1 + 0.45 * np.exp(-(((depth - 9.0) / 8.0) ** 2))), np.float32)


_PROFILE = _front_profile()


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything about one field of view but the position of the fronts."""

    wound: Wound = field(default_factory=Wound)
    tissue: Tissue = field(default_factory=Tissue)
    camera: Camera = field(default_factory=Camera)


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
    painter = _Painter.prepare(scene, half_um, times_h, rng)
    frames = np.empty((len(times_h), *camera.size_px), camera.dtype)
    truth = np.empty(frames.shape, np.bool_)
    islands = np.zeros(frames.shape, np.bool_)
    for i in range(len(times_h)):
        here = _place(scene, fronts, i)
        truth[i] = here.depth_um < 0
        if here.island_um is not None:
            islands[i] = truth[i] & (here.island_um > 0)
        counts = painter.frame(i, here, rng)
        frames[i] = counts if camera.dtype == "float32" else np.rint(counts)
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
    return np.stack([_place(scene, fronts, i).depth_um < 0 for i in range(len(half_um))])


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


def _place(scene: Scene, fronts: Trace, frame: int) -> Field:
    camera = scene.camera
    return place(
        scene.wound,
        fronts,
        frame,
        shape=camera.size_px,
        pixel_um=camera.pixel_um,
        shift_um=_drift(camera, frame),
    )


def _drift(camera: Camera, frame: int) -> tuple[float, float]:
    return camera.drift_um[frame] if camera.drift_um else (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Painter:
    """What stays the same through a series: the sheet, the light, debris, restless cells."""

    scene: Scene
    sheet: Sheet
    light: NDArray[np.float32]
    half_um: NDArray[np.float64]
    times_h: NDArray[np.float64]
    floor: NDArray[np.float32]
    wander: tuple[NDArray[np.float32], ...]
    strays: NDArray[np.float64]

    @classmethod
    def prepare(
        cls,
        scene: Scene,
        half_um: NDArray[np.float64],
        times_h: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> _Painter:
        camera, tissue = scene.camera, scene.tissue
        side = max(256, *camera.size_px)
        sheet = grow_sheet(rng, side_px=side, cell_px=tissue.cell_um / camera.pixel_um)
        coarse = max(8, round(side * camera.pixel_um / 40.0))
        wander = tuple(smooth_noise(rng, coarse, sigma_px=1.2) * _RESTLESS_UM for _ in range(4))
        return cls(
            scene,
            sheet,
            illumination(camera),
            half_um,
            np.asarray(times_h, np.float64),
            _well_bottom(scene, rng),
            wander,
            _scatter(rng, tissue.stray_per_mm2, camera),
        )

    def frame(self, i: int, here: Field, rng: np.random.Generator) -> NDArray[np.float32]:
        """Camera counts of one frame, shape (H, W)."""
        camera = self.scene.camera
        cover = self._cover(here)
        where = self._material(i, here)
        thickness = _look_up(self.sheet.thickness, where)
        nuclei = np.zeros((1, 1), np.float32)
        if camera.modality == "fluorescence":
            nuclei = _look_up(self.sheet.nuclei, where) * (cover > 0.3)
        thickness *= cover
        missing = self._missing(i)
        if missing > 0:
            gone = _look_up(self.sheet.rank, where) > 1 - missing
            thickness[gone] = 0
            if nuclei.size > 1:
                nuclei[gone] = 0
        thickness += self._floor(i)
        round_cells = self._round_cells(here, i, rng)
        if camera.modality == "oblique":
            _add_domes(thickness, round_cells)
        relative = contrast(thickness, nuclei, camera=camera)
        if camera.modality in ("phase", "bright_field"):
            _add_rings(relative, round_cells)
        return expose(relative, camera=camera, frame=i, light=self.light, rng=rng)

    def _cover(self, here: Field) -> NDArray[np.float32]:
        """Share of the full thickness: 0 in the gap, thin at the front, 1 behind it."""
        depth = here.depth_um
        if here.island_um is not None:
            depth = np.maximum(depth, here.island_um)
        pixel = self.scene.camera.pixel_um
        # Antialiased within one pixel of the line, on it half.
        steps = np.clip(depth * np.float32(_PER_UM) + np.float32(_ZERO), 0, _PROFILE.size - 1)
        edge = np.clip(depth / np.float32(pixel) + np.float32(0.5), 0, 1)
        return np.asarray(edge * np.take(_PROFILE, steps.astype(np.intp)), np.float32)

    def _material(self, i: int, here: Field) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Which point of the sheet lies on each pixel [px of the sheet]."""
        camera = self.scene.camera
        height, width = camera.size_px
        # Sheets that have met pull no further.
        moved = float(self.half_um[0] - max(self.half_um[i], min(self.half_um[0], 0.0)))
        moved = min(max(moved, -400.0), 400.0)
        half = float(np.clip(self.half_um[i], 0.0, 1e5))
        reach = np.maximum(np.abs(here.across_um) - np.float32(half), 0)
        fading = np.asarray(cv2.exp(reach * np.float32(-1 / _FOLLOW_UM)), np.float32)
        pull = fading * np.float32(moved / camera.pixel_um)
        shift = np.array(_drift(camera, i), np.float32) / np.float32(camera.pixel_um)
        x = np.arange(width, dtype=np.float32)[None, :] - shift[0]
        y = np.arange(height, dtype=np.float32)[:, None] - shift[1]
        wander_x, wander_y = self._wander(i, shift)
        map_x = pull * here.out_x + wander_x + x
        map_y = pull * here.out_y + wander_y + y
        return map_x, map_y

    def _wander(
        self, i: int, shift_px: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How far the cells have strayed from their places at that time [px], (H, W) each."""
        camera = self.scene.camera
        height, width = camera.size_px
        turn = 2 * np.pi * (self.times_h[i] - self.times_h[0]) / _RESTLESS_H
        cos, sin = (
            np.float32(np.cos(turn) / camera.pixel_um),
            np.float32(np.sin(turn) / camera.pixel_um),
        )
        scale = (self.wander[0].shape[0] - 1) / max(height, width)
        to_coarse = np.array([[scale, 0, -scale * shift_px[0]], [0, scale, -scale * shift_px[1]]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        a, b, c, d = self.wander
        return tuple(  # type: ignore[return-value]
            cv2.warpAffine(
                cos * first + sin * second,
                to_coarse,
                (width, height),
                flags=flags,
                borderMode=cv2.BORDER_REFLECT,
            )
            for first, second in ((a, b), (c, d))
        )

    def _missing(self, i: int) -> float:
        tissue = self.scene.tissue
        lost = tissue.lost_by_end * i / max(len(self.half_um) - 1, 1)
        return 1 - tissue.confluence * (1 - lost)

    def _floor(self, i: int) -> NDArray[np.float32]:
        """The bottom of the well, which drifts with the stage."""
        camera = self.scene.camera
        if _drift(camera, i) == (0.0, 0.0):
            return self.floor
        x, y = (shift / camera.pixel_um for shift in _drift(camera, i))
        move = np.array([[1, 0, x], [0, 1, y]], np.float32)
        size = (self.floor.shape[1], self.floor.shape[0])
        moved = cv2.warpAffine(self.floor, move, size, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(moved, np.float32)

    def _round_cells(
        self, here: Field, i: int, rng: np.random.Generator
    ) -> list[tuple[float, float, float, float]]:
        """Dividing cells, floating ones where the tissue dies, strays that stay in place.

        Each is x, y, radius [px] and how much it stands out.
        """
        tissue, camera = self.scene.tissue, self.scene.camera
        rate = tissue.rounded_per_mm2 + 900.0 * tissue.lost_by_end * self._missing(i)
        height, width = camera.size_px
        cells = []
        for x, y, size in _scatter(rng, rate, camera).tolist():
            gain = camera.contrast * rng.uniform(0.35, 1.1)
            column, row = min(int(x), width - 1), min(int(y), height - 1)
            if here.depth_um[row, column] > 0 or rng.random() < tissue.lost_by_end:
                cells.append((x, y, size / camera.pixel_um, gain))
        drift_x, drift_y = (shift / camera.pixel_um for shift in _drift(camera, i))
        for x, y, size in self.strays.tolist():
            x, y = x + drift_x + rng.normal(0, 1.5), y + drift_y + rng.normal(0, 1.5)
            cells.append((x, y, size / camera.pixel_um, camera.contrast))
        return cells


def _look_up(
    layer: NDArray[np.float32], where: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> NDArray[np.float32]:
    found = cv2.remap(layer, where[0], where[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found, np.float32)


def _scatter(rng: np.random.Generator, per_mm2: float, camera: Camera) -> NDArray[np.float64]:
    """Rows of x, y [px] and radius [µm] of things strewn over the picture."""
    height, width = camera.size_px
    count = rng.poisson(per_mm2 * height * width * camera.pixel_um**2 * 1e-6)
    place = rng.uniform(0, 1, (count, 2)) * (width, height)
    return np.column_stack([place, rng.uniform(6.0, 10.5, count)])


def _add_rings(
    relative: NDArray[np.float32], cells: list[tuple[float, float, float, float]]
) -> None:
    """Rounded cells in transmitted light: a bright rim, a dim core and a dark ring around."""
    for x, y, radius, gain in cells:
        patch, r2 = _around(relative, x, y, radius)
        r = np.sqrt(r2)
        body = 1 / (1 + (r2 / 1.3) ** 4)
        rim = 1.15 * np.exp(-(((r - 0.72) / 0.28) ** 2)) - 0.38 * np.exp(
            -(((r - 1.35) / 0.22) ** 2)
        )
        patch *= 1 - gain * 0.85 * body
        patch += gain * (0.89 * body + rim)


def _add_domes(
    thickness: NDArray[np.float32], cells: list[tuple[float, float, float, float]]
) -> None:
    for x, y, radius, gain in cells:
        patch, r2 = _around(thickness, x, y, radius)
        patch += 2.5 * gain * np.sqrt(np.maximum(1 - r2, 0))


def _around(
    image: NDArray[np.float32], x: float, y: float, radius: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The part of a picture around a round cell, and the squared distance in radii there."""
    reach = int(np.ceil(2.2 * radius)) + 1
    rows = slice(max(int(y) - reach, 0), max(int(y) + reach + 1, 0))
    columns = slice(max(int(x) - reach, 0), max(int(x) + reach + 1, 0))
    patch = image[rows, columns]
    dy = (np.arange(patch.shape[0], dtype=np.float32) + np.float32(rows.start - y))[:, None]
    dx = (np.arange(patch.shape[1], dtype=np.float32) + np.float32(columns.start - x))[None, :]
    return patch, np.asarray((dx * dx + dy * dy) / np.float32(radius**2), np.float32)


def _well_bottom(scene: Scene, rng: np.random.Generator) -> NDArray[np.float32]:
    """Specks and faint unevenness of the plastic, as optical thickness, shape (H, W)."""
    camera = scene.camera
    height, width = camera.size_px
    side = max(height, width)
    uneven = smooth_noise(rng, side, sigma_px=12.0 / camera.pixel_um)[:height, :width] * 0.012
    specks = np.zeros((height, width), np.float32)
    for x, y, size in _scatter(rng, scene.tissue.debris_per_mm2, camera).tolist():
        radius = max(0.5, (size - 6.0) / camera.pixel_um)
        centre = (int(x * 16), int(y * 16))
        tone = float(rng.choice([-0.25, 0.35, 0.5]))
        cv2.circle(specks, centre, int(radius * 16), tone, -1, cv2.LINE_8, 4)
    return np.asarray(uneven + specks, np.float32)
