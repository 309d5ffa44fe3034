"""How is a page packed with LZW read in half the time? As a TIFF file of its own, by libtiff.

libtiff unpacks LZW twice as fast as the decoder of single strips, and many times as fast where
each line is a strip. It gets no file to interpret: what it sees is written here, from tags that
have been checked, around the packed strips as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["unpack_lzw"]

_LZW, _GREY, _RGB = 5, 1, 2
_SHORT, _LONG = 3, 4
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_OFFSETS, _SAMPLES, _ROWS, _COUNTS, _PREDICTOR, _FORMAT = 273, 277, 278, 279, 317, 339
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
# Strips that lie farther apart than this many times their size are read one by one elsewhere.
_WIDEST = 2
_MOST_BYTES = 2**31

_Entry = tuple[int, int, Sequence[int]]


def unpack_lzw(tif: Any, page: Any) -> NDArray[Any] | None:
    """Pixels of a page as stored; None where libtiff would not take it, or finds it damaged.

    Args:
        tif: The open `tifffile.TiffFile`.
        page: One of its pages, checked to lie inside the file and to be no larger than allowed.
    """
    if not _is_plain(page):
        return None
    first = min(page.dataoffsets)
    size = max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=True))) - first
    if size > min(_MOST_BYTES, _WIDEST * sum(page.databytecounts)):
        return None
    head = _head(page, tif.byteorder, first)
    content = bytearray(len(head) + size)
    content[: len(head)] = head
    tif.filehandle.seek(first)
    if tif.filehandle.readinto(memoryview(content)[len(head) :]) < size:
        return None
    try:
        import imagecodecs

        return np.asarray(imagecodecs.tiff_decode(content, index=0))
    except (ImportError, RuntimeError, ValueError):
        return None


def _is_plain(page: Any) -> bool:
    return (
        page.compression == _LZW
        and page.samplesperpixel in (1, 3)
        and page.planarconfig == 1
        and page.imagedepth == 1
        and page.fillorder == 1
        and page.dtype is not None
        and page.dtype.kind in "uif"
        and page.dtype.itemsize * 8 == page.bitspersample
    )


def _head(page: Any, order: str, first: int) -> bytes:
    """The bytes of a TIFF file before its strips, which the file holds from byte `first` on."""
    samples = page.samplesperpixel
    entries: list[_Entry] = [
        (_WIDTH, _LONG, (page.imagewidth,)),
        (_HEIGHT, _LONG, (page.imagelength,)),
        (_BITS, _SHORT, (page.bitspersample,) * samples),
        (_COMPRESSION, _SHORT, (_LZW,)),
        (_PHOTOMETRIC, _SHORT, (_GREY if samples == 1 else _RGB,)),
        (_SAMPLES, _SHORT, (samples,)),
        (_PREDICTOR, _SHORT, (page.predictor,)),
        (_FORMAT, _SHORT, (page.sampleformat,) * samples),
    ]
    offsets, counts = (_TILE_OFFSETS, _TILE_COUNTS) if page.is_tiled else (_OFFSETS, _COUNTS)
    if page.is_tiled:
        entries += [(_TILE_WIDTH, _LONG, (page.tilewidth,))]
        entries += [(_TILE_HEIGHT, _LONG, (page.tilelength,))]
    else:
        entries += [(_ROWS, _LONG, (min(page.rowsperstrip, page.imagelength),))]
    entries += [(counts, _LONG, page.databytecounts), (offsets, _LONG, page.dataoffsets)]
    # A first pass tells the length, which the places of the strips depend on.
    length = len(_directory(entries, order))
    entries[-1] = (offsets, _LONG, [offset - first + length for offset in page.dataoffsets])
    return _directory(entries, order)


def _directory(entries: Sequence[_Entry], order: str) -> bytes:
    """Header and only directory of a TIFF file; values that do not fit stand behind it."""
    behind = 8 + 2 + 12 * len(entries) + 4
    body, values = b"", b""
    for tag, kind, numbers in sorted(entries):
        packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == _SHORT else 'I'}", *numbers)
        if len(packed) > 4:
            packed, values = struct.pack(f"{order}I", behind + len(values)), values + packed
        body += struct.pack(f"{order}HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
    mark = {"<": b"II", ">": b"MM"}[order]
    head = mark + struct.pack(f"{order}HIH", 42, 8, len(entries))
    return head + body + bytes(4) + values
