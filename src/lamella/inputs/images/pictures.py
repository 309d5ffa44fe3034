"""PNG, JPEG and BMP: what do they declare, and which counts do they hold?"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lamella.errors import ImageError
from lamella.inputs.images.header import (
    MAX_PLANE_BYTES,
    Header,
    ImageFormat,
    Plane,
    Problem,
    plausible_pixel_um,
    refuse_oversized,
    unreadable,
)

__all__ = ["BMP", "JPEG", "PNG", "jpeg_frame", "read_bmp", "read_jpeg", "read_png"]

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_PNG_SAMPLES = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_JPEG_END = b"\xff\xd9"
# Start-of-frame markers; C4, C8 and CC are tables in the same range.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BMP_UNPACKED = (0, 3)  # plain and bit fields
_TAIL_BYTES = 4096
_CUT_SHORT = Problem("image-truncated", "the file ends too early, so pixels are missing")


def read_png(path: Path, plane: int) -> NDArray[np.number]:
    """Counts of a PNG file, shape (H, W) or (H, W, 3); 16 bits stay 16 bits, alpha is dropped.

    Raises:
        ImageError: The file is damaged (each chunk carries a checksum), too large, or gone.
    """
    import imagecodecs

    with _opened(path) as file:
        _only_plane(path, plane)
        header = inspect_png(file, path)
        file.seek(24)
        bits, colour_type = file.read(2)
        data = _content(file)
    _check_chunks(data, path)
    try:
        counts = imagecodecs.png_decode(data)
    except (imagecodecs.PngError, ValueError, RuntimeError) as error:
        raise unreadable(path, error) from error
    if colour_type == 0 and bits < 8:
        # The decoder spreads few grey levels over 0-255; counts are what was stored.
        counts = counts // (255 // (2**bits - 1))
    return _counts(counts, header, path)


def read_jpeg(path: Path, plane: int) -> NDArray[np.number]:
    """Counts of a JPEG file, shape (H, W) or (H, W, 3) as red, green, blue.

    Raises:
        ImageError: The file is cut short, too large, not grey or RGB, or gone.
    """
    import imagecodecs

    with _opened(path) as file:
        _only_plane(path, plane)
        header = inspect_jpeg(file, path)
        start_of_scan = file.tell()
        data = _content(file)
    # The decoder paints missing lines grey without a word.
    if data.find(_JPEG_END, start_of_scan) < 0:
        raise unreadable(path, _CUT_SHORT.message)
    try:
        counts = imagecodecs.jpeg8_decode(data)
    except (imagecodecs.Jpeg8Error, ValueError, RuntimeError) as error:
        raise unreadable(path, error) from error
    return _counts(counts, header, path)


def read_bmp(path: Path, plane: int) -> NDArray[np.number]:
    """Counts of a BMP file, shape (H, W) or (H, W, 3) as red, green, blue.

    Raises:
        ImageError: The file is damaged, too large, or gone.
    """
    import imagecodecs

    with _opened(path) as file:
        _only_plane(path, plane)
        header = inspect_bmp(file, path)
        if header.problems:
            raise unreadable(path, _CUT_SHORT.message)
        data = _content(file)
    try:
        counts = imagecodecs.bmp_decode(data)
    except (imagecodecs.BmpError, ValueError, RuntimeError) as error:
        raise unreadable(path, error) from error
    return _counts(counts, header, path)


def inspect_png(file: BinaryIO, path: Path) -> Header:
    """Header of a PNG file.

    Raises:
        ImageError: The header is damaged or declares too many pixels.
    """
    head = file.read(33)
    if len(head) < 33 or head[12:16] != b"IHDR":
        raise unreadable(path, "its header is damaged")
    width, height, bits, colour_type = struct.unpack(">IIBB", head[16:26])
    if colour_type not in _PNG_SAMPLES or bits not in (1, 2, 4, 8, 16):
        raise unreadable(path, "its header is damaged")
    refuse_oversized(path, (height, width), samples=_PNG_SAMPLES[colour_type])
    pixel_um = None
    while len(chunk := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", chunk)
        if kind in (b"IDAT", b"IEND"):
            break
        if kind == b"pHYs" and length == 9:
            per_metre, _, unit = struct.unpack(">IIB", file.read(9))
            if unit == 1 and per_metre:
                pixel_um = plausible_pixel_um(1e6 / per_metre)
            length = 0
        file.seek(length + 4, 1)
    whole = _PNG_END in _tail(file)
    return _header((height, width), pixel_um, whole=whole, samples=_PNG_SAMPLES[colour_type])


def inspect_jpeg(file: BinaryIO, path: Path) -> Header:
    """Header of a JPEG file; leaves the file behind the frame header.

    Raises:
        ImageError: The header is damaged, declares too many pixels or CMYK inks.
    """
    shape, samples, pixel_um = jpeg_frame(file, path)
    if samples not in (1, 3):
        raise unreadable(path, f"it has {samples} inks (CMYK). Save it as grey or RGB")
    refuse_oversized(path, shape, samples=samples)
    behind = file.tell()
    whole = _JPEG_END in _tail(file)
    file.seek(behind)
    return _header(shape, pixel_um, whole=whole, samples=samples)


def jpeg_frame(file: BinaryIO, path: Path) -> tuple[tuple[int, int], int, float | None]:
    """Shape, samples and pixel size [µm] of the JPEG stream on which the file stands.

    Raises:
        ImageError: The stream is damaged before its frame header.
    """
    if _exactly(file, 2, path) != b"\xff\xd8":
        raise unreadable(path, "its header is damaged")
    pixel_um = None
    while True:
        marker, length = _next_segment(file, path)
        if marker in _JPEG_FRAMES:
            height, width, samples = struct.unpack(">xHHB", _exactly(file, 6, path))
            return (height, width), samples, pixel_um
        body = file.read(length) if marker == 0xE0 else b""
        if body.startswith(b"JFIF\0") and len(body) >= 12:
            unit, density = struct.unpack(">BH", body[7:10])
            per_um = {1: 25_400.0, 2: 10_000.0}.get(unit)
            if per_um and density:
                pixel_um = plausible_pixel_um(per_um / density)
        file.seek(length - len(body), 1)


def inspect_bmp(file: BinaryIO, path: Path) -> Header:
    """Header of a BMP file.

    Raises:
        ImageError: The header is damaged or declares too many pixels.
    """
    head = file.read(54)
    if len(head) < 26:
        raise unreadable(path, "its header is damaged")
    offset, dib_bytes = struct.unpack("<II", head[10:18])
    pixel_um = None
    if dib_bytes == 12:
        width, height, _, bits = struct.unpack("<HHHH", head[18:26])
        packed = 0
    elif len(head) == 54:
        width, height, _, bits, packed, _, per_metre = struct.unpack("<iiHHIIi", head[18:42])
        pixel_um = plausible_pixel_um(1e6 / per_metre) if per_metre > 0 else None
    else:
        raise unreadable(path, "its header is damaged")
    refuse_oversized(path, (abs(height), width), samples=1 if bits <= 8 else 3)
    row_bytes = (width * bits + 31) // 32 * 4
    size = file.seek(0, 2)
    if packed not in _BMP_UNPACKED:
        raise unreadable(path, "its pixels are packed (RLE, JPEG or PNG). Save it as PNG")
    whole = offset + row_bytes * abs(height) <= size
    return _header((abs(height), width), pixel_um, whole=whole)


def _check_chunks(data: bytes, path: Path) -> None:
    """Compare the checksums first: the decoder prints what it finds before it gives up."""
    view = memoryview(data)
    at = len(_PNG_MAGIC)
    while at + 12 <= len(view):
        (length,) = struct.unpack_from(">I", view, at)
        end = at + 8 + length
        if end + 4 > len(view):
            break
        if zlib.crc32(view[at + 4 : end]) != struct.unpack_from(">I", view, end)[0]:
            raise unreadable(path, "the pixels are damaged (a checksum differs)")
        if bytes(view[at + 4 : at + 8]) == b"IEND":
            return
        at = end + 4
    raise unreadable(path, _CUT_SHORT.message)


def _next_segment(file: BinaryIO, path: Path) -> tuple[int, int]:
    """Marker and length of the body of the next segment; the file stands at the body."""
    byte = _exactly(file, 1, path)
    if byte != b"\xff":
        raise unreadable(path, "its header is damaged")
    while byte == b"\xff":  # any number of fill bytes
        byte = _exactly(file, 1, path)
    marker = byte[0]
    if marker in (0xD9, 0xDA):
        raise unreadable(path, "its header declares no size")
    (length,) = struct.unpack(">H", _exactly(file, 2, path))
    if length < 2:
        raise unreadable(path, "its header is damaged")
    return marker, length - 2


def _exactly(file: BinaryIO, count: int, path: Path) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise unreadable(path, _CUT_SHORT.message)
    return data


def _opened(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except OSError as error:
        raise unreadable(path, error.strerror or error) from error
    if path.stat().st_size > MAX_PLANE_BYTES:
        file.close()
        raise ImageError(f"{path} is larger than any picture of its kind. Export it again.")
    return file


def _only_plane(path: Path, plane: int) -> None:
    if plane != 0:
        raise ImageError(f"{path} holds one picture; plane {plane} does not exist.")


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _tail(file: BinaryIO) -> bytes:
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL_BYTES))
    return file.read()


def _header(
    shape: tuple[int, int], pixel_um: float | None, *, whole: bool, samples: int = 0
) -> Header:
    return Header((Plane(0, shape),), pixel_um, () if whole else (_CUT_SHORT,), samples)


def _counts(stored: NDArray[Any], header: Header, path: Path) -> NDArray[np.number]:
    """Counts as stored without alpha: (H, W) of one or two samples, (H, W, 3) of three or four."""
    if stored.shape[:2] != header.planes[0].shape:
        raise unreadable(path, "it holds other pixels than it declares")
    if stored.ndim == 3:
        stored = stored[..., 0] if stored.shape[2] <= 2 else stored[..., :3]
    return np.ascontiguousarray(stored)


PNG = ImageFormat("PNG", (".png",), lambda head: head.startswith(_PNG_MAGIC), inspect_png, read_png)
JPEG = ImageFormat(
    "JPEG",
    (".jpg", ".jpeg", ".jpe", ".jfif"),
    lambda head: head.startswith(b"\xff\xd8\xff"),
    inspect_jpeg,
    read_jpeg,
)
BMP = ImageFormat(
    "BMP", (".bmp", ".dib"), lambda head: head.startswith(b"BM"), inspect_bmp, read_bmp
)
