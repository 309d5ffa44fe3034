"""Where does a well lie on its plate, and how is it called?"""

from __future__ import annotations

__all__ = ["PLATE_FORMATS", "smallest_format", "well_at", "well_place"]

PLATE_FORMATS: dict[int, tuple[int, int]] = {
    6: (2, 3),
    12: (3, 4),
    24: (4, 6),
    48: (6, 8),
    96: (8, 12),
    384: (16, 24),
    1536: (32, 48),
}
"""Rows and columns of the plates in use, by number of wells."""


def well_at(row: int, column: int) -> str:
    """The name of the well in that row and column, both counted from 0.

    >>> well_at(1, 1), well_at(31, 47)
    ('B02', 'AF48')
    """
    letter = chr(ord("A") + row % 26)
    return f"{'A' if row >= 26 else ''}{letter}{column + 1:02d}"


def well_place(well: str) -> tuple[int, int]:
    """Row and column of a well, both counted from 0.

    >>> well_place("B02"), well_place("AF48")
    ((1, 1), (31, 47))
    """
    letters = well.rstrip("0123456789")
    row = 0
    for letter in letters:
        row = row * 26 + ord(letter) - ord("A") + 1
    return row - 1, int(well[len(letters) :]) - 1


def smallest_format(wells: list[str]) -> int:
    """Number of wells of the smallest plate that has all of these.

    >>> smallest_format(["A01", "D06"]), smallest_format(["B02", "D10"])
    (24, 96)
    """
    places = [well_place(well) for well in wells]
    rows = 1 + max(row for row, _ in places)
    columns = 1 + max(column for _, column in places)
    return next(
        (n for n, size in PLATE_FORMATS.items() if size[0] >= rows and size[1] >= columns), 1536
    )
