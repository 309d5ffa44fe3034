"""What is the IC50 over independent experiments, when some never reached it?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from lamella.potency import wording
from lamella.potency.result import BetweenBatches, CurveResult

__all__ = ["between_batches"]


def between_batches(curves: Sequence[CurveResult], *, unit: str) -> BetweenBatches | None:
    """Mean log10 IC50 over batches with its t-interval (n - 1 degrees of freedom).

    Args:
        curves: One result a batch of the same curve.
        unit: Dose unit of the results.
    """
    if not curves:
        return None
    n = len(curves)
    if n == 1:
        text = "one batch: technical replicates only, no estimate between experiments"
        return BetweenBatches(1, None, None, None, "none", text, "insufficient_design")
    values = [c.potency.value for c in curves]
    known = [v for v in values if v is not None]
    if len(known) < n:
        text = f"{n - len(known)} of {n} batches have no IC50; no estimate over batches"
        return BetweenBatches(n, None, None, None, "censored", text, "not_reached")
    logs = np.log10(np.array(known))
    half = float(stdtrit(n - 1, 0.975)) * float(logs.std(ddof=1)) / np.sqrt(n)
    value, low, high = (
        float(10.0**v) for v in (logs.mean(), logs.mean() - half, logs.mean() + half)
    )
    text = f"{wording.number(value, low, high, unit)}, n = {n} batches"
    method = "mean log10 IC50 of batches, t-interval with n - 1 degrees of freedom"
    return BetweenBatches(n, value, low, high, method, text, "closed")
