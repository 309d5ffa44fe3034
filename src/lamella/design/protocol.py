"""Which steps does an assay have at the bench, what does the guide say of each, and what not?"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lamella.errors import SettingsError, nearest

__all__ = ["GUIDE", "Gap", "Parameter", "Protocol", "Step", "hazards", "protocol", "protocols"]

GUIDE = (
    "BenchChem Technical Support Team, Defactinib's Impact on Cancer Cell Migration and "
    "Invasion: A Technical Guide, December 2025"
)
IDS = ("scratch", "transwell", "invasion", "tube", "tracks", "viability", "blot")
"""The protocols that ship with Lamella, by the kind of assay that they serve."""

Quantity = Literal[
    "seeding", "growth_block", "gap", "wash", "working", "wells", "imaging", "stop", "closure",
    "rehydrate", "attractant", "insert_cells", "coat_thaw", "coat_mix", "coat", "treat_inserts",
    "fix", "stain", "count", "gel", "tube_cells", "viability_cells", "track_cells", "spike",
    "track_imaging", "read_viability", "lyse", "blot_cells", "lanes", "tube_imaging",
]  # fmt: skip


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Parameter(_Data):
    """One stated fact of a step; `says` is empty where the guide leaves it open."""

    key: str
    label: str
    says: str = ""
    gap: str = ""

    @property
    def stated(self) -> bool:
        """Whether the source says anything."""
        return bool(self.says)


class Gap(_Data):
    """What the source leaves open and a study must decide.

    Attributes:
        id: Its name.
        asks: The question.
        key: The key of `study.toml` that answers it.
        advice: What others do, and how sure that is.
    """

    id: str
    asks: str
    key: str
    advice: str = ""


class Step(_Data):
    """One step at the bench.

    Attributes:
        id: Its name within the protocol.
        short: Two or three words, for the diagram.
        do: What is done.
        why: Why it is done so.
        minutes: Time at the bench, for one plate [min].
        wait_h: Waiting afterwards, least and most [h].
        hazards: Names of entries of `hazards`.
        quantities: What is computed for the study.
        parameters: What the source states, and what it leaves open.
        guide: Where the guide has the step, such as `scratch 3`; empty where it has none.
        ref: The guide's own reference; 0 where it prints none.
        source: Where a step that the guide lacks comes from.
        optional: Whether the assay can do without.
    """

    id: str
    short: str
    do: str
    why: str
    minutes: float = Field(gt=0)
    wait_h: tuple[float, float] = (0.0, 0.0)
    hazards: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    guide: str = ""
    ref: int = 0
    source: str = ""
    optional: bool = False

    @model_validator(mode="after")
    def _has_a_source(self) -> Step:
        if bool(self.guide) == bool(self.source):
            raise ValueError(f"step {self.id} needs either its place in the guide or a source")
        if not 0 <= self.wait_h[0] <= self.wait_h[1]:
            raise ValueError(f"step {self.id} waits from {self.wait_h[0]} to {self.wait_h[1]} h")
        return self


class Protocol(_Data):
    """One assay at the bench.

    Attributes:
        id: As the kind of its assay.
        title: For the heading.
        measures: What the assay reads.
        plate: The plate of the source, or the one in common use.
        delivery: Medium that holds the dose replaces the old (`premix`), or a small volume is
            added (`spike`).
        zero: The step that begins at time zero.
        duration_step: The step whose waiting is the duration of the assay.
        materials: What must lie ready.
        gaps: What the source leaves open.
        steps: In order.
    """

    id: str
    title: str
    measures: str
    plate: str
    delivery: Literal["premix", "spike"]
    zero: str
    duration_step: str
    materials: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=3)

    @model_validator(mode="after")
    def _holds_together(self) -> Protocol:
        names = [step.id for step in self.steps]
        gaps = {gap.id for gap in self.gaps}
        told = [p for step in self.steps for p in step.parameters]
        problems = [f"step {name} stands twice" for name in names if names.count(name) > 1]
        problems += [f"no step {n}" for n in (self.zero, self.duration_step) if n not in names]
        problems += [f"no gap {p.gap}" for p in told if p.gap and p.gap not in gaps]
        problems += [f"{p.key} neither stated nor a gap" for p in told if not p.says and not p.gap]
        unknown = {name for step in self.steps for name in step.hazards} - hazards().keys()
        problems += [f"no hazard {name}" for name in sorted(unknown)]
        if problems:
            raise ValueError(f"protocol {self.id}: {'; '.join(problems)}")
        return self

    def gap(self, name: str) -> Gap:
        """The gap of that name."""
        return next(gap for gap in self.gaps if gap.id == name)

    def step(self, name: str) -> Step:
        """The step of that name."""
        return next(step for step in self.steps if step.id == name)


def protocols() -> tuple[Protocol, ...]:
    """All protocols, those of the guide first.

    >>> [one.id for one in protocols()]
    ['scratch', 'transwell', 'invasion', 'tube', 'tracks', 'viability', 'blot']
    """
    return tuple(protocol(name) for name in IDS)


@cache
def protocol(kind: str) -> Protocol:
    """The protocol of an assay.

    Raises:
        SettingsError: There is none; the message names the nearest.

    >>> len(protocol("scratch").steps)
    9
    """
    if kind not in IDS:
        raise SettingsError(f"there is no protocol '{kind}'. {nearest(kind, IDS)}")
    told = _document(f"{kind}.toml")
    base = told.pop("based_on", None)
    if base is not None:
        told = _joined(_document(f"{base}.toml"), told)
    return Protocol.model_validate(told)


@cache
def hazards() -> Mapping[str, str]:
    """What to mind with each hazardous thing, by name.

    >>> "fume hood" in hazards()["paraformaldehyde"]
    True
    """
    return {name: str(text) for name, text in _document("hazards.toml").items()}


def _document(name: str) -> dict[str, object]:
    place = files("lamella.design") / "protocols" / name
    return tomllib.loads(place.read_text("utf-8"))


def _joined(base: dict[str, object], told: dict[str, object]) -> dict[str, object]:
    """The base with further steps in front, changed steps in place, and everything else new."""
    changes = {str(step["id"]): step for step in _tables(told.pop("change", []))}
    steps = [
        {**step, **changes.get(str(step["id"]), {})} for step in _tables(base.get("steps", []))
    ]
    first = _tables(told.pop("first", []))
    gaps = [*_tables(base.get("gaps", [])), *_tables(told.pop("gaps", []))]
    return {**base, **told, "steps": [*first, *steps], "gaps": gaps}


def _tables(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
