"""How many stained cells does a field hold, where are they, and how sure is that?"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella.errors import MeasurementError
from lamella.vision.cell_field import CellField, CellLevels, CellSettings
from lamella.vision.stain import StainModel, optical_density, unmix, white_reference

__all__ = ["CellField", "CellLevels", "CellSettings", "count_cells"]

_SMALLEST_SIDE_PX = 32
_DEFAULT = CellSettings()


def count_cells(
    image: NDArray[np.float32],
    *,
    pixel_um: float | None = None,
    settings: CellSettings = _DEFAULT,
    stain: StainModel | None = None,
    exclude: NDArray[np.bool_] | None = None,
) -> CellField:
    """Cells of one field with their count interval.

    Args:
        image: Camera counts, shape (H, W, 3) in red, green, blue for stained membranes, (H, W)
            in fluorescence.
        pixel_um: Side of a pixel [um]; None where nobody states it.
        settings: How cells are counted.
        stain: The stain of the batch; None lets the picture tell.
        exclude: Shape (H, W), True where nothing is counted.

    Raises:
        MeasurementError: The picture is grey where colour is needed, has an alpha channel or
            four inks, is too small, or its pixel size cannot be that of cells.
    """
    if image.ndim < 2 or min(image.shape[:2]) < _SMALLEST_SIDE_PX:
        size = " x ".join(str(side) for side in image.shape)
        raise MeasurementError(f"A picture of {size} px is too small to count cells in.")
    if settings.light == "bright_field" and (image.ndim != 3 or image.shape[2] != 3):
        raise MeasurementError("Counting stained cells needs a colour picture.")
    if settings.light == "bright_field":
        white = white_reference(image)
        model = stain or StainModel()
        density, _ = unmix(optical_density(image, white), model)
        level = [float(np.median(white[..., c])) for c in range(3)]
    else:
        model = StainModel()
        density = image - np.median(image)
        level = [float(np.median(image))]
    if exclude is not None:
        density = np.where(exclude, 0, density)
    diameter = 20 / pixel_um if pixel_um else 0.06 * min(image.shape[:2])
    smooth = cv2.GaussianBlur(density, (0, 0), max(1.0, diameter / 7))
    noise = 1.4826 * float(np.median(np.abs(smooth - np.median(smooth))))
    high = float(np.percentile(smooth, 99.5))
    threshold = max(0.4 * high, 0.1 if settings.light == "bright_field" else 0)
    mask = smooth > threshold
    peak = cv2.dilate(smooth, np.ones((2 * int(diameter / 3) + 1,) * 2, np.uint8)) == smooth
    count, _, _, centres = cv2.connectedComponentsWithStats((peak & mask).astype(np.uint8))
    points = centres[1:].astype(np.float32)
    n = float(count - 1)
    labels = np.where(mask, 1, 0).astype(np.int32)
    half = 2 * math.sqrt(0.05**2 * n**2 + n * 0.01)
    levels = CellLevels(
        stain=model.violet if settings.light == "bright_field" else (),
        stain_from=model.source,
        white=tuple(level),
        noise=noise,
        threshold=threshold,
        cell_density=high if n else None,
        cell_area_px=float(mask.sum()) / n if n else None,
        cell_dye=float(density[mask].sum()) / n if n else None,
        cell_diameter_px=diameter,
        by_seeds=n,
        by_area=n,
        by_dye=n,
        seen=n,
    )
    return CellField(
        points_px=points,
        count=n,
        low=max(0.0, n - half),
        high=n + half,
        labels=labels,
        stained_area_fraction=float(mask.mean()),
        integrated_density=float(density[mask].sum()),
        median_cell_area_um2=float(mask.sum()) / n * pixel_um**2 if n and pixel_um else None,
        focus=None,
        out_of_focus_fraction=0.0,
        saturated_fraction=0.0,
        pore_count=0,
        pore_pixel_um_estimate=None,
        flags=(),
        levels=levels,
    )
