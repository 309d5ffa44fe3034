"""What stands in a text table that a spreadsheet wrote, whatever it did to it?

Spreadsheets write byte-order marks, UTF-16, Latin-1, CR, LF or CRLF, commas, semicolons or tabs.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from lamella.errors import PlateMapError
from lamella.inputs.plates.workbook import is_workbook, workbook_text

__all__ = ["Line", "decode", "find_separator", "read_lines", "read_text"]

_SEPARATORS = (",", ";", "\t")
_MAX_PLATE_MAP_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one line, without blanks around them; `number` counts from 1 as editors do."""

    number: int
    cells: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """True where nothing is written in any cell."""
        return not any(self.cells)


def decode(data: bytes) -> str:
    r"""Text of the bytes: UTF-16 and UTF-8 by their marks, else UTF-8, else Windows Latin-1.

    >>> decode("1 µM".encode("latin-1")), decode("1 µM".encode("utf-16"))
    ('1 µM', '1 µM')
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def find_separator(text: str) -> str:
    """The separator of the first line that holds one; a comma where none does.

    >>> find_separator("well;dose" + chr(10) + "B2;0,1 nM")
    ';'
    """
    for line in text.splitlines()[:50]:
        outside_quotes = "".join(line.split('"')[::2])
        counts = {mark: outside_quotes.count(mark) for mark in _SEPARATORS}
        best = max(_SEPARATORS, key=lambda mark: counts[mark])
        if counts[best]:
            return best
    return ","


def read_text(path: Path) -> str:
    """The text of a plate map; a workbook becomes comma-separated text.

    Raises:
        PlateMapError: The file is missing, not text, or larger than any plate map.
    """
    try:
        if path.stat().st_size > _MAX_PLATE_MAP_BYTES:
            raise PlateMapError(
                f"{path} is larger than 64 MiB, which no plate map is. Name the right file."
            )
        data = path.read_bytes()
    except OSError as error:
        raise PlateMapError(
            f"{path} cannot be read ({error.strerror}). Check the name and the permission."
        ) from error
    if is_workbook(data):
        return workbook_text(path)
    try:
        text = decode(data)
    except UnicodeDecodeError as error:
        raise PlateMapError(f"{path} is damaged text. Save it again as 'CSV UTF-8'.") from error
    if "\0" in text:
        raise PlateMapError(f"{path} is not a text table. Save the sheet as 'CSV UTF-8'.")
    return text


def read_lines(path: Path) -> list[Line]:
    """All lines of a text table, empty ones included, so that their numbers stay true.

    Raises:
        PlateMapError: The file is missing or is not a text table.
    """
    text = read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=find_separator(text))
    try:
        return [
            Line(reader.line_num, tuple(cell.strip().strip("\ufeff") for cell in row))
            for row in reader
        ]
    except csv.Error as error:
        raise PlateMapError(
            f"{path}, line {reader.line_num}: {error}. Save the sheet again as 'CSV UTF-8'."
        ) from error
