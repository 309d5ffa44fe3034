"""What does a pFAK dose-response say about the core model, and what does it leave open?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.signalling.calibration import BestFit, Estimated, Measurements, Problem, fit
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
"""What is estimated in the core model by default, between which bounds, in its unit."""


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
    def lines(self) -> tuple[str, ...]:
        """The result in words: the prediction first, then every rate."""
        interval = np.nanpercentile(self.ic50_draws, [2.5, 97.5])
        return (
            f"IC50 of {self.problem.observable} [uM]: {self.ic50.text}; "
            f"{len(self.ic50_draws)} draws: {interval[0]:.3g} to {interval[1]:.3g}",
            f"spread of the measurements: {self.best.sigma:.3g} decades",
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
    estimated = tuple(Estimated(name, *BOUNDS[name]) for name in names)
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
