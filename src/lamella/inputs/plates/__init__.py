"""Plate maps: one module per form, one line in the list of forms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from lamella.errors import PlateMapError
from lamella.inputs.plates.fractal import FractalForm
from lamella.inputs.plates.grid import GridForm
from lamella.inputs.plates.incucyte import IncucyteForm
from lamella.inputs.plates.platemap import COLUMNS, PlateContext, PlateMap
from lamella.inputs.plates.spreadsheet import read_text
from lamella.inputs.plates.tidy import TidyForm
from lamella.inputs.plates.wellmap import WellmapForm

__all__ = ["COLUMNS", "FORMS", "Form", "PlateContext", "PlateMap", "read_plate_map"]


class Form(Protocol):
    """One way of writing a plate map."""

    name: str

    def sniff(self, path: Path, head: str, /) -> bool:
        """Whether a file that begins with `head` is of this form."""
        ...

    def read(self, path: Path, context: PlateContext, /) -> PlateMap:
        """Wells and findings of the file."""
        ...


FORMS: tuple[Form, ...] = (
    IncucyteForm(),
    WellmapForm(),
    FractalForm(),
    TidyForm(),
    GridForm(),
)
"""The forms, in the order in which they are tried."""


def read_plate_map(path: Path, context: PlateContext | None = None) -> PlateMap:
    """The wells of a plate map, and all its problems at once.

    Args:
        path: A file in any of `FORMS`.
        context: What the study states; the plate is named after the file where neither the
            map nor the study names it.

    Raises:
        PlateMapError: The file is missing, is not text or is of no known form.
    """
    stated = context or PlateContext()
    head = read_text(path)[:4096]
    for form in FORMS:
        if form.sniff(path, head):
            return form.read(path, replace(stated, plate=stated.plate or path.stem))
    names = ", ".join(form.name for form in FORMS)
    raise PlateMapError(
        f"{path} is not a plate map of a known form ({names}). "
        "Write a table with the columns 'well', 'batch', 'role', 'compound' and 'dose'."
    )
