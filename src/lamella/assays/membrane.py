"""What the assays on membranes share: their settings, and how the frames of an insert are counted.

This is no assay. Transwell and invasion have their own endpoints and never import each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_serializer, field_validator, model_validator

from lamella.assays.contract import Measured, Panel, Picture, Settings, Template
from lamella.errors import DecisionError, MeasurementError, StudyError
from lamella.inputs.images.series import Example, Frame, Unit
from lamella.potency.insert_rows import Membrane
from lamella.potency.inserts import membrane_area_mm2
from lamella.table.edits import Edit
from lamella.table.objects import Objects
from lamella.table.rows import Observation
from lamella.vision.cell_field import CellField, Flag
from lamella.vision.cells import CellSettings, count_cells
from lamella.vision.channels import Colour, shining_channel
from lamella.vision.counters import Weights, network_labels
from lamella.vision.labelled_cells import field_of_labels
from lamella.vision.membrane_rows import (
    TAUGHT,
    CountedField,
    MembranePlace,
    colour_preview,
    counted_field,
    refused_rows,
    usable_colour,
)
from lamella.vision.pixel_classes import MarkedPicture, PixelClasses, learn_pixel_classes
from lamella.vision.point_edits import strokes_of
from lamella.vision.tiled_fields import Tile, rows_counted_once

__all__ = [
    "COUNTED",
    "ELUTION_PANELS",
    "MembraneSettings",
    "count_frames",
    "counting_text",
    "membrane_template",
]

Image = NDArray[np.float32]

COUNTED = "cell_count"
"""Without a row of it no picture was counted, and panels of counts are left out."""
ELUTION_PANELS = (
    Panel("standard_curve", "Standard curve of eluted dye", "standard_od", needs="standard_od"),
    Panel(
        "ratios",
        "Eluted dye of vehicle, batch by batch",
        "eluted_percent_of_vehicle",
        needs="eluted_percent_of_vehicle",
    ),
    Panel("plate", "Eluted dye over the plate", "eluted_od", needs="eluted_od"),
    Panel("table", "Eluates", "measured_od", needs="measured_od"),
)

_PROTOCOL = (
    'inhibitor_side = "both"          # upper, lower or both',
    "preincubation_h = 1              # with compound before loading; 0 for none",
    "duration_h = 16                  # since loading; invasion needs longer, 24",
    "cells_per_insert = 30000",
    "insert_area_cm2 = 0.332          # from the sheet of your product",
    "confluent_per_cm2 = 126000",
    'field_choice = "random"',
    'claim = "chemotaxis"',
    'viability_correction = "attached cells"',
    "solvent_percent = 0.1",
)
_TRANSPARENT = (2, 4)  # values a pixel: grey or colour, and transparency
_DOSES_NM = (3, 10, 30, 100, 300, 1000, 3000)
_COATED_DOSES_NM = (10, 50, 250, 1250, 6250)
_STRIDE = 7  # of wells, prime to 24: treatments spread over rows and columns
_INPUTS = ('readouts = "readouts/{plate}.csv"  # eluted dye: tables of a plate reader, not images',)
_SETUP = (
    'substrate = "polycarbonate, 8 um pores"',
    'modality = "bright field"        # of eluted dye: "absorbance, 590 nm"',
    'objective = "20x/0.5"',
)


class MembraneSettings(Settings):
    """Settings of the assays on membranes; the defaults count crystal violet in bright field."""

    light: Literal["bright_field", "fluorescence"] = Field(
        "bright_field", description="Bright field (crystal violet) or fluorescence (DAPI, calcein)."
    )
    cell_um: float | None = Field(
        None, gt=0, description="Diameter of a cell or nucleus [µm]; empty: the picture tells."
    )
    pore_um: float = Field(
        8.0, gt=0, description="Diameter of the pores [µm], for the estimated pixel size."
    )
    channel: Colour | None = Field(
        None,
        description="Channel of a colour picture in fluorescence: red, green or blue; empty: the "
        "one with most contrast, field by field.",
    )
    counter: Literal["lamella", "cellpose", "stardist", "instanseg"] = Field(
        "lamella",
        description="Who counts: Lamella, or an installed network whose weights --weights names.",
    )
    weights: Weights | None = Field(
        None, description="Never stated here: --weights FILE of the command that runs it."
    )
    deep_colour: bool = Field(
        False, description="Accept pictures of a colour camera with more than 8 bits a colour."
    )
    insert: str = Field(
        "",
        description="Product of the insert, for example '24-well 6.5 mm'; empty: the membrane "
        "area is insert_area_cm2 of the protocol.",
    )

    tile_columns: int | None = Field(
        None,
        gt=0,
        description="Fields are overlapping tiles of the membrane, this many a row, in the order "
        "of their names: each cell counts once.",
    )
    tile_overlap_percent: float = Field(
        10.0, ge=0, le=80, description="Part of a tile that its neighbour shows too [%]."
    )

    @field_validator("weights", mode="before")
    @classmethod
    def _weights_are_no_setting(cls, value: object) -> object:
        # A study is data of somebody else; libraries unpickle weights, which can run anything.
        if value is not None and not isinstance(value, Weights):
            raise ValueError("weights are never read from a study. Name them when you run it")
        return value

    @field_serializer("weights")
    def _weights_are_their_content(self, value: Weights | None) -> str | None:
        return f"SHA-256 {value.sha256}" if value else None

    @model_validator(mode="after")
    def _insert_is_known(self) -> MembraneSettings:
        if self.insert:
            try:
                membrane_area_mm2(self.insert)
            except MeasurementError as error:
                raise ValueError(str(error)) from error
        return self

    @property
    def cells(self) -> CellSettings:
        """How cells are counted."""
        return CellSettings(light=self.light, cell_um=self.cell_um, pore_um=self.pore_um)

    def membrane(self, protocol: Mapping[str, object]) -> Membrane:
        """Area and seeded cells, as far as settings and protocol state them."""
        area = _number(protocol.get("insert_area_cm2"))
        area_mm2 = None if area is None else 100.0 * area
        if self.insert:
            area_mm2 = membrane_area_mm2(self.insert)
        return Membrane(area_mm2, _number(protocol.get("cells_per_insert")))


def count_frames(assay: str, unit: Unit, settings: MembraneSettings) -> Iterator[Measured]:
    """Rows and a picture of every frame of an insert; one that cannot be read is flagged rows."""
    classes, refused = _taught(unit, settings)
    tiles: list[Tile] = []
    for order, series in enumerate(unit.series):
        here = MembranePlace(assay, unit.plate, unit.well, series.field, pixel_um=series.pixel_um)
        for number, problem in enumerate(series.problems, start=1):
            told = here.row("input_problem", note=("input", problem))
            yield replace(told, object=f"input {number}")
        for frame in series.frames:
            place = replace(here, frame=frame.index, time_h=frame.time_h)
            if refused:
                yield _doubt(place, "strokes_not_applied", refused)
            for found in _frame(frame, place, classes, unit=unit, settings=settings):
                if not isinstance(found, _Counted):
                    yield found
                elif settings.tile_columns is None:
                    yield from found.field.rows
                    yield from found.field.counted
                else:
                    tiles.append(Tile(order, found.grey, found.field, place))
    if tiles:
        yield from _counted_once(tiles, settings)


def membrane_template(*, matrix: tuple[str, ...] = ()) -> Template:
    """A 24-well plate of inserts with all controls; coated and uncoated ones with a matrix."""
    coated = bool(matrix)
    return Template(
        images="images/{plate}/{well}_{field}.tif",
        protocol=_PROTOCOL + matrix,
        settings=("insert = '24-well 6.5 mm'",),
        plate_map=tuple(_map_lines(coated=coated)),
        inputs=_INPUTS,
        setup=_SETUP,
    )


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
    if settings.counter != "lamella":
        file = f"weights of SHA-256 {settings.weights.sha256}" if settings.weights else "weights"
        return (
            f"Cells were counted by {settings.counter} with {file}; the counts by area and by dye "
            "over those of a lone cell, and the spread of these counts, are the interval of a "
            "field; cells on the right and lower border did not count for densities."
        )
    return (
        f"{how}; clusters were split by seeds, and by area and dye over those of a single cell, "
        "and the spread of these counts is the interval of a field; cells on the right and lower "
        "border did not count for densities."
    )


def _taught(unit: Unit, settings: MembraneSettings) -> tuple[PixelClasses | None, str]:
    """The pixel classes that a person's strokes teach, or why they cannot."""
    if not unit.examples:
        return None, ""
    if settings.counter != "lamella":
        return None, f"strokes teach Lamella's own counter, and {settings.counter} counts here"
    try:
        return _learnt(unit.examples, settings), ""
    except StudyError as error:
        return None, str(error)


@lru_cache(maxsize=2)
def _learnt(examples: tuple[Example, ...], settings: MembraneSettings) -> PixelClasses:
    """Learnt once for all units that one process measures: the same strokes, the same classes."""
    pictures = []
    for example in examples:
        image, _ = _in_light(example.frame.read(), settings)
        found = count_cells(image, pixel_um=example.pixel_um, settings=settings.cells)
        drawn = strokes_of(example.edit)
        pictures.append(MarkedPicture(image, drawn, found.levels.cell_diameter_px))
    return learn_pixel_classes(pictures)


def _frame(
    frame: Frame,
    place: MembranePlace,
    classes: PixelClasses | None,
    *,
    unit: Unit,
    settings: MembraneSettings,
) -> Iterator[Measured | _Counted]:
    try:
        image = frame.read()
    except Exception as error:  # whatever a file holds, it costs its own frame only
        yield from refused_rows(place, error, flag="unreadable")
        return
    try:
        if settings.light == "bright_field" and frame.samples in _TRANSPARENT:
            raise MeasurementError(
                f"{frame.path.name} has a layer of transparency (RGBA), as drawings and screen "
                "shots have: what lies under it is not what the camera saw. Save it as RGB."
            )
        field, doubts = _count(image, place, classes, edits=unit.edits, settings=settings)
    except Exception as error:
        yield from refused_rows(place, error, flag="not_counted")
        yield _shown(CountedField((), *_nothing(image), (), "not counted"), place)
        return
    yield _Counted(field, _grey(image) if settings.tile_columns else _NO_PICTURE)
    for doubt in doubts:
        yield _doubt(place, "edit_not_applied", doubt)
    yield _shown(field, place)


def _count(
    image: Image,
    place: MembranePlace,
    classes: PixelClasses | None,
    *,
    edits: tuple[Edit, ...],
    settings: MembraneSettings,
) -> tuple[CountedField, list[str]]:
    """The counted field, and what is said of corrections that could not be applied."""
    if settings.light == "bright_field":
        usable_colour(image, deep=settings.deep_colour)
    image, chosen = _in_light(image, settings)
    count = partial(count_cells, image, pixel_um=place.pixel_um, settings=settings.cells)
    found, first, how = count(), None, TAUGHT
    if classes is not None:
        first, found = found, count(classes=classes)
    elif settings.counter != "lamella":
        first, (found, how) = found, _by_network(image, found, place, settings)
    found = replace(found, flags=found.flags + chosen)
    try:
        return counted_field(image, found, place, edits=edits, first=first, how=how), []
    except DecisionError as error:
        return counted_field(image, found, place, first=first, how=how), [str(error)]


def _by_network(
    image: Image, base: CellField, place: MembranePlace, settings: MembraneSettings
) -> tuple[CellField, Flag]:
    """What the stated network counts, and how that is told."""
    name, weights, pixel_um = settings.counter, settings.weights, place.pixel_um
    cell_px = settings.cell_um / pixel_um if settings.cell_um and pixel_um else None
    labels = network_labels(image, name=name, weights=weights, pixel_um=pixel_um, cell_px=cell_px)
    found = field_of_labels(image, labels, base, pixel_um=pixel_um, by=name)
    told = f"counted by {name} with weights of SHA-256 {weights.sha256 if weights else ''}"
    return found, ("counted_by_network", told)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A counted field whose rows wait until it is known whether it is a tile."""

    field: CountedField
    grey: Image


_NO_PICTURE: Image = np.zeros((0, 0), np.float32)


def _counted_once(tiles: list[Tile], settings: MembraneSettings) -> Iterator[Observation | Objects]:
    """The rows and objects of all tiles; those of one size are placed together."""
    columns, overlap = settings.tile_columns or 1, settings.tile_overlap_percent / 100
    shape = Counter(tile.grey.shape for tile in tiles).most_common(1)[0][0]
    alike = [tile for tile in tiles if tile.grey.shape == shape]
    if len(alike) < 2:
        for tile in tiles:
            yield from tile.field.rows
            yield from tile.field.counted
        return
    for rows in rows_counted_once(alike, columns=columns, overlap=overlap):
        yield from rows
    for tile in tiles:
        if tile.grey.shape != shape:
            error = MeasurementError(
                "this tile is of another size than the others, so it cannot be placed beside them. "
                "Give all tiles of a membrane one size."
            )
            yield from refused_rows(tile.place, error, flag="not_counted")


def _grey(image: Image) -> Image:
    return image if image.ndim == 2 else np.asarray(image.mean(axis=2), np.float32)


def _in_light(image: Image, settings: MembraneSettings) -> tuple[Image, tuple[Flag, ...]]:
    """The picture as it is counted, colour in bright field, and what had to be chosen."""
    if settings.light == "bright_field":
        return image, ()
    return shining_channel(image, settings.channel)


def _doubt(place: MembranePlace, word: str, reason: str) -> Observation:
    return replace(place.row("quality", text=word, note=(word, reason)), object=word)


def _shown(field: CountedField, place: MembranePlace) -> Picture:
    return Picture(
        field=place.field,
        frame=place.frame or 0,
        labels=field.labels,
        preview=field.preview,
        state=field.state,
        points=field.points,
    )


def _map_lines(*, coated: bool) -> Iterator[str]:
    """One batch with all controls, spread over a plate of 24; another batch is another plate."""
    yield "plate,well,batch,role,compound,dose,coating,attractant"
    coat = "Matrigel" if coated else ""
    drawn = "10 % FBS"
    got = [("vehicle", "", "", coat, drawn)] * 3
    doses = _COATED_DOSES_NM if coated else _DOSES_NM
    tested = [("test", "defactinib", f"{dose} nM") for dose in doses]
    got += [(*what, coat, drawn) for what in tested for _ in range(2)]
    got += [("positive", "cytochalasin D", "1 uM", coat, drawn)] * 2
    if coated:
        got += [("vehicle", "", "", "none", drawn)] * 2
        got += [(*what, "none", drawn) for what in tested]
    got += [("vehicle", "", "", coat, "none")] * (1 if coated else 2)
    got += [("blank", "", "", coat, drawn)]
    wells = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 7)]
    placed = {wells[k * _STRIDE % len(wells)]: what for k, what in enumerate(got)}
    for well in sorted(placed):
        yield ",".join(("plate1", well, "1", *placed[well]))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and value > 0 else None


def _nothing(image: Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return np.zeros(image.shape[:2], np.uint8), colour_preview(image)
