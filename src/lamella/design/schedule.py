"""How long an assay must run, how often to image it, and how much cells divide meanwhile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lamella.design.quantity import positive
from lamella.errors import SettingsError

__all__ = [
    "Imaging",
    "Stop",
    "closure_percent",
    "closure_time_h",
    "cycle_min",
    "doublings",
    "growth_fold",
    "imaging",
    "longest_interval_h",
    "nearest_neighbour_um",
    "shortest_interval_h",
    "stop_rule",
    "tracking_interval_h",
]

LARGEST_STEP = 0.3
"""Step between frames as a share of the distance to the nearest cell: tracks are safe below it.

Links of simulated tracks: F1 0.99 at 0.1, 0.96 at 0.3, 0.84 at 0.57, whichever tracker is used.
"""
MOST_DOUBLINGS = 0.5
"""Above it closure is growth as much as migration, and wants a proliferation control."""


def closure_time_h(gap_um: float, *, edge_speed_um_per_h: float) -> float:
    """When two facing edges meet [h].

    Args:
        gap_um: Width of the gap at time zero [µm].
        edge_speed_um_per_h: Speed of one edge [µm/h]; half the rate at which the gap narrows.

    Raises:
        SettingsError: A value is not positive.

    >>> [closure_time_h(964, edge_speed_um_per_h=v) for v in (4, 8, 16)]
    [120.5, 60.25, 30.125]
    """
    positive(gap_width=gap_um, edge_speed=edge_speed_um_per_h)
    return gap_um / (2 * edge_speed_um_per_h)


def closure_percent(gap_um: float, *, edge_speed_um_per_h: float, time_h: float) -> float:
    """How much of a gap has closed at a time [%], at most 100.

    At one speed a narrower gap shows more closure, so closure compares equal gaps alone:

    >>> closure_percent(800, edge_speed_um_per_h=10, time_h=12)
    30.0
    >>> closure_percent(640, edge_speed_um_per_h=10, time_h=12)  # a fifth narrower, a quarter more
    37.5

    Raises:
        SettingsError: A value is not positive.
    """
    positive(gap_width=gap_um, edge_speed=edge_speed_um_per_h, time=time_h)
    return min(100.0, 200 * edge_speed_um_per_h * time_h / gap_um)


def longest_interval_h(
    gap_um: float, *, edge_speed_um_per_h: float, frames_until_closed: int = 8
) -> float:
    """The longest time between frames that still draws the closure [h].

    Raises:
        SettingsError: A value is not positive.

    >>> longest_interval_h(960, edge_speed_um_per_h=10)
    6.0
    """
    positive(frames_until_closed=frames_until_closed)
    return closure_time_h(gap_um, edge_speed_um_per_h=edge_speed_um_per_h) / frames_until_closed


def shortest_interval_h(
    wells: int, *, fields: int, field_s: float, move_s: float = 1.5, load: float = 0.8
) -> float:
    """The shortest time between frames that a microscope can keep up with [h].

    Args:
        wells: Wells in one round.
        fields: Fields of each well.
        field_s: Stage, focus and all channels of one field [s].
        move_s: From one well to the next [s].
        load: Share of the interval that the round may fill; the rest is for refocusing.

    Raises:
        SettingsError: A value is not positive, or the load exceeds 1.

    >>> round(shortest_interval_h(96, fields=4, field_s=4.0) * 60, 1)
    35.0
    """
    positive(load=load)
    if load > 1 or move_s < 0:
        raise SettingsError("the load lies between 0 and 1, and the move takes 0 s or more.")
    return cycle_min(wells, fields=fields, field_s=field_s, move_s=move_s) / 60 / load


def cycle_min(wells: int, *, fields: int, field_s: float, move_s: float = 1.5) -> float:
    """One round of the microscope over all wells [min].

    Args:
        wells: Wells in one round.
        fields: Fields of each well.
        field_s: Stage, focus and all channels of one field [s].
        move_s: From one well to the next [s].

    Raises:
        SettingsError: A value is not positive.

    >>> round(cycle_min(24, fields=3, field_s=4.0), 1)
    5.4
    """
    positive(wells=wells, fields=fields, time_per_field=field_s)
    return wells * (move_s + fields * field_s) / 60


@dataclass(frozen=True, slots=True)
class Imaging:
    """Whether a microscope keeps up with an interval.

    Attributes:
        cycle_min: One round over all wells [min].
        shortest_min: The shortest interval that it keeps up with [min].
        interval_min: The interval that was asked for [min].
    """

    cycle_min: float
    shortest_min: float
    interval_min: float

    @property
    def feasible(self) -> bool:
        """Whether the microscope keeps up."""
        return self.shortest_min <= self.interval_min * (1 + 1e-9)


def imaging(
    wells: int, *, fields: int, field_s: float, interval_min: float, move_s: float = 1.5
) -> Imaging:
    """The round of a microscope beside the interval that is wanted of it.

    Raises:
        SettingsError: A value is not positive.

    >>> asked = imaging(96, fields=4, field_s=4.0, interval_min=30.0)
    >>> round(asked.cycle_min), round(asked.shortest_min), asked.feasible
    (28, 35, False)
    """
    positive(interval=interval_min)
    cycle = cycle_min(wells, fields=fields, field_s=field_s, move_s=move_s)
    shortest = 60 * shortest_interval_h(wells, fields=fields, field_s=field_s, move_s=move_s)
    return Imaging(cycle, shortest, interval_min)


def nearest_neighbour_um(cells_per_cm2: float) -> float:
    """Mean distance from a cell to the nearest other, for cells scattered at random [µm].

    Half the inverse root of the density (Clark and Evans 1954, 10.2307/1931034).

    Raises:
        SettingsError: The density is not positive.

    >>> nearest_neighbour_um(1e4)
    50.0
    """
    positive(cell_density=cells_per_cm2)
    return 0.5 * 1e4 / math.sqrt(cells_per_cm2)


def tracking_interval_h(
    cells_per_cm2: float, *, speed_um_per_h: float, largest_step: float = LARGEST_STEP
) -> float:
    """The longest interval at which a cell is still told from its neighbour [h].

    Args:
        cells_per_cm2: Density of the cells [1/cm²].
        speed_um_per_h: Speed of a cell between frames [µm/h].
        largest_step: Step between frames over the distance to the nearest cell.

    Raises:
        SettingsError: A value is not positive.

    >>> round(60 * tracking_interval_h(1e4, speed_um_per_h=30.0), 1)
    30.0
    """
    positive(speed=speed_um_per_h, largest_step=largest_step)
    return largest_step * nearest_neighbour_um(cells_per_cm2) / speed_um_per_h


@dataclass(frozen=True, slots=True)
class Stop:
    """When an assay of closure ends.

    Attributes:
        planned_h: Last frame as planned [h].
        control_closed_h: When the control should have closed [h]; None where no speed is known.
        doublings: How often the cells divide until then; None where it is not known.
        text: What that means, a sentence each.
    """

    planned_h: float
    control_closed_h: float | None
    doublings: float | None
    text: tuple[str, ...]


def stop_rule(
    planned_h: float,
    *,
    gap_um: float | None = None,
    edge_speeds_um_per_h: Sequence[float] = (),
    doubling_time_h: float | None = None,
) -> Stop:
    """The guide's rule, until the control has closed, beside the hours that were planned.

    Args:
        planned_h: Last frame [h].
        gap_um: Width of the gap at time zero [µm].
        edge_speeds_um_per_h: Speed of one edge of the control, slowest and fastest [µm/h].
        doubling_time_h: Doubling time of the cells [h].

    Raises:
        SettingsError: A value is not positive.

    >>> found = stop_rule(48, gap_um=964, edge_speeds_um_per_h=(4, 16), doubling_time_h=38.2)
    >>> round(found.control_closed_h, 1), round(found.doublings, 2)
    (120.5, 1.26)
    """
    positive(duration=planned_h)
    told: list[str] = []
    closed = divided = None
    if gap_um is not None and edge_speeds_um_per_h:
        times = [closure_time_h(gap_um, edge_speed_um_per_h=v) for v in edge_speeds_um_per_h]
        closed = max(times)
        between = f"{min(times):.0f} to {closed:.0f}" if len(times) > 1 else f"{closed:.0f}"
        told.append(f"The control should close in {between} h. {_judged(planned_h, times)}")
    if doubling_time_h is not None:
        divided = doublings(planned_h, doubling_time_h=doubling_time_h)
        fold = growth_fold(planned_h, doubling_time_h=doubling_time_h)
        told.append(f"Unblocked cells divide {divided:.2f} times ({fold:.2f}-fold) meanwhile.")
        if divided > MOST_DOUBLINGS:
            told[-1] += " Above 0.5 doublings a proliferation control is needed."
    return Stop(planned_h, closed, divided, tuple(told))


def _judged(planned_h: float, times_h: Sequence[float]) -> str:
    if planned_h < min(times_h):
        return (
            f"At {planned_h:g} h it is still open: speed can be read, time to closure cannot. "
            "Image longer, make a narrower gap, or use the speed."
        )
    if planned_h > max(times_h):
        return "Later frames of closed wells add nothing: read speeds before closure."
    return f"Keep imaging until the control has closed; at {planned_h:g} h it may be open."


def doublings(duration_h: float, *, doubling_time_h: float) -> float:
    """How often the cells divide during an assay.

    Raises:
        SettingsError: The duration is negative or the doubling time not positive.

    >>> round(doublings(48, doubling_time_h=38.2), 2)
    1.26
    """
    positive(doubling_time=doubling_time_h)
    if duration_h < 0:
        raise SettingsError(f"duration is {duration_h:g} h. Give 0 or more.")
    return duration_h / doubling_time_h


def growth_fold(duration_h: float, *, doubling_time_h: float) -> float:
    """Cells at the end for each cell at the start, when nothing holds growth back.

    Raises:
        SettingsError: The duration is negative or the doubling time not positive.

    >>> round(growth_fold(48, doubling_time_h=38.2), 2)
    2.39
    """
    return float(2 ** doublings(duration_h, doubling_time_h=doubling_time_h))
