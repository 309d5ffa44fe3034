"""A ratio of each arm: a mark and an interval a batch, the value over batches bold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lamella.assays.contract import Panel
from lamella.report import svg
from lamella.report.arms import natural
from lamella.report.axes import Axis, draw_x, linear_axis
from lamella.report.figure import Cell, Drawing, Figure, metric_of
from lamella.report.legend import batch_key
from lamella.report.palette import batch_style
from lamella.report.typeset import clipped, counted, number
from lamella.study.result import AssayResult, StudyResult
from lamella.table.rows import Metric, Observation

__all__ = ["draw"]

_WIDTH, _LEFT, _RIGHT = 960.0, 190.0, 690.0
_STEP = 13.0  # between the marks of one arm
_GAP = 14.0  # between arms
_OVER = "#b35f0c"
_UNITY = {"%": 100.0, "ratio": 1.0}
_FREE = frozenset({"percent_invasion"})  # no value of it means "no effect"
_WIDEST = 2.0  # intervals beyond twice the largest value end in an arrow


@dataclass(slots=True)
class _Arm:
    over: Observation | None = None
    batches: dict[str, Observation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scene:
    metric: Metric
    arms: Mapping[str, _Arm]
    batches: Sequence[str]
    x: Axis


def draw(result: AssayResult, study: StudyResult, panel: Panel) -> Figure:
    """The figure of one ratio; empty where no batch has both of its sides."""
    metric = metric_of(result, panel)
    arms = _arms(result, metric.name)
    shown = {label: arm for label, arm in arms.items() if _valued(arm)}
    if not shown:
        reason = f"No batch has the inserts that {metric.label.lower()} compares."
        return Figure(panel.title, empty=reason)
    batches = sorted({batch for arm in shown.values() for batch in arm.batches}, key=natural)
    rows = [row for arm in shown.values() for row in _valued(arm)]
    most = max(row.value or 0.0 for row in rows)
    ends = [min(row.high or 0.0, _WIDEST * most) for row in rows]
    span = (_LEFT, _RIGHT)
    x = linear_axis(metric.label, [most, *ends], unit=metric.unit, span_px=span)
    columns = ("arm", "batch", metric.name, "low", "high", "n", "method or reason")
    return Figure(
        panel.title,
        _caption(metric, rows, batches=len(batches)),
        columns,
        tuple(_line(label, row) for label, arm in arms.items() for row in _all(arm)),
        (Drawing(metric.label, _drawing(_Scene(metric, shown, batches, x))),),
    )


def _arms(result: AssayResult, metric: str) -> dict[str, _Arm]:
    arms: dict[str, _Arm] = defaultdict(_Arm)
    for row in result.rows:
        if row.metric == metric and row.object is not None and not row.well:
            tail = f", batch {row.batch}" if row.batch else ""
            arm = arms[row.object.removesuffix(tail)]
            if row.batch:
                arm.batches[row.batch] = row
            else:
                arm.over = row
    return dict(sorted(arms.items(), key=lambda item: item[0] != "vehicle"))


def _all(arm: _Arm) -> list[Observation]:
    own = [arm.batches[batch] for batch in sorted(arm.batches, key=natural)]
    return own + ([arm.over] if arm.over is not None else [])


def _valued(arm: _Arm) -> list[Observation]:
    return [row for row in _all(arm) if row.value is not None]


def _line(label: str, row: Observation) -> tuple[Cell, ...]:
    batch = row.batch or "over batches"
    return (label, batch, row.value, row.low, row.high, row.n, row.reason or row.text)


def _caption(metric: Metric, rows: Sequence[Observation], *, batches: int) -> str:
    bold = (
        f"Bold: the value over batches with its 95 % t-interval (n = {counted(batches, 'batch')})."
        if batches > 1
        else "n = 1 batch: technical replicates only, nothing about reproducibility."
    )
    unity = "" if metric.name in _FREE else " Dashed: no effect."
    ends = any(row.batch and row.low is not None for row in rows)
    thin = (
        "one batch, 95 % interval from the scatter of inserts (fields are never n)"
        if ends
        else "one batch"
    )
    return f"{metric.label}: {metric.formula}. Thin: {thin}. {bold}{unity}"


def _drawing(scene: _Scene) -> str:
    key, key_height = batch_key(scene.batches, at=(_LEFT, 16), width=_WIDTH - _LEFT)
    top = y = key_height + 22
    parts = []
    for label, arm in scene.arms.items():
        rows = _valued(arm)
        height = _STEP * len(rows)
        middle = y + height / 2
        parts.append(svg.text(clipped(label, 26), (_LEFT - 14, middle + 4), text_anchor="end"))
        for row in rows:
            y += _STEP
            parts.append(_mark(row, label, y - _STEP / 2, scene))
        y += _GAP
    bottom = y
    unity = _UNITY.get(scene.metric.unit)
    if unity is not None and scene.metric.name not in _FREE and unity <= scene.x.ends[1]:
        at = scene.x.px(unity)
        line = svg.line((at, top), (at, bottom), stroke=svg.INK, stroke_dasharray="4 3")
        parts.insert(0, line)
    parts.insert(0, draw_x(scene.x, top=top, bottom=bottom))
    label = f"{scene.metric.label} of {counted(len(scene.arms), 'arm')}"
    return svg.drawing([*parts, key], size=(_WIDTH, bottom + 56), label=label)


def _mark(row: Observation, label: str, y: float, scene: _Scene) -> str:
    x, value = scene.x, row.value or 0.0
    over = not row.batch
    colour = _OVER if over else svg.INK
    left, right = x.span_px
    low = left if row.low is None else max(left, x.px(row.low))
    high = right if row.high is None else min(right, x.px(row.high))
    index = None if over else scene.batches.index(row.batch)
    shape = "diamond" if index is None else batch_style(index).shape
    wide = 2.6 if over else 1.0
    named = "over batches" if over else f"batch {row.batch}"
    bounded = row.low is not None or row.high is not None
    parts = [svg.tip(f"{label}, {named}: {row.text}")]
    if bounded:
        parts.append(svg.line((low, y), (high, y), stroke=colour, stroke_width=wide))
    if bounded and (row.high is None or x.px(row.high) > right):
        tip = [(right + 8, y), (right, y - 4), (right, y + 4)]
        parts.append(svg.element("path", d=svg.path(tip, close=True), fill=colour))
    radius = 5.0 if over else 3.2
    at = (min(x.px(value), right), y)
    parts.append(svg.mark(shape, at, radius=radius, fill=colour, stroke=colour))
    if over:
        ends = "" if row.low is None else f" ({number(row.low)} to {number(row.high)})"
        told = f"{number(value)}{ends}"
        place = (_RIGHT + 20, y + 4)
        parts.append(svg.text(clipped(told, 34), place, fill=_OVER, font_size=12, font_weight=600))
    return svg.group(parts, data_batch=index)
