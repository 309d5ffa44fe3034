"""Counts on rendered membranes beside the truth: empty inserts, 5 to 400 cells, clusters to 40.

Run: `python bench/closed_loop_membrane.py [--fields 60] [--empty 100] [--seed 1]`; the answer is
committed as `bench/results/closed_loop_membrane.json`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from lamella.virtual.membrane import Membrane, RenderedMembrane, render_membrane
from lamella.virtual.violet_cells import CellLook
from lamella.vision.cells import CellField, count_cells

COUNTS = (5, 10, 20, 40, 80, 150, 250, 400)


def scene(seed: int) -> Membrane:
    """Spread cells, or round ones in grapes of up to 40, in turn; light, stain and focus vary."""
    rng = np.random.default_rng([seed, 1])
    if seed % 2:
        look = CellLook(clustered=0.5, largest=40)
    else:
        look = CellLook(
            "round", diameter_um=20, size_cv=0.1, stain=0.5, soft_um=2.5, clustered=0.8, largest=40
        )
    plain = Membrane(look=look)
    camera = replace(
        plain.camera,
        white=tuple(float(v) for v in rng.uniform(0.8, 1.15) * np.array(plain.camera.white)),
        gradient=float(rng.uniform(0, 0.15)),
        vignette=float(rng.uniform(0, 0.25)),
        blur_um=float(rng.uniform(0.4, 1.0)),
    )
    return replace(plain, camera=camera)


def counted(field: RenderedMembrane) -> CellField:
    return count_cells(field.image.astype(np.float32), pixel_um=field.pixel_um)


def empty(seeds: int) -> list[float]:
    """Counts on cell-free membranes with pores."""
    scenes = (scene(seed) for seed in range(seeds))
    return [
        counted(render_membrane(0, scene=one, rng=np.random.default_rng([seed, 2]))).count
        for seed, one in enumerate(scenes)
    ]


def filled(fields: int, seed: int) -> list[dict[str, float]]:
    """Truth, count and interval of fields with cells."""
    rows = []
    for index in range(fields):
        expected = COUNTS[index % len(COUNTS)]
        rng = np.random.default_rng([seed, index])
        field = render_membrane(expected, scene=scene(index // len(COUNTS)), rng=rng)
        found = counted(field)
        rows.append(
            {
                "truth": field.count,
                "inside": field.inside,
                "count": found.count,
                "low": found.low,
                "high": found.high,
                "found_inside": found.inside,
                "round": float(index // len(COUNTS) % 2 == 0),
            }
        )
    return rows


def summary(rows: list[dict[str, float]], zeros: list[float]) -> dict[str, float]:
    truth, count = (np.array([row[name] for row in rows]) for name in ("truth", "count"))
    error = np.abs(count - truth) / np.maximum(truth, 1)
    covered = [row["low"] <= row["truth"] <= row["high"] for row in rows]
    kinds = np.array([row["round"] for row in rows]) > 0
    return {
        "fields": len(rows),
        "median_error_percent": round(100 * float(np.median(error)), 2),
        "median_error_percent_round": round(100 * float(np.median(error[kinds])), 2),
        "median_error_percent_spread": round(100 * float(np.median(error[~kinds])), 2),
        "bias_percent": round(100 * float(np.mean((count - truth) / np.maximum(truth, 1))), 2),
        "covered_percent": round(100 * float(np.mean(covered)), 1),
        "empty_membranes": len(zeros),
        "empty_that_count_0": sum(value == 0 for value in zeros),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=96)
    parser.add_argument("--empty", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    rows = filled(args.fields, args.seed)
    told = summary(rows, empty(args.empty))
    text = json.dumps({"seed": args.seed, **told, "rows": rows}, indent=1)
    print(json.dumps(told, indent=1))
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
