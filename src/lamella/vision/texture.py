"""How much structure is there around each pixel? Log gradient energy, blind to masked pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["log_energy", "smooth"]


def smooth(
    picture: NDArray[np.float32], *, sigma_px: float, weight: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Gaussian mean around each pixel; with `weight`, the mean of what is weighted alone.

    Args:
        picture: Shape (h, w).
        sigma_px: Standard deviation of the window.
        weight: Shape (h, w), 0..1; masked pixels take the mean of their surroundings.
    """
    if weight is None:
        return _gauss(picture, sigma_px)
    seen = _gauss(weight, sigma_px)
    return np.asarray(_gauss(picture * weight, sigma_px) / np.maximum(seen, 1e-6), np.float32)


def log_energy(
    picture: NDArray[np.float32],
    *,
    window_px: float,
    derivative_px: float,
    floor: float,
    weight: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Natural log of the mean squared gradient around each pixel, shape (h, w).

    Args:
        picture: Shape (h, w), in units of its own range.
        window_px: Gaussian window of the mean.
        derivative_px: Gaussian of the derivative: noise is finer than cells.
        floor: Added before the log, as a share of the 95th percentile of the energy: what
            lies below is empty, and how empty does not matter.
        weight: 0 for pixels that belong to neither tissue nor gap (borders, text).
    """
    fine = picture if derivative_px <= 0 else _gauss(picture, derivative_px)
    dx = cv2.Scharr(fine, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(fine, cv2.CV_32F, 0, 1, scale=1 / 32)
    energy = smooth(dx * dx + dy * dy, sigma_px=window_px, weight=weight)
    np.maximum(energy, 0, out=energy)
    sample = energy if weight is None else energy[weight > 0]
    if sample.size == 0:
        return np.zeros_like(picture)
    top = float(np.percentile(np.ravel(sample)[:: max(1, sample.size // 50_000)], 95))
    return np.asarray(np.log(energy + max(floor * top, 1e-20)), np.float32)


def _gauss(picture: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    return np.asarray(
        cv2.GaussianBlur(picture, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101), np.float32
    )
