"""How is each kind of panel drawn? One module a kind, one line each."""

from collections.abc import Callable, Mapping
from typing import Final

from lamella.assays.contract import Panel, PanelKind
from lamella.report.figure import Figure
from lamella.report.panels import (
    contact_sheet,
    dose_response,
    plate,
    ratios,
    standard_curve,
    table,
    time_course,
)
from lamella.study.result import AssayResult, StudyResult

__all__ = ["DRAW"]

DRAW: Final[Mapping[PanelKind, Callable[[AssayResult, StudyResult, Panel], Figure]]] = {
    "time_course": time_course.draw,
    "dose_response": dose_response.draw,
    "ratios": ratios.draw,
    "standard_curve": standard_curve.draw,
    "contact_sheet": contact_sheet.draw,
    "plate": plate.draw,
    "table": table.draw,
}
