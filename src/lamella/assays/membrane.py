"""What the assays on membranes share: their settings, and how the frames of an insert are counted.

This is no assay. Transwell and invasion have their own endpoints and never import each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lamella.assays.contract import Measured, Picture, Settings
from lamella.errors import DecisionError, MeasurementError
from lamella.inputs.images.series import Frame, Unit
from lamella.potency.insert_rows import Membrane
from lamella.potency.inserts import membrane_area_mm2
from lamella.vision.cells import CellSettings, count_cells
from lamella.vision.membrane_rows import (
    CountedField,
    MembranePlace,
    colour_preview,
    counted_field,
    refused_rows,
    usable_colour,
)

__all__ = ["MembraneSettings", "count_frames", "counting_text"]

Image = NDArray[np.float32]


class MembraneSettings(Settings):
    """Settings of the assays on membranes; the defaults count crystal violet in bright field."""

    light: Literal["bright_field", "fluorescence"] = Field(
        "bright_field", description="Bright field (crystal violet) or fluorescence (DAPI, calcein)."
    )
    cell_um: float | None = Field(
        None, gt=0, description="Diameter of a cell or nucleus [µm]; empty: the picture tells."
    )
    edges: Literal["left_top", "all"] = Field(
        "left_top", description="Cells on the right and lower border do not count, or `all` do."
    )
    deep_colour: bool = Field(
        False, description="Accept pictures of a colour camera with more than 8 bits a colour."
    )
    insert: str = Field("", description="Product of the insert, for example '24-well 6.5 mm'.")
    membrane_area_mm2: float | None = Field(
        None, gt=0, description="Area of the membrane [mm²]; overrides that of `insert`."
    )
    seeded_cells: float | None = Field(None, gt=0, description="Cells seeded on each insert.")

    @model_validator(mode="after")
    def _insert_is_known(self) -> MembraneSettings:
        if self.insert and self.membrane_area_mm2 is None:
            try:
                membrane_area_mm2(self.insert)
            except MeasurementError as error:
                raise ValueError(str(error)) from error
        return self

    @property
    def cells(self) -> CellSettings:
        """How cells are counted."""
        return CellSettings(light=self.light, cell_um=self.cell_um, edges=self.edges)

    @property
    def membrane(self) -> Membrane:
        """Area and seeded cells, as far as they are stated."""
        area = self.membrane_area_mm2
        if area is None and self.insert:
            area = membrane_area_mm2(self.insert)
        return Membrane(area, self.seeded_cells)


def count_frames(assay: str, unit: Unit, settings: MembraneSettings) -> Iterator[Measured]:
    """Rows and a picture of every frame of an insert; one that cannot be read is flagged rows."""
    for series in unit.series:
        here = MembranePlace(assay, unit.plate, unit.well, series.field, pixel_um=series.pixel_um)
        for number, problem in enumerate(series.problems, start=1):
            told = here.row("input_problem", note=("input", problem))
            yield replace(told, object=f"input {number}")
        for frame in series.frames:
            place = replace(here, frame=frame.index, time_h=frame.time_h)
            yield from _frame(frame, place, unit=unit, settings=settings)


def counting_text(settings: MembraneSettings) -> str:
    """How cells were counted, for the methods section."""
    if settings.light == "fluorescence":
        how = "Fluorescent cells or nuclei were counted above the dark ground of each field"
    else:
        how = (
            "Violet cells were counted in colour pictures of the underside: optical density "
            "against the bare membrane of each field, unmixed into the dye and a neutral part "
            "that holds the pores"
        )
    border = (
        "cells on the right and lower border did not count"
        if settings.edges == "left_top"
        else "all cells that were seen counted"
    )
    return (
        f"{how}; clusters were split by seeds, and by area and dye over those of a single cell, "
        f"and the spread of these counts is the interval of a field; {border}."
    )


def _frame(
    frame: Frame, place: MembranePlace, *, unit: Unit, settings: MembraneSettings
) -> Iterator[Measured]:
    try:
        image = frame.read()
    except Exception as error:  # whatever a file holds, it costs its own frame only
        yield from refused_rows(place, error, flag="unreadable")
        return
    try:
        field, doubts = _count(image, place, unit=unit, settings=settings)
    except Exception as error:
        yield from refused_rows(place, error, flag="not_counted")
        yield _shown(CountedField((), *_nothing(image), (), "not counted"), place)
        return
    yield from field.rows
    for number, doubt in enumerate(doubts, start=1):
        told = place.row("quality", text="edit_not_applied", note=("edit_not_applied", doubt))
        yield replace(told, object=f"edit_not_applied {number}")
    yield _shown(field, place)


def _count(
    image: Image, place: MembranePlace, *, unit: Unit, settings: MembraneSettings
) -> tuple[CountedField, list[str]]:
    """The counted field, and what is said of corrections that could not be applied."""
    if settings.light == "bright_field":
        usable_colour(image, deep=settings.deep_colour)
    elif image.ndim == 3:
        image = np.asarray(image.mean(axis=2, dtype=np.float32), np.float32)
    found = count_cells(image, pixel_um=place.pixel_um, settings=settings.cells)
    try:
        return counted_field(image, found, place, edits=unit.edits), []
    except DecisionError as error:
        return counted_field(image, found, place), [str(error)]


def _shown(field: CountedField, place: MembranePlace) -> Picture:
    return Picture(
        field=place.field,
        frame=place.frame or 0,
        labels=field.labels,
        preview=field.preview,
        state=field.state,
        points=field.points,
    )


def _nothing(image: Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return np.zeros(image.shape[:2], np.uint8), colour_preview(image)
