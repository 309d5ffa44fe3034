"""What lies under the microscope in each frame: tissue behind two fronts, loose cells, debris."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.virtual.camera import Camera, contrast, expose, illumination
from lamella.virtual.round_cells import RoundCells, scatter
from lamella.virtual.tissue import Sheet, Tissue, grow_sheet, smooth_noise
from lamella.virtual.wound import Ground, Wound

__all__ = ["Scene", "Specimen"]

_FOLLOW_UM = 150.0  # how deep into the sheet the cells are pulled along by the front at first;
_FOLLOW_MORE = 1.3  # it grows with the way that the front has gone, so that no cell is turned over
_FURTHEST_UM = 400.0
_RESTLESS_UM = 4.0  # how far a cell of the sheet wanders about its place
_RESTLESS_H = 30.0  # and how long it takes to come back to it
_PER_UM = 4.0  # sampling of the thickness behind the front
_FLOATING_PER_MM2 = 900.0  # cells that float over a field that has lost all of its tissue
_NOISE_OFFSETS = 1 << 16


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything about one field of view but the position of the fronts."""

    wound: Wound = field(default_factory=Wound)
    tissue: Tissue = field(default_factory=Tissue)
    camera: Camera = field(default_factory=Camera)


@dataclass(frozen=True, slots=True)
class Specimen:
    """What stays the same through a series; `prepare` makes one, `photograph` takes a frame."""

    scene: Scene
    sheet: Sheet
    half_um: NDArray[np.float64]
    times_h: NDArray[np.float64]
    light: NDArray[np.float32]
    noise: NDArray[np.float32]
    bottom: NDArray[np.float32]
    wander: tuple[NDArray[np.float32], ...]
    round_cells: RoundCells
    profile: NDArray[np.float32]

    @classmethod
    def prepare(
        cls,
        scene: Scene,
        half_um: NDArray[np.float64],
        times_h: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Specimen:
        """Grow the tissue and strew the rest."""
        camera, tissue = scene.camera, scene.tissue
        height, width = camera.size_px
        side = max(256, height, width)
        coarse = max(8, round(side * camera.pixel_um / 40.0))
        return cls(
            scene=scene,
            sheet=grow_sheet(rng, side_px=side, cell_px=tissue.cell_um / camera.pixel_um),
            half_um=np.asarray(half_um, np.float64),
            times_h=np.asarray(times_h, np.float64),
            light=illumination(camera),
            noise=rng.standard_normal(height * width + _NOISE_OFFSETS, dtype=np.float32),
            bottom=_well_bottom(scene, rng),
            wander=tuple(smooth_noise(rng, coarse, sigma_px=1.2) * _RESTLESS_UM for _ in range(4)),
            round_cells=RoundCells.strewn(tissue, camera, rng),
            profile=_front_profile(camera.pixel_um),
        )

    def photograph(
        self,
        i: int,
        ground: Ground,
        depth_um: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        """Camera counts of frame i, shape (H, W)."""
        camera = self.scene.camera
        cover = self._cover(ground, depth_um)
        where = self._material(i, ground)
        thickness = _look_up(self.sheet.thickness, where)
        thickness *= cover
        nuclei = None
        if camera.modality == "fluorescence":
            nuclei = _look_up(self.sheet.nuclei, where) * (cover > 0)
        missing = self._missing(i)
        if missing > 0:
            gone = _look_up(self.sheet.rank, where) > 1 - missing
            for layer in (thickness, nuclei):
                if layer is not None:
                    layer[gone] = 0
        thickness += self._bottom(i)
        extra = _FLOATING_PER_MM2 * self.scene.tissue.lost_by_end * missing
        cells = self.round_cells.at(camera.drift_at(i), depth_um, extra_per_mm2=extra, rng=rng)
        if camera.modality == "oblique":
            self.round_cells.add_domes(thickness, cells)
        relative = contrast(thickness, nuclei, camera=camera)
        if camera.modality in ("phase", "bright_field"):
            self.round_cells.add_rings(relative, cells)
        start = int(rng.integers(_NOISE_OFFSETS))
        noise = self.noise[start : start + relative.size].reshape(relative.shape)
        return expose(relative, camera=camera, frame=i, light=self.light, noise=noise)

    def _cover(self, ground: Ground, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Share of the full thickness: 0 in the gap, thin at the front, 1 behind it."""
        if ground.island_um is not None:
            depth = np.maximum(depth, ground.island_um)
        steps = depth * np.float32(_PER_UM)
        steps += np.float32(0.5 * self.scene.camera.pixel_um * _PER_UM)
        np.clip(steps, 0, self.profile.size - 1, out=steps)
        return np.take(self.profile, steps.astype(np.intp))

    def _material(self, i: int, ground: Ground) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Which point of the sheet lies on each pixel [px of the sheet]."""
        camera = self.scene.camera
        height, width = camera.size_px
        # Sheets that have met pull no further.
        moved = float(self.half_um[0] - max(self.half_um[i], min(self.half_um[0], 0.0)))
        moved = min(max(moved, -_FURTHEST_UM), _FURTHEST_UM)
        follow = _FOLLOW_UM + _FOLLOW_MORE * abs(moved)
        half = np.float32(np.clip(self.half_um[i], 0.0, 1e6))
        behind = np.abs(ground.across_um)
        behind -= half
        np.maximum(behind, 0, out=behind)
        behind *= np.float32(-1 / follow)
        pull = np.asarray(cv2.exp(behind, behind), np.float32)
        pull *= moved / camera.pixel_um
        shift = np.array(camera.drift_at(i), np.float32) / np.float32(camera.pixel_um)
        map_x, map_y = self._wander(i, shift)
        map_x += np.arange(width, dtype=np.float32)[None, :] - shift[0]
        map_y += np.arange(height, dtype=np.float32)[:, None] - shift[1]
        map_x += pull * ground.out_x
        map_y += pull * ground.out_y
        return map_x, map_y

    def _wander(
        self, i: int, shift_px: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How far the cells have strayed from their places at that time [px], (H, W) each."""
        camera = self.scene.camera
        turn = 2 * np.pi * (self.times_h[i] - self.times_h[0]) / _RESTLESS_H
        cos = np.float32(np.cos(turn) / camera.pixel_um)
        sin = np.float32(np.sin(turn) / camera.pixel_um)
        scale = (self.wander[0].shape[0] - 1) / max(camera.size_px)
        to_coarse = np.array([[scale, 0, -scale * shift_px[0]], [0, scale, -scale * shift_px[1]]])
        a, b, c, d = self.wander
        x, y = (
            cv2.warpAffine(
                cos * first + sin * second,
                to_coarse,
                camera.size_px[::-1],
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT,
            )
            for first, second in ((a, b), (c, d))
        )
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def _missing(self, i: int) -> float:
        """Share of the tissue that is not there."""
        tissue = self.scene.tissue
        lost = tissue.lost_by_end * i / max(len(self.half_um) - 1, 1)
        return 1 - tissue.confluence * (1 - lost)

    def _bottom(self, i: int) -> NDArray[np.float32]:
        """The bottom of the well, which drifts with the stage."""
        camera = self.scene.camera
        if camera.drift_at(i) == (0.0, 0.0):
            return self.bottom
        x, y = (shift / camera.pixel_um for shift in camera.drift_at(i))
        move = np.array([[1, 0, x], [0, 1, y]], np.float32)
        moved = cv2.warpAffine(
            self.bottom, move, camera.size_px[::-1], borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(moved, np.float32)


def _front_profile(pixel_um: float) -> NDArray[np.float32]:
    """Thickness behind the front: nothing, a thin lamella, a bulge, then the flat sheet.

    It begins half a pixel before the front and rises within one, so that the edge is smooth.
    """
    depth = np.arange((60 + pixel_um) * _PER_UM) / _PER_UM - 0.5 * pixel_um
    edge = np.clip(depth / pixel_um + 0.5, 0, 1)
    rise = 0.30 + 0.70 * np.clip(depth / 7.0, 0, 1)
    bulge = 1 + 0.45 * np.exp(-(((depth - 9.0) / 8.0) ** 2))
    return np.asarray(edge * rise * bulge, np.float32)


def _look_up(
    layer: NDArray[np.float32], where: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> NDArray[np.float32]:
    found = cv2.remap(layer, where[0], where[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found, np.float32)


def _well_bottom(scene: Scene, rng: np.random.Generator) -> NDArray[np.float32]:
    """Specks and faint unevenness of the plastic, as optical thickness, shape (H, W)."""
    camera = scene.camera
    height, width = camera.size_px
    side = max(height, width)
    fine = smooth_noise(rng, side, sigma_px=max(4.0 / camera.pixel_um, 0.8))
    broad = smooth_noise(rng, side, sigma_px=25.0 / camera.pixel_um)
    uneven = (0.018 * fine + 0.03 * broad)[:height, :width]
    specks = np.zeros((height, width), np.float32)
    for x, y, size in scatter(rng, scene.tissue.debris_per_mm2, camera).tolist():
        radius = max(0.5, 0.6 * (size - 6.0) / camera.pixel_um)
        centre = (int(x * 16), int(y * 16))
        tone = float(rng.choice([-0.2, 0.3, 0.45]))
        cv2.circle(specks, centre, int(radius * 16), tone, -1, cv2.LINE_8, 4)
    return np.asarray(uneven + specks, np.float32)
