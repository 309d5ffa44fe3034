"""The wells of a study and what was put into each: the plate map as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from lamella.units import Dose

__all__ = ["ROLES", "Design", "Role", "Well"]

Role = Literal["vehicle", "untreated", "test", "positive", "blank"]
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Well:
    """One well of the plate map; `dose` is None where no compound was added.

    `factors` holds every further column (coating, attractant, free factors) as text.
    """

    plate: str
    well: str
    batch: str
    role: Role
    cell_line: str = ""
    compound: str = ""
    dose: Dose | None = None
    factors: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Design:
    """All wells of a study, and the protocol facts that later decisions need.

    `standards` are wells of a standard curve that are no wells of the experiment.

    >>> design = Design((Well("P1", "B02", "1", "vehicle"),))
    >>> design.at("P1", "B02").role
    'vehicle'
    >>> design.at("P1", "C03") is None
    True
    """

    wells: tuple[Well, ...] = ()
    protocol: Mapping[str, object] = field(default_factory=dict)
    standards: tuple[Well, ...] = ()
    _index: dict[tuple[str, str], Well] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the wells by plate and name."""
        index = {(well.plate, well.well): well for well in self.wells}
        object.__setattr__(self, "_index", index)

    def at(self, plate: str, well: str) -> Well | None:
        """The well of that plate and name (`B02`), or None where the map has none."""
        return self._index.get((plate, well))
