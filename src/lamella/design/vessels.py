"""Which growth area and volumes does a plate or insert have, and how sure is that?"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lamella.errors import SettingsError, nearest

__all__ = ["Vessel", "vessel", "vessel_of", "vessels"]


@dataclass(frozen=True, slots=True)
class Vessel:
    """A plate, or an insert in a plate.

    Attributes:
        id: Its name, for example `24-well` or `24-well insert`.
        wells: Wells of the plate.
        area_cm2: Growth area of one well or membrane [cm²]; the common value.
        area_range_cm2: What vendors print [cm²].
        working_ul: Volume in a well, or above the membrane [µL].
        lower_ul: Volume below the membrane [µL]; None for a plate without inserts.
        status: How sure the area is.
    """

    id: str
    wells: int
    area_cm2: float
    area_range_cm2: tuple[float, float]
    working_ul: float
    lower_ul: float | None
    status: str

    @property
    def insert(self) -> bool:
        """Whether it hangs in a plate."""
        return self.lower_ul is not None


@cache
def vessels() -> Mapping[str, Vessel]:
    """All vessels by id.

    >>> vessels()["48-well"].area_range_cm2
    (0.7, 1.1)
    """
    text = (files("lamella.design") / "vessels.csv").read_text("utf-8")
    return {row["id"]: _vessel(row) for row in csv.DictReader(text.splitlines())}


def vessel(name: str) -> Vessel:
    """The vessel of that name.

    Raises:
        SettingsError: It is not known; the message names the nearest.

    >>> vessel("24-well insert").lower_ul
    600.0
    """
    known = vessels()
    if name not in known:
        raise SettingsError(f"the plate '{name}' is not known. {nearest(name, known)}")
    return known[name]


def vessel_of(wells: int, *, insert: bool = False) -> Vessel:
    """The plate of so many wells, or the insert for it.

    Raises:
        SettingsError: There is none.

    >>> vessel_of(96).area_cm2
    0.32
    """
    return vessel(f"{wells}-well insert" if insert else f"{wells}-well")


def _vessel(row: Mapping[str, str]) -> Vessel:
    return Vessel(
        id=row["id"],
        wells=int(row["wells"]),
        area_cm2=float(row["area_cm2"]),
        area_range_cm2=(float(row["area_low_cm2"]), float(row["area_high_cm2"])),
        working_ul=float(row["working_ul"]),
        lower_ul=float(row["lower_ul"]) if row["lower_ul"] else None,
        status=row["status"],
    )
