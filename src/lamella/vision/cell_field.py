"""What does one field of stained cells say? The settings and the answer of `count_cells`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CellField", "CellLevels", "CellSettings", "Flag"]

# A word for programs and a sentence for people.
Flag = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CellSettings:
    """How cells are counted; the defaults hold for every picture.

    Attributes:
        light: `bright_field` for stained cells on a membrane (colour), `fluorescence` for
            nuclei or live cells that shine on a dark ground.
        cell_um: Diameter of one cell, or of one nucleus in fluorescence [um]; None is 20 um
            for stained cells, and in fluorescence lets the picture tell. Needs a pixel size.
        pore_um: Diameter of the membrane's pores [um], for the estimated pixel size.
    """

    light: Literal["bright_field", "fluorescence"] = "bright_field"
    cell_um: float | None = None
    pore_um: float = 8.0


@dataclass(frozen=True, slots=True)
class CellLevels:
    """What the whole batch needs to judge one field.

    Attributes:
        stain: Optical densities of the dye in red, green and blue, of length 1; empty in
            fluorescence.
        stain_from: Who told it: this `picture`, the `prior`, or it was `given`.
        white: Camera counts of the bare membrane, median of each channel; in fluorescence
            the dark ground.
        noise: Standard deviation of the dye's density on bare membrane.
        threshold: Density at which a cell ends.
        cell_density: Density of a typical cell; None where there is no cell.
        cell_area_px: Area of a typical single cell [px]; None where there is none.
        cell_dye: Its density summed over its area [OD px]; None where there is none.
        cell_diameter_px: Diameter at which cells were looked for [px].
        scale_from: Who told it: the stated `pixel_um`, the `pores`, or the `picture`.
        by_seeds, by_area, by_dye: Three counts of the same cells.
    """

    stain: tuple[float, ...]
    stain_from: Literal["picture", "prior", "given"]
    white: tuple[float, ...]
    noise: float
    threshold: float
    cell_density: float | None
    cell_area_px: float | None
    cell_dye: float | None
    cell_diameter_px: float
    scale_from: Literal["pixel_um", "pores", "picture"]
    by_seeds: float
    by_area: float
    by_dye: float


@dataclass(frozen=True, slots=True)
class CellField:
    """The cells of one field, at full resolution.

    Attributes:
        points_px: Shape (n, 2), x and y of each cell that is seen [px], float32.
        belongs: Shape (n,), True where the cell belongs to the field's area by the edge rule:
            it may touch the left or top border, and not the right or bottom.
        count: Cells that are seen, whatever border cuts them: what a person counts.
        low, high: Its interval.
        inside: Cells that belong to the field's area: the count for a density, because cut
            cells would otherwise count for two neighbouring fields.
        labels: Shape (H, W), int32: 0 outside cells, k inside the k-th point (from 1).
        stained_area_fraction: Share of the field that cells cover.
        integrated_density: Density of the dye summed over the cells [OD px], or background
            corrected counts in fluorescence.
        median_cell_area_um2: None without a pixel size or a cell.
        focus: Natural log of fine over coarse structure; falls when the focus is lost. None
            where nothing can be judged.
        out_of_focus_fraction: Share of the field that is blurred, 0..1.
        saturated_fraction: Share of pixels at the end of the camera's range.
        pore_count: Pores of the membrane that are seen; 0 in fluorescence.
        pore_pixel_um_estimate: Pixel size if the pores are of the stated size [um]; an
            estimate, None where too few are seen.
        flags: What a reader of the count must know.
        levels: What `settle` needs.
    """

    points_px: NDArray[np.float32]
    belongs: NDArray[np.bool_]
    count: float
    low: float
    high: float
    inside: float
    labels: NDArray[np.int32]
    stained_area_fraction: float
    integrated_density: float
    median_cell_area_um2: float | None
    focus: float | None
    out_of_focus_fraction: float
    saturated_fraction: float
    pore_count: int
    pore_pixel_um_estimate: float | None
    flags: tuple[Flag, ...]
    levels: CellLevels
