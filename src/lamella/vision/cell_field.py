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
        cell_um: Diameter of one cell, or of one nucleus in fluorescence [um]; None lets the
            picture tell. Needs a pixel size.
        edges: `left_top` counts a cell on the left or top border and none on the right or
            bottom, so that the count belongs to the area of the field; `all` counts every
            cell that is seen, as people do.
    """

    light: Literal["bright_field", "fluorescence"] = "bright_field"
    cell_um: float | None = None
    edges: Literal["left_top", "all"] = "left_top"


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
        by_seeds, by_area, by_dye: Three counts of the same cells, before the edge rule.
        seen: Cells in the picture, whatever border they touch.
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
    by_seeds: float
    by_area: float
    by_dye: float
    seen: float


@dataclass(frozen=True, slots=True)
class CellField:
    """The cells of one field, at full resolution.

    Attributes:
        points_px: Shape (n, 2), x and y of each counted cell [px], float32.
        count: Cells counted.
        low, high: Count interval.
        labels: Shape (H, W), int32: 0 outside cells, k inside the k-th point; cells that the
            edge rule leaves out are negative.
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
    count: float
    low: float
    high: float
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
