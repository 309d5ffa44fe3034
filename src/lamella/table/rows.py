"""One row of the table, and the metric that it states: the only exchange between the parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Better", "Metric", "Observation", "Rows"]

Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A typed value that an assay can yield.

    Attributes:
        name: As it stands in the table and in JSON, for example `edge_speed`.
        label: As it stands on an axis, for example `Edge speed`.
        unit: For example `µm/h`; empty for a pure number.
        better: What an active inhibitor of migration does not want: `higher` means that
            a higher value is more migration, closure or function.
        formula: In words or symbols, for the methods text.
        source: Paper or protocol that defines it.
        level: True for values that only `settle` needs (texture levels, blanks).
    """

    name: str
    label: str
    unit: str
    better: Better
    formula: str = ""
    source: str = ""
    level: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """One value with its place, interval and reason.

    `value` is None where there is no number: then `text` holds a state, or `flag` and `reason`
    say why. `low` and `high` are the ends of a 95 % interval, None where open or unknown.
    `frame` and `time_h` are None for a value of a whole series, `field` is "" for a value of
    a whole well.
    """

    metric: str
    value: float | None = None
    unit: str = ""
    text: str | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    flag: str | None = None
    reason: str | None = None
    study: str = ""
    batch: str = ""
    plate: str = ""
    well: str = ""
    field: str = ""
    frame: int | None = None
    time_h: float | None = None
    object: str | None = None
    assay: str = ""
    settings_hash: str = ""
    input_hash: str = ""
    version: str = ""


Rows: TypeAlias = Sequence[Observation]
