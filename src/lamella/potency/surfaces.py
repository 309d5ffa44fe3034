"""How do two compounds change each other's potency and efficacy? Whole-matrix models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from lamella.errors import MeasurementError, nearest
from lamella.potency.comparisons import TECHNICAL_ONLY, BatchMean, batch_mean
from lamella.potency.groups import Labels, Numbers, codes, numbers
from lamella.potency.single_drugs import Hill, fit_single_drugs

__all__ = ["Surface", "SurfaceModel", "braid_surface", "fit_surface", "musyc_surface"]

SurfaceModel = Literal["musyc", "braid"]
_Array: TypeAlias = NDArray[np.float64]
_DECADES = 4.0
_MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Surface:
    """A response surface fitted to the whole dose matrix, batch by batch.

    Attributes:
        model: `musyc` or `braid`.
        parameters: Mean over batches of each, with t-interval. MuSyC: `log10_alpha_12` (fold
            change of the potency of B by A; above 0 is synergy), `log10_alpha_21` (of A by
            B), `beta` (gain of efficacy of both over the stronger, as a fraction of its
            own). BRAID: `kappa` (above 0 is synergy, below 0 antagonism). Both: plateaus,
            `log10_ec50_a`, `log10_ec50_b`, `slope_a`, `slope_b`.
        by_batch: The same of each batch.
        r_squared: Of each batch.
        converged: Every fit settled, and no parameter ended at a bound.
        flags: Which did, by batch.
        text: The sentence that may be printed.
    """

    model: SurfaceModel
    parameters: Mapping[str, BatchMean]
    by_batch: Mapping[str, Mapping[str, float]]
    r_squared: tuple[float, ...]
    converged: bool
    flags: tuple[str, ...]
    text: str


def fit_surface(
    inhibition: Numbers,
    dose_a: Numbers,
    dose_b: Numbers,
    *,
    model: SurfaceModel,
    batch: Labels | None = None,
) -> Surface:
    """MuSyC or BRAID fitted by least squares to each batch; intervals are over batches.

    Args:
        inhibition: Shape (n,), fraction of vehicle lost.
        dose_a: Shape (n,), any unit, 0 without compound A.
        dose_b: Shape (n,).
        model: `musyc` or `braid`.
        batch: Shape (n,); None for one batch.

    Raises:
        MeasurementError: A batch has fewer wells than the model has parameters, or fewer than
            3 doses of a compound alone.

    References:
        Meyer et al. 2019, Cell Syst 8:97 and Wooten et al. 2021, Nat Commun 12:4607 (MuSyC);
        Twarog et al. 2016, Sci Rep 6:25523 (BRAID).

    >>> dose = np.array([0.0, 0.1, 0.3, 1.0, 3.0, 10.0])
    >>> a, b = np.repeat(dose, 6), np.tile(dose, 6)
    >>> like = {"e0": 0.0, "e_a": 0.9, "e_b": 0.8, "log10_ec50_a": 0.0, "log10_ec50_b": 0.3}
    >>> seen = braid_surface(a, b, {**like, "slope_a": 1.0, "slope_b": 1.5, "kappa": 2.0})
    >>> round(fit_surface(seen, a, b, model="braid").parameters["kappa"].value, 3)
    2.0
    """
    if model not in _MODELS:
        raise ValueError(f"model '{model}' is not known. {nearest(model, _MODELS)}")
    y, a, b = numbers(inhibition), numbers(dose_a), numbers(dose_b)
    if np.any(~np.isfinite(a) | ~np.isfinite(b) | (a < 0) | (b < 0)):
        raise MeasurementError("a dose is missing or negative. Write 0 where a compound is absent.")
    names, code = codes(batch, y.size)
    fits = {}
    for index, name in enumerate(names):
        use = (code == index) & np.isfinite(y)
        fits[name] = _fit_batch(y[use], a[use], b[use], _MODELS[model], name)
    first = next(iter(fits.values()))
    parameters = {
        key: batch_mean([fit.parameters[key] for fit in fits.values()]) for key in first.parameters
    }
    flags = tuple(
        f"batch {name}: {flag}" if name else flag
        for name, fit in fits.items()
        for flag in fit.flags
    )
    return Surface(
        model=model,
        parameters=parameters,
        by_batch={name: fit.parameters for name, fit in fits.items()},
        r_squared=tuple(fit.r_squared for fit in fits.values()),
        converged=not flags,
        flags=flags,
        text=_text(_MODELS[model], parameters),
    )


def musyc_surface(dose_a: _Array, dose_b: _Array, parameters: Mapping[str, float]) -> _Array:
    """Inhibition of the four-state mass-action model, equal reverse rates, shape of the doses.

    The steady state is the sum over spanning trees of the cycle free - A - both - B.

    >>> alone = {"e0": 0.0, "e_a": 1.0, "e_b": 1.0, "e_ab": 1.0, "slope_a": 1.0, "slope_b": 1.0}
    >>> at = {"log10_ec50_a": 0.0, "log10_ec50_b": 0.0}
    >>> apart = {"log10_alpha_12": 0.0, "log10_alpha_21": 0.0}
    >>> musyc_surface(np.array([1.0]), np.array([1.0]), {**alone, **at, **apart}).tolist()
    [0.75]
    """
    p = parameters
    bind_a = _power(dose_a, p["log10_ec50_a"], p["slope_a"])
    bind_b = _power(dose_b, p["log10_ec50_b"], p["slope_b"])
    b_after_a = bind_b * 10.0 ** (p["log10_alpha_12"] * p["slope_b"])
    a_after_b = bind_a * 10.0 ** (p["log10_alpha_21"] * p["slope_a"])
    free = 2 + b_after_a + a_after_b
    only_a = bind_b * a_after_b + 2 * bind_a + bind_a * a_after_b
    only_b = bind_a * b_after_a + 2 * bind_b + bind_b * b_after_a
    both = bind_b * a_after_b * (1 + b_after_a) + bind_a * b_after_a * (1 + a_after_b)
    total = free + only_a + only_b + both
    states = ((free, "e0"), (only_a, "e_a"), (only_b, "e_b"), (both, "e_ab"))
    return np.asarray(sum(weight / total * p[name] for weight, name in states))


def braid_surface(dose_a: _Array, dose_b: _Array, parameters: Mapping[str, float]) -> _Array:
    """Inhibition of the BRAID model with interaction `kappa`, in the shape of the doses.

    >>> like = {"e0": 0.0, "e_a": 1.0, "e_b": 1.0, "slope_a": 1.0, "slope_b": 1.0, "kappa": 0.0}
    >>> at = {"log10_ec50_a": 0.0, "log10_ec50_b": 0.0}   # kappa 0, equal slopes: Loewe
    >>> braid_surface(np.array([0.5]), np.array([0.5]), {**like, **at}).tolist()
    [0.5]
    """
    p = parameters
    far = max(p["e_a"] - p["e0"], p["e_b"] - p["e0"], key=abs)
    if far == 0:
        return np.full(np.broadcast(dose_a, dose_b).shape, p["e0"])
    slope = float(np.sqrt(p["slope_a"] * p["slope_b"]))
    parts = []
    for dose, which in ((dose_a, "a"), (dose_b, "b")):
        share = max(0.0, (p[f"e_{which}"] - p["e0"]) / far)
        bound = _power(dose, p[f"log10_ec50_{which}"], p[f"slope_{which}"])
        parts.append((share * bound / (1 + (1 - share) * bound)) ** (1 / slope))
    joint = parts[0] + parts[1] + p["kappa"] * np.sqrt(parts[0] * parts[1])
    reached = np.maximum(joint, 0.0) ** slope
    return np.asarray(p["e0"] + far * (1 - 1 / (1 + reached)))


def _power(dose: _Array, log10_ec50: float, slope: float) -> _Array:
    with np.errstate(divide="ignore"):
        exponent = slope * (np.log10(np.asarray(dose, dtype=np.float64)) - log10_ec50)
    return np.asarray(10.0 ** np.minimum(exponent, 60.0))


@dataclass(frozen=True, slots=True)
class _Free:
    """One free parameter: start, bounds, and how it reads on its natural scale."""

    name: str
    start: float
    low: float
    high: float
    read: Callable[[float], float] = float


@dataclass(frozen=True, slots=True)
class _Model:
    label: str
    surface: Callable[[_Array, _Array, Mapping[str, float]], _Array]
    interaction: tuple[_Free, ...]
    said: tuple[str, ...]
    has_joint_plateau: bool


def _kappa(log_shift: float) -> float:
    return float(np.exp(log_shift)) - 2.0


_MODELS: dict[str, _Model] = {
    "musyc": _Model(
        "MuSyC",
        musyc_surface,
        (
            _Free("log10_alpha_12", 0.0, -_DECADES, _DECADES),
            _Free("log10_alpha_21", 0.0, -_DECADES, _DECADES),
        ),
        ("log10_alpha_12", "log10_alpha_21", "beta"),
        True,
    ),
    "braid": _Model(
        "BRAID",
        braid_surface,
        (_Free("kappa", float(np.log(2.0)), float(np.log(0.04)), float(np.log(102.0)), _kappa),),
        ("kappa",),
        False,
    ),
}


@dataclass(frozen=True, slots=True)
class _BatchFit:
    parameters: dict[str, float]
    r_squared: float
    flags: tuple[str, ...]


def _fit_batch(y: _Array, a: _Array, b: _Array, model: _Model, name: str) -> _BatchFit:
    where = f"batch {name}: " if name else ""
    alone_a, alone_b = b == 0, a == 0
    for compound, doses in (("A", a[alone_a]), ("B", b[alone_b])):
        if np.unique(doses[doses > 0]).size < 3:
            raise MeasurementError(f"{where}compound {compound} has fewer than 3 doses alone.")
    first, second = fit_single_drugs(a[alone_a], y[alone_a], b[alone_b], y[alone_b])
    free = _free(model, y, (a, b), (first, second))
    if y.size <= len(free):
        raise MeasurementError(
            f"{where}{y.size} wells cannot carry the {len(free)} parameters of {model.label}."
        )

    def residual(x: _Array) -> _Array:
        return model.surface(a, b, _named(free, x)) - y

    best = _best(residual, free, len(model.interaction))
    found = _named(free, best.x)
    if model.has_joint_plateau:
        stronger = max(found["e_a"], found["e_b"])
        gain = stronger - found["e0"]
        found["beta"] = (found["e_ab"] - stronger) / gain if gain > 0 else float("nan")
    flags = tuple(
        f"{one.name} at its bound"
        for one, value in zip(free, best.x, strict=True)
        if min(value - one.low, one.high - value) < 1e-4 * (one.high - one.low)
    )
    if best.status == 0:
        flags += (f"not settled after {_MOST_STEPS} steps",)
    total = float(np.sum((y - y.mean()) ** 2))
    return _BatchFit(found, float(1 - 2 * best.cost / total) if total > 0 else 0.0, flags)


def _best(
    residual: Callable[[_Array], _Array], free: tuple[_Free, ...], interactions: int
) -> optimize.OptimizeResult:
    """The best of three fits that start without, with and against interaction."""
    bounds = np.array([[one.low for one in free], [one.high for one in free]])
    fits = []
    for shift in (0.0, 0.5, -0.5):
        start = np.array([one.start for one in free])
        start[-interactions:] += shift
        start = np.clip(start, *bounds)
        fits.append(
            optimize.least_squares(residual, start, bounds=tuple(bounds), max_nfev=_MOST_STEPS)
        )
    return min(fits, key=lambda fit: fit.cost)


def _free(
    model: _Model, y: _Array, doses: tuple[_Array, _Array], alone: tuple[Hill, Hill]
) -> tuple[_Free, ...]:
    spread = max(float(np.ptp(y)), 1e-6)
    low, high = float(y.min()) - spread / 2, float(y.max()) + spread / 2
    free = [
        _Free("e0", alone[0].at_zero_dose, low, high),
        _Free("e_a", alone[0].at_infinite_dose, low, high),
        _Free("e_b", alone[1].at_infinite_dose, low, high),
    ]
    if model.has_joint_plateau:
        free.append(_Free("e_ab", float(np.quantile(y, 0.95)), low, high))
    for which, dose, hill in zip("ab", doses, alone, strict=True):
        tested = np.log10(dose[dose > 0])
        ends = float(tested.min()) - 2.0, float(tested.max()) + 2.0
        free.append(_Free(f"log10_ec50_{which}", hill.log10_ec50, *ends))
        log_slope = float(np.log(hill.slope))
        ends = float(np.log(0.2)), float(np.log(10.0))
        free.append(_Free(f"slope_{which}", log_slope, *ends, lambda x: float(np.exp(x))))
    return (*free, *model.interaction)


def _named(free: tuple[_Free, ...], x: _Array) -> dict[str, float]:
    return {one.name: one.read(float(value)) for one, value in zip(free, x, strict=True)}


def _text(model: _Model, parameters: Mapping[str, BatchMean]) -> str:
    parts = []
    for name in model.said:
        mean = parameters[name]
        word = name.replace("_", " ")
        if mean.low is None or mean.high is None:
            parts.append(f"{word} {mean.value:.3g}")
        else:
            parts.append(f"{word} {mean.value:.3g} (95 % CI {mean.low:.3g} to {mean.high:.3g})")
    n = next(iter(parameters.values())).n
    tail = f"n = {n} batches" if n > 1 else f"{TECHNICAL_ONLY} (1 batch)"
    return f"{model.label}: {', '.join(parts)}; {tail}"
