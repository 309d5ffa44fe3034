"""Which image formats are read? The list, and the way from a file to its format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamella.errors import ImageError
from lamella.inputs.images.header import Header, ImageFormat, unreadable
from lamella.inputs.images.pictures import BMP, JPEG, PNG
from lamella.inputs.images.tiff import TIFF

__all__ = ["FORMATS", "SUFFIXES", "inspect", "read_any"]

FORMATS: tuple[ImageFormat, ...] = (TIFF, PNG, JPEG, BMP)
"""The formats; the content of a file decides, not its name."""

SUFFIXES = frozenset(suffix for image_format in FORMATS for suffix in image_format.suffixes)
"""Endings of file names, lower case, that promise an image of a format that is read."""


def inspect(path: Path) -> tuple[Header, ImageFormat]:
    """Header and format of an image file; no pixel is decoded.

    Raises:
        ImageError: The file is missing, of no known format, damaged or too large.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
            file.seek(0)
            for image_format in FORMATS:
                if image_format.sniff(head):
                    return image_format.inspect(file, path), image_format
    except OSError as error:
        raise unreadable(path, error.strerror or error) from error
    if not head:
        raise ImageError(f"{path} is empty (0 bytes). Export or copy the image again.")
    names = ", ".join(image_format.name for image_format in FORMATS)
    raise ImageError(f"{path} is no image of a known format ({names}). Export it as TIFF.")


def read_any(path: Path, plane: int) -> NDArray[np.number]:
    """Counts of one plane of a file of any format, shape (H, W) or (H, W, 3).

    Raises:
        ImageError: As `inspect`, and what the reader of the format finds.
    """
    _, image_format = inspect(path)
    return image_format.read(path, plane)
