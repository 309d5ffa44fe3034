"""The wellmap layout: a TOML file that speaks of rows, columns, blocks and wells.

The form is that of the program wellmap (Kundert, doi 10.1186/s13104-021-05573-0): what is said
of a well beats what is said of a block, a block beats rows and columns, these beat `expt`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lamella.errors import PlateMapError
from lamella.inputs.plates.platemap import (
    Entry,
    PlateContext,
    PlateMap,
    check_columns,
    check_entries,
)
from lamella.inputs.plates.spreadsheet import read_text
from lamella.inputs.well_names import well_at, well_name
from lamella.table.findings import Finding

__all__ = ["WellmapForm", "read_layout"]

_SECTIONS = ("expt", "row", "col", "irow", "icol", "block", "well")
_BLOCK = re.compile(r"([1-9]\d?)x([1-9]\d?)")
_FILLED = frozenset({"role", "compound", "dose"})
_LARGEST = (32, 48)
_DEEPEST = 8

_Place = tuple[int, int]
_Layout = dict[str, dict[_Place, dict[str, Any]]]


class WellmapForm:
    """A TOML layout whose parameters are named like the columns of a tidy plate map."""

    name = "wellmap TOML"

    @staticmethod
    def sniff(path: Path, head: str) -> bool:
        """True where the name of the file ends in `.toml`."""
        return path.suffix.lower() == ".toml"

    @staticmethod
    def read(path: Path, context: PlateContext) -> PlateMap:
        """Wells and findings of the file.

        Raises:
            PlateMapError: The TOML is damaged, or a place in it cannot be understood.
        """
        layout = read_layout(path)
        used = {place: said for place, said in layout.items() if _FILLED & said.keys()}
        names = dict.fromkeys(name for said in used.values() for name in said)
        entries = [
            Entry(
                path.name,
                {"plate": plate, "well": well, **{key: str(said[key]) for key in said}},
            )
            for (plate, well), said in used.items()
        ]
        checked = check_entries(entries, context)
        findings = check_columns(names, context, path.name)
        empty = [" ".join(place).strip() for place in layout if place not in used]
        if empty:
            findings.append(_unused(path, empty))
        return PlateMap(checked.wells, (*findings, *checked.findings))


def read_layout(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """What the layout says of each well: (plate, well) to parameters, row by row.

    A well exists where a block or well names it, and where a row or column crosses the span
    of all columns or rows that the layout names. The plate is "" where none is named.

    Raises:
        PlateMapError: The TOML is damaged, or a place in it cannot be understood.
    """
    try:
        document = _document(path, depth=0)
        layouts = {"": _layout(document)}
        plates = document.get("plate", {})
        if plates:
            layouts = {name: _layout(_merged(document, _nested(plates[name]))) for name in plates}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise PlateMapError(
            f"{path} is no sound wellmap layout: {error}. "
            "Sections are [expt], [row.A], [col.1], [irow.A], [icol.1], [block.WxH.A1], [well.A1]."
        ) from error
    return {
        (plate, well_at(*place)): _said(layout, place)
        for plate, layout in layouts.items()
        for place in sorted(_places(layout))
    }


def _unused(path: Path, wells: list[str]) -> Finding:
    told = ", ".join(wells[:8]) + (f" and {len(wells) - 8} more" if len(wells) > 8 else "")
    return Finding(
        "wells-unused",
        "note",
        path.name,
        f"no role, compound or dose is said of {told}: they count as empty.",
        "Nothing, if they are empty.",
    )


def _said(layout: _Layout, place: _Place) -> dict[str, Any]:
    """The parameters of one well, the general ones first."""
    row, column = place
    return {
        **layout["expt"].get((0, 0), {}),
        **layout["icol"].get((0, _interleaved(column, row)), {}),
        **layout["irow"].get((_interleaved(row, column), 0), {}),
        **layout["col"].get((0, column), {}),
        **layout["row"].get((row, 0), {}),
        **layout["block"].get(place, {}),
        **layout["well"].get(place, {}),
    }


def _places(layout: _Layout) -> set[_Place]:
    """All wells that exist."""
    named = {*layout["well"], *layout["block"]}
    straight_rows = _span({row for row, _ in (*named, *layout["row"])})
    straight_columns = _span({column for _, column in (*named, *layout["col"])})
    zigzag_rows = {_interleaved(row, j) for row, _ in layout["irow"] for j in straight_columns}
    zigzag_columns = {
        _interleaved(column, i) for _, column in layout["icol"] for i in straight_rows
    }
    rows = _span({*straight_rows, *zigzag_rows})
    columns = _span({*straight_columns, *zigzag_columns})
    return {
        *named,
        *((row, column) for row, _ in layout["row"] for column in columns),
        *((row, column) for _, column in layout["col"] for row in rows),
        *((_interleaved(row, j), j) for row, _ in layout["irow"] for j in columns),
        *((i, _interleaved(column, i)) for _, column in layout["icol"] for i in rows),
    }


def _span(numbers: set[int]) -> range:
    return range(min(numbers), max(numbers) + 1) if numbers else range(0)


def _interleaved(line: int, step: int) -> int:
    """The line of a pair that a zigzag is on after so many steps: A1, B2, A3, B4 ..."""
    return line + step % 2 if line % 2 == 0 else line - step % 2


def _document(path: Path, *, depth: int) -> dict[str, Any]:
    """The file over those that it includes."""
    if depth > _DEEPEST:
        raise ValueError("the files include each other without end")
    try:
        document = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(str(error)) from error
    included = document.get("meta", {}).get("include", [])
    below: dict[str, Any] = {}
    for name in [included] if isinstance(included, str) else included:
        inner = (path.parent / name).resolve()
        if not inner.is_relative_to(path.parent.resolve()):
            raise ValueError(f"'{name}' leads out of the folder of the layout")
        below = _merged(below, _document(inner, depth=depth + 1))
    return _merged(below, document)


def _merged(general: Mapping[str, Any], special: Mapping[str, Any]) -> dict[str, Any]:
    """Both, the special one where they contradict each other."""
    merged = dict(general)
    for key, value in special.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            value = _merged(below, value)
        merged[key] = value
    return merged


def _nested(plate: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of one plate; what stands there without a section holds for all its wells."""
    sections = {key: value for key, value in plate.items() if key in _SECTIONS}
    direct = {key: value for key, value in plate.items() if key not in _SECTIONS}
    return _merged({"expt": direct}, sections)


def _layout(document: Mapping[str, Any]) -> _Layout:
    layout: _Layout = {section: {} for section in _SECTIONS}
    if document.get("expt"):
        layout["expt"][0, 0] = dict(document["expt"])
    for section, of_key in (("row", _rows), ("irow", _rows), ("col", _columns), ("icol", _columns)):
        for key, said in document.get(section, {}).items():
            for place in of_key(key):
                layout[section].setdefault(place, {}).update(said)
    for key, said in document.get("well", {}).items():
        for place in _wells(key):
            layout["well"].setdefault(place, {}).update(said)
    for place, said in _blocks(document.get("block", {})):
        layout["block"].setdefault(place, {}).update(said)
    return layout


def _blocks(blocks: Mapping[str, Any]) -> Iterator[tuple[_Place, Mapping[str, Any]]]:
    """Wells and parameters of all blocks, the large ones first, so that small ones win."""
    sized = []
    for size, corners in blocks.items():
        found = _BLOCK.fullmatch(size)
        if found is None:
            raise ValueError(f"'{size}' is no size of a block; write width x height, like 3x2")
        sized.append((int(found[1]), int(found[2]), corners))
    for width, height, corners in sorted(sized, key=lambda each: -each[0] * each[1]):
        for key, said in corners.items():
            for row, column in _wells(key):
                for step in range(width * height):
                    yield _checked(row + step // width, column + step % width), said


def _rows(key: str) -> Iterator[_Place]:
    for part in _expanded(key):
        row, _ = _place(f"{part}1")
        yield row, 0


def _columns(key: str) -> Iterator[_Place]:
    for part in _expanded(key):
        _, column = _place(f"A{part}")
        yield 0, column


def _wells(key: str) -> Iterator[_Place]:
    """Places of `A1`, `A1,B2` or `A1,A3,...,C5`, a grid of equal steps."""
    if "..." not in key:
        for part in key.split(","):
            yield _place(part)
        return
    first, *more, _, last = (part.strip() for part in key.split(","))
    corners = [_place(part) for part in (first, *more, last)]
    lines = [sorted(_stepped(*(corner[axis] for corner in corners))) for axis in (0, 1)]
    for row in lines[0]:
        for column in lines[1]:
            yield row, column


def _expanded(key: str) -> list[str]:
    """The parts of `A,C`, `A,B,...,H` or `1,3,...,11`."""
    parts = [part.strip() for part in key.split(",")]
    if "..." not in parts:
        return parts
    at = parts.index("...")
    if at == 0 or at + 2 != len(parts):
        raise ValueError(f"'{key}' is no range; write '1,3,...,11'")
    letters = not parts[0].isdigit()
    numbers = [_row_number(part) if letters else int(part) for part in parts if part != "..."]
    return [well_at(number, 0)[:-2] if letters else str(number) for number in _stepped(*numbers)]


def _stepped(first: int, *more: int) -> Iterable[int]:
    """Numbers from first to last, by the step of the first two."""
    last = more[-1]
    step = next((number - first for number in more[:-1] if number != first), 1)
    if step <= 0 or (last - first) % step or last < first:
        raise ValueError(f"no equal steps lead from {first} to {last}")
    return range(first, last + 1, step)


def _row_number(letters: str) -> int:
    return _place(f"{letters}1")[0]


def _place(text: str) -> _Place:
    name = well_name(text)
    if name is None:
        raise ValueError(f"'{text}' names no well, row or column")
    letters, number = name[:-2], int(name[-2:])
    row = ord(letters[-1]) - ord("A") + (26 if len(letters) == 2 else 0)
    return _checked(row, number - 1)


def _checked(row: int, column: int) -> _Place:
    if row >= _LARGEST[0] or column >= _LARGEST[1]:
        raise ValueError(f"row {row + 1}, column {column + 1} is on no plate")
    return row, column
