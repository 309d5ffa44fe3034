"""What a dose-response analysis returns: frozen values, ready for a table, JSON or a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

__all__ = [
    "VERDICTS",
    "Band",
    "BetweenBatches",
    "CurveResult",
    "Parameters",
    "Potency",
    "PotencyResult",
    "Quantity",
    "Verdict",
]

Verdict = Literal[
    "insufficient_design",
    "no_effect",
    "non_monotone",
    "lack_of_fit",
    "below_range",
    "not_reached",
    "closed_but_extrapolated",
    "closed",
]
VERDICTS: tuple[str, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Potency:
    """What may be said of one IC50.

    `value` is None unless the verdict is `closed` or `closed_but_extrapolated`; `low` and
    `high` (95 %) are None where the data leave the interval open. Doses are in the unit of
    the result. `text` is the sentence that may be printed, for example
    `> 10 µM (95 % lower limit 4.1 µM)`. `bound` is the dose above which (`not_reached`,
    `no_effect`) or below which (`below_range`) the IC50 lies; None where nothing is known.
    """

    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    text: str
    bound: float | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a curve, or their standard errors; None where the model has none."""

    log10_ec50: float | None
    slope: float | None
    at_zero_dose: float | None
    at_infinite_dose: float | None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A further number of a curve with its 95 % interval, None where it does not exist."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """The fitted curve and its 95 % confidence band on a grid of doses, for drawing."""

    dose: tuple[float, ...]
    fit: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CurveResult:
    """One fitted dose-response curve and what may be said of it.

    `batch` is None for a curve over all batches. `doses` and `responses` are the points that
    were fitted, in the order given. `outliers` are places in these that lie far off: they were
    fitted like all others. `interval` is how the intervals of both IC50s were made.
    """

    id: str
    batch: str | None
    model: str
    runner_up: str | None
    parameters: Parameters
    se: Parameters
    rss: float | None
    df: int | None
    relative_ic50: Potency
    absolute_ic50: Potency
    headline: Literal["relative", "absolute"]
    flags: tuple[str, ...]
    doses: tuple[float, ...]
    responses: tuple[float, ...]
    band: Band | None
    quantities: tuple[Quantity, ...] = ()
    outliers: tuple[int, ...] = ()
    interval: str = "profile"
    lack_of_fit_p: float | None = None
    effect_p: float | None = None
    aicc: tuple[tuple[str, float], ...] = ()

    @property
    def potency(self) -> Potency:
        """The headline potency."""
        return self.absolute_ic50 if self.headline == "absolute" else self.relative_ic50

    @property
    def verdict(self) -> Verdict:
        """The verdict of the headline potency."""
        return self.potency.verdict


@dataclass(frozen=True, slots=True)
class BetweenBatches:
    """The IC50 over independent experiments: n is the number of batches."""

    n: int
    value: float | None
    low: float | None
    high: float | None
    method: str
    text: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class PotencyResult:
    """All curves of one read-out, and the estimate between batches."""

    dose_unit: str
    response: str
    curves: tuple[CurveResult, ...]
    between_batches: BetweenBatches | None
    flags: tuple[str, ...] = ()
    between_by_curve: tuple[tuple[str, BetweenBatches], ...] = ()

    def document(self) -> dict[str, Any]:
        """The JSON form of `lamella fit` and `potency.json`, without NaN or infinity."""
        from lamella.potency.document import document

        return document(self)
