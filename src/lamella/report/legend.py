"""Which line is which? Labels at the ends of lines, and the key to the batches."""

from __future__ import annotations

from collections.abc import Sequence

from lamella.report import svg
from lamella.report.arms import Arm
from lamella.report.palette import batch_style
from lamella.report.typeset import clipped

__all__ = ["batch_key", "end_labels", "spread"]

_MOST_BATCHES = 24


def spread(places: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Places moved apart to at least `gap`, in their order, within low and high where they fit.

    >>> spread([10, 11, 50], gap=10, low=0, high=60)
    [10, 20, 50]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    floor = low
    for index in order:
        moved[index] = max(moved[index], floor)
        floor = moved[index] + gap
    ceiling = high
    for index in reversed(order):
        moved[index] = min(moved[index], ceiling)
        ceiling = moved[index] - gap
    return moved


def end_labels(
    ends: Sequence[tuple[Arm, int, float, float]], *, left: float, low: float, high: float
) -> str:
    """The name of each arm beside the end of its line.

    Args:
        ends: Arm, its index, and the last point of its line (x, y).
        left: Where the names begin.
        low: Uppermost place of a name.
        high: Lowermost place of a name.
    """
    gap = min(16.0, (high - low) / max(1, len(ends) - 1))
    places = spread([y for _, _, _, y in ends], gap=gap, low=low, high=high)
    parts = []
    for (arm, index, x, y), place in zip(ends, places, strict=True):
        leader = [(x + 4, y), (left - 8, place), (left - 3, place)]
        children = [
            svg.tip(arm.label),
            svg.element("path", d=svg.path(leader), fill="none", stroke=arm.colour, opacity=0.6),
            svg.text(
                clipped(arm.label, 24),
                (left, place + 4),
                font_size=min(13.0, max(8.0, gap - 1)),
                fill=arm.colour,
                font_weight=600,
            ),
        ]
        parts.append(svg.group(children, data_arm=index))
    return svg.group(parts)


def batch_key(
    batches: Sequence[str], *, at: tuple[float, float], width: float
) -> tuple[str, float]:
    """Mark and dash of each batch in rows of at most `width`, and the height that they take."""
    left, top = at
    parts = [svg.text("Batch", (left, top + 4), font_weight=600)]
    x, y = left + 52, top
    for index, batch in enumerate(batches[:_MOST_BATCHES]):
        label = clipped(batch, 22)
        room = 52 + 7.4 * len(label)
        if x + room > left + width - 90 and x > left + 52:
            x, y = left + 52, y + 20
        style = batch_style(index)
        dashed = svg.line((x, y), (x + 30, y), stroke=svg.INK, stroke_dasharray=style.dash)
        sign = svg.mark(style.shape, (x + 15, y), radius=4, fill=svg.INK)
        name = svg.text(label, (x + 36, y + 4))
        parts.append(svg.group([svg.tip(batch), dashed, sign, name], data_batch=index))
        x += room
    if len(batches) > _MOST_BATCHES:
        parts.append(svg.text(f"and {len(batches) - _MOST_BATCHES} more", (x, y + 4)))
    return svg.group(parts), y - top + 20
