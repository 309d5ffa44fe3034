"""Which colour, shape and dash stand for a dose or a batch, in colour and in grey?"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VEHICLE", "BatchStyle", "batch_style", "contrast", "dose_colour", "heat_colour"]

VEHICLE = "#000000"
_DOSE = ("#2b1a63", "#5d1d86", "#93247f", "#c03a66", "#d65a3f", "#d97d1c")
_HEAT = ("#fbf6e6", "#cfe3c4", "#8cc4b4", "#4a93a8", "#2f5b92", "#251f5e")
_SHAPES = ("circle", "square", "triangle", "diamond", "wedge", "cross")
_DASHES = ("", "7 3", "2 2.5", "9 3 2 3", "4 2", "1 3")


@dataclass(frozen=True, slots=True)
class BatchStyle:
    """The mark and the dash of one batch."""

    shape: str
    dash: str | None


def batch_style(index: int) -> BatchStyle:
    """Shape and dash of the batch at that place; both repeat after six."""
    return BatchStyle(_SHAPES[index % 6], _DASHES[index % 6] or None)


def dose_colour(rank: int, count: int) -> str:
    """Dark violet for the lowest of `count` doses to orange for the highest.

    Lightness rises with dose, so that the order survives a grey print; vehicle is black.

    >>> dose_colour(0, 9), dose_colour(8, 9)
    ('#2b1a63', '#d97d1c')
    """
    return _between(_DOSE, rank / (count - 1) if count > 1 else 0.5)


def heat_colour(fraction: float) -> str:
    """Light for the lowest value of a plate, dark for the highest; `fraction` in 0 to 1."""
    return _between(_HEAT, min(1.0, max(0.0, fraction)))


def contrast(colour: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance).

    >>> round(contrast("#000000", "#ffffff"), 6)
    21.0
    """
    bright, dark = sorted((_luminance(colour), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    shares = [channel / 255 for channel in _channels(colour)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _between(anchors: tuple[str, ...], fraction: float) -> str:
    place = fraction * (len(anchors) - 1)
    index = min(int(place), len(anchors) - 2)
    pair = zip(_channels(anchors[index]), _channels(anchors[index + 1]), strict=True)
    mixed = [round(a + (b - a) * (place - index)) for a, b in pair]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
