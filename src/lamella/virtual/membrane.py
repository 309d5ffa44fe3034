"""Renders the underside of a stained insert as a colour camera sees it, with the true cells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.virtual.bright_field import BrightField, photograph
from lamella.virtual.membrane_pores import Pores, draw_pores, strew_pores
from lamella.virtual.tissue import smooth_noise
from lamella.virtual.violet_cells import CellLook, clusters_for, draw_cells, place_cells

__all__ = ["BrightField", "Faults", "Membrane", "RenderedMembrane", "render_membrane"]

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]

_GRAIN = 512
_NEUTRAL = (1.0, 1.0, 0.92)
_PLUG = (0.62, 0.66, 0.36)  # dye in a pore: dark, and bluer than grey
_HAIR = (0.60, 0.56, 0.40)


@dataclass(frozen=True, slots=True)
class Faults:
    """What spoils real pictures; everything is off by default.

    Attributes:
        hair: Fibres that lie across the membrane.
        bubbles: Air bubbles under it.
        residual: Cells that the swab left above the membrane: large, pale, out of focus.
        streaks: Pale smears of dye.
        wrinkles: Folds of the membrane: bright on one side, dark on the other.
        gradient: Change of the stain over the field, share of its mean.
        background: Violet density of the membrane itself [optical density].
    """

    hair: int = 0
    bubbles: int = 0
    residual: int = 0
    streaks: int = 0
    wrinkles: int = 0
    gradient: float = 0.0
    background: float = 0.0


@dataclass(frozen=True, slots=True)
class Membrane:
    """Everything about one field but its cells and their places.

    Attributes:
        look: The cells.
        pores: The pores.
        camera: The microscope.
        faults: What spoils the picture.
        violet: Direction of the stain in optical density of red, green and blue.
        grain: Relative SD of the light that the membrane itself scatters.
    """

    look: CellLook = field(default_factory=CellLook)
    pores: Pores = field(default_factory=Pores)
    camera: BrightField = field(default_factory=BrightField)
    faults: Faults = field(default_factory=Faults)
    violet: tuple[float, float, float] = (0.90, 1.0, 0.20)
    grain: float = 0.035

    def sized(self, size_px: tuple[int, int], *, pixel_um: float | None = None) -> Membrane:
        """The same membrane on another camera."""
        pixel = self.camera.pixel_um if pixel_um is None else pixel_um
        return replace(self, camera=replace(self.camera, size_px=size_px, pixel_um=pixel))


@dataclass(frozen=True, slots=True)
class RenderedMembrane:
    """A picture and its truth.

    Attributes:
        image: Red, green, blue, 8 bits, shape (H, W, 3).
        points_px: Middle of every cell that is seen (a fifth of its body or more), shape (n, 2)
            as x, y; of cells that a border cuts it may lie outside.
        belongs: Shape (n,), True where a cell touches neither the right nor the lower border:
            each cell of a tiled membrane belongs to exactly one field.
        pores_px: Middle of the pores inside the field, shape (k, 2).
        stained_area_fraction: Share of the field whose violet density is above 0.1.
        pixel_um: Side of a pixel [µm].
    """

    image: NDArray[np.uint8]
    points_px: F8
    belongs: NDArray[np.bool_]
    pores_px: F8
    stained_area_fraction: float
    pixel_um: float

    @property
    def count(self) -> int:
        """Cells that are seen."""
        return len(self.points_px)

    @property
    def inside(self) -> int:
        """Cells that belong to the area of the field."""
        return int(self.belongs.sum())


def render_membrane(
    expected: float,
    *,
    scene: Membrane | None = None,
    rng: np.random.Generator,
    clusters: tuple[int, ...] | None = None,
) -> RenderedMembrane:
    """One field of a membrane to which about `expected` cells belong, and the exact truth.

    Args:
        expected: Cells that belong to the area of the field, on average.
        scene: How everything looks.
        rng: Decides everything.
        clusters: Sizes of all clusters that are strewn over the field and its margin, in place
            of `expected`.

    >>> empty = render_membrane(0, rng=np.random.default_rng(1))
    >>> empty.count, empty.image.shape, len(empty.pores_px) > 300
    (0, (768, 1024, 3), True)
    """
    scene = scene or Membrane()
    camera = scene.camera
    if clusters is None:
        clusters = clusters_for(rng, expected, look=scene.look, camera=camera)
    cells = place_cells(rng, clusters, look=scene.look, camera=camera)
    violet, counted, seen = draw_cells(rng, cells, look=scene.look, camera=camera)
    at_px = strew_pores(rng, scene.pores, camera=camera)
    density = _density(violet, at_px, scene, rng)
    middles = np.array([[cell.x_px, cell.y_px] for cell in cells]).reshape(-1, 2)
    inside = ((at_px >= 0) & (at_px < camera.size_px[::-1])).all(axis=1)
    return RenderedMembrane(
        image=photograph(density, camera=camera, rng=rng),
        points_px=middles[seen],
        belongs=counted[seen],
        pores_px=at_px[inside],
        stained_area_fraction=float(np.mean(violet > 0.1)),
        pixel_um=camera.pixel_um,
    )


def _density(violet: F4, at_px: F8, scene: Membrane, rng: np.random.Generator) -> F4:
    """Optical density of red, green and blue, shape (H, W, 3)."""
    camera, faults = scene.camera, scene.faults
    if faults.gradient:
        tilt = np.linspace(-0.5, 0.5, camera.size_px[1], dtype=np.float32)[None, :]
        violet = violet * (1 + np.float32(faults.gradient) * tilt)
    violet = violet + np.float32(faults.background) + _residual(scene, rng)
    neutral, plugs = draw_pores(rng, at_px, scene.pores, camera=camera)
    # A pore scatters the light away before it meets the stain: violet shows less in its ring.
    grain = _tiled(smooth_noise(rng, _GRAIN, sigma_px=max(0.7 / camera.pixel_um, 0.6)), rng, scene)
    # Specks and pits are dark: the grain leans to that side.
    grain = grain - np.float32(0.3) * (grain**2 - 1)
    neutral = neutral - np.float32(scene.grain / np.log(10)) * grain
    density = violet[..., None] * np.asarray(scene.violet, np.float32)
    density += neutral[..., None] * np.asarray(_NEUTRAL, np.float32)
    density += plugs[..., None] * np.asarray(_PLUG, np.float32)
    for _ in range(faults.hair):
        density += _hair(rng, scene)[..., None] * np.asarray(_HAIR, np.float32)
    for _ in range(faults.bubbles):
        density += _bubble(rng, scene)[..., None]
    for _ in range(faults.wrinkles):
        density += _fold(rng, scene)[..., None]
    return np.asarray(density, np.float32)


def _tiled(noise: F4, rng: np.random.Generator, scene: Membrane) -> F4:
    height, width = scene.camera.size_px
    dy, dx = rng.integers(0, noise.shape[0], 2)
    rows = (dy + np.arange(height)) % noise.shape[0]
    columns = (dx + np.arange(width)) % noise.shape[1]
    return np.asarray(noise[np.ix_(rows, columns)], np.float32)


def _residual(scene: Membrane, rng: np.random.Generator) -> F4:
    """Dye that lies out of focus above the membrane: unswabbed cells and smears."""
    camera, faults = scene.camera, scene.faults
    height, width = camera.size_px
    layer = np.zeros((height, width), np.float32)
    for _ in range(faults.residual):
        middle = (int(rng.integers(width)), int(rng.integers(height)))
        radius = round(rng.uniform(0.5, 0.9) * scene.look.diameter_um / camera.pixel_um)
        cv2.circle(layer, middle, radius, float(rng.uniform(0.25, 0.5)), -1)
    for _ in range(faults.streaks):
        ends = rng.uniform(0, 1, (2, 2)) * (width, height)
        start, stop = (tuple(int(v) for v in end) for end in ends)
        cv2.line(layer, start, stop, 0.22, max(2, round(30 / camera.pixel_um)))
    if faults.residual or faults.streaks:
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), 11.0 / camera.pixel_um), np.float32)
    return layer


def _hair(rng: np.random.Generator, scene: Membrane) -> F4:
    """A fibre from border to border, gently bent."""
    height, width = scene.camera.size_px
    t = np.linspace(-0.05, 1.05, 80)
    bend, phase = rng.uniform(0.05, 0.3), rng.uniform(0, np.pi)
    y = height * (rng.uniform(0.2, 0.8) + bend * np.sin(2.2 * t + phase) - bend / 2)
    line = np.rint(np.stack([t * width, y], axis=1)).astype(np.int32)
    layer = np.zeros((height, width), np.float32)
    thick = max(2, round(rng.uniform(8, 13) / scene.camera.pixel_um))
    cv2.polylines(layer, [line], False, 0.85, thick, cv2.LINE_AA)
    core = np.zeros_like(layer)
    cv2.polylines(core, [line], False, 0.3, max(1, thick // 3), cv2.LINE_AA)
    return np.asarray(
        cv2.GaussianBlur(layer - core, (0, 0), 1.6 / scene.camera.pixel_um), np.float32
    )


def _bubble(rng: np.random.Generator, scene: Membrane) -> F4:
    """A wide disc with a dark rim and a bright middle."""
    height, width = scene.camera.size_px
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    radius = rng.uniform(50, 110) / scene.camera.pixel_um
    r = np.hypot(
        np.arange(width, dtype=np.float32)[None, :] - x,
        np.arange(height, dtype=np.float32)[:, None] - y,
    ) / np.float32(radius)
    rim = 0.7 * np.exp(-(((r - 1) / 0.07) ** 2))
    return np.asarray(rim - 0.05 * (r < 0.93), np.float32)


def _fold(rng: np.random.Generator, scene: Membrane) -> F4:
    """A bent line across the field that gathers the light on one side and loses it on the other."""
    height, width = scene.camera.size_px
    pixel = np.float32(scene.camera.pixel_um)
    turn, strength = rng.uniform(0, np.pi), np.float32(rng.uniform(0.12, 0.25))
    x = (np.arange(width, dtype=np.float32)[None, :] - rng.uniform(0.3, 0.7) * width) * pixel
    y = (np.arange(height, dtype=np.float32)[:, None] - rng.uniform(0.3, 0.7) * height) * pixel
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    across = across + np.float32(rng.uniform(-4e-4, 4e-4)) * along**2
    dark, bright = (np.exp(-(((across + side) / 11) ** 2)) for side in (14, -14))
    return np.asarray(strength * (dark - np.float32(0.8) * bright), np.float32)
