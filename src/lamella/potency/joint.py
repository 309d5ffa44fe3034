"""Do two curves share a plateau, and how much more potent is one? Fits with shared parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtrit

from lamella.errors import FitError, nearest
from lamella.potency.dose_table import CurvePoints
from lamella.potency.families import family_named
from lamella.potency.intervals import fieller, ratio_delta
from lamella.potency.least_squares import covariance
from lamella.potency.selection import ExtraSS
from lamella.potency.system import CurveSystem

__all__ = ["JointFit", "Ratio", "ec50_ratio", "fit_joint", "sharing_test"]

F8 = NDArray[np.float64]


@dataclass(frozen=True)
class JointFit:
    """Several curves of one family, some parameters shared.

    Attributes:
        curves: Names of the curves.
        shared: Names of the shared parameters.
        names: Name of each estimated parameter: `name` if shared, else `name:curve`.
        estimate: In the user's units (log10 for doses, ln for slopes), shape (q,).
        covariance: Shape (q, q); None where singular.
        rss: Weighted residual sum of squares of all points.
        df: Points minus parameters.
    """

    curves: tuple[str, ...]
    shared: tuple[str, ...]
    names: tuple[str, ...]
    estimate: F8
    covariance: F8 | None
    rss: float
    df: int

    def index(self, name: str, curve: str) -> int:
        """Place of a parameter of one curve in `estimate`."""
        full = name if name in self.shared else f"{name}:{curve}"
        if full not in self.names:
            raise FitError(f"the joint fit has no parameter '{full}'. {nearest(full, self.names)}")
        return self.names.index(full)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ratio of two EC50s with 95 % intervals; an end is None where it is open."""

    value: float
    log: tuple[float, float]
    fieller: tuple[float | None, float | None]
    delta: tuple[float, float]


def fit_joint(
    curves: Sequence[CurvePoints],
    *,
    shared: Collection[str] = (),
    fixed: Mapping[str, float] | None = None,
    model: str = "4pl",
    information: Literal["expected", "observed"] = "expected",
) -> JointFit:
    """Fit one family to several curves, with parameters that all of them share.

    Starts at the separate fits and the mean of the shared parameters, then
    Levenberg-Marquardt over all parameters at once with the analytic Jacobian.

    Args:
        curves: Points of each curve, with different ids.
        shared: Parameters that all curves share, for example `{"at_zero_dose"}`.
        fixed: Parameters that are held in every curve.
        model: Name of the family.
        information: Covariance from the Jacobian (`expected`), or from the full second
            derivative of the sum of squares (`observed`), as R's drc prints it.

    Raises:
        FitError: An unknown parameter, repeated ids, or too few points.
    """
    family = family_named(model)
    ids = [c.id for c in curves]
    if len(set(ids)) != len(ids):
        raise FitError(f"curve ids are repeated: {', '.join(ids)}. Give each curve its own name.")
    for name in (*shared, *(fixed or {})):
        if name not in family.names:
            raise FitError(f"'{model}' has no parameter '{name}'. {nearest(name, family.names)}")
    system = CurveSystem.of(family, curves, frozenset(shared), {**family.fixed, **(fixed or {})})
    estimate, rss = system.solve()
    df = sum(c.dose.size for c in curves) - len(system.names)
    if df <= 0:
        inner = None
    elif information == "observed":
        inner = system.observed(estimate)
    else:
        inner = covariance(system.jacobian(estimate))
    total = rss + system.ss_pure
    return JointFit(
        curves=tuple(ids),
        shared=tuple(n for n in family.names if n in shared),
        names=system.names,
        estimate=estimate,
        covariance=None if inner is None else inner * total / df,
        rss=total,
        df=df,
    )


def sharing_test(shared: JointFit, separate: JointFit) -> ExtraSS:
    """Extra-sum-of-squares F test that the curves share these parameters."""
    extra = shared.df - separate.df
    if (
        extra <= 0
        or shared.curves != separate.curves
        or not set(separate.shared) < set(shared.shared)
    ):
        raise FitError(
            "the fits are not nested: share more parameters in the first than the second."
        )
    f = max(shared.rss - separate.rss, 0.0) / extra / (separate.rss / separate.df)
    return ExtraSS(f, (extra, separate.df), float(fdtrc(extra, separate.df, f)))


def ec50_ratio(fit: JointFit, numerator: str, denominator: str) -> Ratio:
    """EC50 of one curve over that of another, with intervals on three scales.

    `log` is the t-interval of the log ratio, `fieller` is exact for normal estimates of both
    EC50s, `delta` is symmetric on the raw ratio and kept for comparison.
    """
    if fit.covariance is None:
        raise FitError("the joint fit is singular: no interval for the ratio of its EC50s.")
    at = [fit.index("log10_ec50", curve) for curve in (numerator, denominator)]
    logs = fit.estimate[at]
    cov = fit.covariance[np.ix_(at, at)]
    t = float(stdtrit(fit.df, 0.975))
    difference = float(logs[0] - logs[1])
    half = t * float(np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]))
    doses = 10.0**logs
    to_dose = np.diag(doses * np.log(10.0))
    raw = to_dose @ cov @ to_dose
    a, b = float(doses[0]), float(doses[1])
    return Ratio(
        value=10.0**difference,
        log=(10.0 ** (difference - half), 10.0 ** (difference + half)),
        fieller=fieller(a, b, covariance=raw, t=t),
        delta=ratio_delta(a, b, covariance=raw, t=t),
    )
