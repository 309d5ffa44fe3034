"""The IC50 of each batch and between batches, one row each, under the dose axis."""

from __future__ import annotations

from collections.abc import Sequence

from lamella.potency.result import BetweenBatches, CurveResult, Potency, PotencyResult
from lamella.report import svg
from lamella.report.arms import natural
from lamella.report.axes import Axis
from lamella.report.palette import batch_style
from lamella.report.typeset import clipped

__all__ = ["draw_potency_rows", "row_count"]

_STEP = 24.0
_NAMES = 128.0  # where the names of the rows end
_ESTIMATE = "#b35f0c"


def row_count(potency: PotencyResult, curves: Sequence[CurveResult]) -> int:
    """How many rows `draw_potency_rows` takes."""
    return len(curves) + (potency.between_batches is not None)


def draw_potency_rows(
    potency: PotencyResult, curves: Sequence[CurveResult], *, x: Axis, top: float
) -> str:
    """Estimate and interval of each curve on the dose axis, the estimate between batches last."""
    ordered = sorted(curves, key=lambda c: (c.batch is None, natural(c.batch or "")))
    batches = [curve.batch for curve in ordered if curve.batch is not None]
    parts = [svg.text("IC50", (_NAMES, top - 12), font_weight=600, text_anchor="end")]
    y = top + 8
    for curve in ordered:
        index = batches.index(curve.batch) if curve.batch is not None else None
        shape = "circle" if index is None else batch_style(index).shape
        name = "all wells" if curve.batch is None else curve.batch
        row = _row(
            curve.potency,
            name,
            x=x,
            y=y,
            look=(shape, svg.INK, "#ffffff" if index is None else svg.INK),
        )
        parts.append(svg.group([row], data_batch=index))
        y += _STEP
    if potency.between_batches is not None:
        between = potency.between_batches
        look = ("diamond", _ESTIMATE, _ESTIMATE)
        parts.append(_row(between, "between batches", x=x, y=y, look=look))
    return svg.group(parts)


def _row(
    potency: Potency | BetweenBatches,
    name: str,
    *,
    x: Axis,
    y: float,
    look: tuple[str, str, str],
) -> str:
    shape, colour, fill = look
    left, right = x.span_px[0], x.span_px[1]
    parts = [
        svg.tip(f"{name}: {potency.text}"),
        svg.text(clipped(name, 16), (_NAMES, y + 4), text_anchor="end", fill=colour),
        svg.text(clipped(potency.text, 46), (right + 20, y + 4), fill=colour, font_size=12),
    ]
    if potency.value is not None:
        low = left if potency.low is None else min(max(left, x.px(potency.low)), right)
        high = right if potency.high is None else max(min(right, x.px(potency.high)), left)
        parts.append(svg.line((low, y), (high, y), stroke=colour, stroke_width=2))
        if potency.low is None or x.px(potency.low) < left:
            parts.append(_arrow(left, y, -1, colour=colour))
        if potency.high is None or x.px(potency.high) > right:
            parts.append(_arrow(right, y, 1, colour=colour))
        place = min(max(x.px(potency.value), left), right)
        parts.append(
            svg.mark(shape, (place, y), radius=4.6, fill=fill, stroke=colour, stroke_width=1.6)
        )
    return svg.group(parts)


def _arrow(x: float, y: float, direction: int, *, colour: str) -> str:
    tip = x + 8 * direction
    return svg.element(
        "path", d=svg.path([(tip, y), (x, y - 4), (x, y + 4)], close=True), fill=colour
    )
