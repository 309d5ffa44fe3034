"""What does the first directory of a plain TIFF file say? Ten times as fast as a full parse.

A plate of 74,000 single pictures is listed by this. Whatever is not plain (several pages,
OME, ImageJ, unusual types) is left to the full parser.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["Directory", "read_directory"]

_TYPES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 16: "Q"}
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 16: 8}
_WIDTH, _HEIGHT, _DESCRIPTION, _SAMPLES, _DEPTH = 256, 257, 270, 277, 32997
_OFFSETS, _COUNTS, _X, _Y, _UNIT = 273, 279, 282, 283, 296
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _SUBDIRECTORIES = 322, 323, 324, 325, 330
_WANTED = frozenset({_WIDTH, _HEIGHT, _DESCRIPTION, _SAMPLES, _DEPTH, _OFFSETS, _COUNTS, _X, _Y})
_WANTED |= {_UNIT, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS, _SUBDIRECTORIES}
_MARKS = (b"ImageJ=", b"<OME", b"<MetaData>", b'{"shape"')
_MOST_VALUES = 1 << 20
_MOST_TAGS = 256


@dataclass(frozen=True, slots=True)
class Directory:
    """The plain facts of a TIFF file with one page.

    Attributes:
        shape: (height, width) in pixels.
        samples: Values a pixel.
        tile: (height, width) of a tile, None for strips.
        whole: Whether every strip or tile lies inside the file.
        per_unit: Pixels a unit along x, None where not stated.
        unit: Number of the unit: 1 none, 2 inch, 3 cm.
    """

    shape: tuple[int, int]
    samples: int
    tile: tuple[int, int] | None
    whole: bool
    per_unit: float | None
    unit: int


def read_directory(file: BinaryIO) -> Directory | None:
    """The directory of a plain TIFF file with one page; None where it is not plain."""
    try:
        tags = _tags(file)
        if tags is None or _DEPTH in tags or _SUBDIRECTORIES in tags:
            return None
        described = bytes(tags.get(_DESCRIPTION, ()))
        if any(mark in described for mark in _MARKS):
            return None
        tiled = _TILE_OFFSETS in tags
        size = file.seek(0, 2)
        offsets = tags[_TILE_OFFSETS if tiled else _OFFSETS]
        counts = tags[_TILE_COUNTS if tiled else _COUNTS]
        resolution = tags.get(_X, ())
        return Directory(
            shape=(tags[_HEIGHT][0], tags[_WIDTH][0]),
            samples=tags.get(_SAMPLES, (1,))[0],
            tile=(tags[_TILE_HEIGHT][0], tags[_TILE_WIDTH][0]) if tiled else None,
            whole=len(offsets) == len(counts)
            and min(counts) > 0
            and all(start + count <= size for start, count in zip(offsets, counts, strict=True)),
            per_unit=resolution[0] / resolution[1]
            if len(resolution) == 2 and all(resolution)
            else None,
            unit=tags.get(_UNIT, (2,))[0],
        )
    except (struct.error, LookupError, ValueError, OverflowError):
        return None


def _tags(file: BinaryIO) -> dict[int, tuple[int, ...]] | None:
    """Values of the wanted tags of the only directory, None where there are several."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    big = head[2:4] in (b"+\0", b"\0+")
    if big:
        (at,) = struct.unpack_from(f"{order}Q", head, 8)
        counter, entry, next_one = "Q", 20, "Q"
    else:
        (at,) = struct.unpack_from(f"{order}I", head, 4)
        counter, entry, next_one = "H", 12, "I"
    file.seek(at)
    width = struct.calcsize(f"{order}{counter}")
    (number,) = struct.unpack(f"{order}{counter}", file.read(width))
    if not 0 < number <= _MOST_TAGS:
        return None
    body = file.read(number * entry + struct.calcsize(f"{order}{next_one}"))
    if any(body[number * entry :]):
        return None
    tags: dict[int, tuple[int, ...]] = {}
    for start in range(0, number * entry, entry):
        tag, kind = struct.unpack_from(f"{order}HH", body, start)
        if tag in _WANTED and tag not in tags:
            tags[tag] = _values(file, body[start + 4 : start + entry], kind, order)
    return tags


def _values(file: BinaryIO, rest: bytes, kind: int, order: str) -> tuple[int, ...]:
    """The values of a tag, which stand in its entry if they fit and elsewhere if not."""
    wide = "Q" if len(rest) == 16 else "I"
    (count,) = struct.unpack_from(f"{order}{wide}", rest)
    if count > _MOST_VALUES:
        raise ValueError("too many values")
    place = rest[len(rest) // 2 :]
    size = _BYTES[kind] * count
    if size > len(place):
        (at,) = struct.unpack(f"{order}{wide}", place)
        file.seek(at)
        place = file.read(size)
    return struct.unpack_from(f"{order}{count * len(_TYPES[kind])}{_TYPES[kind][0]}", place)
