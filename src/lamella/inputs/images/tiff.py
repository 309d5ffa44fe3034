"""TIFF, BigTIFF, OME-TIFF and ImageJ stacks: what do they declare, which counts do they hold?"""

from __future__ import annotations

import logging
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lamella.errors import ImageError
from lamella.inputs.images.header import (
    Header,
    ImageFormat,
    Plane,
    Problem,
    plausible_pixel_um,
    refuse_oversized,
    unreadable,
)
from lamella.inputs.images.ome import OmePages, read_ome
from lamella.inputs.images.pictures import jpeg_frame
from lamella.inputs.images.tiff_directory import Directory, read_directory
from lamella.inputs.images.tiff_lzw import unpack_lzw

__all__ = ["TIFF", "inspect_tiff", "read_tiff"]

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_INVERTED, _GREY, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG = 7
# None, LZW, JPEG, Deflate, PackBits, LZMA, Zstandard. The others swell without bound or are
# lossy formats of the web that no microscope writes.
_COMPRESSIONS = frozenset({1, 5, _JPEG, 8, 32946, 32773, 34925, 50000})
_UNITS_UM = {"um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "µm": 1.0, "μm": 1.0}
_UNITS_UM |= {"nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25_400.0, "\\u00b5m": 1.0}
_RESOLUTION_UM = {2: 25_400.0, 3: 10_000.0}
_TIME_UNITS_H = {"sec": 1 / 3600, "s": 1 / 3600, "ms": 1e-3 / 3600, "min": 1 / 60, "h": 1.0}
_METAXPRESS = re.compile(r'id="spatial-calibration-([xy]|state|units)"[^>]*value="([^"]*)"')
_CUT_SHORT = Problem("image-truncated", "the file ends too early, so pixels are missing")
# What tifffile and its decoders raise on a damaged file (TiffFileError is a ValueError).
_DAMAGE = (
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    OSError,
    EOFError,
    MemoryError,
    struct.error,
    AssertionError,
)


def read_tiff(path: Path, plane: int) -> NDArray[np.number]:
    """Counts of one page, shape (H, W) or (H, W, 3), as the camera stored them.

    A palette is for display: its indices are the counts. Where the file declares that 0 is
    white, counts are turned so that more is brighter.

    Raises:
        ImageError: The page does not exist, is damaged, cut short or too large.
    """
    with _opened(path) as tif:
        page, number = _page(tif, path, plane)
        _check_page(page, path)
        if number == 0 and _is_cut_short(page):
            raise unreadable(path, _CUT_SHORT.message)
        if number:
            start = page.dataoffsets[0] + number * page.nbytes
            stored = tif.filehandle.read_array(
                np.dtype(tif.byteorder + page.dtype.char), page.size, start
            ).reshape(page.shape)
        else:
            _check_segments(tif, page, path)
            stored = unpack_lzw(tif, page)
            if stored is None:
                stored = page.asarray(maxworkers=1)
        return _counts(stored, page, path)


def inspect_tiff(file: BinaryIO, path: Path) -> Header:
    """Planes, pixel size and times that a TIFF file declares; decodes nothing.

    Raises:
        ImageError: The file is damaged or a plane is too large.
    """
    plain = read_directory(file)
    if plain is not None:
        return _plain(plain, path)
    file.seek(0)
    with _opened(path, file) as tif:
        first = tif.pages[0]
        _check_page(first, path)
        pages = _full_pages(tif, path)
        problems = [_CUT_SHORT] if any(_is_cut_short(page) for _, page in pages) else []
        if tif.is_imagej and tif.imagej_metadata:
            return _imagej(tif, pages, problems)
        ome, more = _ome(tif, path, pages)
        if ome is not None:
            return _ordered_by_ome(ome, pages, [*problems, *more])
        planes = tuple(
            Plane(index, _shape(page), time_index=rank) for rank, (index, page) in enumerate(pages)
        )
        samples = int(first.samplesperpixel)
        return Header(planes, _pixel_um(first), (*problems, *more), samples)


def _plain(found: Directory, path: Path) -> Header:
    refuse_oversized(path, found.shape, samples=found.samples)
    if found.tile is not None:
        refuse_oversized(path, found.tile, samples=found.samples)
    per_um = _RESOLUTION_UM.get(found.unit)
    pixel_um = plausible_pixel_um(per_um / found.per_unit) if per_um and found.per_unit else None
    problems = () if found.whole else (_CUT_SHORT,)
    plane = Plane(0, found.shape, time_index=0)
    return Header((plane,), pixel_um, problems, found.samples)


@contextmanager
def _opened(path: Path, file: BinaryIO | None = None) -> Iterator[Any]:
    """The file under tifffile, whose complaints become one ImageError and no log line."""
    import tifffile

    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    try:
        with tifffile.TiffFile(file or path, _multifile=False) as tif:
            if len(tif.pages) == 0:
                raise unreadable(path, "it holds no page")
            yield tif
    except _DAMAGE as error:
        raise unreadable(path, error) from error


def _full_pages(tif: Any, path: Path) -> list[tuple[int, Any]]:
    """Index and page of all pictures, without thumbnails and the lower levels of a pyramid."""
    first = tif.pages[0]
    kept = [(0, first)]
    for index in range(1, len(tif.pages)):
        page = tif.pages[index]
        if page.is_reduced or _is_level(page, first):
            continue
        _check_page(page, path)
        kept.append((index, page))
    return kept


def _is_level(page: Any, first: Any) -> bool:
    """Whether a page is the first one halved, quartered ...: pyramids do not always say so."""
    ratio = first.imagewidth / max(1, page.imagewidth)
    power = round(np.log2(ratio)) if ratio > 1 else 0
    return power > 0 and all(
        abs(full / 2**power - level) <= 1
        for full, level in (
            (first.imagewidth, page.imagewidth),
            (first.imagelength, page.imagelength),
        )
    )


def _check_page(page: Any, path: Path) -> None:
    samples = page.samplesperpixel * max(1, page.imagedepth)
    refuse_oversized(path, _shape(page), samples=samples)
    if page.is_tiled:
        refuse_oversized(path, (page.tilelength, page.tilewidth), samples=samples)


def _check_segments(tif: Any, page: Any, path: Path) -> None:
    """Refuse what would decode to more than the page declares: JPEG has a size of its own."""
    if page.compression not in _COMPRESSIONS:
        raise ImageError(
            f"{path} is compressed by {page.compression!s}, which is not read. "
            "Export it uncompressed, or with LZW or Deflate."
        )
    if page.compression != _JPEG:
        return
    height, width = (
        (page.tilelength, page.tilewidth)
        if page.is_tiled
        else (min(page.rowsperstrip, page.imagelength), page.imagewidth)
    )
    for offset in page.dataoffsets:
        tif.filehandle.seek(offset)
        found, _, _ = jpeg_frame(tif.filehandle, path)
        if found[0] > height or found[1] > width:
            raise unreadable(path, f"a part of it declares {found[1]} x {found[0]} pixels")


def _shape(page: Any) -> tuple[int, int]:
    return int(page.imagelength), int(page.imagewidth)


def _is_cut_short(page: Any) -> bool:
    """Whether a strip or tile is missing or ends behind the end of the file."""
    size = page.parent.filehandle.size
    offsets, counts = page.dataoffsets, page.databytecounts
    if not offsets or len(offsets) != len(counts):
        return True
    return any(
        count <= 0 or offset + count > size for offset, count in zip(offsets, counts, strict=True)
    )


def _page(tif: Any, path: Path, plane: int) -> tuple[Any, int]:
    """The page, and the number of the picture behind its first one where a stack has one page."""
    if plane < len(tif.pages):
        return tif.pages[plane], 0
    if len(tif.pages) == 1 and plane < _images_of_one_page(tif):
        return tif.pages[0], plane
    raise ImageError(
        f"{path} holds {len(tif.pages)} pictures; plane {plane} does not exist. "
        "The file has changed since it was listed: run again."
    )


def _images_of_one_page(tif: Any) -> int:
    """Pictures that ImageJ stores one behind the other under a single page (above 4 GiB)."""
    page = tif.pages[0]
    images = int((tif.imagej_metadata or {}).get("images", 1)) if tif.is_imagej else 1
    if not page.is_contiguous:
        return 1
    room = (tif.filehandle.size - page.dataoffsets[0]) // max(1, page.nbytes)
    return max(1, min(images, int(room)))


def _imagej(tif: Any, pages: list[tuple[int, Any]], problems: list[Problem]) -> Header:
    said: dict[str, Any] = tif.imagej_metadata
    channels, slices, frames = (
        max(1, int(said.get(axis, 1))) for axis in ("channels", "slices", "frames")
    )
    if frames == 1:
        # A folder imported as a stack counts its times as slices.
        frames, slices = slices, 1
    first = pages[0][1]
    listed = [(index, _shape(page)) for index, page in pages]
    if len(listed) == 1:
        listed = [(index, _shape(first)) for index in range(_images_of_one_page(tif))]
    step_h = _imagej_step_h(said)
    planes = []
    for rank, (index, shape) in enumerate(listed):
        time = rank // (channels * slices)
        planes.append(
            Plane(
                index,
                shape,
                time_index=time,
                time_h=None if step_h is None else time * step_h,
                channel=str(rank % channels + 1) if channels > 1 else "",
                z=str(rank // channels % slices + 1) if slices > 1 else "",
            )
        )
    if len(listed) < int(said.get("images", 1)):
        problems = [*problems, _CUT_SHORT]
    unit = str(said.get("unit", "")).strip().lower()
    per_unit = _UNITS_UM.get(unit)
    width = _rational(first, "XResolution")
    pixel_um = plausible_pixel_um(per_unit / width) if per_unit and width else None
    return Header(tuple(planes), pixel_um, (*problems, *_not_square(first)))


def _imagej_step_h(said: dict[str, Any]) -> float | None:
    step = float(said.get("finterval", 0) or 0)
    unit = _TIME_UNITS_H.get(str(said.get("tunit", "sec")).strip().lower())
    return step * unit if step > 0 and unit else None


def _ome(
    tif: Any, path: Path, pages: list[tuple[int, Any]]
) -> tuple[OmePages | None, list[Problem]]:
    if not tif.is_ome:
        return None, []
    try:
        ome = read_ome(tif.ome_metadata, file_name=path.name)
    except ValueError as error:
        return None, [Problem("metadata-damaged", f"its OME-XML is not used: {error}")]
    if ome is None:
        return None, []
    lost = sorted({index for index, _ in pages} - set(ome.pages))
    if lost:
        message = f"its OME-XML does not describe page {lost[0]}, so the pages count as times"
        return None, [Problem("metadata-damaged", message)]
    return ome, []


def _ordered_by_ome(ome: OmePages, pages: list[tuple[int, Any]], problems: list[Problem]) -> Header:
    places = [ome.pages[index] for index, _ in pages]
    several = {
        axis: len({getattr(place, axis) for place in places}) > 1
        for axis in ("scene", "channel", "z")
    }
    if len(ome.pages) > len(pages):
        message = f"its OME-XML promises {len(ome.pages)} pages, the file holds {len(pages)}"
        problems = [*problems, Problem("image-truncated", message)]
    planes = []
    for (index, page), place in zip(pages, places, strict=True):
        named = ome.channels[place.channel] if place.channel < len(ome.channels) else ""
        planes.append(
            Plane(
                index,
                _shape(page),
                time_index=place.t,
                time_h=place.time_h,
                channel=named or str(place.channel + 1) if several["channel"] else named,
                z=str(place.z) if several["z"] else "",
                scene=str(place.scene + 1) if several["scene"] else "",
            )
        )
    if ome.pixel_um and ome.pixel_height_um:
        problems = [*problems, *_unequal(ome.pixel_um, ome.pixel_height_um)]
    return Header(tuple(planes), ome.pixel_um or _pixel_um(pages[0][1]), tuple(problems))


def _pixel_um(page: Any) -> float | None:
    """Side of a pixel by the resolution tags, or by MetaXpress in the description."""
    said = dict(_METAXPRESS.findall(page.description)) if "<MetaData>" in page.description else {}
    unit = _UNITS_UM.get(said.get("units", "").lower())
    if unit and said.get("state", "on") == "on":
        return plausible_pixel_um(float(said.get("x", "0")) * unit)
    unit = _RESOLUTION_UM.get(int(page.tags.valueof("ResolutionUnit", default=2)))
    width = _rational(page, "XResolution")
    return plausible_pixel_um(unit / width) if unit and width else None


def _not_square(page: Any) -> list[Problem]:
    width, height = _rational(page, "XResolution"), _rational(page, "YResolution")
    return _unequal(1 / width, 1 / height) if width and height else []


def _unequal(width: float, height: float) -> list[Problem]:
    if abs(width / height - 1) <= 0.01:
        return []
    return [Problem("pixels-not-square", f"its pixels are {width / height:.3g} as wide as high")]


def _rational(page: Any, tag: str) -> float | None:
    value = page.tags.valueof(tag)
    if not isinstance(value, tuple) or len(value) != 2 or not value[0] or not value[1]:
        return None
    return float(value[0]) / float(value[1])


def _counts(stored: NDArray[Any], page: Any, path: Path) -> NDArray[np.number]:
    """Counts of the stored type with the samples last and without alpha."""
    if stored.dtype.kind == "c" or page.photometric not in (
        *(_INVERTED, _GREY, _RGB, _PALETTE, _YCBCR),
    ):
        raise unreadable(path, "its colours are neither grey nor RGB. Save it as grey or RGB")
    if stored.dtype.kind == "b":
        stored = stored.view(np.uint8)
    if page.photometric == _INVERTED and stored.dtype.kind == "u":
        stored = stored.dtype.type(2**page.bitspersample - 1) - stored
    if page.samplesperpixel > 1:
        if page.planarconfig == 2:
            stored = np.moveaxis(stored.reshape(page.samplesperpixel, *_shape(page)), 0, -1)
        if page.samplesperpixel == 2:
            stored = stored[..., 0]
        elif page.samplesperpixel == 3 or page.photometric in (_RGB, _YCBCR):
            stored = stored[..., :3]
        else:
            raise unreadable(path, f"it holds {page.samplesperpixel} channels in one page")
    if stored.shape[:2] != _shape(page):
        raise unreadable(path, f"its pixels form the shape {stored.shape}")
    return np.ascontiguousarray(stored)


TIFF = ImageFormat(
    "TIFF",
    (".tif", ".tiff", ".btf", ".stk", ".flex"),
    lambda head: head.startswith(_MAGIC),
    inspect_tiff,
    read_tiff,
)
