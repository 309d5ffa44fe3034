"""What does the OME-XML of a TIFF file say of pixel size, times and the order of its pages?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from lamella.inputs.safe_xml import attribute, children, parse_xml

__all__ = ["OmePage", "OmePages", "read_ome"]

_LENGTHS_UM = {"nm": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}
_LENGTHS_UM |= {"pm": 1e-6, "Å": 1e-4, "in": 25_400.0}
_TIMES_H = {"ns": 1e-9 / 3600, "µs": 1e-6 / 3600, "ms": 1e-3 / 3600, "s": 1 / 3600}
_TIMES_H |= {"min": 1 / 60, "h": 1.0, "d": 24.0}
# An index beyond this is damage, not a picture: no file has so many planes.
_MOST_PLANES = 1_000_000


@dataclass(frozen=True, slots=True)
class OmePage:
    """Place of one page: counted from 0, and its time [h] where stated."""

    scene: int
    channel: int
    z: int
    t: int
    time_h: float | None = None


@dataclass(frozen=True, slots=True)
class OmePages:
    """The pages of one file as its OME-XML has them.

    Attributes:
        pages: By index of the page in this file.
        channels: Names of the channels, by index, "" where unnamed.
        pixel_um: Width of a pixel [µm].
        pixel_height_um: Height of a pixel [µm].
    """

    pages: dict[int, OmePage]
    channels: tuple[str, ...]
    pixel_um: float | None
    pixel_height_um: float | None


def read_ome(xml: str, *, file_name: str) -> OmePages | None:
    """Order, sizes and times of the pages of one file; None where the XML describes none.

    Args:
        xml: OME-XML, which may describe further files of the same set.
        file_name: Name of this file without folders.

    Raises:
        XmlError: The XML is damaged.
        ValueError: A number in it is none.
    """
    pages: dict[int, OmePage] = {}
    first: Element | None = None
    for scene, pixels in enumerate(children(parse_xml(xml), "Image", "Pixels")):
        found = dict(_pages_of(pixels, scene, file_name, after=len(pages)))
        if found and first is None:
            first = pixels
        pages.update(found)
    if first is None:
        return None
    names = tuple(attribute(channel, "Name") for channel in children(first, "Channel"))
    return OmePages(pages, names, _size_um(first, "X"), _size_um(first, "Y"))


def _pages_of(
    pixels: Element, scene: int, file_name: str, *, after: int
) -> Iterator[tuple[int, OmePage]]:
    """Page and place of each plane of one image that lies in this file."""
    sizes = {axis: max(1, int(attribute(pixels, f"Size{axis}", "1"))) for axis in "CZT"}
    samples = max(
        (int(attribute(c, "SamplesPerPixel", "1")) for c in children(pixels, "Channel")), default=1
    )
    sizes["C"] = max(1, sizes["C"] // max(1, samples))
    total = sizes["C"] * sizes["Z"] * sizes["T"]
    if total > _MOST_PLANES:
        raise ValueError(f"{total} planes")
    order = [axis for axis in attribute(pixels, "DimensionOrder", "XYCZT") if axis in "CZT"]
    times = _times_h(pixels)
    increment_h = _quantity(pixels, "TimeIncrement", _TIMES_H, "s")
    for block in children(pixels, "TiffData"):
        file = next((attribute(u, "FileName") for u in children(block, "UUID")), "")
        if file and file != file_name:
            continue
        ifd = int(attribute(block, "IFD", str(after)))
        stated = block.get("PlaneCount")
        count = int(stated) if stated else (1 if block.get("IFD") else total)
        start = {axis: int(attribute(block, f"First{axis}", "0")) for axis in "CZT"}
        offset = _rank(start, order, sizes)
        for step in range(max(0, min(count, total - offset))):
            place = _place(offset + step, order, sizes)
            time_h = times.get((place["C"], place["Z"], place["T"]))
            if time_h is None and increment_h is not None:
                time_h = place["T"] * increment_h
            yield ifd + step, OmePage(scene, place["C"], place["Z"], place["T"], time_h)


def _times_h(pixels: Element) -> dict[tuple[int, int, int], float]:
    times = {}
    for plane in children(pixels, "Plane"):
        time_h = _quantity(plane, "DeltaT", _TIMES_H, "s")
        if time_h is not None:
            c, z, t = (int(attribute(plane, f"The{axis}", "0")) for axis in "CZT")
            times[c, z, t] = time_h
    return times


def _quantity(element: Element, name: str, units: dict[str, float], default: str) -> float | None:
    text = attribute(element, name)
    factor = units.get(attribute(element, f"{name}Unit", default))
    return float(text) * factor if text and factor else None


def _size_um(pixels: Element, axis: str) -> float | None:
    size = _quantity(pixels, f"PhysicalSize{axis}", _LENGTHS_UM, "µm")
    return size if size and size > 0 else None


def _rank(place: dict[str, int], order: list[str], sizes: dict[str, int]) -> int:
    rank, stride = 0, 1
    for axis in order:
        rank += place[axis] * stride
        stride *= sizes[axis]
    return rank


def _place(rank: int, order: list[str], sizes: dict[str, int]) -> dict[str, int]:
    place = {}
    for axis in order:
        rank, place[axis] = divmod(rank, sizes[axis])
    return place
