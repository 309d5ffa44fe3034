"""Doses, lengths, times and volumes: read and printed here and nowhere else.

Inside Lamella plain numbers carry their unit in the name (`_molar`, `_um`, `_h`). This module
turns what people write into those numbers and back. A number without a unit is never guessed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from lamella.errors import UnitError, nearest

__all__ = [
    "Dimension",
    "Dose",
    "dose_unit_scale",
    "format_dose",
    "format_volume",
    "parse_dose",
    "parse_length_um",
    "parse_time_h",
    "parse_volume_ul",
]

Dimension = Literal["molar", "g_per_l", "au"]

_DOSE_UNITS: dict[str, tuple[Dimension, float]] = {
    "M": ("molar", 1.0),
    "mM": ("molar", 1e-3),
    "uM": ("molar", 1e-6),
    "nM": ("molar", 1e-9),
    "pM": ("molar", 1e-12),
    "fM": ("molar", 1e-15),
    "mol/L": ("molar", 1.0),
    "g/L": ("g_per_l", 1.0),
    "mg/mL": ("g_per_l", 1.0),
    "ug/mL": ("g_per_l", 1e-3),
    "mg/L": ("g_per_l", 1e-3),
    "ng/mL": ("g_per_l", 1e-6),
    "pg/mL": ("g_per_l", 1e-9),
    "au": ("au", 1.0),
}
_LENGTHS_UM = {"nm": 1e-3, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
_VOLUMES_UL = {"nL": 1e-3, "uL": 1.0, "mL": 1e3, "L": 1e6}
_TIMES_H = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}
_MICRO = str.maketrans({"µ": "u", "μ": "u"})
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?)\s*(\S*)\s*")


@dataclass(frozen=True, slots=True, order=True)
class Dose:
    """An amount of compound in the well, in the base unit of its dimension.

    `amount` is in mol/L for `molar`, g/L for `g_per_l` and as the source prints it for `au`.
    """

    amount: float
    dimension: Dimension = "molar"

    def __str__(self) -> str:
        return format_dose(self)


def dose_unit_scale(unit: str) -> tuple[Dimension, float]:
    """Dimension of a dose unit, and the factor that takes it to the base unit.

    Raises:
        UnitError: The unit is not known.

    >>> dose_unit_scale("nM")
    ('molar', 1e-09)
    """
    key = unit.translate(_MICRO)
    if key in _DOSE_UNITS:
        return _DOSE_UNITS[key]
    raise UnitError(f"dose unit '{unit}' is not known. {nearest(key, _DOSE_UNITS)}")


def parse_dose(text: str, *, default_unit: str | None = None) -> Dose:
    """The dose that a person wrote, for example `73.7 nM`; a bare 0 needs no unit.

    Args:
        text: Number and unit; decimal point or comma, `u`, `µ` or `μ` for micro.
        default_unit: Unit of a bare number; None refuses bare numbers.

    Raises:
        UnitError: No number, no unit, an unknown unit, or a negative or infinite dose.

    >>> parse_dose("73,7 nM").amount
    7.37e-08
    >>> parse_dose("0")
    Dose(amount=0.0, dimension='molar')
    """
    value, unit = _split(text, "dose", "73.7 nM")
    if value < 0 or not math.isfinite(value):
        raise UnitError(f"dose '{text}' is negative or infinite. Write 0 or a positive number.")
    if not unit:
        if default_unit is not None:
            unit = default_unit
        elif value == 0:
            return Dose(0.0)
        else:
            raise UnitError(
                f"dose '{text}' has no unit. Write for example '{text.strip()} nM'; "
                "a bare number is not accepted."
            )
    dimension, factor = dose_unit_scale(unit)
    return Dose(_scaled(value, factor), dimension)


def format_dose(dose: Dose, *, digits: int = 4) -> str:
    """A dose in the unit that a person would choose.

    >>> format_dose(Dose(1.98e-6)), format_dose(Dose(16.0, "au")), format_dose(Dose(0.0))
    ('1.98 µM', '16 au', '0')
    """
    if dose.amount == 0:
        return "0"
    ladder = {
        "molar": (("M", 1.0), ("mM", 1e-3), ("µM", 1e-6), ("nM", 1e-9), ("pM", 1e-12)),
        "g_per_l": (("mg/mL", 1.0), ("µg/mL", 1e-3), ("ng/mL", 1e-6), ("pg/mL", 1e-9)),
        "au": (("au", 1.0),),
    }[dose.dimension]
    unit, factor = next(
        (step for step in ladder if float(f"{dose.amount / step[1]:.{digits}g}") >= 1), ladder[-1]
    )
    return f"{dose.amount / factor:.{digits}g} {unit}"


def parse_length_um(text: str) -> float:
    """A length in micrometres.

    >>> parse_length_um("0.5 mm")
    500.0
    """
    return _quantity(text, _LENGTHS_UM, "length", "1.24 um")


def parse_time_h(text: str) -> float:
    """A duration in hours.

    >>> parse_time_h("90 min")
    1.5
    """
    return _quantity(text, _TIMES_H, "time", "2 h")


def parse_volume_ul(text: str) -> float:
    """A volume in microlitres.

    Raises:
        UnitError: No number, no unit, an unknown unit, or a negative volume.

    >>> parse_volume_ul("0.5 mL")
    500.0
    """
    volume = _quantity(text, _VOLUMES_UL, "volume", "500 uL")
    if volume < 0:
        raise UnitError(f"volume '{text}' is negative. Write 0 or a positive volume.")
    return volume


def format_volume(volume_ul: float) -> str:
    """A volume as a pipette is set: 0.1 µL steps below 100 µL, 1 µL to 1 mL, then mL.

    >>> format_volume(6.325), format_volume(330.0), format_volume(2640.0), format_volume(0.05)
    ('6.3 µL', '330 µL', '2.64 mL', '0.05 µL')
    """
    if volume_ul < 0.95:
        return f"{volume_ul:.2g} µL"
    if volume_ul < 99.95:
        return f"{volume_ul:.1f}".removesuffix(".0") + " µL"
    if volume_ul < 999.5:
        return f"{volume_ul:.0f} µL"
    millilitres = volume_ul / 1000
    return f"{millilitres:.{2 if millilitres < 20 else 1}f}".rstrip("0").rstrip(".") + " mL"


def _quantity(text: str, units: dict[str, float], what: str, example: str) -> float:
    value, unit = _split(text, what, example)
    if unit not in units:
        problem = f"has no unit ({example})" if not unit else f"has the unknown unit '{unit}'"
        raise UnitError(f"{what} '{text}' {problem}. {nearest(unit, units)}")
    return _scaled(value, units[unit])


def _split(text: str, what: str, example: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"{what} '{text}' is not a number with a unit. Write it like '{example}'.")
    return float(match[1].replace(",", ".")), match[2].translate(_MICRO)


def _scaled(value: float, factor: float) -> float:
    # Dividing by a whole number rounds once; multiplying by 1e-9 rounds twice (73.7 nM).
    return value / round(1 / factor) if factor < 1 else value * factor
