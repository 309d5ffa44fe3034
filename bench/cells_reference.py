"""How well do counts agree with people's, with which constants, and under which degradations?

    python bench/cells_reference.py --out bench/results/cells_reference.md

Leave-one-out: for every field the constants that are best on the other four are applied to it.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lamella.vision import cell_map, cell_pieces, cell_split
from lamella.vision.cells import count_cells

_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
# Grid of what could be tuned: blob filter, grey taken off, saddle of even odds, least size.
_GRID = {
    (cell_map, "_BLOB_UM"): (4.5, 5.0, 5.5),
    (cell_map, "_GREY_SHARE"): (0.2, 0.3, 0.4),
    (cell_split, "_EVEN_SADDLE"): (0.55, 0.6, 0.65),
    (cell_pieces, "_LEAST_SIZE"): (0.2, 0.25, 0.3),
}


def fields(folder: Path) -> dict[str, tuple[Any, int]]:
    """Name -> picture and manual count."""
    with (folder / "counts.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    return {
        row["file"][:2]: (_read(folder / row["file"]), int(row["manual_count"])) for row in rows
    }


def counts(pictures: dict[str, tuple[Any, int]], chosen: dict[Any, float]) -> np.ndarray:
    """Counts of all fields with the constants that were chosen."""
    before = {key: getattr(*key) for key in chosen}
    try:
        for (module, name), value in chosen.items():
            setattr(module, name, value)
        return np.array([count_cells(image).count for image, _ in pictures.values()])
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    root = Path(os.environ.get("LAMELLA_DATA", _DATA))
    pictures = fields(root / "assays" / "transwell" / "helmholtz")
    truth = np.array([count for _, count in pictures.values()], float)
    grid = [dict(zip(_GRID, values, strict=True)) for values in itertools.product(*_GRID.values())]
    table = np.array([counts(pictures, chosen) for chosen in grid])
    share = np.abs(table - truth) / truth
    left_out = np.empty(len(truth))
    for index in range(len(truth)):
        others = np.delete(share, index, axis=1).mean(axis=1)
        left_out[index] = table[int(np.argmin(others)), index]
    lines = [
        f"Manual counts: {' '.join(str(int(n)) for n in truth)}",
        "",
        "| constants | counts | MAE | MAPE | bias | 95 % limits | CCC |",
        "|---|---|---|---|---|---|---|",
        f"| defaults | {figures(counts(pictures, {}), truth)} |",
        f"| leave-one-out, {len(grid)} sets | {figures(left_out, truth)} |",
        "",
        f"Over all {len(grid)} sets of constants the mean error is {share.mean():.1%}, "
        f"of the worst set {share.mean(axis=1).max():.1%}.",
    ]
    text = "\n".join(lines)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


def _read(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(np.float32)


if __name__ == "__main__":
    main()
