"""Does dose do anything at all? The largest F over all sigmoids, against its simulated null."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamella.potency.collapse import Collapsed
from lamella.potency.families.family import log_ratio, sigmoid

__all__ = ["AnyEffect", "any_effect", "any_effect_batch"]

F8 = NDArray[np.float64]

_SIMULATIONS = 20_000
_SEED = 20_260_101
_SLOPES = np.log([0.3, 0.6, 1.0, 1.6, 2.6, 4.5, 8.0, 20.0, 100.0])


@dataclass(frozen=True, slots=True)
class AnyEffect:
    """Largest F of a four-parameter sigmoid against no effect, and its p."""

    f: float
    p: float


def any_effect(data: Collapsed) -> AnyEffect:
    """Test of no effect of dose, for one curve.

    EC50 and slope mean nothing under the null, so F(3, n - 4) is not the distribution of the
    largest F. It is simulated: 20,000 flat curves on the same doses, replicates and weights,
    each searched over the same grid of sigmoids as the data. One simulation serves every
    curve on that design; the seed is fixed, so p is the same in every run. The smallest p is
    5e-5.

    References:
        Davies 1987, Biometrika 74:33, on parameters that exist only under the alternative.
    """
    f = _statistic(data.y[None, :], np.array([data.ss_pure]), data.x, w=data.w, df=_df(data))
    null = _null(_key(data.x), _key(data.w / data.w.mean()), data.df_pure, _df(data))
    return AnyEffect(float(f[0]), _p(f, null)[0])


def any_effect_batch(y: F8, ss_pure: F8, *, x: F8, w: F8, df_pure: int, df: int) -> tuple[F8, F8]:
    """F and p of many curves on one design.

    Args:
        y: Dose means, shape (K, m).
        ss_pure: Sum of squares around them, shape (K,).
        x: log10 doses, shape (m,), -inf for 0.
        w: Weight (number of replicates) of each dose, shape (m,).
        df_pure: Degrees of freedom of `ss_pure`.
        df: Points minus 4.
    """
    x = x - x[np.isfinite(x)].mean()
    f = _statistic(y, ss_pure, x, w=w, df=df)
    return f, np.array(_p(f, _null(_key(x), _key(w / w.mean()), df_pure, df)))


def _p(f: F8, null: F8) -> list[float]:
    above = null.size - np.searchsorted(null, f, side="left")
    return [float(p) for p in (1.0 + above) / (1.0 + null.size)]


def _df(data: Collapsed) -> int:
    lost = int(data.n[0]) - 1 if data.self_normalised else 0
    return max(data.points - 4 - lost, 1)


def _key(values: F8) -> tuple[float, ...]:
    # Nine digits make the same design in another dose unit the same key.
    return tuple(round(v, 9) + 0.0 for v in values.tolist())


@functools.lru_cache(maxsize=256)
def _null(x: tuple[float, ...], w: tuple[float, ...], df_pure: int, df: int) -> F8:
    rng = np.random.default_rng(_SEED)
    weights = np.array(w)
    means = rng.standard_normal((_SIMULATIONS, len(x))) / np.sqrt(weights)
    pure = rng.chisquare(df_pure, _SIMULATIONS) if df_pure > 0 else np.zeros(_SIMULATIONS)
    return np.sort(_statistic(means, pure, np.array(x), w=weights, df=df))


def _statistic(y: F8, ss_pure: F8, x: F8, *, w: F8, df: int) -> F8:
    contrasts = _contrasts(x, w)
    centred = y - (y @ w / w.sum())[:, None]
    flat = (centred**2) @ w
    explained = (((centred * w) @ contrasts) ** 2).max(axis=1)
    explained = np.minimum(explained, flat)
    left = flat - explained + ss_pure
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (explained / 3.0) / (left / df)
    return np.where(explained <= 0, 0.0, np.nan_to_num(f, nan=0.0, posinf=np.inf))


def _contrasts(x: F8, w: F8) -> F8:
    """Sigmoids of the grid, centred and scaled to unit weighted length, shape (m, G)."""
    finite = x[np.isfinite(x)]
    spacing = np.median(np.diff(finite)) if finite.size > 1 else 1.0
    centres = np.arange(finite[0] - 2 * spacing, finite[-1] + 2 * spacing, spacing / 4)
    nodes = np.stack(np.meshgrid(centres, _SLOPES, indexing="ij"), -1).reshape(-1, 2)
    curves = sigmoid(log_ratio(x, nodes[:, 0], nodes[:, 1]))[0]
    curves = curves - (curves @ w / w.sum())[:, None]
    length = np.sqrt((curves**2) @ w)
    keep = length > 1e-9
    return np.asarray((curves[keep] / length[keep, None]).T, dtype=np.float64)
