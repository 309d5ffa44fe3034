"""Which well does a name such as `A1`, `a01` or `AF48` mean, and does the plate have it?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from lamella.table.plates import PLATE_FORMATS, well_at, well_place

__all__ = ["PLATE_FORMATS", "guess_plate_format", "on_plate", "well_at", "well_name"]

_WELL = re.compile(r"\s*([A-Za-z]{1,2})\s*0*([1-9]\d?)\s*")
_MISFITS_BEYOND_TYPOS = 0.1


def well_name(text: str) -> str | None:
    """The name of a well as Lamella writes it, or None where the text names no well.

    >>> well_name("b2"), well_name("B002"), well_name("af48"), well_name("B0"), well_name("7")
    ('B02', 'B02', 'AF48', None, None)
    """
    match = _WELL.fullmatch(text)
    return None if match is None else f"{match[1].upper()}{int(match[2]):02d}"


def on_plate(well: str, plate_format: int) -> bool:
    """Whether a plate of so many wells has that well.

    >>> on_plate("H12", 96), on_plate("I13", 96), on_plate("I13", 384)
    (True, False, True)
    """
    rows, columns = PLATE_FORMATS[plate_format]
    row, column = well_place(well)
    return row < rows and column < columns


def guess_plate_format(wells: Iterable[str]) -> int:
    """Number of wells of the plate that holds these wells: 96, unless many lie outside it.

    Up to a tenth of the wells outside 96 are taken for slips of the pen, which `on_plate`
    then finds; more of them mean a larger plate.

    >>> guess_plate_format(["A01", "H12"]), guess_plate_format(["A01", "P24"])
    (96, 384)
    """
    names = list(wells)
    for plate_format in (96, 384):
        outside = sum(not on_plate(well, plate_format) for well in names)
        if outside <= _MISFITS_BEYOND_TYPOS * len(names):
            return plate_format
    return 1536
