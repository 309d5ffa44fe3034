"""Which frames are shown, within the size that a report may have, and how is one drawn?"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import median

from lamella.report import svg
from lamella.report.arms import Arm, Place, natural
from lamella.study.result import Preview

__all__ = ["Shown", "choose", "key_of", "representatives", "symbol"]

_JPEG = b"\xff\xd8"
# Importance of the last, first, middle and quarter frames, for wells on a sheet and others.
_CHIEF, _OTHER = (0, 0, 2, 4, 4), (1, 3, 5, 6, 6)
_WHOLE = {2, 4}
_OUTLINE, _CASING = "#ffe14d", "#000000"


@dataclass(frozen=True)
class Shown:
    """The pictures that fit, and the frames of each field in order of time.

    `left_out` counts frames that have a picture which the size of the report does not allow.
    """

    fields: Mapping[tuple[str, str, str], tuple[Preview, ...]]
    symbols: Mapping[str, str]
    left_out: int


def key_of(preview: Preview) -> str:
    """A name that is the same for the same picture wherever it is shown."""
    return "p" + sha256(str(preview.jpeg).encode()).hexdigest()[:12]


def representatives(
    arms: Iterable[Arm], values: Mapping[Place, float], shown: Iterable[Preview]
) -> dict[tuple[str, str], Place]:
    """One well for each arm (by label) and batch: the one nearest to the median read-out.

    Of wells without a read-out, the first that has pictures.
    """
    pictured = {(preview.plate, preview.well) for preview in shown}
    found: dict[tuple[str, str], Place] = {}
    for arm in arms:
        members: dict[str, list[Place]] = defaultdict(list)
        for well in arm.wells:
            if (well.plate, well.well) in pictured:
                members[well.batch].append((well.plate, well.well))
        for batch, places in members.items():
            read = [place for place in places if place in values] or places
            middle = median(values.get(place, 0.0) for place in read)
            found[arm.label, batch] = min(
                read, key=lambda p: (abs(values.get(p, 0.0) - middle), natural(p[1]))
            )
    return found


def choose(previews: Sequence[Preview], *, first: set[Place], budget: int) -> Shown:
    """The pictures to show within `budget` bytes of JPEG.

    The order: last and first frame of the wells in `first` (of their first field), the last of
    all others, the middle of the first, the first of all others, then further frames of both.
    Frames between are taken for all wells in `first` or for none, so that a sheet has columns.
    """
    tiers: dict[int, list[Preview]] = defaultdict(list)
    for rank, preview in _ranked(previews, first):
        tiers[rank].append(preview)
    taken: dict[tuple[str, str, str], list[Preview]] = defaultdict(list)
    symbols: dict[str, str] = {}
    left = budget
    for rank, tier in sorted(tiers.items()):
        if rank in _WHOLE and sum(_size(preview) for preview in tier) > left:
            continue
        for preview in tier:
            if _size(preview) > left:
                left = 0
                break
            left -= _size(preview)
            symbols[key_of(preview)] = symbol(preview)
            taken[preview.plate, preview.well, preview.field].append(preview)
    ordered = {
        place: tuple(sorted(taken[place], key=lambda preview: preview.frame))
        for place in sorted(taken, key=lambda place: [natural(part) for part in place])
    }
    shown = sum(len(series) for series in ordered.values())
    return Shown(ordered, symbols, len(previews) - shown)


def symbol(preview: Preview) -> str:
    """One picture with its outlines, to be placed with `use`; a grey field if it is missing."""
    try:
        data = preview.jpeg.read_bytes()
    except OSError:
        data = b""
    width, height = preview.width_px, preview.height_px
    size = {"width": width, "height": height}
    if data[:2] == _JPEG:
        uri = "data:image/jpeg;base64," + base64.b64encode(data).decode()
        parts = [svg.element("image", href=uri, **size)]
    else:
        at = (width / 2, height / 2)
        parts = [
            svg.element("rect", fill="#d0d7de", **size),
            svg.text("picture is missing", at, text_anchor="middle", font_size=width / 14),
        ]
    outlines = "".join(_closed(outline) for outline in preview.outlines if len(outline) > 2)
    parts += _dots(preview)
    key = key_of(preview)
    if outlines:
        # Equally thin at every size of the picture, so that the edge beneath can be judged.
        drawn = svg.element(
            "path", id="o" + key, d=outlines, fill="none", vector_effect="non-scaling-stroke"
        )
        parts.append(svg.element("defs", drawn))
        parts.append(svg.element("use", href="#o" + key, stroke=_CASING, stroke_width=3.2))
        parts.append(svg.element("use", href="#o" + key, stroke=_OUTLINE, stroke_width=1.5))
    view = f"0 0 {width} {height}"
    return svg.element("symbol", *parts, id=key, viewBox=view)


def _dots(preview: Preview) -> list[str]:
    """The counted objects: one path of zero-length strokes, dark behind bright."""
    if not preview.points:
        return []
    places = [(round(x / preview.scale), round(y / preview.scale)) for x, y in preview.points]
    drawn = "".join(f"M{x} {y}h0" for x, y in places)
    wide = preview.width_px / 64
    look = {"d": drawn, "fill": "none", "stroke_linecap": "round"}
    return [
        svg.element("path", stroke=_CASING, stroke_width=round(1.7 * wide, 1), **look),
        svg.element("path", stroke=_OUTLINE, stroke_width=round(wide, 1), **look),
    ]


def _ranked(previews: Iterable[Preview], first: set[Place]) -> Iterator[tuple[int, Preview]]:
    """Frames with their importance, 0 the highest; at most five of a field.

    Of a well with one frame a field, every field counts as its first.
    """
    fields: dict[tuple[str, str, str], list[Preview]] = defaultdict(list)
    for preview in previews:
        fields[preview.plate, preview.well, preview.field].append(preview)
    seen: set[Place] = set()
    for (plate, well, _), series in fields.items():
        ranks = _CHIEF if (plate, well) in first - seen else _OTHER
        if len(series) > 1:
            seen.add((plate, well))
        series.sort(key=lambda preview: preview.frame)
        last = len(series) - 1
        used: set[int] = set()
        for place, rank in zip((last, 0, last / 2, last / 4, 3 * last / 4), ranks, strict=True):
            index = round(place)
            if index not in used:
                used.add(index)
                yield rank, series[index]


def _size(preview: Preview) -> int:
    """Bytes that a picture takes: its file and about nine for each point of its outlines."""
    try:
        size = preview.jpeg.stat().st_size
    except OSError:
        size = 0
    found = sum(len(outline) for outline in preview.outlines) + 2 * len(preview.points or ())
    return size + 9 * found


def _closed(outline: Sequence[tuple[float, float]]) -> str:
    """A closed polygon in whole pixels, points on straight runs dropped."""
    points: list[tuple[int, int]] = []
    for x, y in outline:
        here = (round(x), round(y))
        if points and here == points[-1]:
            continue
        if len(points) > 1 and _straight(points[-2], points[-1], here):
            points[-1] = here
        else:
            points.append(here)
    return svg.path(points, close=True)


def _straight(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    cross = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
    along = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return cross == 0 and along > 0
