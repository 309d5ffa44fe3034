"""How is a mask written as PNG in a fifth of the time? Without row filters, by zlib-ng."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["mask_png"]

_MAGIC = b"\x89PNG\r\n\x1a\n"
_BITS, _GREY = 8, 0
# The lowest level that finds the long runs that masks are made of.
_LEVEL = 2


def mask_png(mask: NDArray[np.bool_]) -> bytes:
    """The mask as an 8-bit grey PNG file, 255 inside.

    Args:
        mask: Shape (H, W).

    References:
        ISO/IEC 15948, Portable Network Graphics.

    >>> mask_png(np.ones((2, 3), np.bool_))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    height, width = mask.shape
    content = bytearray(height * (width + 1))
    lines = np.frombuffer(content, np.uint8).reshape(height, width + 1)
    # Each line begins with its filter: 0, none.
    np.multiply(mask.view(np.uint8), np.uint8(255), out=lines[:, 1:])
    header = struct.pack(">IIBBBBB", width, height, _BITS, _GREY, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", _deflated(content)), (b"IEND", b""))
    return _MAGIC + b"".join(_chunk(kind, body) for kind, body in chunks)


def _deflated(content: bytearray) -> bytes:
    try:
        import imagecodecs

        return bytes(imagecodecs.zlibng_encode(content, level=_LEVEL))
    except ImportError:  # a build of imagecodecs without it
        return zlib.compress(content, 1)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
