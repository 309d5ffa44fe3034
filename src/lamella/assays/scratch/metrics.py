"""Every value that a scratch assay can yield, with unit, formula and source."""

from __future__ import annotations

from lamella.table.rows import Metric

__all__ = ["DERIVED", "METRICS", "NAME", "unit_of"]

NAME = "scratch"

_GUIDE = "Scratch protocol, data analysis"
_INCUCYTE = "Incucyte scratch wound module"
_LINEAR = "Jonkman et al. 2014, 10.4161/cam.36224"
_BOWHEAD = "Bowhead (Engel et al. 2018)"


def _level(name: str, label: str, unit: str = "") -> Metric:
    return Metric(name, label, unit, "neither", level=True)


MEASURED: tuple[Metric, ...] = (
    Metric("gap_area_fraction", "Open area", "", "lower", "gap area / area of the valid field"),
    Metric("gap_area", "Gap area", "µm²", "lower", "gap pixels x pixel area, islands filled"),
    Metric("gap_count", "Number of gaps", "", "neither", "8-connected parts >= 0.1 % of the field"),
    Metric("gap_width_mean", "Gap width", "µm", "lower", "gap area / length of the scratch axis"),
    Metric("gap_width_median", "Median gap width", "µm", "lower", "median over lines across"),
    Metric("gap_width_sd", "SD of the gap width", "µm", "neither", "SD (n - 1) over lines across"),
    Metric("gap_width_cv", "CV of the gap width", "", "neither", "SD / mean of the gap width"),
    Metric("front_perimeter", "Front length", "µm", "neither", "gap outline without field border"),
    Metric("edge_roughness", "Edge roughness", "µm", "neither", "SD of a front about its line"),
    Metric("cells_in_gap", "Cells in the gap", "", "neither", "islands enclosed in the gap"),
    Metric("cells_in_gap_area", "Area of cells in the gap", "µm²", "neither", "their area"),
    Metric(
        "wound_confluence",
        "Wound confluence",
        "%",
        "higher",
        "100 x covered area inside the first wound / area of the first wound",
        _INCUCYTE,
    ),
    Metric(
        "outside_confluence",
        "Confluence outside the wound",
        "%",
        "neither",
        "100 x covered area outside the first wound / that area",
        _INCUCYTE,
    ),
    Metric(
        "wound_cover",
        "Cells in the first wound",
        "%",
        "higher",
        "100 x covered area inside the first wound / that area, single cells counted",
        _INCUCYTE,
    ),
    Metric("scratch_length", "Length of the scratch", "µm", "neither", "scratch axis in the field"),
    Metric("scratch_tilt", "Tilt of the scratch", "deg", "neither", "angle from the vertical"),
    Metric("input_problem", "Problem of the input", "", "neither", "as the reader found it"),
    _level("gap_alone", "What the frame alone says"),
    _level("valid_area", "Area of the valid field", "µm²"),
    _level("front_left", "Position of the left (upper) front", "µm"),
    _level("front_right", "Position of the right (lower) front", "µm"),
    _level("open_lines", "Share of lines still open"),
    _level("tissue_level", "Texture of the tissue", "ln energy"),
    _level("gap_level", "Texture of the gap", "ln energy"),
    _level("image_level", "Texture of the field", "ln energy"),
    _level("noise_level", "Texture of the flattest hundredth", "ln energy"),
    _level("separability", "Separability of tissue and gap"),
    _level("focus", "Sharpness of the tissue"),
    _level("unevenness", "Unevenness of the illumination"),
    _level("brightness", "Median brightness", "counts"),
    _level("shift", "Stage drift since the first frame", "µm"),
)

DERIVED: tuple[Metric, ...] = (
    Metric("gap_state", "State", "", "neither", "open, nearly_closed, closed, empty, unusable"),
    Metric("state_basis", "State decided from", "", "neither", "plate, series or frame"),
    Metric("closure", "Closure", "%", "higher", "100 x (A0 - At) / A0", _GUIDE),
    Metric(
        "relative_wound_density",
        "Relative wound density",
        "%",
        "higher",
        "100 x (w(t) - w(0)) / (c(t) - w(0)); w, c covered inside, outside the first wound",
        _INCUCYTE,
    ),
    Metric(
        "front_advance",
        "Front advance",
        "µm",
        "higher",
        "sum of area lost / (2 x scratch length), or / perimeter for a round gap",
    ),
    Metric(
        "edge_speed",
        "Edge speed",
        "µm/h",
        "higher",
        "-(dA/dt) / (2 L) by least squares from lag end to 80 % of vehicle closure; "
        "-(dA/dt) / perimeter for a round gap",
        f"{_LINEAR}; round gaps {_BOWHEAD}",
    ),
    Metric("edge_speed_left", "Speed of the left (upper) edge", "µm/h", "higher", "its -dx/dt"),
    Metric("edge_speed_right", "Speed of the right (lower) edge", "µm/h", "higher", "its dx/dt"),
    Metric(
        "edge_speed_delayed",
        "Edge speed, closure-aware",
        "µm/h",
        "higher",
        "lag, straight phase and closed plateau fitted to all frames",
    ),
    Metric("lag", "Lag", "h", "lower", "where the line of the edge speed meets A0"),
    Metric("t50", "Time to half closure", "h", "lower", "first C >= 50 %, linear between frames"),
    Metric(
        "closing_time",
        "Time to closure",
        "h",
        "lower",
        "first frame with A <= 1 % of A0 that holds in all later frames",
    ),
    Metric("mean_closure", "Mean closure", "%", "higher", "area under closure / duration"),
    Metric("quality", "Quality", "", "neither", "one row for each thing that limits a conclusion"),
)

METRICS = (*MEASURED, *DERIVED)

_PIXEL_UNITS = {"µm": "px", "µm²": "px²"}
_UNITS = {metric.name: metric.unit for metric in METRICS}


def unit_of(name: str, *, calibrated: bool, timed: bool = True) -> str:
    """Unit of a metric, in pixels and frames where nobody stated sizes and times.

    >>> unit_of("edge_speed", calibrated=False), unit_of("lag", calibrated=True, timed=False)
    ('px/h', 'frames')
    """
    length, _, time = _UNITS[name].partition("/")
    if not calibrated:
        length = _PIXEL_UNITS.get(length, length)
    if length == "h" and not timed:
        return "frames"
    if not time:
        return length
    return f"{length}/{time if timed else 'frame'}"
