"""What is a read-out worth relative to the controls of its own plate and batch?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lamella.errors import SettingsError, nearest
from lamella.potency.groups import Labels, Numbers, joint_codes, numbers
from lamella.table.wells import ROLES

__all__ = [
    "Centre",
    "Normalised",
    "area_over_curve",
    "growth_rate_inhibition",
    "growth_rate_values",
    "normalised_percent_inhibition",
    "percent_of_vehicle",
    "robust_z_score",
    "strongest_effect",
    "subtract_blank",
    "trimmed_mean",
]

Centre = Literal["mean", "median", "trimmed"]


@dataclass(frozen=True, slots=True)
class Normalised:
    """Values relative to their controls; nothing becomes NaN without a reason.

    Attributes:
        value: Shape (n,), in `unit`; NaN where `reason` is not empty.
        unit: `%`, or empty for a pure number; the unit of the input after blank subtraction.
        reason: Why there is no number, one text a row, empty where there is one.
        method: One sentence for the methods section.
    """

    value: NDArray[np.float64]
    unit: str
    reason: tuple[str, ...]
    method: str


def percent_of_vehicle(
    value: Numbers,
    role: Labels,
    *,
    plate: Labels | None = None,
    batch: Labels | None = None,
    centre: Centre = "mean",
) -> Normalised:
    """Each value in percent of the vehicle wells of its plate and batch.

    Vehicle wells are normalised like all others and keep their scatter.

    Args:
        value: Shape (n,), any unit with a true zero; subtract blanks first if there are any.
        role: Shape (n,), one of `lamella.table.wells.ROLES`.
        plate: Shape (n,); None for one plate. Controls of another plate are never borrowed:
            leave the plate out to normalise to the vehicle of the whole batch.
        batch: Shape (n,); None for one batch.
        centre: How the vehicle wells are summarised.

    Raises:
        SettingsError: A role is not known.

    >>> out = percent_of_vehicle([2.0, 4.0, 1.5], ["vehicle", "vehicle", "test"])
    >>> out.value.round(2).tolist()
    [66.67, 133.33, 50.0]
    """
    plan = _Plan(value, role, plate, batch, centre)

    def relative(rows: NDArray[np.float64], group: int) -> NDArray[np.float64] | str:
        vehicle = plan.centre_of("vehicle", group)
        if isinstance(vehicle, str):
            return vehicle
        if vehicle <= 0:
            return f"{plan.place(group)}: the vehicle {centre} is {vehicle:.4g}, not above 0"
        return 100 * rows / vehicle

    return plan.apply(relative, "%", f"percent of the vehicle {_words(centre)}")


def normalised_percent_inhibition(
    value: Numbers,
    role: Labels,
    *,
    plate: Labels | None = None,
    batch: Labels | None = None,
    centre: Centre = "mean",
) -> Normalised:
    """Inhibition in percent: 0 at the vehicle wells, 100 at the positive controls.

    Arguments and errors as `percent_of_vehicle`; the sign of the read-out does not matter.

    References:
        Malo et al. 2006, Nat Biotechnol 24:167, normalised percent inhibition.

    >>> roles = ["vehicle", "positive", "test"]
    >>> normalised_percent_inhibition([10.0, 2.0, 4.0], roles).value.tolist()
    [0.0, 100.0, 75.0]
    """
    plan = _Plan(value, role, plate, batch, centre)

    def inhibition(rows: NDArray[np.float64], group: int) -> NDArray[np.float64] | str:
        vehicle = plan.centre_of("vehicle", group)
        positive = plan.centre_of("positive", group)
        if isinstance(vehicle, str):
            return vehicle
        if isinstance(positive, str):
            return positive
        if vehicle == positive:
            return f"{plan.place(group)}: vehicle and positive control are equal"
        return 100 * (vehicle - rows) / (vehicle - positive)

    text = f"percent inhibition between the vehicle and the positive-control {_words(centre)}"
    return plan.apply(inhibition, "%", text)


def subtract_blank(
    value: Numbers,
    role: Labels,
    *,
    plate: Labels | None = None,
    batch: Labels | None = None,
    centre: Centre = "mean",
) -> Normalised:
    """Each value less the blank wells of its plate and batch, in the unit of the input.

    Arguments and errors as `percent_of_vehicle`. Values below the blank stay negative.

    >>> subtract_blank([0.1, 0.9], ["blank", "test"]).value.tolist()
    [0.0, 0.8]
    """
    plan = _Plan(value, role, plate, batch, centre)

    def above_blank(rows: NDArray[np.float64], group: int) -> NDArray[np.float64] | str:
        blank = plan.centre_of("blank", group)
        return blank if isinstance(blank, str) else rows - blank

    return plan.apply(above_blank, "", f"blank {_words(centre)} subtracted")


def robust_z_score(
    value: Numbers,
    role: Labels,
    *,
    plate: Labels | None = None,
    batch: Labels | None = None,
) -> Normalised:
    """Distance from the vehicle median in units of the vehicle's scaled MAD.

    Arguments as `percent_of_vehicle`. The factor 1.4826 makes the MAD of normal data an SD.

    References:
        Malo et al. 2006, Nat Biotechnol 24:167.

    >>> roles = ["vehicle"] * 3 + ["test"]
    >>> robust_z_score([9.0, 10.0, 11.0, 4.0], roles).value.round(2).tolist()
    [-0.67, 0.0, 0.67, -4.05]
    """
    plan = _Plan(value, role, plate, batch, "median")

    def distance(rows: NDArray[np.float64], group: int) -> NDArray[np.float64] | str:
        vehicle = plan.control("vehicle", group)
        if vehicle.size < 3:
            return f"{plan.place(group)} has {vehicle.size} vehicle wells; a spread needs 3"
        spread = 1.482602218505602 * float(np.median(np.abs(vehicle - np.median(vehicle))))
        if spread == 0:
            return f"{plan.place(group)}: half of the vehicle wells are equal, so no spread"
        return (rows - float(np.median(vehicle))) / spread

    return plan.apply(distance, "", "robust z-score against the vehicle wells (median, MAD)")


def growth_rate_inhibition(
    value: Numbers,
    role: Labels,
    *,
    at_start: Numbers | float,
    plate: Labels | None = None,
    batch: Labels | None = None,
    centre: Centre = "trimmed",
) -> Normalised:
    """GR value of each well: 1 = grows as vehicle, 0 = stasis, below 0 = cells are lost.

    Args:
        value: Cell number or proportional signal at the end, shape (n,), blank subtracted.
        role: Shape (n,); the vehicle wells are the growing control.
        at_start: The same signal when compound was added, shape (n,) or one number.
        plate: Shape (n,); None for one plate.
        batch: Shape (n,); None for one batch.
        centre: Summary of the vehicle wells; the default cuts a quarter at each end, as the
            published GR tables do.

    References:
        Hafner et al. 2016, Nat Methods 13:521, equation 1.

    >>> out = growth_rate_inhibition([400.0, 200.0], ["vehicle", "test"], at_start=100.0)
    >>> out.value.round(4).tolist()
    [1.0, 0.4142]
    """
    plan = _Plan(value, role, plate, batch, centre)
    start = np.broadcast_to(np.asarray(at_start, dtype=np.float64), plan.value.shape)
    control = np.full(plan.value.size, np.nan)
    reason = list(plan.reason)
    for group in range(plan.groups):
        middle = plan.centre_of("vehicle", group)
        for row in np.flatnonzero(plan.group == group):
            if isinstance(middle, str):
                reason[row] = reason[row] or middle
            else:
                control[row] = middle
    for index in range(plan.value.size):
        reason[index] = reason[index] or _growth_problem(
            plan.value[index], control[index], start[index]
        )
    ok = np.array([not text for text in reason])
    out = np.full(plan.value.size, np.nan)
    out[ok] = growth_rate_values(plan.value[ok], control=control[ok], at_start=start[ok])
    return Normalised(out, "", tuple(reason), f"growth-rate inhibition, vehicle {_words(centre)}")


def growth_rate_values(
    count: Numbers, *, control: Numbers | float, at_start: Numbers | float
) -> NDArray[np.float64]:
    """GR = 2^(log2(x/x0) / log2(xctrl/x0)) - 1 of positive counts.

    Args:
        count: Cells at the end, shape (n,).
        control: Cells of the control at the end, shape (n,) or one number, above `at_start`.
        at_start: Cells when compound was added, shape (n,) or one number.

    References:
        Hafner et al. 2016, Nat Methods 13:521, equation 1.

    >>> growth_rate_values([100.0, 400.0], control=400.0, at_start=100.0).tolist()
    [0.0, 1.0]
    """
    start = np.asarray(at_start, dtype=np.float64)
    doublings = np.log2(numbers(count) / start)
    return np.asarray(np.exp2(doublings / np.log2(np.asarray(control) / start)) - 1)


def strongest_effect(dose: Numbers, response: Numbers) -> float:
    """The lower of the mean responses at the two highest doses (GRmax of the GR tables).

    Args:
        dose: Shape (n,), any unit; zero doses are left out.
        response: Shape (n,), where a lower value is more inhibition.

    >>> strongest_effect([1.0, 10.0, 100.0], [0.9, 0.2, 0.3])
    0.2
    """
    _, means = _dose_means(dose, response)
    return float(np.min(means[-2:]))


def area_over_curve(dose: Numbers, response: Numbers) -> float:
    """Mean of 1 - response over log dose in the tested range (GR_AOC), by the trapezoid rule.

    Args:
        dose: Shape (n,), any unit; zero doses are left out, at least two others are needed.
        response: Shape (n,), fractions of control or GR values.

    >>> area_over_curve([1.0, 10.0, 100.0], [1.0, 0.5, 0.0])
    0.5
    """
    log_dose, means = _dose_means(dose, response)
    if log_dose.size < 2:
        raise ValueError("an area needs two different doses above 0")
    lost = 1 - means
    area = float(np.sum(np.diff(log_dose) * (lost[1:] + lost[:-1]) / 2))
    return area / float(log_dose[-1] - log_dose[0])


def trimmed_mean(value: Numbers, *, cut: float = 0.25) -> float:
    """Mean after a fraction of the sorted values is cut from each end (rounded down).

    >>> trimmed_mean([0.0, 1.0, 2.0, 99.0])
    1.5
    """
    if not 0 <= cut < 0.5:
        raise ValueError(f"cut is {cut}, not in 0 ... 0.5")
    ordered = np.sort(numbers(value))
    drop = int(cut * ordered.size)
    return float(np.mean(ordered[drop : ordered.size - drop]))


def _dose_means(dose: Numbers, response: Numbers) -> tuple[NDArray[np.float64], ...]:
    doses, responses = numbers(dose), numbers(response)
    use = (doses > 0) & np.isfinite(responses)
    levels, row = np.unique(doses[use], return_inverse=True)
    return np.log10(levels), np.bincount(row, weights=responses[use]) / np.bincount(row)


def _growth_problem(count: float, control: float, start: float) -> str:
    if not start > 0:
        return f"the signal at time zero is {start:.4g}, not above 0"
    if not count > 0:
        return f"the signal is {count:.4g} after the blank, so its logarithm does not exist"
    if not control > start:
        return (
            f"the vehicle wells did not grow ({start:.4g} -> {control:.4g}), "
            "so growth-rate inhibition is not defined; use percent of vehicle"
        )
    return ""


def _words(centre: Centre) -> str:
    return {
        "mean": "mean",
        "median": "median",
        "trimmed": "25 % trimmed mean (a quarter cut at each end)",
    }[centre]


_CENTRES: dict[Centre, Callable[[NDArray[np.float64]], float]] = {
    "mean": lambda rows: float(np.mean(rows)),
    "median": lambda rows: float(np.median(rows)),
    "trimmed": trimmed_mean,
}


class _Plan:
    """The rows of each plate and batch, and the controls among them."""

    def __init__(
        self,
        value: Numbers,
        role: Labels,
        plate: Labels | None,
        batch: Labels | None,
        centre: Centre,
    ) -> None:
        self.value = numbers(value)
        if len(role) != self.value.size:
            raise ValueError(f"{len(role)} roles for {self.value.size} values")
        self.role = np.array([str(one) for one in role], dtype=object)
        for one in dict.fromkeys(self.role):
            if one not in ROLES:
                raise SettingsError(f"role '{one}' is not known. {nearest(one, ROLES)}")
        self.keys, self.group = joint_codes(batch, plate, length=self.value.size)
        self.groups = len(self.keys)
        self.centre: Centre = centre
        self.reason = tuple(
            "" if np.isfinite(one) else "the value is missing or infinite" for one in self.value
        )

    def place(self, group: int) -> str:
        batch, plate = self.keys[group]
        words = [f"plate {plate}"] * bool(plate) + [f"batch {batch}"] * bool(batch)
        return ", ".join(words) or "the plate"

    def control(self, role: str, group: int) -> NDArray[np.float64]:
        rows = self.value[(self.group == group) & (self.role == role)]
        return np.asarray(rows[np.isfinite(rows)])

    def centre_of(self, role: str, group: int) -> float | str:
        rows = self.control(role, group)
        if rows.size == 0:
            word = "positive control" if role == "positive" else role
            return f"{self.place(group)} has no {word} well with a value"
        return _CENTRES[self.centre](rows)

    def apply(
        self,
        formula: Callable[[NDArray[np.float64], int], NDArray[np.float64] | str],
        unit: str,
        method: str,
    ) -> Normalised:
        out = np.full(self.value.size, np.nan)
        reason = list(self.reason)
        for group in range(self.groups):
            rows = np.flatnonzero(self.group == group)
            result = formula(self.value[rows], group)
            for place, row in enumerate(rows):
                if isinstance(result, str):
                    reason[row] = reason[row] or result
                elif not reason[row]:
                    out[row] = result[place]
        by = [word for word, many in (("plate", 1), ("batch", 0)) if self._named(many)]
        where = f", per {' and '.join(by)}" if by else ""
        return Normalised(out, unit, tuple(reason), method + where)

    def _named(self, part: int) -> bool:
        return any(key[part] for key in self.keys)
