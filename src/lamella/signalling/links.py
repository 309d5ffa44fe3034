"""What does less pFAK do to speed, persistence, chemotaxis, matrix degradation and growth?

Every link takes a, pFAK relative to vehicle, to a ratio to vehicle that is 1 at a = 1. None is
measured for defactinib: the constants are assumed, with priors, and drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.errors import SettingsError

__all__ = [
    "Links",
    "chemotaxis",
    "degradation",
    "diffusivity",
    "growth",
    "link_draws",
    "persistence",
    "saturating",
    "speed",
    "tube_length",
]

F8: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Links:
    """Constants of the links; each a number, or an array of draws that broadcasts.

    Attributes:
        half: pFAK of vehicle at which the saturating response has lost its grip.
        speed_floor: Share of speed that needs no FAK.
        persistence_floor: Share of persistence that needs no FAK.
        beta: Gain of matrix degradation when pFAK is gone; negative where it falls.
        growth_2d: Share of adherent growth that needs FAK.
        growth_3d: Share of anchorage-free growth that needs FAK.
        off_target_molar: Dose that halves growth without FAK [mol/L].
        off_target_slope: Its Hill slope.
    """

    half: F8 | float = 0.7
    speed_floor: F8 | float = 0.3
    persistence_floor: F8 | float = 0.5
    beta: F8 | float = 0.0
    growth_2d: F8 | float = 0.05
    growth_3d: F8 | float = 0.6
    off_target_molar: F8 | float = 10e-6
    off_target_slope: F8 | float = 1.0

    def __post_init__(self) -> None:
        """Check ranges."""
        for name in ("speed_floor", "persistence_floor", "growth_2d", "growth_3d"):
            _within(name, getattr(self, name), 0.0, 1.0)
        _within("beta", self.beta, -1.0, math.inf)
        for name in ("half", "off_target_molar", "off_target_slope"):
            _within(name, getattr(self, name), np.nextafter(0, 1), math.inf)


def link_draws(count: int, *, rng: np.random.Generator) -> Links:
    """Draws of all constants from their priors, each of shape (count, 1).

    `half` log-normal around 0.7, 95 % 0.35 to 1.4, so that a response is halved at 2 to 4 times
    the dose that halves pFAK; a front or a closure adds 2.3 to 3.1 (Fisher and Porous-Fisher).
    Floors of speed 0 to 0.6 and of persistence 0 to 1: speed losses of 30 to 50 % at the plateau
    are among them. `beta` normal around 0: FAK inhibition has lowered invasion, and has raised
    degradation (10.3390/cancers13081871). Adherent growth hardly needs FAK
    (10.1074/jbc.M606695200), anchorage-free growth may (Tanjoni 2010). Off-target growth effects
    1 to 100 µM.
    """
    shape = (count, 1)
    return Links(
        half=0.7 * 10 ** rng.normal(0, 0.15, shape),
        speed_floor=rng.uniform(0, 0.6, shape),
        persistence_floor=rng.uniform(0, 1, shape),
        beta=np.maximum(rng.normal(0, 0.5, shape), -1.0),
        growth_2d=rng.uniform(0, 0.1, shape),
        growth_3d=rng.uniform(0, 0.9, shape),
        off_target_molar=10e-6 * 10 ** rng.normal(0, 0.5, shape),
        off_target_slope=rng.uniform(0.8, 2.0, shape),
    )


def saturating(a: ArrayLike, half: F8 | float) -> F8:
    """h(a) = a (1 + K) / (K + a): 1 at vehicle, 0 without pFAK.

    >>> saturating([1.0, 0.25, 0.0], 0.5).tolist()
    [1.0, 0.5, 0.0]
    """
    share = _share(a)
    return np.asarray(share * (1 + half) / (half + share), np.float64)


def speed(a: ArrayLike, links: Links) -> F8:
    """Speed of single cells relative to vehicle: a floor, and what FAK drives above it."""
    floor = links.speed_floor
    return np.asarray(floor + (1 - floor) * saturating(a, links.half), np.float64)


def persistence(a: ArrayLike, links: Links) -> F8:
    """Persistence time relative to vehicle."""
    floor = links.persistence_floor
    return np.asarray(floor + (1 - floor) * saturating(a, links.half), np.float64)


def diffusivity(a: ArrayLike, links: Links) -> F8:
    """Motility coefficient relative to vehicle: speed squared times persistence.

    >>> float(diffusivity(1.0, Links()))
    1.0
    """
    return np.asarray(speed(a, links) ** 2 * persistence(a, links), np.float64)


def chemotaxis(a: ArrayLike, links: Links) -> F8:
    """Chemotactic sensitivity relative to vehicle."""
    return saturating(a, links.half)


def degradation(a: ArrayLike, links: Links) -> F8:
    """Degradation of matrix relative to vehicle; `beta` has either sign.

    >>> float(degradation(0.0, Links(beta=0.5))), float(degradation(0.0, Links(beta=-0.5)))
    (1.5, 0.5)
    """
    return np.asarray(1 + links.beta * (1 - _share(a)), np.float64)


def growth(a: ArrayLike, links: Links, *, dose_molar: ArrayLike = 0.0, anchored: bool = True) -> F8:
    """Rate of growth relative to vehicle: through FAK, and through other targets at high doses.

    Args:
        a: pFAK relative to vehicle.
        links: Constants.
        dose_molar: Dose of the compound [mol/L].
        anchored: On plastic (2D); False in soft agar or as spheroids (3D).
    """
    needs = links.growth_2d if anchored else links.growth_3d
    through_fak = 1 - needs * (1 - _share(a))
    ratio = np.asarray(dose_molar, np.float64) / links.off_target_molar
    return np.asarray(through_fak / (1 + ratio**links.off_target_slope), np.float64)


def tube_length(a: ArrayLike, links: Links) -> F8:
    """Length of tubes relative to vehicle: motility and adhesion act together.

    Motility enters as the speed of a front, the root of the motility that FAK drives.
    """
    return saturating(a, links.half)


def _share(a: ArrayLike) -> F8:
    share = np.asarray(a, np.float64)
    if not bool(np.all((share >= 0) | np.isnan(share))):
        raise SettingsError("pFAK relative to vehicle is negative. Give 0 or more.")
    return share


def _within(name: str, value: F8 | float, low: float, high: float) -> None:
    array = np.asarray(value, np.float64)
    if not bool(np.all((array >= low) & (array <= high))):
        raise SettingsError(
            f"{name.replace('_', ' ')} lies outside {low:g} to {high:g}."
            if math.isfinite(high)
            else f"{name.replace('_', ' ')} is below {low:g}, or not a number."
        )
