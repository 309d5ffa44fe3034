"""What does a microscope camera make of tissue: contrast, light, focus and noise?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Camera", "Depth", "Modality", "contrast", "expose", "illumination"]

Modality = Literal["phase", "bright_field", "oblique", "fluorescence"]
Depth = Literal["uint8", "uint16", "float32"]

_FULL_SCALE = {"uint8": 255.0, "uint16": 4095.0, "float32": 255.0}  # a 12-bit camera in 16 bits

_SLOPE = np.array([[1, 1, 0], [1, 0, -1], [0, -1, -1]], np.float32) / 3  # light from upper left


@dataclass(frozen=True, slots=True)
class Camera:
    """Microscope and camera of a series.

    Attributes:
        size_px: Height and width of a frame.
        pixel_um: Side of a pixel on the specimen [µm].
        modality: `phase`, `bright_field`, `oblique` (weak relief) or `fluorescence` (nuclei).
        dtype: `uint8`, `uint16` (12 bits used) or `float32` (8-bit counts, not rounded).
        contrast: 1 for a well aligned microscope; 0.3 is hard to see.
        noise: SD of the camera noise, share of full scale.
        gradient: Change of the light from left to right, share of its mean.
        vignette: Fall of the light in the corners, share of its value in the middle.
        defocus_um: Blur radius (SD) on the specimen, one value a frame; empty: in focus.
        drift_um: Shift of the specimen, (x, y) a frame; empty: none.
    """

    size_px: tuple[int, int] = (512, 512)
    pixel_um: float = 2.0
    modality: Modality = "phase"
    dtype: Depth = "uint8"
    contrast: float = 1.0
    noise: float = 0.011
    gradient: float = 0.10
    vignette: float = 0.12
    defocus_um: tuple[float, ...] = ()
    drift_um: tuple[tuple[float, float], ...] = ()

    def drift_at(self, frame: int) -> tuple[float, float]:
        """How far the specimen has moved in a frame, x and y [µm]."""
        return self.drift_um[frame] if self.drift_um else (0.0, 0.0)


def illumination(camera: Camera) -> NDArray[np.float32]:
    """Light on each pixel, shape (H, W), mean about 1."""
    height, width = camera.size_px
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    tilt = 1 + camera.gradient * (0.5 * x + 0.12 * y)
    fall = 1 - camera.vignette * ((x - 0.06) ** 2 + (y + 0.04) ** 2) / 2
    return np.asarray(tilt * fall, np.float32)


def contrast(
    thickness: NDArray[np.float32], nuclei: NDArray[np.float32] | None, *, camera: Camera
) -> NDArray[np.float32]:
    """Relative intensity of a specimen, shape (H, W), 1 where there is nothing.

    Phase contrast shows the difference between the optical thickness of a place and that of
    its surroundings, which is what makes halos (Zernike optics seen as a high-pass); oblique
    light shows its slope; bright field slightly out of focus its curvature.
    """
    micron = 1 / camera.pixel_um
    if nuclei is not None:
        glow = cv2.GaussianBlur(nuclei, (0, 0), max(9.0 * micron, 1.0))
        return np.asarray(1 + camera.contrast * (9.0 * nuclei + 1.6 * glow), np.float32)
    if camera.modality == "oblique":
        soft = cv2.GaussianBlur(thickness, (0, 0), max(1.6 * micron, 0.8))
        slope = cv2.filter2D(soft, cv2.CV_32F, _SLOPE)
        return np.asarray(1 + 0.20 * camera.contrast * slope, np.float32)
    sharp, wide = (1.2, 7.0) if camera.modality == "phase" else (1.6, 4.5)
    near = cv2.GaussianBlur(thickness, (0, 0), max(sharp * micron, 0.55))
    around = cv2.GaussianBlur(near, (0, 0), wide * micron)
    gain = -0.85 if camera.modality == "phase" else 0.8
    return cv2.exp(np.asarray(gain * camera.contrast * (near - around), np.float32))  # type: ignore[return-value]


def expose(
    relative: NDArray[np.float32],
    *,
    camera: Camera,
    frame: int,
    light: NDArray[np.float32],
    noise: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Camera counts of a relative intensity: focus, light, noise (unit SD) and saturation."""
    if camera.defocus_um and camera.defocus_um[frame] > 0:
        sigma = camera.defocus_um[frame] / camera.pixel_um
        relative = np.asarray(cv2.GaussianBlur(relative, (0, 0), sigma), np.float32)
    full = np.float32(_FULL_SCALE[camera.dtype])
    level = full * np.float32(0.045 if camera.modality == "fluorescence" else 0.42)
    counts = relative * (light * level)
    counts += noise * (full * np.float32(camera.noise))
    return np.clip(counts, 0, full, out=counts)
