"""What an assay is: the value that every module of this folder ends in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from lamella.inputs.images.series import Unit
from lamella.table.objects import Objects
from lamella.table.rows import Metric, Observation, Rows
from lamella.table.wells import Design

__all__ = ["Assay", "Measured", "Panel", "PanelKind", "Picture", "Settings", "Template"]


class Settings(BaseModel):
    """Base of the settings of an assay: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Picture:
    """What was found in one frame, for masks on disk and contact sheets.

    Attributes:
        field: The field that it belongs to.
        frame: Its place in the series.
        labels: Full resolution, shape (H, W), 0 = background; 1 = the gap of a scratch, or the
            stained area of a membrane.
        preview: 8-bit for the eye, grey (h, w) or red, green, blue (h, w, 3), at most 480 px
            on the long side.
        state: What stands under the picture, for example `open`.
        points: x and y of each counted object [px of the full picture]; None where objects are
            not counted: then the outlines of `labels` are drawn.
    """

    field: str
    frame: int
    labels: NDArray[np.uint8]
    preview: NDArray[np.uint8]
    state: str = ""
    points: tuple[tuple[float, float], ...] | None = None


Measured: TypeAlias = Observation | Picture | Objects

PanelKind = Literal[
    "time_course", "dose_response", "ratios", "standard_curve", "contact_sheet", "plate", "table"
]


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of the report, declared: `lamella.report` knows how to draw each kind.

    Attributes:
        kind: `time_course`: `metric` over time, a line a dose, batches thin, their mean bold.
            `dose_response`: read-out over dose with curve, band and verdict. `contact_sheet`:
            frames with outlines or points. `ratios`: `metric` of each arm, a mark a batch and its
            interval, the value over batches bold. `plate`: `metric` as a heat map of the
            plate. `table`: one line a well. `standard_curve`: OD of the standards over their cells.
        title: The heading, a statement of what is shown; `{readout}` stands for the read-out.
        metric: Name of the metric drawn; for the contact sheet the one whose text stands under
            each picture.
        needs: Metric without any row of which the panel is left out; "" never leaves it out.
    """

    kind: PanelKind
    title: str
    metric: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """What `lamella new` writes for an assay, to be filled in.

    Attributes:
        images: Pattern of the names of its pictures.
        protocol: Keys of `[assay.protocol]` that its checks need, with an example each.
        settings: Settings that a study usually states, with an example each.
        plate_map: Lines of the first plate map, the header first; empty: a 96-well plate with
            a vehicle and doses.
        inputs: Other keys that say where its values come from, with an example each.
        setup: How the pictures are taken, with an example each.
    """

    images: str = "images/{plate}/{well}_{field}_{time}.tif"
    protocol: tuple[str, ...] = ("solvent_percent = 0.1", "doubling_time_h = 24")
    settings: tuple[str, ...] = ()
    plate_map: tuple[str, ...] = ()
    inputs: tuple[str, ...] = (
        "interval_h = 2.0          # where the file names hold only an index",
    )
    setup: tuple[str, ...] = (
        'substrate = "plastic"',
        'modality = "phase contrast"',
        'objective = "10x/0.3"',
    )


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class Assay(Generic[S]):
    """One assay, whole: how it is measured, settled, drawn and told.

    Attributes:
        name: As in `kind = "scratch"` of `study.toml`.
        title: As in a heading, for example `Wound healing (scratch)`.
        settings: Class of its settings; all have defaults.
        metrics: Everything that it can yield.
        readouts: Metrics that may enter a dose-response, the default first.
        measure: The only pixel step, one unit at a time; pure and picklable; applies the
            unit's edits; yields rows, pictures and objects. A bad frame is a flagged row.
        settle: No pixels, the whole study at once; gets all rows that `measure` yielded
            (rows of excluded places carry the flag `excluded` and must not count), returns
            the complete table: those rows, with states and flags, and the derived ones.
        panels: Figures of its report section.
        methods_text: Sentences for the methods section of a paper.
        template: What a new study of it is written from.
        methods_of_tables: Sentences for the methods section, by read-out, where values come from
            tables and not from pictures.
    """

    name: str
    title: str
    settings: type[S]
    metrics: tuple[Metric, ...]
    readouts: tuple[str, ...]
    measure: Callable[[Unit, S], Iterator[Measured]]
    settle: Callable[[Rows, Design, S], Rows]
    panels: tuple[Panel, ...]
    methods_text: Callable[[S], str]
    template: Template = field(default_factory=Template)
    methods_of_tables: Mapping[str, str] = field(default_factory=dict)

    def metric(self, name: str) -> Metric:
        """The metric of that name."""
        return next(metric for metric in self.metrics if metric.name == name)
