"""Is a quantity that a person gave usable at all?"""

from __future__ import annotations

import math

from lamella.errors import SettingsError

__all__ = ["positive"]


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
