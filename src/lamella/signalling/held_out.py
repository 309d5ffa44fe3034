"""What do the Ki and the siblings say about a compound before any cell has seen it?

The prediction uses no value of the compound in cells. Fits to published values of the compound are
another thing: `fit_shift` makes them, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lamella.errors import SettingsError
from lamella.signalling.inhibition import SHIFT_LOG10_SD, SHIFT_MEDIAN, Inhibitor
from lamella.signalling.links import Links, link_draws
from lamella.signalling.readouts import halving_dose, predict

__all__ = [
    "SIBLINGS",
    "Estimate",
    "Sibling",
    "fit_growth",
    "fit_shift",
    "predicted_ic50",
    "shift_after_siblings",
    "shift_draws_after_siblings",
]

F8: TypeAlias = NDArray[np.float64]

OWN_SHARE: Final = 0.5
"""Share of the variance of log shift that is the compound's own, the rest its class's."""
ASSAY_LOG10_SD: Final = 0.3
"""Spread of published cell IC50s between assays: a factor of two."""
_DOSES = np.logspace(-11, -3, 33)


@dataclass(frozen=True, slots=True)
class Sibling:
    """A compound of the class with its enzyme and cell potency on pY397 [mol/L]."""

    name: str
    enzyme_molar: float
    cell_low_molar: float
    cell_high_molar: float
    source: str

    @property
    def log10_shift(self) -> float:
        """log10 of cell over enzyme potency, the middle of a printed range."""
        middle = (np.log10(self.cell_low_molar) + np.log10(self.cell_high_molar)) / 2
        return float(middle - np.log10(self.enzyme_molar))


SIBLINGS: Final = (
    Sibling("PF-562271", 1.5e-9, 5e-9, 5e-9, "10.1158/0008-5472.CAN-07-5155"),
    Sibling("PF-573228", 4e-9, 30e-9, 100e-9, "10.1074/jbc.M606695200"),
    Sibling("PND-1186", 1.5e-9, 100e-9, 100e-9, "Tanjoni 2010, Cancer Biol Ther 9(10)"),
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A potency with its interval, and how it came about.

    Attributes:
        what: Read-out and cells.
        kind: `prediction` (no value of the compound in cells was used) or `fit`.
        median: [mol/L].
        low: [mol/L].
        high: [mol/L].
        level: Of the interval.
        draws: How many draws it rests on.
        basis: From what, in words.
    """

    what: str
    kind: str
    median: float
    low: float
    high: float
    level: float
    draws: int
    basis: str

    @property
    def log10_width(self) -> float:
        """Width of the interval in decades."""
        return float(np.log10(self.high / self.low))


def shift_after_siblings(
    siblings: tuple[Sibling, ...] = SIBLINGS, *, own_share: float = OWN_SHARE
) -> tuple[float, float]:
    """Mean and spread of log10 shift of a compound not yet seen.

    The prior of the shift, median 20 and 95 % 3 to 150, is split in what the class has in common
    and what is a compound's own. Each sibling is one noisy look at the common part.

    Args:
        siblings: Compounds with both potencies.
        own_share: See `OWN_SHARE`; 1 learns nothing from siblings.

    Raises:
        SettingsError: The share lies outside 0 to 1.

    >>> mean, spread = shift_after_siblings(())
    >>> round(10**mean), round(10 ** (mean - 1.96 * spread)), round(10 ** (mean + 1.96 * spread))
    (20, 3, 141)
    """
    if not 0 <= own_share <= 1:
        raise SettingsError(f"the share of a compound's own is {own_share:g}: 0 to 1.")
    own = own_share * SHIFT_LOG10_SD**2
    common = SHIFT_LOG10_SD**2 - own
    if common == 0:
        return float(np.log10(SHIFT_MEDIAN)), SHIFT_LOG10_SD
    weight, pulled = 1 / common, np.log10(SHIFT_MEDIAN) / common
    for sibling in siblings:
        each = 1 / (own + ASSAY_LOG10_SD**2)
        weight, pulled = weight + each, pulled + each * sibling.log10_shift
    return float(pulled / weight), float(np.sqrt(own + 1 / weight))


def shift_draws_after_siblings(
    count: int, *, rng: np.random.Generator, siblings: tuple[Sibling, ...] = SIBLINGS
) -> F8:
    """Draws of the shift of a compound not yet seen, shape (count,)."""
    mean, spread = shift_after_siblings(siblings)
    return np.asarray(10 ** rng.normal(mean, spread, count), np.float64)


def predicted_ic50(
    inhibitor: Inhibitor,
    *,
    rng: np.random.Generator,
    readout: str = "tube length",
    context: str = "matrigel",
    count: int = 20_000,
) -> Estimate:
    """The IC50 of a read-out that falls with pFAK, from Ki and siblings alone.

    Args:
        inhibitor: Gives the Ki.
        rng: For the draws.
        readout: One that reaches 0 without pFAK, see `READOUTS`.
        context: Of the core model.
        count: Draws.

    Raises:
        SettingsError: The read-out does not fall to half in most draws.
    """
    ic50, _, _ = _ic50_draws(inhibitor, (readout, context), count, rng)
    basis = f"Ki and {len(SIBLINGS)} siblings; no value of {inhibitor.name} in cells"
    return _estimate((f"{readout}, {context}", "prediction", basis), ic50, np.ones(count))


def fit_shift(
    inhibitor: Inhibitor,
    ic50_molar: float,
    *,
    rng: np.random.Generator,
    cells: str = "",
    count: int = 20_000,
) -> tuple[Estimate, Estimate]:
    """The tube-formation IC50 and the apparent Ki of one line, fitted to its published IC50.

    The published value is taken with a spread of 0.1 decades, as none is printed.

    Returns:
        The fitted IC50 and the apparent Ki [mol/L], both of kind `fit`.
    """
    drawn = _ic50_draws(inhibitor, ("tube length", "matrigel"), count, rng)
    ic50, shift, _ = drawn
    weights = np.exp(-0.5 * (np.log10(ic50 / ic50_molar) / 0.1) ** 2)
    basis = f"fitted to {1e9 * ic50_molar:g} nM with the prior of shift and links"
    told = f"tube length, {cells}" if cells else "tube length"
    return (
        _estimate((told, "fit", basis), ic50, weights),
        _estimate((f"apparent Ki, {cells}", "fit", basis), shift * inhibitor.ki_fak_molar, weights),
    )


def fit_growth(
    ic50_molar: float,
    *,
    rng: np.random.Generator,
    cells: str = "",
    high_molar: float | None = None,
    count: int = 20_000,
) -> Estimate:
    """The IC50 of adherent growth, fitted to a published value or range.

    pFAK is gone at such doses, so what is fitted is the off-target channel, not FAK.
    """
    links: Links = link_draws(count, rng=rng)
    needs = np.asarray(links.growth_2d)[:, 0]
    slope = np.asarray(links.off_target_slope)[:, 0]
    # Half of vehicle with pFAK gone: (1 - w) / (1 + x^n) = 1/2.
    ic50 = np.asarray(links.off_target_molar)[:, 0] * (1 - 2 * needs) ** (1 / slope)
    low, high = np.log10(ic50_molar), np.log10(high_molar or ic50_molar)
    at = np.log10(ic50)
    away = np.maximum(0, np.maximum(low - at, at - high))
    weights = np.exp(-0.5 * (away / 0.1) ** 2)
    basis = "fitted off-target channel with the prior of the links"
    return _estimate((f"growth, {cells}", "fit", basis), ic50, weights)


def _ic50_draws(
    inhibitor: Inhibitor, what: tuple[str, str], count: int, rng: np.random.Generator
) -> tuple[F8, F8, Links]:
    """IC50s [mol/L] and shifts of all draws."""
    readout, context = what
    shift = shift_draws_after_siblings(count, rng=rng)
    links = link_draws(count, rng=rng)
    # The dose acts through dose / shift alone, so that one curve serves all shifts.
    one = predict(inhibitor, _DOSES, shift=np.ones(1), links=links, context=context)
    ic50 = halving_dose(_DOSES, one.draws_of(readout)) * shift
    if np.isnan(ic50).mean() > 0.05:
        raise SettingsError(f"'{readout}' does not fall to half of vehicle: it has no IC50 here.")
    return ic50, shift, links


def _estimate(told: tuple[str, str, str], values: F8, weights: F8) -> Estimate:
    what, kind, basis = told
    sound = np.isfinite(values)
    order = np.argsort(values[sound])
    rising, mass = values[sound][order], np.cumsum(weights[sound][order])
    low, median, high = np.interp(np.array([0.025, 0.5, 0.975]) * mass[-1], mass, rising)
    effective = int(weights.sum() ** 2 / (weights**2).sum())
    return Estimate(what, kind, float(median), float(low), float(high), 0.95, effective, basis)
