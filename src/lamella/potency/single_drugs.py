"""What does each compound of a combination do alone? The one reference fit of the matrix models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

__all__ = ["Hill", "fit_hill", "fit_single_drugs"]

_SLOPE = (0.2, 10.0)
_DECADES_BEYOND = 2.0
_MOST_STEPS = 200
_LATE = f"not settled after {_MOST_STEPS} steps"
_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hill:
    """A Hill curve of inhibition.

    `flags` name the parameters that ended at a bound, and an EC50 outside the tested doses;
    `converged` is False in the first case only.
    """

    at_zero_dose: float
    at_infinite_dose: float
    log10_ec50: float
    slope: float
    flags: tuple[str, ...] = ()
    converged: bool = True

    def at(self, dose: _Array | float) -> _Array:
        """Inhibition at each dose, in the shape of `dose`.

        >>> Hill(0.0, 1.0, 0.0, 1.0).at(np.array([0.0, 1.0])).tolist()
        [0.0, 0.5]
        """
        return _curve(np.asarray(dose, dtype=np.float64), self)

    def share(self, dose: _Array, inhibition: _Array) -> _Array:
        """Each dose over the dose that gives this inhibition alone; 0 where none does.

        Infinite where any dose at all gives more than this inhibition.

        >>> Hill(0.0, 0.8, 0.0, 1.0).share(np.array([2.0, 2.0]), np.array([0.4, 0.9])).tolist()
        [2.0, 0.0]
        """
        span = self.at_infinite_dose - self.at_zero_dose
        if span <= 0:
            return np.zeros(np.broadcast(dose, inhibition).shape)
        reached = (inhibition - self.at_zero_dose) / span
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            alone = self.log10_ec50 + np.log10(reached / (1 - reached)) / self.slope
            share = np.where(reached <= 0, np.inf, dose * 10.0**-alone)
        return np.asarray(np.where((dose == 0) | (reached >= 1), 0.0, share))


def fit_single_drugs(
    dose_a: _Array, inhibition_a: _Array, dose_b: _Array, inhibition_b: _Array
) -> tuple[Hill, Hill]:
    """Least-squares Hill curves of two compounds that share the inhibition at zero dose.

    Bounds: slope 0.2 to 10, EC50 within two decades of the tested doses, plateaus within half
    a range of the data. Starts on a grid of EC50s, so the result does not depend on a guess.

    Args:
        dose_a: Shape (m,), any unit, with 0.
        inhibition_a: Shape (m,), fractions; NaN is left out.
        dose_b: Shape (n,).
        inhibition_b: Shape (n,).

    >>> dose = np.array([0.0, 0.1, 1.0, 10.0, 100.0])
    >>> first, second = fit_single_drugs(dose, dose / (1 + dose), dose, dose / (10 + dose))
    >>> round(first.slope, 3), round(second.log10_ec50, 3)
    (1.0, 1.0)
    """
    sets = [_finite(dose_a, inhibition_a), _finite(dose_b, inhibition_b)]
    low, high = _plateaus(np.concatenate([sets[0][1], sets[1][1]]))
    boxes = [_box(dose, low, high) for dose, _ in sets]
    lower = np.array([low, *boxes[0][0], *boxes[1][0]])
    upper = np.array([high, *boxes[0][1], *boxes[1][1]])

    def residual(x: _Array) -> _Array:
        curves = (_hill(x[0], x[1:4]), _hill(x[0], x[4:7]))
        return np.concatenate([c.at(d) - y for c, (d, y) in zip(curves, sets, strict=True)])

    zero = float(np.mean([sets[0][1][0], sets[1][1][0]]))
    guesses = [_grid_guess(dose, y, box) for (dose, y), box in zip(sets, boxes, strict=True)]
    middles = [
        [float(y[-1]), (lo[1] + hi[1]) / 2, 0.0]
        for (_, y), (lo, hi) in zip(sets, boxes, strict=True)
    ]
    starts = [np.clip([zero, *pair[0], *pair[1]], lower, upper) for pair in (guesses, middles)]
    best, settled = _best(residual, starts, lower, upper)
    bounds = _at_bound(best, lower, upper)
    late = "" if settled else _LATE
    return (
        _hill(best[0], best[1:4], bounds=(*bounds[:4], late), tested=sets[0][0]),
        _hill(best[0], best[4:7], bounds=(bounds[0], *bounds[4:], late), tested=sets[1][0]),
    )


def fit_hill(dose: _Array, inhibition: _Array, *, at_zero_dose: float, start: Hill) -> Hill:
    """Least-squares Hill curve with a fixed inhibition at zero dose, started near another.

    Args:
        dose: Shape (n,).
        inhibition: Shape (n,); NaN is left out.
        at_zero_dose: Where the curve begins.
        start: A curve of the same compound.

    >>> dose = np.array([0.0, 0.1, 1.0, 10.0])
    >>> like = Hill(0.0, 1.0, 0.5, 1.0)
    >>> round(fit_hill(dose, dose / (1 + dose), at_zero_dose=0.0, start=like).slope, 3)
    1.0
    """
    doses, seen = _finite(dose, inhibition)
    low, high = _plateaus(np.append(seen, at_zero_dose))
    box_low, box_high = _box(doses, low, high)
    lower, upper = np.array(box_low), np.array(box_high)

    def residual(x: _Array) -> _Array:
        return _hill(at_zero_dose, x).at(doses) - seen

    log_slope = float(np.log(start.slope))
    begin = [
        np.clip([float(seen[-1]), log10_ec50, log_slope], lower, upper)
        for log10_ec50 in (start.log10_ec50, (lower[1] + upper[1]) / 2)
    ]
    best, settled = _best(residual, begin, lower, upper)
    bounds = _at_bound(best, lower, upper)
    return _hill(at_zero_dose, best, bounds=(*bounds, "" if settled else _LATE), tested=doses)


def _curve(dose: _Array, hill: Hill) -> _Array:
    with np.errstate(divide="ignore", over="ignore"):
        fall = 10.0 ** (hill.slope * (np.log10(dose) - hill.log10_ec50))
        reached = 1 - 1 / (1 + fall)
    return np.asarray(hill.at_zero_dose + (hill.at_infinite_dose - hill.at_zero_dose) * reached)


def _hill(
    zero: float, x: _Array, *, bounds: tuple[str, ...] = (), tested: _Array | None = None
) -> Hill:
    flags = [flag for flag in bounds if flag]
    converged = not flags
    if tested is not None:
        span = tested[tested > 0]
        if not span.min() <= 10.0 ** float(x[1]) <= span.max():
            flags.append("EC50 outside the tested doses")
    slope = float(np.exp(x[2]))
    return Hill(float(zero), float(x[0]), float(x[1]), slope, tuple(flags), converged)


def _grid_guess(dose: _Array, seen: _Array, box: tuple[list[float], list[float]]) -> list[float]:
    """Plateau, log10 EC50 and log slope of the best curve on a grid, plateaus by regression."""
    (_, low, _), (_, high, _) = box
    ec50, slope = (
        axis.ravel() for axis in np.meshgrid(np.linspace(low, high, 41), [0.5, 1.0, 2.0, 4.0])
    )
    with np.errstate(divide="ignore", over="ignore"):
        reached = 1 - 1 / (1 + 10.0 ** (slope[:, None] * (np.log10(dose) - ec50[:, None])))
    centred = reached - reached.mean(axis=1, keepdims=True)
    size = np.maximum((centred**2).sum(axis=1), 1e-12)
    gain = centred @ (seen - seen.mean()) / size
    best = int(np.argmax(gain**2 * size))
    top = float(seen.mean() + gain[best] * (1 - reached[best].mean()))
    return [top, float(ec50[best]), float(np.log(slope[best]))]


def _finite(dose: _Array, inhibition: _Array) -> tuple[_Array, _Array]:
    keep = np.isfinite(inhibition)
    return dose[keep], inhibition[keep]


def _plateaus(seen: _Array) -> tuple[float, float]:
    spread = max(float(np.ptp(seen)), 1e-6)
    return float(seen.min()) - spread / 2, float(seen.max()) + spread / 2


def _box(dose: _Array, low: float, high: float) -> tuple[list[float], list[float]]:
    tested = np.log10(dose[dose > 0])
    slope = np.log(_SLOPE)
    return (
        [low, float(tested.min()) - _DECADES_BEYOND, float(slope[0])],
        [high, float(tested.max()) + _DECADES_BEYOND, float(slope[1])],
    )


def _best(
    residual: Callable[[_Array], _Array], starts: list[_Array], lower: _Array, upper: _Array
) -> tuple[_Array, bool]:
    fits = [
        optimize.least_squares(
            residual, start, bounds=(lower, upper), xtol=1e-10, ftol=1e-12, max_nfev=_MOST_STEPS
        )
        for start in starts
    ]
    best = min(fits, key=lambda fit: fit.cost)
    return np.asarray(best.x), best.status > 0


def _at_bound(x: _Array, lower: _Array, upper: _Array) -> tuple[str, ...]:
    names = ("inhibition at infinite dose", "EC50", "slope")
    labels = names if x.size == 3 else ("inhibition at zero dose", *names, *names)
    near = 1e-4 * (upper - lower)
    return tuple(
        f"{label} at its bound" if (value - lo < gap or hi - value < gap) else ""
        for label, value, lo, hi, gap in zip(labels, x, lower, upper, near, strict=True)
    )
