"""What does a colour camera in bright field make of optical densities?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["BrightField", "photograph"]

F4 = NDArray[np.float32]

_TILT_STEPS = 6


@dataclass(frozen=True, slots=True)
class BrightField:
    """Microscope and colour camera.

    Attributes:
        size_px: Height and width of a picture.
        pixel_um: Side of a pixel on the membrane [µm].
        white: Counts of red, green and blue where only the membrane lies in the way.
        gradient: Change of the light from left to right, share of its mean.
        vignette: Fall of the light in the corners, share of its value in the middle.
        blur_um: Sharpness of the focus (SD of the blur) on the membrane [µm].
        tilt_um: Further blur at the upper left corner of a tilted membrane [µm].
        noise: SD of the camera noise, share of full scale.
    """

    size_px: tuple[int, int] = (768, 1024)
    pixel_um: float = 0.65
    white: tuple[float, float, float] = (206.0, 212.0, 196.0)
    gradient: float = 0.06
    vignette: float = 0.10
    blur_um: float = 0.45
    tilt_um: float = 0.0
    noise: float = 0.008


def photograph(density: F4, *, camera: BrightField, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Camera counts of a specimen: focus, light and noise.

    Args:
        density: Optical density (decadic) of red, green and blue, shape (H, W, 3).
        camera: Microscope and camera.
        rng: Decides the noise.
    """
    height, width = camera.size_px
    light = np.exp(np.float32(-np.log(10)) * density)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), max(camera.blur_um / camera.pixel_um, 0.3)))
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    if camera.tilt_um > 0:
        light = _tilted(light, camera, away=np.clip(0.15 - 0.6 * (x + y), 0, 1))
    shade = (1 + camera.gradient * (0.5 * x + 0.15 * y)) * (
        1 - camera.vignette * ((x - 0.05) ** 2 + (y + 0.04) ** 2) / 2
    )
    counts = light * shade[..., None] * np.asarray(camera.white, np.float32)
    counts += rng.standard_normal(counts.shape, dtype=np.float32) * np.float32(255 * camera.noise)
    return np.asarray(np.clip(np.rint(counts), 0, 255), np.uint8)


def _tilted(light: F4, camera: BrightField, *, away: F4) -> F4:
    """Light blurred by `away` (0..1) of the tilt: between steps of blur, never sharp on blurred."""
    sharper, seen = light, np.zeros_like(light)
    for step in range(1, _TILT_STEPS + 1):
        sigma = camera.tilt_um / camera.pixel_um * (step / _TILT_STEPS)
        softer = np.asarray(cv2.GaussianBlur(light, (0, 0), sigma), np.float32)
        here = np.clip(away * _TILT_STEPS - (step - 1), 0, 1)[..., None]
        within = (away * _TILT_STEPS > step - 1) | (step == 1)
        mixed = sharper * (1 - here) + softer * here
        seen = np.where(within[..., None], mixed, seen)
        sharper = softer
    return np.asarray(seen, np.float32)
