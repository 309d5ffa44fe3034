"""How far have two facing cell fronts moved, when the tissue obeys the Fisher–KPP equation?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

__all__ = [
    "Inhibition",
    "Migration",
    "Shape",
    "density_profiles",
    "half_gap_um",
    "wave_speed_um_h",
]

Shape = Literal["straight", "circle"]

_STEP_UM = 4.0  # a fifth of a cell: halving it moves a front by less than 1 µm
_STEP_H = 0.1


@dataclass(frozen=True, slots=True)
class Migration:
    """A tissue that spreads: du/dt = D Laplace(u) + lambda u (1 - u), u = density / capacity.

    Attributes:
        motility_um2_h: Effective diffusivity D of the cells [µm²/h].
        growth_per_h: Proliferation rate lambda [1/h]; 0.05 is a doubling in 14 h.
        front_level: Density, as a share of the confluent one, that a person calls the front.
    """

    motility_um2_h: float = 550.0
    growth_per_h: float = 0.05
    front_level: float = 0.25


@dataclass(frozen=True, slots=True)
class Inhibition:
    """A compound whose effect on D (and, if wanted, on lambda) is a Hill function of dose.

    Attributes:
        ic50_molar: Dose that halves the part of D that can be inhibited [mol/L]. The IC50 of
            the closure of a gap is higher: a front moves with the square root of D.
        hill: Slope of the Hill function.
        floor: Share of D that no dose takes away.
        growth_ic50_molar: The same for lambda, with slope 1 and no floor; None: no effect.
    """

    ic50_molar: float
    hill: float = 1.0
    floor: float = 0.0
    growth_ic50_molar: float | None = None

    def applied(self, migration: Migration, *, dose_molar: float) -> Migration:
        """The migration that is left at a dose [mol/L].

        >>> Inhibition(1e-7).applied(Migration(800.0), dose_molar=1e-7).motility_um2_h
        400.0
        """
        left = self.floor + (1 - self.floor) / (1 + (dose_molar / self.ic50_molar) ** self.hill)
        grown = 1.0
        if self.growth_ic50_molar is not None:
            grown = 1 / (1 + dose_molar / self.growth_ic50_molar)
        return replace(
            migration,
            motility_um2_h=migration.motility_um2_h * left,
            growth_per_h=migration.growth_per_h * grown,
        )


def wave_speed_um_h(migration: Migration) -> float:
    """Speed that a lone front settles to, 2 sqrt(D lambda) [µm/h].

    References:
        Kolmogorov, Petrovsky & Piskunov 1937; Maini et al. 2004, 10.1089/107632704323061834.

    >>> wave_speed_um_h(Migration(900.0, 0.04))
    12.0
    """
    return float(2 * np.sqrt(migration.motility_um2_h * migration.growth_per_h))


def half_gap_um(
    migration: Migration,
    times_h: NDArray[np.float64],
    *,
    gap_um: float,
    shape: Shape = "straight",
) -> NDArray[np.float64]:
    """Distance of the front from the middle of the gap [µm], shape (T,); 0 or less is closed.

    Once the middle has reached the front density the value goes below 0 at the wave speed, for
    the time that growth alone would have taken from there: how far the sheets have merged.

    Args:
        migration: The tissue; its `front_level` says which density is the front.
        times_h: Times after wounding [h], shape (T,), rising.
        gap_um: Width of a straight gap, or diameter of a round one, at 0 h [µm].
        shape: Straight gaps close from two sides, round ones from all around.

    Raises:
        ValueError: The times do not rise, or the gap has no width.

    >>> half_gap_um(Migration(), np.array([0.0, 8.0, 24.0]), gap_um=500.0).round().tolist()
    [250.0, 172.0, -10.0]
    """
    density = density_profiles(migration, times_h, gap_um=gap_um, shape=shape)
    half = np.array([_crossing(profile, migration) for profile in density])
    return np.where(np.asarray(times_h) == 0, gap_um / 2, half)


def density_profiles(
    migration: Migration,
    times_h: NDArray[np.float64],
    *,
    gap_um: float,
    shape: Shape = "straight",
) -> NDArray[np.float64]:
    """Density / capacity from the middle of the gap outwards, shape (T, N), on a 4 µm grid.

    Value i belongs to the distance (i + 1/2) x 4 µm. No cell crosses the middle (by symmetry)
    or the outer end. Diffusion is exact in the eigenmodes of the discrete Laplacian, growth is
    exact, the two alternate (Strang splitting): stable for every D, and never negative.
    """
    if np.any(np.diff(times_h) <= 0) or times_h[0] < 0:
        raise ValueError("times_h must rise from 0 or later")
    if gap_um <= 0:
        raise ValueError("gap_um must be positive")
    spread = 4 * np.sqrt(migration.motility_um2_h * times_h[-1]) + 10 * _STEP_UM
    n = int(np.ceil((gap_um / 2 + spread) / _STEP_UM))
    rates, modes, volume = _laplacian(n, shape)
    edges = np.arange(n + 1) * _STEP_UM
    # The cell that holds the edge is partly full, so that the gap has exactly its width.
    density = np.clip((edges[1:] - gap_um / 2) / _STEP_UM, 0.0, 1.0)
    profiles, now = [], 0.0
    for time in times_h:
        steps = int(np.ceil((time - now) / _STEP_H - 1e-9))
        if steps:
            step = (time - now) / steps
            decay = np.exp(migration.motility_um2_h * step * rates)
            spread_once = (modes * decay) @ modes.T * volume / volume[:, None]
            density = _advance(
                density, spread_once, np.exp(migration.growth_per_h * step / 2), steps
            )
        profiles.append(density)
        now = float(time)
    return np.stack(profiles)


def _laplacian(
    n: int, shape: Shape
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, eigenvectors and root volumes of the finite-volume Laplacian, no flux."""
    faces = np.arange(n + 1) * _STEP_UM
    area = np.ones(n + 1) if shape == "straight" else faces
    volume = np.diff(faces) if shape == "straight" else np.diff(faces**2) / 2
    flow = area[1:-1] / _STEP_UM
    leave = -(np.append(flow, 0.0) + np.insert(flow, 0, 0.0)) / volume
    root = np.sqrt(volume)
    rates, modes = eigh_tridiagonal(leave, flow / (root[1:] * root[:-1]))
    return np.asarray(rates, np.float64), np.asarray(modes, np.float64), root


def _advance(
    density: NDArray[np.float64], spread_once: NDArray[np.float64], growth: float, steps: int
) -> NDArray[np.float64]:
    for _ in range(steps):
        density = _grown(density, growth)
        density = _grown(spread_once @ density, growth)
    return np.clip(density, 0.0, 1.0)


def _grown(density: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    """Logistic growth, exact: `factor` is exp(lambda dt)."""
    return density * factor / (1 + density * (factor - 1))


def _crossing(profile: NDArray[np.float64], migration: Migration) -> float:
    """Where the profile first reaches the level of the front, linear between points [µm]."""
    level = migration.front_level
    above = int(np.argmax(profile >= level))
    if above > 0:
        low, high = profile[above - 1], profile[above]
        return float((above - 0.5 + (level - low) / (high - low)) * _STEP_UM)
    middle = min(float(profile[0]), 1 - 1e-6)
    odds = middle / (1 - middle) * (1 - level) / level
    since_h = np.log(max(odds, 1.0)) / max(migration.growth_per_h, 1e-3)
    return float(-wave_speed_um_h(migration) * since_h)
