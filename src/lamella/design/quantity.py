"""Is a quantity that a person gave usable at all?"""

from __future__ import annotations

import math

from lamella.errors import SettingsError

__all__ = ["not_negative", "percentages", "positive"]


def positive(**quantities: float) -> None:
    """Nothing, when every named quantity is positive and finite.

    Raises:
        SettingsError: One is not; its name stands in the message.

    >>> positive(gap_width=964.0)
    >>> positive(gap_width=-1.0)
    Traceback (most recent call last):
    lamella.errors.SettingsError: gap width is -1. Give a positive number.
    """
    for name, value in quantities.items():
        if not (value > 0 and math.isfinite(value)):
            said = name.replace("_", " ")
            raise SettingsError(f"{said} is {value:g}. Give a positive number.")


def not_negative(**quantities: float) -> None:
    """Nothing, when every named quantity is 0 or more and finite.

    Raises:
        SettingsError: One is not; its name stands in the message.

    >>> not_negative(overage_percent=0.0)
    """
    for name, value in quantities.items():
        if not (value >= 0 and math.isfinite(value)):
            said = name.replace("_", " ")
            raise SettingsError(f"{said} is {value:g}. Give 0 or a positive number.")


def percentages(**quantities: float) -> None:
    """Nothing, when every named quantity lies between 0 (not included) and 100.

    Raises:
        SettingsError: One does not; its name stands in the message.

    >>> percentages(viability=95.0)
    """
    positive(**quantities)
    for name, value in quantities.items():
        if value > 100:
            said = name.replace("_", " ")
            raise SettingsError(f"{said} is {value:g} %, more than 100 %. Give percent of all.")
