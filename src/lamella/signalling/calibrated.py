"""What does a pFAK dose-response say about the core model, and what does it leave open?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.signalling.calibration import (
    BestFit,
    Estimated,
    Measurements,
    Problem,
    fit,
    lack_of_fit,
)
from lamella.signalling.models import model
from lamella.signalling.profiles import Profile, ic50_of, profile, profile_of
from lamella.signalling.sampling import Draws, sample

__all__ = ["BOUNDS", "Calibration", "calibrate", "core_problem"]

F8: TypeAlias = NDArray[np.float64]

BOUNDS: Final = {
    "shift": (0.1, 1e4),
    "k_adhesion": (1e-3, 10.0),
    "feedback": (1e-2, 100.0),
    "scale": (1e-2, 1e2),
}
"""What is estimated in the core model by default, between which bounds, in its unit.

Those of the scale are times the largest measured value.
"""

_MISFIT = 1e-3


@dataclass(frozen=True)
class Calibration:
    """What data say.

    Attributes:
        problem: What was fitted.
        best: The best point; its single rates mean nothing where a profile says so.
        profiles: One for each rate.
        ic50: The profile of the dose that halves the observable [µmol/L].
        draws: Sets of rates that are compatible with the data.
        ic50_draws: The IC50 of each draw [µmol/L], NaN where it lies outside the doses.
    """

    problem: Problem
    best: BestFit
    profiles: tuple[Profile, ...]
    ic50: Profile
    draws: Draws
    ic50_draws: F8

    @property
    def on_bound(self) -> tuple[str, ...]:
        """Rates that the best fit has pushed to a bound."""
        low, high = self.problem.box
        edge = (self.best.point - low < 1e-3) | (high - self.best.point < 1e-3)
        return tuple(name for name, on in zip(self.best.names, edge, strict=True) if on)

    @property
    def _misfit(self) -> tuple[str, ...]:
        chance = lack_of_fit(self.problem, self.best)
        if chance is None or chance >= _MISFIT:
            return ()
        return (f"the model does not describe these data (lack of fit, p = {chance:.2g})",)

    @property
    def lines(self) -> tuple[str, ...]:
        """The result in words: the prediction first, then every rate."""
        reached = self.ic50_draws[np.isfinite(self.ic50_draws)]
        drawn = f"{reached.size} of {self.ic50_draws.size} draws reach it"
        if reached.size:
            low, high = np.percentile(reached, [2.5, 97.5])
            drawn += f", 95 % of them between {low:.3g} and {high:.3g}"
        return (
            f"IC50 of {self.problem.observable} [uM]: {self.ic50.text}; {drawn}",
            f"spread of the measurements: {self.best.sigma:.3g} decades",
            *self._misfit,
            *(f"{name}: the best fit lies on a bound of the search" for name in self.on_bound),
            *(f"{one.name}: {one.text}" for one in self.profiles),
        )


def core_problem(
    dose_molar: ArrayLike,
    value: ArrayLike,
    *,
    time_s: ArrayLike = 7200.0,
    context: str = "adherent",
    relative: Literal["scale", "vehicle"] = "scale",
    observable: str = "pFAK",
) -> Problem:
    """The problem of the core model for a pFAK dose-response.

    Args:
        dose_molar: Dose of each measurement, shape (N,) [mol/L].
        value: Measured values, positive, shape (N,).
        time_s: Time since the dose of each, or one for all [s].
        context: `adherent`, `matrigel` or `suspension`.
        relative: See `Problem`.
        observable: `pFAK` (Y397) or `pFAK576`.

    Raises:
        FitError: The values cannot be fitted.
    """
    doses = 1e6 * np.asarray(dose_molar, np.float64)
    times = np.broadcast_to(np.asarray(time_s, np.float64), doses.shape)
    data = Measurements(doses, times, np.asarray(value, np.float64))
    names = [name for name in BOUNDS if name != "scale" or relative == "scale"]
    top = float(data.value.max())
    factors = {name: top if name == "scale" else 1.0 for name in names}
    estimated = tuple(
        Estimated(name, BOUNDS[name][0] * factors[name], BOUNDS[name][1] * factors[name])
        for name in names
    )
    return Problem(
        model("core").in_context(context), observable, data, estimated, relative=relative
    )


def calibrate(problem: Problem, *, rng: np.random.Generator, draws: int = 1000) -> Calibration:
    """Fit, profile every rate and the IC50, and draw.

    Args:
        problem: What is to be fitted; see `core_problem`.
        rng: For starts and draws.
        draws: Draws wanted, 100 or more.

    Raises:
        FitError: No start could be integrated, or too few draws are asked for.
    """
    best = fit(problem, rng=rng)
    profiles = tuple(profile(problem, best, name) for name in best.names)
    halved = ic50_of(problem, time_s=float(np.max(problem.times_s)))
    ic50 = profile_of(problem, best, "IC50", of=halved)
    known = sample(problem, best, rng=rng, count=draws)
    return Calibration(problem, best, profiles, ic50, known, 10 ** halved(known.points))
