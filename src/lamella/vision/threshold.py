"""Where does one kind of pixel end and the other begin? Minimum-error threshold and its worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.vision.ranks import percentiles

__all__ = ["Split", "minimum_error"]

_BINS = 256
# A class below this share has no spread worth the name.
_SMALLEST_SHARE = 0.002
_SMOOTHING_BINS = 6
# A peak counts from this share of the highest one.
_LOWEST_PEAK = 0.03


@dataclass(frozen=True, slots=True)
class Split:
    """Two normal classes either side of a threshold.

    Attributes:
        threshold: Values below it are of the low class.
        low_mean, low_sd, high_mean, high_sd: Of the two classes.
        low_share: Share of values below the threshold.
        separability: Distance of the means in units of their joint spread, squeezed to 0..1:
            d^2 / (d^2 + 4 s^2) with s^2 the mean of the variances; halves of one normal
            distribution give 0.64, two normals four standard deviations apart give 0.8.
        valley: Deepest valley of the smoothed histogram, wherever it lies, as a share of the
            lower of the two peaks beside it: 1 is one class, near 0 two.
    """

    threshold: float
    low_mean: float
    low_sd: float
    high_mean: float
    high_sd: float
    low_share: float
    separability: float
    valley: float


def minimum_error(values: NDArray[np.float32]) -> Split | None:
    """The threshold of least classification error; None where all values are the same.

    Args:
        values: Any shape, finite. The histogram is clipped to the 0.1st and 99.9th percentile.

    References:
        Kittler and Illingworth 1986, 10.1016/0031-3203(86)90030-0, equation 15.

    >>> rng = np.random.default_rng(0)
    >>> two = np.concatenate([rng.normal(0, 1, 40_000), rng.normal(9, 2, 40_000)])
    >>> split = minimum_error(two.astype(np.float32))
    >>> 2.5 < split.threshold < 3.6
    True
    """
    flat = np.ravel(np.asarray(values, np.float32))
    low, high = percentiles(flat, 0.1, 99.9)
    if not high > low:
        return None
    # A factor below one keeps the highest value inside the last, half-open bin.
    scaled = (np.clip(flat, low, high) - low) * np.float32(_BINS * (1 - 1e-6) / (high - low))
    counts = np.bincount(scaled.astype(np.uint8), minlength=_BINS)
    edges = np.linspace(low, high, _BINS + 1)
    centre = (edges[:-1] + edges[1:]) / 2
    return _best(counts.astype(np.float64) / counts.sum(), centre, edges[1:])


def _best(
    share: NDArray[np.float64], centre: NDArray[np.float64], upper: NDArray[np.float64]
) -> Split | None:
    p1 = np.cumsum(share)
    first, second = np.cumsum(share * centre), np.cumsum(share * centre**2)
    p2 = 1.0 - p1
    usable = (p1 > _SMALLEST_SHARE) & (p2 > _SMALLEST_SHARE)
    if not usable.any():
        return None
    safe1, safe2 = np.where(usable, p1, 1.0), np.where(usable, p2, 1.0)
    m1, m2 = first / safe1, (first[-1] - first) / safe2
    # A class cannot be narrower than its bin (Sheppard's correction taken the other way).
    bin_variance = (centre[1] - centre[0]) ** 2 / 12
    v1 = np.maximum(second / safe1 - m1**2, 0) + bin_variance
    v2 = np.maximum((second[-1] - second) / safe2 - m2**2, 0) + bin_variance
    cost = 1 + p1 * np.log(v1) + p2 * np.log(v2)
    cost -= 2 * (p1 * np.log(safe1) + p2 * np.log(safe2))
    best = int(np.argmin(np.where(usable, cost, np.inf)))
    distance = float(m2[best] - m1[best])
    spread = (v1[best] + v2[best]) / 2
    return Split(
        threshold=float(upper[best]),
        low_mean=float(m1[best]),
        low_sd=math.sqrt(v1[best]),
        high_mean=float(m2[best]),
        high_sd=math.sqrt(v2[best]),
        low_share=float(p1[best]),
        separability=float(distance**2 / (distance**2 + 4 * spread)),
        valley=_valley(share),
    )


def _valley(share: NDArray[np.float64]) -> float:
    reach = 3 * _SMOOTHING_BINS
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING_BINS) ** 2)
    # The ends hold everything beyond the percentiles and are no peaks.
    smooth = np.convolve(share[1:-1], kernel / kernel.sum(), mode="same")
    left = np.maximum.accumulate(smooth)
    right = np.maximum.accumulate(smooth[::-1])[::-1]
    lower_peak = np.minimum(left, right)
    counts = lower_peak >= _LOWEST_PEAK * smooth.max()
    return float(np.min(smooth[counts] / lower_peak[counts], initial=1.0))
