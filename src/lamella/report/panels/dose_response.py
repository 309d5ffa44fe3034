"""The read-out over dose: wells, batch means, fitted curves, bands, and the IC50 of each batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from lamella.assays.contract import Panel
from lamella.potency.result import Band, CurveResult, PotencyResult
from lamella.report import svg
from lamella.report.arms import natural
from lamella.report.axes import Axis, dose_axis, draw_x, draw_y, linear_axis
from lamella.report.figure import Cell, Drawing, Figure
from lamella.report.legend import batch_key
from lamella.report.palette import batch_style
from lamella.report.panels.potency_rows import draw_potency_rows, row_count
from lamella.report.typeset import bracketed, counted, dose, number
from lamella.study.result import AssayResult, StudyResult

__all__ = ["draw"]

_WIDTH = 960.0
_LEFT, _RIGHT = 130.0, 664.0
_HEIGHT = 360.0
_CURVE = "#2f5b92"
_ESTIMATE = "#d97d1c"
_FAR = "#a40e26"


@dataclass(frozen=True)
class _Scene:
    """Where everything of one drawing lies."""

    potency: PotencyResult
    curves: tuple[CurveResult, ...]
    batches: tuple[str, ...]
    x: Axis
    y: Axis

    def at(self, curve: CurveResult, value: float, response: float) -> tuple[float, float]:
        """A point, batches side by side."""
        shift = 0.0
        if curve.batch in self.batches and len(self.batches) > 1:
            step = min(6.0, 26.0 / len(self.batches))
            shift = (self.batches.index(curve.batch) - (len(self.batches) - 1) / 2) * step
        return self.x.px(value) + shift, self.y.px(response)


def draw(result: AssayResult, study: StudyResult, panel: Panel) -> Figure:
    """The dose-response of the read-out; empty, with the reason, where there is no potency."""
    potency = result.potency
    if potency is None:
        reason = result.reason or "the study has no doses"
        return Figure(panel.title, empty=f"No dose-response: {reason}.")
    drawings, rows = [], []
    for name in dict.fromkeys(curve.id for curve in potency.curves):
        curves = tuple(curve for curve in potency.curves if curve.id == name)
        if any(value > 0 for curve in curves for value in curve.doses):
            label = name or panel.title
            drawings.append(Drawing(label, _drawing(potency, curves, compound=study.compound)))
            rows += list(_rows(curves))
    if not drawings:
        return Figure(panel.title, empty="No dose-response: no dosed well has a read-out.")
    label, unit = _response(potency)
    columns = ("curve", "batch", "what", f"dose [{potency.dose_unit}]", bracketed(label, unit))
    return Figure(
        panel.title,
        _caption(potency),
        (*columns, "low", "high"),
        tuple(rows),
        tuple(drawings),
    )


def _rows(curves: Iterable[CurveResult]) -> Iterable[tuple[Cell, ...]]:
    for curve in curves:
        batch = curve.batch or "all batches"
        for value, response in zip(curve.doses, curve.responses, strict=True):
            yield curve.id, batch, "well", _written(value), response, None, None
        for value, response, _ in _means(curve):
            yield curve.id, batch, "mean of wells", _written(value), response, None, None
        if curve.band:
            band = curve.band
            for line in zip(band.dose, band.fit, band.low, band.high, strict=True):
                yield curve.id, batch, "fit", *line


def _written(value: float) -> float:
    """The dose as it was written: a change of unit rounds in the last bit."""
    return float(f"{value:.12g}")


def _means(curve: CurveResult) -> list[tuple[float, float, int]]:
    found: dict[float, list[float]] = defaultdict(list)
    for value, response in zip(curve.doses, curve.responses, strict=True):
        found[value].append(response)
    return [(value, fmean(wells), len(wells)) for value, wells in sorted(found.items())]


def _response(potency: PotencyResult) -> tuple[str, str]:
    """Label and unit of the response, which reads for example `Edge speed, % of vehicle`."""
    label, comma, unit = potency.response.rpartition(", ")
    if not comma:
        return potency.response, "%" if "%" in potency.response else ""
    return label, unit


def _caption(potency: PotencyResult) -> str:
    batches = {curve.batch for curve in potency.curves if curve.batch is not None}
    between = potency.between_batches
    points = "Small marks: wells. Large marks: mean of the wells of one batch"
    if len(batches) > 1:
        n = f" (the replicate; n = {counted(len(batches), 'batch')}), set side by side at a dose."
    else:
        n = "; n = 1 batch: technical replicates only."
    lines = " Lines: curve fitted to the wells of a batch"
    if any(curve.batch is None for curve in potency.curves):
        lines += "; bold: to all wells"
    bands = "; shaded: its 95 % confidence band, which holds variation between wells alone."
    estimate = ""
    if between is not None and between.value is not None:
        estimate = f" Orange: IC50 between {counted(between.n, 'batch')} with its 95 % interval."
    if any(curve.outliers for curve in potency.curves):
        estimate += " Red ring: a well far off its curve; it was fitted like all others."
    below = " Below: the IC50 of each batch with its 95 % interval; an arrow marks an open end."
    return points + n + lines + bands + estimate + below


def _drawing(potency: PotencyResult, curves: tuple[CurveResult, ...], *, compound: str) -> str:
    batches = tuple(sorted({c.batch for c in curves if c.batch is not None}, key=natural))
    key, key_height = batch_key(batches, at=(_LEFT, 16), width=_WIDTH - _LEFT)
    top = key_height + 22 if batches else 20.0
    bottom = top + _HEIGHT
    doses = [value for curve in curves for value in curve.doses]
    span = (_LEFT, _RIGHT)
    x = dose_axis(compound or "compound", doses, unit=potency.dose_unit, span_px=span)
    label, unit = _response(potency)
    y = linear_axis(label, _extent(curves), unit=unit, span_px=(bottom, top))
    scene = _Scene(potency, curves, batches, x, y)
    edge = x.span_px[0] - 8
    box = (edge, top - 6, _RIGHT - edge, _HEIGHT + 6)
    rows_top = bottom + 84
    return svg.drawing(
        [
            draw_y(y, left=_LEFT, right=_RIGHT),
            draw_x(x, top=top, bottom=bottom, zero="vehicle"),
            _estimate(scene, top=top, bottom=bottom),
            svg.window((_curve(curve, scene) for curve in _drawable(curves)), box=box),
            *(_at_zero(curve, scene) for curve in _drawable(curves)),
            *(_points(curve, scene) for curve in _pointed(curves)),
            key if batches else "",
            draw_potency_rows(potency, curves, x=x, top=rows_top),
        ],
        size=(_WIDTH, rows_top + 24 * row_count(potency, curves) + 8),
        label=f"{potency.response} over dose of {compound}, {counted(len(batches), 'batch')}",
    )


def _extent(curves: Sequence[CurveResult]) -> list[float]:
    """What the vertical axis must hold: all points, and bands as far as they stay near them."""
    points = [response for curve in curves for response in curve.responses]
    low, high = min(points), max(points)
    pad = 0.15 * (high - low)
    bands = [curve.band for curve in curves if curve.band]
    ends = [value for band in bands for value in (*band.fit, *band.low, *band.high)]
    return points + [min(max(value, low - pad), high + pad) for value in ends]


def _drawable(curves: Sequence[CurveResult]) -> list[CurveResult]:
    return [curve for curve in curves if curve.band]


def _pointed(curves: Sequence[CurveResult]) -> list[CurveResult]:
    """Curves whose points are drawn: those of batches, or the pooled one where it is alone."""
    own = [curve for curve in curves if curve.batch is not None]
    return own or list(curves)


def _curve(curve: CurveResult, scene: _Scene) -> str:
    band = curve.band
    if band is None:
        return ""
    pooled = curve.batch is None
    index = None if curve.batch is None else scene.batches.index(curve.batch)
    fit = _line(band, band.fit, scene)
    return svg.group(
        [
            svg.area(
                _line(band, band.high, scene),
                _line(band, band.low, scene),
                fill=_CURVE,
                opacity=0.3 / (1 + len(scene.curves)),
            ),
            svg.element(
                "path",
                d=svg.path(fit),
                fill="none",
                stroke=svg.INK if pooled else _CURVE,
                stroke_width=2.8 if pooled else 1.6,
                stroke_dasharray=None if index is None else batch_style(index).dash,
            ),
        ],
        data_batch=index,
    )


def _at_zero(curve: CurveResult, scene: _Scene) -> str:
    """The fitted response without compound, a short line left of the break."""
    zero = scene.x.zero_px
    level = curve.parameters.at_zero_dose
    if zero is None or level is None or not scene.y.ends[0] <= level <= scene.y.ends[1]:
        return ""
    y = scene.y.px(level)
    pooled = curve.batch is None
    index = None if curve.batch is None else scene.batches.index(curve.batch)
    drawn = svg.line(
        (zero - 16, y),
        (zero + 16, y),
        stroke=svg.INK if pooled else _CURVE,
        stroke_width=2.8 if pooled else 1.6,
        stroke_dasharray=None if index is None else batch_style(index).dash,
    )
    return svg.group([drawn], data_batch=index)


def _line(band: Band, values: Sequence[float], scene: _Scene) -> list[tuple[float, float]]:
    pairs = zip(band.dose, values, strict=True)
    return [(scene.x.px(value), scene.y.px(response)) for value, response in pairs if value > 0]


def _points(curve: CurveResult, scene: _Scene) -> str:
    own = scene.batches.index(curve.batch) if curve.batch in scene.batches else None
    style = batch_style(own or 0)
    unit = scene.potency.dose_unit
    named = f"batch {curve.batch}, " if curve.batch is not None else ""
    parts = []
    for index, (value, response) in enumerate(zip(curve.doses, curve.responses, strict=True)):
        far = ", far off the curve" if index in curve.outliers else ""
        said = svg.tip(f"{named}{dose(value, unit)}: {number(response)} (one well{far})")
        place = scene.at(curve, value, response)
        if far:
            parts.append(svg.mark("circle", place, radius=5.5, fill="none", stroke=_FAR))
        parts.append(svg.mark(style.shape, place, said, radius=1.9, fill=svg.INK, opacity=0.45))
    for value, response, n in _means(curve):
        basis = f"mean of {counted(n, 'well')}"
        said = svg.tip(f"{named}{dose(value, unit)}: {number(response)} ({basis})")
        place = scene.at(curve, value, response)
        radius = 4.6 if len(scene.batches) <= 6 else 3.4
        look = svg.mark(style.shape, place, said, radius=radius, stroke=_CURVE, stroke_width=1.8)
        parts.append(look)
    return svg.group(parts, data_batch=own, fill="#ffffff")


def _estimate(scene: _Scene, *, top: float, bottom: float) -> str:
    between = scene.potency.between_batches
    if between is None or between.value is None:
        return ""
    left = scene.x.span_px[0] if between.low is None else scene.x.px(between.low)
    right = scene.x.span_px[1] if between.high is None else scene.x.px(between.high)
    left, right = max(left, _LEFT), min(right, _RIGHT)
    x = scene.x.px(between.value)
    width = max(1.0, right - left)
    shade = svg.element(
        "rect", x=left, y=top, width=width, height=bottom - top, fill=_ESTIMATE, opacity=0.14
    )
    return svg.group(
        [
            svg.tip(between.text),
            shade,
            svg.line((x, top), (x, bottom), stroke=_ESTIMATE, stroke_width=2),
        ]
    )
