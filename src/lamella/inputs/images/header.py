"""What does an image file declare about itself, and is it small enough to be decoded?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lamella.errors import ImageError
from lamella.inputs.images.series import FrameReader

__all__ = [
    "MAX_PLANE_BYTES",
    "Header",
    "ImageFormat",
    "Plane",
    "Problem",
    "plausible_pixel_um",
    "refuse_oversized",
    "unreadable",
]

MAX_PLANE_BYTES = 2 * 2**30
"""Most memory that one plane may take as float32 counts: 23,170 x 23,170 grey pixels."""

_SMALLEST_PIXEL_UM = 0.005
_LARGEST_PIXEL_UM = 25.0


@dataclass(frozen=True, slots=True)
class Problem:
    """A flaw of one file that does not forbid opening it; `rule` as in a finding."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Plane:
    """One picture of a file, as its header declares it.

    Attributes:
        index: What the reader is given; for TIFF the page.
        shape: (height, width) in pixels.
        time_index: Place in time, from 0, where the file counts its planes.
        time_h: Time that the file states [h].
        channel, z, scene: As the file names or counts them; "" where it has one only.
    """

    index: int
    shape: tuple[int, int]
    time_index: int | None = None
    time_h: float | None = None
    channel: str = ""
    z: str = ""
    scene: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """All that a file says before a pixel is decoded.

    `samples` is the number of values a pixel, transparency included; 0 where it is not told.
    """

    planes: tuple[Plane, ...]
    pixel_um: float | None = None
    problems: tuple[Problem, ...] = ()
    samples: int = 0


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """One format: a module of this folder ends in such values, listed in `formats.FORMATS`.

    Attributes:
        name: For people.
        suffixes: Lower case, with the dot.
        sniff: Whether a file that begins with these bytes is of this format.
        inspect: Header of an open file, without decoding a pixel; raises ImageError.
        read: Decodes one plane; a module-level function, so that frames can be pickled.
    """

    name: str
    suffixes: tuple[str, ...]
    sniff: Callable[[bytes], bool]
    inspect: Callable[[BinaryIO, Path], Header]
    read: FrameReader


def refuse_oversized(path: Path, shape: tuple[int, int], *, samples: int = 1) -> None:
    """Refuse a plane whose declared size would not fit.

    Raises:
        ImageError: A side is 0 or negative, or the counts would need more than
            `MAX_PLANE_BYTES`.

    >>> refuse_oversized(Path("bomb.tif"), (40960, 40960))
    Traceback (most recent call last):
    lamella.errors.ImageError: bomb.tif declares 40960 x 40960 pixels, 6.2 GiB ...
    """
    height, width = shape
    if height <= 0 or width <= 0:
        raise ImageError(
            f"{path} declares {width} x {height} pixels: its header is damaged. Export it again."
        )
    needed = height * width * max(samples, 1) * 4
    if needed > MAX_PLANE_BYTES:
        raise ImageError(
            f"{path} declares {width} x {height} pixels, {needed / 2**30:.1f} GiB of counts; "
            f"the limit is {MAX_PLANE_BYTES / 2**30:.0f} GiB. Export the image in tiles or binned."
        )


def unreadable(path: Path, why: object) -> ImageError:
    """The error for a damaged file, for `raise unreadable(path, error) from error`."""
    reason = str(why).splitlines()[0].strip(" .") if str(why).strip() else type(why).__name__
    return ImageError(f"{path} cannot be read: {reason}. Export or copy the image again.")


def plausible_pixel_um(pixel_um: float) -> float | None:
    """The pixel size, or None where it is no microscope's but a resolution for print.

    A file without calibration often declares 72, 96 or 300 dots an inch (353, 265, 85 µm).

    >>> plausible_pixel_um(1.24), plausible_pixel_um(25400 / 96)
    (1.24, None)
    """
    return pixel_um if _SMALLEST_PIXEL_UM <= pixel_um <= _LARGEST_PIXEL_UM else None
