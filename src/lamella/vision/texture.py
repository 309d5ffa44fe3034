"""How much structure is there around each pixel? Gradient energy, blind to masked pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.vision.work_scale import WorkPicture

__all__ = ["MAP_BLOCK", "Energy", "gradient_energy"]

# Gaussian of the derivative in work units: camera noise is finer than cells.
_DERIVATIVE = 1.0
# Work units over which masked pixels are filled before the gradient is taken.
_HEALING = 6.0
# Gradients are taken at work scale, their means are kept at half of it.
MAP_BLOCK = 2


@dataclass(frozen=True, slots=True)
class Energy:
    """Squared gradient of a picture on a map of half the work scale.

    Attributes:
        squared: Shape (h, w), mean squared gradient of each map pixel, in squared units of
            the picture's range per work pixel; 0 where nothing is seen.
        seen: Shape (h, w), 0..1, the share of each map pixel that shows the dish.
        unit_px: Map pixels of one work unit (2 um, or 1/700 of the short side).
    """

    squared: NDArray[np.float32]
    seen: NDArray[np.float32]
    unit_px: float

    def mean(self, window: float) -> NDArray[np.float32]:
        """Mean energy around each pixel under a Gaussian of `window` work units, shape (h, w).

        Masked pixels count for nothing and take the mean of what surrounds them.
        """
        sigma_px = window * self.unit_px
        blurred = _gauss(self.squared, sigma_px)
        if self.seen.all():
            return blurred
        return np.asarray(blurred / np.maximum(_gauss(self.seen, sigma_px), 1e-4), np.float32)

    def coarser(self) -> Energy:
        """The same on a map of half the size."""
        return Energy(_halved(self.squared), _halved(self.seen), self.unit_px / 2)


def gradient_energy(work: WorkPicture, *, seen: NDArray[np.bool_]) -> Energy:
    """Squared gradient of the picture.

    Args:
        work: The picture at work scale.
        seen: Shape of the picture, False under borders and writing.
    """
    values = work.values if seen.all() else _healed(work.values, seen, work.unit_px)
    fine = _gauss(values, _DERIVATIVE * work.unit_px)
    dx = cv2.Scharr(fine, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(fine, cv2.CV_32F, 0, 1, scale=1 / 32)
    squared = np.asarray(cv2.multiply(dx, dx), np.float32)
    cv2.accumulateSquare(dy, squared)
    if seen.all():
        small = _halved(squared)
        return Energy(small, np.ones_like(small), work.unit_px / MAP_BLOCK)
    weight = seen.astype(np.float32)
    return Energy(_halved(squared * weight), _halved(weight), work.unit_px / MAP_BLOCK)


def _healed(
    values: NDArray[np.float32], seen: NDArray[np.bool_], unit_px: float
) -> NDArray[np.float32]:
    """Masked pixels take the mean of their surroundings, so that their edge leaves no gradient."""
    # A mean over so wide a window needs no more than every other pixel in both directions.
    weight = seen.astype(np.float32)
    sigma_px = _HEALING * unit_px / MAP_BLOCK
    around = _gauss(_halved(values * weight), sigma_px)
    around /= np.maximum(_gauss(_halved(weight), sigma_px), 1e-4)
    size = (values.shape[1], values.shape[0])
    filled = np.asarray(cv2.resize(around, size, interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(cv2.copyTo(values, seen.view(np.uint8), filled), np.float32)


def _halved(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = picture.shape
    size = (max(1, width // MAP_BLOCK), max(1, height // MAP_BLOCK))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _gauss(picture: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    return np.asarray(
        cv2.GaussianBlur(picture, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101), np.float32
    )
