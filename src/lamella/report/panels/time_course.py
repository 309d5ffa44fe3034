"""A metric over time: batches thin, their mean bold, one colour a dose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lamella.assays.contract import Panel
from lamella.report import svg
from lamella.report.arms import Course, arms_of, batches_of, courses, well_values
from lamella.report.axes import Axis, draw_x, draw_y, linear_axis
from lamella.report.figure import Cell, Drawing, Figure, metric_of, wells_of
from lamella.report.legend import batch_key, end_labels
from lamella.report.palette import batch_style
from lamella.report.typeset import bracketed, counted, number
from lamella.study.result import AssayResult, StudyResult
from lamella.table.rows import Metric
from lamella.table.store import rows_of
from lamella.table.wells import Design

__all__ = ["draw"]

_WIDTH = 960.0
_LEFT, _RIGHT = 78.0, 740.0


def draw(result: AssayResult, study: StudyResult, panel: Panel) -> Figure:
    """The figure of one metric over time; empty where no frame has a value."""
    metric = metric_of(result, panel)
    timed = [row for row in rows_of(result.rows, metric.name) if row.frame is not None]
    design = Design(wells_of(result, study))
    batches = batches_of(design)
    found = courses(arms_of(design), well_values(timed, metric.name))
    if not found:
        reason = f"No frame of any well has a value of {metric.label.lower()}: see flagged wells."
        return Figure(panel.title, empty=reason)
    clocked = any(row.time_h is not None for row in timed)
    time = ("Time since time zero", "h") if clocked else ("Frame, no times stated", "number")
    columns = ("arm", "batch", "time_h" if clocked else "frame", f"mean {_column(metric)}", "n")
    return Figure(
        panel.title,
        _caption(metric, found, batches),
        (*columns, "n_counts"),
        tuple(_rows(found)),
        (Drawing(metric.label, _drawing(found, batches, metric=metric, time=time)),),
    )


def _rows(found: Sequence[Course]) -> Iterator[tuple[Cell, ...]]:
    for course in found:
        whole = course.batch is None
        for point in course.points:
            batch = "mean of batches" if whole else course.batch
            counted_as = "batches" if whole else "wells"
            yield course.arm.label, batch, point.time, point.value, point.n, counted_as


def _caption(metric: Metric, found: Sequence[Course], batches: Sequence[str]) -> str:
    arms = len({id(course.arm) for course in found})
    drawn = len({course.batch for course in found} - {None})
    if len(batches) < 2:
        what = (
            "Thin: the mean of the wells; n = 1 batch, so the lines show technical replicates "
            "only and nothing about reproducibility."
        )
    else:
        what = (
            f"Thin: the mean of the wells of one batch (n = {counted(drawn, 'batch')}); bold: the "
            "mean of the batches, where all of them have a value."
        )
    formula = f" {metric.label}: {metric.formula}." if metric.formula else ""
    return f"{metric.label} in {counted(arms, 'arm')}. {what} No band is drawn.{formula}"


def _drawing(
    found: Sequence[Course], batches: Sequence[str], *, metric: Metric, time: tuple[str, str]
) -> str:
    points = [point for course in found for point in course.points]
    arms = list({id(course.arm): course.arm for course in found}.values())
    key, key_height = batch_key(batches, at=(_LEFT, 16), width=_WIDTH - _LEFT)
    top = key_height + 22
    bottom = top + max(360.0, 11.0 * len(arms))
    x = linear_axis(time[0], [p.time for p in points], unit=time[1], span_px=(_LEFT, _RIGHT))
    values = [point.value for point in points]
    y = linear_axis(metric.label, values, unit=metric.unit, span_px=(bottom, top))
    lines, ends = [], []
    for course in found:
        index = arms.index(course.arm)
        if course.batch is not None:
            lines.append(_thin(course, batches.index(course.batch), arm=index, x=x, y=y))
        elif course.points:
            last = course.points[-1]
            ends.append((course.arm, index, x.px(last.time), y.px(last.value)))
            lines.append(_bold(course, arm=index, x=x, y=y))
    return svg.drawing(
        [
            draw_y(y, left=_LEFT, right=_RIGHT),
            draw_x(x, top=top, bottom=bottom),
            *lines,
            end_labels(ends, left=_RIGHT + 40, low=top, high=bottom),
            key,
        ],
        size=(_WIDTH, bottom + 56),
        label=f"{metric.label} over time, one line a dose, {counted(len(batches), 'batch')}",
    )


def _thin(course: Course, batch: int, *, arm: int, x: Axis, y: Axis) -> str:
    style = batch_style(batch)
    places = [(x.px(point.time), y.px(point.value)) for point in course.points]
    parts = [
        svg.element(
            "path",
            d=svg.path(places),
            fill="none",
            stroke=course.arm.colour,
            stroke_dasharray=style.dash,
            stroke_width=1,
            opacity=0.75,
        )
    ]
    for place, point in zip(places, course.points, strict=True):
        said = (
            f"{course.arm.label}, batch {course.batch}: {number(point.value)} "
            f"at {number(point.time)} (mean of {counted(point.n, 'well')})"
        )
        parts.append(svg.mark(style.shape, place, svg.tip(said), radius=2.1, opacity=0.8))
    return svg.group(parts, data_batch=batch, data_arm=arm, fill=course.arm.colour)


def _bold(course: Course, *, arm: int, x: Axis, y: Axis) -> str:
    places = [(x.px(point.time), y.px(point.value)) for point in course.points]
    last = course.points[-1]
    basis = f"mean of {counted(last.n, 'batch')}"
    said = f"{course.arm.label}: {number(last.value)} at the end ({basis})"
    thick = svg.element(
        "path",
        svg.tip(said),
        d=svg.path(places),
        fill="none",
        stroke=course.arm.colour,
        stroke_width=2.8,
        stroke_linejoin="round",
    )
    return svg.group([thick], data_arm=arm)


def _column(metric: Metric) -> str:
    return bracketed(metric.name, metric.unit)
