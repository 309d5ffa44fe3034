"""Does the 95 % interval of an edge speed hold the true speed in 95 % of series?

Straight gaps close at a known speed; their areas carry noise of a known standard error, white or
correlated between frames, and the interval of an area says it right, three times too wide, or
not at all. Every series goes through `settle`, as a study would.

    python bench/coverage_edge_speed.py --series 2000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from lamella.assays.scratch import ASSAY, rows_of_masks
from lamella.table.rows import Observation
from lamella.table.wells import Design

RESULT = Path(__file__).parent / "results" / "coverage_edge_speed.json"
SPEED_UM_H, WIDTH_UM, LENGTH_UM, PIXEL_UM = 8.0, 600.0, 80.0, 2.0
# Correlation of neighbouring frames, frames, what the stated error of an area is worth.
CASES = [
    (correlation, frames, stated)
    for correlation in (0.0, 0.5)
    for frames in (2, 3, 4, 6, 8, 12, 16)
    for stated in ("right", "three times too wide", "not stated")
    if not (frames == 2 and stated == "not stated")
]


def template(frames: int) -> list[Observation]:
    """Measured rows of a straight gap, to be given other areas."""
    mask = np.zeros((int(LENGTH_UM / PIXEL_UM), 400), bool)
    mask[:, 50:350] = True
    times = [20.0 * i / max(frames - 1, 1) for i in range(frames)]
    rows = rows_of_masks([mask] * frames, times_h=times, pixel_um=PIXEL_UM, place=("P", "", "1"))
    return [row for row in rows if row.metric in ("gap_alone", "gap_area", "scratch_length")] + [
        row for row in rows if row.metric == "gap_area_fraction"
    ]


def covered(
    frames: int, *, correlation: float, stated: str, series: int, rng: np.random.Generator
) -> dict[str, object]:
    """Share of intervals that hold the true speed, and how wide they are."""
    rows = template(frames)
    sd = 0.01 * WIDTH_UM * LENGTH_UM
    lag = np.abs(np.subtract.outer(np.arange(frames), np.arange(frames)))
    root = np.linalg.cholesky(correlation**lag if correlation else np.eye(frames))
    told = {"right": sd, "three times too wide": 3 * sd, "not stated": None}[stated]
    measured = []
    for number in range(series):
        noise = sd * (root @ rng.normal(size=frames))
        measured += [_noisy(row, f"W{number:05d}", noise, told) for row in rows]
    settled = ASSAY.settle(measured, Design(), ASSAY.settings())
    found = [row for row in settled if row.metric == "edge_speed" and row.field == ""]
    held = [row.low <= SPEED_UM_H <= row.high for row in found if row.low is not None]
    width = [row.high - row.low for row in found if row.low is not None]
    return {
        "frames": frames,
        "correlation": correlation,
        "stated_error": stated,
        "series": len(held),
        "coverage_percent": round(100 * float(np.mean(held)), 1),
        "bias_percent": round(100 * (float(np.mean([r.value for r in found])) / SPEED_UM_H - 1), 2),
        "median_width_um_per_h": round(float(np.median(width)), 3),
    }


def _noisy(row: Observation, well: str, noise: np.ndarray, told: float | None) -> Observation:
    row = replace(row, well=well)
    if row.metric != "gap_area":
        return row
    area = LENGTH_UM * (WIDTH_UM - 2 * SPEED_UM_H * row.time_h) + float(noise[row.frame])
    if told is None:
        return replace(row, value=area)
    return replace(row, value=area, low=area - 1.96 * told, high=area + 1.96 * told)


def main() -> None:
    """Run all cases and write the result beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    rng = np.random.default_rng(chosen.seed)
    results = []
    for correlation, frames, stated in CASES:
        results.append(
            covered(frames, correlation=correlation, stated=stated, series=chosen.series, rng=rng)
        )
        print(results[-1], file=sys.stderr)
    command = f"python bench/coverage_edge_speed.py --series {chosen.series} --seed {chosen.seed}"
    RESULT.write_text(json.dumps({"command": command, "cases": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
