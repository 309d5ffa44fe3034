"""How a potency is printed: doses with their unit, bounds in place of numbers."""

from __future__ import annotations

from lamella.units import Dose, dose_unit_scale, format_dose

__all__ = ["above", "below", "dose_text", "number"]


def dose_text(dose: float, unit: str) -> str:
    """A dose in the unit that a person would choose.

    >>> dose_text(1980.0, "nM")
    '1.98 µM'
    """
    dimension, factor = dose_unit_scale(unit)
    return format_dose(Dose(dose * factor, dimension), digits=3)


def number(value: float, low: float | None, high: float | None, unit: str) -> str:
    """An estimate with its interval, open ends in words.

    >>> number(3.058, 2.691, 3.475, "nM")
    '3.06 nM (95 % CI 2.69 to 3.48)'
    >>> number(55.0, 14.3, None, "nM")
    '55 nM (95 % CI 14.3 to open)'
    """
    text = dose_text(value, unit)
    printed_unit = text.split()[-1]
    _, factor = dose_unit_scale(unit)
    _, printed = dose_unit_scale(printed_unit)
    ends = ["open" if end is None else f"{end * factor / printed:.3g}" for end in (low, high)]
    return f"{text} (95 % CI {ends[0]} to {ends[1]})"


def above(top: float, limit: float | None, unit: str) -> str:
    """No number: the IC50 lies above the tested doses.

    >>> above(10_000.0, 4_100.0, "nM"), above(10_000.0, None, "nM")
    ('> 10 µM (95 % lower limit 4.1 µM)', '> 10 µM')
    """
    limited = "" if limit is None else f" (95 % lower limit {dose_text(limit, unit)})"
    return f"> {dose_text(top, unit)}{limited}"


def below(bottom: float, limit: float | None, unit: str) -> str:
    """No number: the IC50 lies below the tested doses.

    >>> below(1.0, 1.4, "nM")
    '< 1 nM (95 % upper limit 1.4 nM)'
    """
    limited = "" if limit is None else f" (95 % upper limit {dose_text(limit, unit)})"
    return f"< {dose_text(bottom, unit)}{limited}"
