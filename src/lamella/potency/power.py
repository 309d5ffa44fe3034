"""How many batches, wells and fields does an effect need to be seen?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from lamella.errors import MeasurementError
from lamella.potency.groups import Labels, Numbers, level_means, numbers
from lamella.potency.mixed import nested_model
from lamella.potency.simultaneous import largest_t

__all__ = [
    "Layout",
    "SampleSize",
    "VarianceComponents",
    "detectable_effect",
    "nested_power",
    "pilot_components",
    "sample_size",
    "simulated_power",
]

_MOST_BATCHES = 200


@dataclass(frozen=True, slots=True)
class VarianceComponents:
    """Standard deviations of each level, in the unit of the read-out (or of its logarithm).

    Attributes:
        batch: Between batches, shared by all wells of a batch; drops out of paired designs.
        batch_treatment: Of the treatment effect between batches.
        well: Between wells of one batch and treatment.
        field: Between fields of one well.
    """

    batch: float
    batch_treatment: float
    well: float
    field: float = 0.0

    def __post_init__(self) -> None:
        """Refuse negative standard deviations."""
        if min(self.batch, self.batch_treatment, self.well, self.field) < 0:
            raise ValueError(f"a standard deviation is negative: {self}")


@dataclass(frozen=True, slots=True)
class Layout:
    """How an experiment is laid out.

    Attributes:
        batches: Independent experiments; for an unpaired design, in each group.
        wells: Wells of each treatment in each batch.
        fields: Fields of each well.
        treatments: Treatments that are compared with the vehicle, by Dunnett's test.
        paired: Vehicle and treatments stand side by side in every batch.
    """

    batches: int
    wells: int = 1
    fields: int = 1
    treatments: int = 1
    paired: bool = True

    def __post_init__(self) -> None:
        """Refuse layouts without scatter to test against."""
        if self.batches < 2:
            raise MeasurementError(
                f"{self.batches} batch gives technical replicates only: power needs at least 2."
            )
        if min(self.wells, self.fields, self.treatments) < 1:
            raise ValueError(f"wells, fields and treatments are at least 1: {self}")

    @property
    def df(self) -> int:
        """Residual degrees of freedom of the batch-level comparison."""
        if self.paired:
            return (self.batches - 1) * self.treatments
        return (self.batches - 1) * (self.treatments + 1)


@dataclass(frozen=True, slots=True)
class SampleSize:
    """The smallest number of batches that reaches the wanted power.

    `batches` is None where no number up to 200 does; `text` says what limits it.
    """

    batches: int | None
    power: float
    text: str


def nested_power(
    effect: float, layout: Layout, *, components: VarianceComponents, alpha: float = 0.05
) -> float:
    """Probability that one treatment with this true effect is found, two-sided.

    Args:
        effect: True difference from vehicle, in the unit of the components.
        layout: Batches, wells, fields, treatments.
        components: From `pilot_components` or the literature.
        alpha: Of the whole comparison (familywise over the treatments).

    References:
        Noncentral t with variance 2 (s_bt^2 + s_well^2/m + s_field^2/(m f)) / n, plus
        2 s_batch^2 / n where batches are not shared.

    >>> sd_of_differences = VarianceComponents(0.0, 1 / 2**0.5, 0.0)
    >>> round(nested_power(2.13, Layout(batches=4), components=sd_of_differences), 2)
    0.8
    """
    return _power(effect / _standard_error(components, layout), layout, _critical(layout, alpha))


def detectable_effect(
    layout: Layout,
    *,
    components: VarianceComponents,
    power: float = 0.8,
    alpha: float = 0.05,
) -> float:
    """The smallest true effect that this layout finds with the wanted power.

    >>> sd_of_differences = VarianceComponents(0.0, 1 / 2**0.5, 0.0)
    >>> round(detectable_effect(Layout(batches=3), components=sd_of_differences), 2)
    3.26
    """
    _check_power(power, alpha)
    critical = _critical(layout, alpha)
    low, high = 0.0, 1.0
    while _power(high, layout, critical) < power:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _power(middle, layout, critical) < power else (low, middle)
    return high * _standard_error(components, layout)


def sample_size(
    effect: float,
    layout: Layout,
    *,
    components: VarianceComponents,
    power: float = 0.8,
    alpha: float = 0.05,
) -> SampleSize:
    """Batches needed to find an effect with the wanted power; `layout.batches` is ignored.

    >>> pilot = VarianceComponents(batch=0.2, batch_treatment=0.1, well=0.15)
    >>> sample_size(0.3, Layout(2, wells=4), components=pilot).batches
    5
    """
    _check_power(power, alpha)
    if effect == 0:
        raise MeasurementError("an effect of 0 cannot be found; state the smallest that matters.")
    low, high = 1, _MOST_BATCHES
    reached = nested_power(
        effect, replace(layout, batches=high), components=components, alpha=alpha
    )
    if reached < power:
        text = (
            f"power {reached:.2f} with {_MOST_BATCHES} batches: the effect {effect:.3g} is too "
            "small for this scatter. Reduce the scatter between batches or accept a larger effect."
        )
        return SampleSize(None, reached, text)
    while high - low > 1:
        middle = (low + high) // 2
        now = nested_power(
            effect, replace(layout, batches=middle), components=components, alpha=alpha
        )
        low, high = (low, middle) if now >= power else (middle, high)
    reached = nested_power(
        effect, replace(layout, batches=high), components=components, alpha=alpha
    )
    each = "" if layout.paired else " in each group"
    text = (
        f"{high} batches{each} with {layout.wells} wells of {layout.fields} fields find an effect "
        f"of {effect:.3g} with power {reached:.2f} (two-sided, alpha {alpha:g}, "
        f"{layout.treatments} against vehicle)"
    )
    return SampleSize(high, reached, text)


def pilot_components(
    value: Numbers,
    treatment: Labels,
    *,
    batch: Labels,
    vehicle: str,
    well: Labels,
) -> VarianceComponents:
    """Standard deviations of batch, batch x treatment, well and field from a pilot.

    Args:
        value: Shape (n,), one row a field (or a well); take logarithms for ratio effects.
        treatment: Shape (n,).
        batch: Shape (n,), at least 2.
        vehicle: Name of the vehicle.
        well: Shape (n,), names within plate and batch.

    Raises:
        MeasurementError: As `nested_model`; pilots of one batch or one well a treatment
            cannot tell the levels apart.

    >>> rng = np.random.default_rng(1)
    >>> treatment = np.tile(np.repeat(["v", "d"], 8), 40)
    >>> batch, well = np.repeat(np.arange(40), 16), np.tile(np.repeat(np.arange(8), 2), 40)
    >>> value = rng.normal(0, 1, 40)[batch] + np.repeat(rng.normal(0, 0.5, 320), 2)
    >>> found = pilot_components(value, treatment, batch=batch, vehicle="v", well=well)
    >>> round(found.batch, 1), round(found.well, 1), round(found.field, 1)
    (1.0, 0.5, 0.0)
    """
    means, keys, count = level_means(value, treatment, batch, well)
    t_names, b_names = [key[0] for key in keys], [key[1] for key in keys]
    model = nested_model(means, t_names, batch=b_names, vehicle=vehicle)
    if model.variance_batch_treatment is None or model.variance_residual is None:
        raise MeasurementError(
            "the pilot has one well for each batch and treatment, or batches that hold one "
            "treatment: wells cannot be told from batches. Use two wells of each in each batch."
        )
    field = _field_variance(value, (treatment, batch, well), means, keys)
    between_wells = model.variance_residual - field * float(np.mean(1 / count))
    return VarianceComponents(
        batch=math.sqrt(max(model.variance_batch, 0.0)),
        batch_treatment=math.sqrt(max(model.variance_batch_treatment, 0.0)),
        well=math.sqrt(max(between_wells, 0.0)),
        field=math.sqrt(field),
    )


def simulated_power(
    effect: float,
    layout: Layout,
    *,
    components: VarianceComponents,
    rng: np.random.Generator,
    runs: int = 2_000,
    alpha: float = 0.05,
) -> float:
    """The same probability by drawing every field of `runs` experiments: the check of `power`.

    Only the first treatment has the effect; the others equal the vehicle.

    >>> quiet = VarianceComponents(0.5, 0.1, 0.2, 0.1)
    >>> layout = Layout(batches=4, wells=3, fields=2)
    >>> by_hand = nested_power(0.4, layout, components=quiet)
    >>> rng = np.random.default_rng(3)
    >>> abs(simulated_power(0.4, layout, components=quiet, rng=rng) - by_hand) < 0.04
    True
    """
    groups, n = layout.treatments + 1, layout.batches
    shape = (runs, groups, n, layout.wells, layout.fields)
    batch = rng.normal(0, components.batch, (runs, 1 if layout.paired else groups, n))
    value = batch + rng.normal(0, components.batch_treatment, shape[:3])
    value[:, 1] += effect
    wells = rng.normal(0, components.well, shape[:4])
    wells += rng.normal(0, components.field, shape).mean(axis=4)
    mean = value + wells.mean(axis=3)
    centred = mean - mean.mean(axis=2, keepdims=True)
    if layout.paired:
        centred -= centred.mean(axis=1, keepdims=True)
    variance = (centred**2).sum(axis=(1, 2)) / layout.df
    difference = mean[:, 1].mean(axis=1) - mean[:, 0].mean(axis=1)
    t = difference / np.sqrt(2 * variance / n)
    return float(np.mean(np.abs(t) > _critical(layout, alpha)))


def _standard_error(components: VarianceComponents, layout: Layout) -> float:
    one = components.batch_treatment**2 + components.well**2 / layout.wells
    one += components.field**2 / (layout.wells * layout.fields)
    if not layout.paired:
        one += components.batch**2
    if one == 0:
        raise MeasurementError("all standard deviations are 0: state the scatter of a pilot.")
    return math.sqrt(2 * one / layout.batches)


def _critical(layout: Layout, alpha: float) -> float:
    size = layout.treatments
    correlation: NDArray[np.float64] = np.full((size, size), 0.5) + 0.5 * np.eye(size)
    return largest_t(correlation, df=layout.df).critical(1 - alpha)


def _power(ncp: float, layout: Layout, critical: float) -> float:
    size = abs(ncp)
    above = 1 - float(special.nctdtr(layout.df, size, critical))
    # The far side is the mirror image; it vanishes and is not computed where it cannot matter.
    below = float(special.nctdtr(layout.df, size, -critical)) if size < 5 else 0.0
    return min(1.0, max(0.0, above + below))


def _check_power(power: float, alpha: float) -> None:
    if not (0 < alpha < 1 and alpha < power < 1):
        raise MeasurementError(
            f"power {power:g} at alpha {alpha:g}: write fractions with alpha < power < 1, "
            "for example 0.8 and 0.05."
        )


def _field_variance(
    value: Numbers,
    labels: tuple[Labels, Labels, Labels],
    means: NDArray[np.float64],
    keys: tuple[tuple[str, ...], ...],
) -> float:
    array = numbers(value)
    by_key = dict(zip(keys, means, strict=True))
    squares, rows = 0.0, 0
    for row, place in enumerate(zip(*labels, strict=True)):
        if math.isfinite(array[row]):
            squares += float(array[row] - by_key[tuple(str(one) for one in place)]) ** 2
            rows += 1
    return squares / (rows - len(keys)) if rows > len(keys) else 0.0
