"""What `study.toml` may say: every key, its meaning and its default."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from lamella.errors import UnitError, nearest
from lamella.evidence.base import normal
from lamella.study.bench_entry import PlanEntry
from lamella.study.protocol import CellLineEntry, Protocol, Reporting
from lamella.table.findings import Finding
from lamella.units import parse_dose

__all__ = ["AssayEntry", "Compound", "StudyEntry", "StudyFile", "read_study_file"]

MAX_STUDY_FILE_BYTES = 1 << 20
STUDY_FILE = "study.toml"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Compound(_Entry):
    """The compound under test."""

    name: str = Field(description="Name of the compound, for example defactinib.")
    form: str = Field("", description="Free base or salt; doses are of this form.")
    stock: str = Field("", description="Concentration of the stock, for example '10 mM'.")
    solvent: str = Field("", description="Solvent of the stock, for example DMSO.")
    batch: str = Field("", description="Lot of the supplier.")
    purity_percent: float | None = Field(None, gt=0, le=100, description="Purity [%].")
    expected_ic50: str = Field("", description="IC50 that the plan expects, for example '300 nM'.")

    @field_validator("expected_ic50")
    @classmethod
    def _is_a_dose(cls, text: str) -> str:
        if text:
            try:
                parse_dose(text)
            except UnitError as error:
                raise ValueError(str(error)) from error
        return text


class StudyEntry(_Entry):
    """The table `[study]`."""

    title: str = Field(description="One line: compound, cells, what is asked.")
    compound: Compound | None = Field(None, description="The compound under test.")
    cell_line: str = Field("", description="Cell line, where the plate map does not name it.")
    cell_line_accession: str = Field("", description="Cellosaurus accession, CVCL_...")
    cell_lines: Mapping[str, CellLineEntry] = Field(
        default_factory=dict, description="Facts of each cell line, under its name."
    )
    reporting: Reporting = Field(
        default_factory=Reporting, description="How the study was conducted."
    )
    evidence: tuple[str, ...] = Field(
        (), description="Rows of the evidence base that the plan rests on, for example T2.1."
    )
    dose_unit: str | None = Field(
        None, description="Unit of doses that the plate map writes without one (nM, au ...)."
    )
    factors: tuple[str, ...] = Field(
        (), description="Further columns of the plate map that this study declares."
    )

    def cell_line_facts(self, name: str) -> CellLineEntry:
        """What is stated of a line, whatever the marks in its name (SUIT2 is SUIT-2)."""
        named = {normal(key): entry for key, entry in self.cell_lines.items()}
        return named.get(normal(name), CellLineEntry())


class AssayEntry(_Entry):
    """One `[[assay]]` of the study."""

    kind: str = Field(description="Which assay: scratch ...")
    images: str = Field(
        "",
        description="Where the images lie: a pattern such as 'images/{plate}/{well}_{field}_"
        "{time}.tif', or the folder of a preset.",
    )
    readouts: str = Field(
        "",
        description="Tables of a plate reader, in place of images or beside them: a pattern such "
        "as 'readouts/{plate}.csv', or their folder. OD of eluted dye on inserts.",
    )
    preset: str | None = Field(None, description="File names of an instrument: incucyte ...")
    pixel_um: float | None = Field(
        None, gt=0, description="Side of a pixel [µm]; overrides the metadata."
    )
    start_h: float = Field(0.0, description="Time of the first frame after time zero [h].")
    interval_h: float | None = Field(
        None, gt=0, description="Time between frames [h], where files state only an index."
    )
    times_h: tuple[float, ...] | None = Field(
        None, description="Time of each scan [h], in place of interval_h."
    )
    channel: str | None = Field(None, description="The channel to measure, where there are more.")
    z: str | None = Field(None, description="The plane in depth to measure, where there are more.")
    plate_format: int | None = Field(
        None, description="Number of wells, for instruments that number them."
    )
    readout: str | None = Field(None, description="Metric that enters the dose-response.")
    protocol: Protocol = Field(default_factory=Protocol, description="Facts of the bench.")
    settings: Mapping[str, Any] = Field(
        default_factory=dict, description="Only what differs from the assay's defaults."
    )

    @model_validator(mode="after")
    def _something_is_read(self) -> AssayEntry:
        if not self.images and not self.readouts:
            raise PydanticCustomError("nothing_read", "neither 'images' nor 'readouts' is stated")
        return self


class StudyFile(_Entry):
    """The whole of `study.toml`."""

    study: StudyEntry
    assay: tuple[AssayEntry, ...] = Field(min_length=1)
    plan: PlanEntry = Field(
        default_factory=PlanEntry, description="The bench and the wishes of a plan."
    )


def read_study_file(folder: Path) -> tuple[StudyFile | None, list[Finding]]:
    """The validated `study.toml` of a folder, or all its problems at once."""
    path = folder / STUDY_FILE
    problem: str | None = None
    raw: dict[str, Any] = {}
    if not path.is_file():
        problem = f"no {STUDY_FILE} in {folder}."
        remedy = "Write one with 'lamella new scratch DIR', or name the folder that holds it."
    elif path.stat().st_size > MAX_STUDY_FILE_BYTES:
        problem, remedy = "the file is larger than 1 MiB.", "Keep only the study's own keys."
    else:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            problem, remedy = f"not valid TOML: {error}.", "Mend that line; text stands in quotes."
    if problem is not None:
        return None, [Finding("study-file", "error", str(path), problem, remedy)]
    try:
        return StudyFile.model_validate(raw), []
    except ValidationError as error:
        return None, list(findings_of(error, StudyFile, place=STUDY_FILE))


def findings_of(error: ValidationError, model: type[BaseModel], *, place: str) -> Iterator[Finding]:
    """Each problem of a validation as a finding that names the key and the nearest valid one."""
    told = error.errors()
    for item in told:
        inner = any(o["loc"][: len(item["loc"])] == item["loc"] and o is not item for o in told)
        if item["type"] == "too_short" and inner:
            continue  # an item that is wrong is not one that is missing
        where = ".".join(str(part) for part in item["loc"])
        label: Literal["unknown-key", "bad-value"] = "bad-value"
        message, remedy = f"'{where}': {item['msg']}.", "Correct the value."
        if item["type"] == "json_invalid":
            message, remedy = f"{item['msg']}.", "Mend the line, or take it out."
        elif item["type"] == "extra_forbidden":
            label = "unknown-key"
            known = _keys_at(model, item["loc"][:-1])
            message = f"'{where}' is not a known key."
            remedy = nearest(str(item["loc"][-1]), known)
        elif item["type"] == "nothing_read":
            remedy = "Add 'images = \"...\"', or 'readouts = \"...\"' for tables of a plate reader."
        elif item["type"] == "missing":
            message, remedy = f"'{where}' is missing.", f"Add the key '{item['loc'][-1]}'."
        yield Finding(label, "error", place, message, remedy)


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    for part in loc:
        if isinstance(part, int) or part not in model.model_fields:
            continue
        inner = _model_within(model.model_fields[part].annotation)
        if inner is not None:
            model = inner
    return list(model.model_fields)


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_within(inner)
        if found is not None:
            return found
    return None
