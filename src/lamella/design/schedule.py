"""How long an assay must run, how often to image it, and how much cells divide meanwhile."""

from __future__ import annotations

from lamella.design.quantity import positive
from lamella.errors import SettingsError

__all__ = [
    "closure_time_h",
    "doublings",
    "growth_fold",
    "longest_interval_h",
    "shortest_interval_h",
]


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
    positive(wells=wells, fields=fields, time_per_field=field_s, load=load)
    if load > 1 or move_s < 0:
        raise SettingsError("the load lies between 0 and 1, and the move takes 0 s or more.")
    return wells * (move_s + fields * field_s) / 3600 / load


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
