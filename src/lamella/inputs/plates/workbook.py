"""What stands in the sheets of a workbook (.xlsx), as lines of text?"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from lamella.errors import PlateMapError
from lamella.inputs.safe_xml import XmlError, parse_xml

__all__ = ["is_workbook", "workbook_text"]

_MOST_BYTES = 64 * 2**20
_MOST_ROWS, _MOST_COLUMNS = 100_000, 2_000
_CELL = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")


def is_workbook(data: bytes) -> bool:
    """Whether the bytes begin as a workbook does."""
    return data.startswith(b"PK\x03\x04")


def workbook_text(path: Path) -> str:
    """The sheets of a workbook as comma-separated text.

    The first sheet is always read; further ones only where it begins with a block of a grid
    map, as each factor then may have a sheet of its own.

    Raises:
        PlateMapError: The file is damaged, no workbook, or expands beyond what a map needs.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MOST_BYTES:
                raise ValueError("it expands to more than 64 MiB, which no plate map does")
            shared = list(_shared(archive))
            sheets = [_rows(archive, name, shared) for name in _sheet_files(archive)]
    except (zipfile.BadZipFile, XmlError, ValueError, KeyError, IndexError, OSError) as error:
        raise PlateMapError(
            f"{path} cannot be read as a workbook: {error}. Save the sheet as 'CSV UTF-8'."
        ) from error
    used = [rows for rows in sheets if any(any(row) for row in rows)]
    if not used:
        raise PlateMapError(f"{path} is an empty workbook. Save the sheet with the plate map.")
    kept = used if _begins_grid(used[0]) else used[:1]
    return "\n".join(_text(rows) for rows in kept)


def _sheet_files(archive: zipfile.ZipFile) -> list[str]:
    names = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name)]
    if not names:
        raise ValueError("it has no sheets")
    return sorted(names, key=lambda name: (len(name), name))


def _shared(archive: zipfile.ZipFile) -> Iterator[str]:
    """The texts that cells refer to by number."""
    if "xl/sharedStrings.xml" in archive.namelist():
        for item in _root(archive, "xl/sharedStrings.xml"):
            yield "".join(part.text or "" for part in item.iter() if part.tag == "t")


def _rows(archive: zipfile.ZipFile, name: str, shared: list[str]) -> list[list[str]]:
    rows: list[list[str]] = []
    for cell in _root(archive, name).iter():
        if cell.tag != "c":
            continue
        place = _CELL.fullmatch(cell.get("r", ""))
        if place is None:
            raise ValueError(f"a cell of {name} does not say where it lies")
        row, column = int(place[2]) - 1, _column(place[1])
        if row >= _MOST_ROWS or column >= _MOST_COLUMNS:
            raise ValueError("a cell lies where no plate map has one")
        rows += [[] for _ in range(row + 1 - len(rows))]
        rows[row] += [""] * (column + 1 - len(rows[row]))
        rows[row][column] = _value(cell, shared)
    return rows


def _value(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iter() if part.tag == "t")
    text = next((part.text or "" for part in cell if part.tag == "v"), "")
    if kind == "s":
        return shared[int(text)]
    if kind == "n" and text:
        # 1.0 is the column 1 of a grid; 0.30000000000000004 is 0.3.
        return f"{float(text):.15g}"
    return text


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _begins_grid(rows: list[list[str]]) -> bool:
    first = next(row for row in rows if any(row))
    return first[1:4] == ["1", "2", "3"]


def _text(rows: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _root(archive: zipfile.ZipFile, name: str) -> Element:
    return parse_xml(archive.read(name))
