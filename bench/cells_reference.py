"""How well do counts agree with people's, with which constants, and under which degradations?

    python bench/cells_reference.py --out bench/results/cells_reference.md

Sources: five fields with a manual count, and crops of five pictures in which one person marked
every cell (`annotations/cells_by_eye.csv`; no expert). Leave-one-out: for every field or crop of
another laboratory the constants that are best on all the others are applied to it.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from lamella.vision import cell_map, cell_readings
from lamella.vision.cells import count_cells

_HERE = Path(__file__).resolve().parent
_DATA = _HERE.parents[1] / "shared" / "data"
# Grid of what could be tuned: blob filter [um], grey taken off, saddle of even odds, least size.
_GRID = {
    "blob": (4.5, 5.0, 5.5),
    "grey": (0.2, 0.3, 0.4),
    "saddle": (0.6, 0.65, 0.7),
    "least": (0.2, 0.25, 0.3),
}
# Crops are counted with so much around them, and by what lies so far inside [px].
_AROUND, _INSIDE = 150, 10
# Half a cell diameter of the crops' pictures [px], within which a point is the person's; and
# their pixel size, which makes their pores 8 um wide.
_NEAR = {"harris": 11.5, "helmholtz": 9.0}
_PIXEL_UM = {"harris": 0.87, "helmholtz": None}


@dataclass(frozen=True)
class Crop:
    """A part of a picture and the cells that a person marked in it."""

    image: np.ndarray
    box: tuple[int, int, int, int]
    points: np.ndarray
    laboratory: str

    def counted(self) -> tuple[int, int, float]:
        """Cells that are found and marked well inside the crop, and the F1 score."""
        found = count_cells(self.image, pixel_um=_PIXEL_UM[self.laboratory]).points_px
        apart = np.hypot(*(found[:, None] - self.points[None]).transpose(2, 0, 1))
        far = 100 * _NEAR[self.laboratory]
        cost = np.where(apart < _NEAR[self.laboratory], apart, far)
        i, j = linear_sum_assignment(cost)
        same = cost[i, j] < far
        alone = np.setdiff1d(np.arange(len(found)), i[same])
        missed = np.setdiff1d(np.arange(len(self.points)), j[same])
        wrong = self._inside(found[alone]).sum() + self._inside(self.points[missed]).sum()
        score = 2 * same.sum() / (2 * same.sum() + wrong)
        count, marked = self._inside(found).sum(), self._inside(self.points).sum()
        return int(count), int(marked), float(score)

    def _inside(self, points: np.ndarray) -> np.ndarray:
        left, top, width, height = self.box
        x, y = points[:, 0] - left, points[:, 1] - top
        across = (x > _INSIDE) & (x < width - _INSIDE)
        return across & (y > _INSIDE) & (y < height - _INSIDE)


def fields(folder: Path) -> dict[str, tuple[Any, int]]:
    """Name -> picture and manual count."""
    with (folder / "counts.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    return {
        row["file"][:2]: (_read(folder / row["file"]), int(row["manual_count"])) for row in rows
    }


def crops(folder: Path) -> dict[str, Crop]:
    """Name -> crop with the cells that were marked by eye."""
    with (_HERE / "annotations" / "cells_by_eye.csv").open(newline="") as table:
        rows = list(csv.DictReader(line for line in table if not line.startswith("#")))
    found = {}
    for name, group in itertools.groupby(rows, key=lambda row: row["crop"]):
        marks = list(group)
        sides = ("left", "top", "width", "height")
        left, top, width, height = (int(marks[0][side]) for side in sides)
        whole = _read(folder / marks[0]["picture"])
        x, y = max(0, left - _AROUND), max(0, top - _AROUND)
        laboratory = marks[0]["picture"].split("/")[0]
        if laboratory == "helmholtz":
            x = y = 0
            part = whole
        else:
            part = whole[y : top + height + _AROUND, x : left + width + _AROUND]
        points = np.array([(int(m["x"]), int(m["y"])) for m in marks], float)
        box = (left - x, top - y, width, height)
        found[name] = Crop(np.ascontiguousarray(part), box, points + box[:2], laboratory)
    return found


def with_constants(values: tuple[float, ...], of: Any) -> Any:
    """What `of` returns with the constants that were chosen."""
    before = cell_map._BLOB_UM, cell_map._GREY_SHARE, cell_readings.CENTRE
    try:
        cell_map._BLOB_UM, cell_map._GREY_SHARE = values[:2]
        centre = replace(cell_readings.CENTRE, saddle=values[2], least=values[3])
        cell_readings.CENTRE = centre
        return of()
    finally:
        cell_map._BLOB_UM, cell_map._GREY_SHARE, cell_readings.CENTRE = before


def figures(found: np.ndarray, truth: np.ndarray) -> str:
    """Mean absolute error, its share, bias, limits of agreement and concordance."""
    error = found - truth
    spread = 1.96 * error.std(ddof=1)
    both = np.cov(found, truth, bias=True)
    lin = 2 * both[0, 1] / (both[0, 0] + both[1, 1] + error.mean() ** 2)
    listed = " ".join(str(int(n)) for n in found)
    limits = f"{error.mean() - spread:+.0f}..{error.mean() + spread:+.0f}"
    return (
        f"{listed} | {np.abs(error).mean():.1f} | {np.mean(np.abs(error) / truth):.1%} | "
        f"{error.mean():+.1f} | {limits} | {lin:.3f}"
    )


def left_out(table: np.ndarray, truth: np.ndarray, by: list[np.ndarray]) -> np.ndarray:
    """For each source of `by` the counts with the constants that are best on all else."""
    share = np.abs(table - truth) / truth
    chosen = np.empty(len(truth))
    for part in by:
        others = np.setdiff1d(np.arange(len(truth)), part)
        chosen[part] = table[int(np.argmin(share[:, others].mean(axis=1)))][part]
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    root = Path(os.environ.get("LAMELLA_DATA", _DATA)) / "assays" / "transwell"
    pictures, marked = fields(root / "helmholtz"), crops(root)
    other = [crop for crop in marked.values() if crop.laboratory != "helmholtz"]

    def every() -> list[float]:
        whole = [count_cells(image).count for image, _ in pictures.values()]
        return [*whole, *(float(crop.counted()[0]) for crop in other)]

    manual = np.array([count for _, count in pictures.values()], float)
    scores = {name: crop.counted() for name, crop in marked.items()}
    by_eye = [float(crop.counted()[1]) for crop in other]
    truth = np.r_[manual, by_eye]
    grid = list(itertools.product(*_GRID.values()))
    defaults = np.array(every())
    table = np.array([with_constants(values, every) for values in grid])
    n = len(manual)
    each = [np.array([i]) for i in range(len(truth))]
    five = left_out(table[:, :n], manual, each[:n])
    eight = left_out(table, truth, each)
    laboratory = left_out(table, truth, [np.arange(n), np.arange(n, len(truth))])
    share = np.abs(table[:, :n] - manual) / manual
    lines = [
        f"Manual counts: {' '.join(str(int(count)) for count in manual)}",
        "",
        "| constants | counts | MAE | MAPE | bias | 95 % limits | CCC |",
        "|---|---|---|---|---|---|---|",
        f"| defaults | {figures(defaults[:n], manual)} |",
        f"| leave-one-out over the five, {len(grid)} sets | {figures(five, manual)} |",
        f"| leave-one-out, crops help to choose | {figures(eight[:n], manual)} |",
        f"| chosen on the other laboratory alone | {figures(laboratory[:n], manual)} |",
        "",
        f"Over all {len(grid)} sets of constants the mean error is {share.mean():.1%}, "
        f"of the worst set {share.mean(axis=1).max():.1%}; the largest error of a field of more "
        f"than 50 cells is {share[:, manual > 50].max():.1%} over all sets.",
        "",
        "Crops in which one person (no expert) marked the cells; F1 within half a diameter:",
        "",
        "| crop | marked | defaults | F1 |",
        "|---|---|---|---|",
        *(f"| {name} | {m} | {count} | {f1:.2f} |" for name, (count, m, f1) in scores.items()),
        "",
        "Those of the other laboratory, each with the constants that are best on all else: "
        f"{' '.join(str(int(v)) for v in eight[n:])} for {' '.join(str(int(v)) for v in by_eye)}.",
    ]
    text = "\n".join(lines)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


def _read(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(np.float32)


if __name__ == "__main__":
    main()
