"""How fast is a wound measured on one core, and how much of that is the hour of a shared machine?

    python bench/scratch_speed.py --rounds 15 --out bench/results/scratch_speed.json

In every round a fixed loop, the gap with its interval, and the way from an 8-bit LZW TIFF to the
mask on disk take turns, in processor time. What a busy machine does to all of them cancels in
the figures per loop; the others are minimum and median over the rounds. The peer, entropy and
Otsu of scikit-image, runs in the same process.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

import bench_scratch as scratch
from bench_gap import full_size_calls, peak_bytes, peer_seconds, rendered
from lamella.study.pictures import Request, measure_pictures
from lamella.vision.gap import find_gap

_LOOP_SIDE = 1024


def fixed_loop() -> None:
    """Work that never changes: blurs, sorts and reductions of one megapixel of noise."""
    noise = np.random.default_rng(0).normal(size=(_LOOP_SIDE, _LOOP_SIDE)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    np.sort(blurred[::2], axis=None)
    cv2.resize(noise, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def processor_seconds(step: Callable[[], object]) -> float:
    """What one call costs on all cores together."""
    start = time.process_time()
    step()
    return time.process_time() - start


def measured(shape: tuple[int, int], folder: Path, *, rounds: int) -> dict[str, Any]:
    """Megapixels a second of both ways through a frame of that shape, and what noise spares."""
    counts = rendered(*shape)
    paths = scratch.film(folder, shape)
    request = Request("scratch", (folder,), masks=folder / "masks", pattern=scratch.PATTERN)
    loops, gaps, films = _in_turns(
        (fixed_loop, lambda: find_gap(counts), lambda: measure_pictures(request)), rounds=rounds
    )
    film_peer = scratch.peer_seconds(folder)
    peak, modules = scratch.alone(folder)
    return {
        "fixed_loop_ms": _span([1e3 * s for s in loops]),
        "gap_with_interval": {
            **_speed(gaps, loops, megapixels=counts.size / 1e6, peer_s=peer_seconds(counts)),
            "full_size_passes": len(full_size_calls(counts)),
            "peak_bytes_per_picture_byte": round(peak_bytes(counts) / counts.nbytes, 2),
        },
        "tiff_to_mask": {
            **_speed(films, loops, megapixels=len(paths) * counts.size / 1e6, peer_s=film_peer),
            "frames": len(paths),
            "peak_bytes": peak,
            "most_peak_bytes": round(3 * counts.size + 150e6),
            "modules": modules,
            "file_bytes": paths[0].stat().st_size,
            "mask_bytes": next((folder / "masks").glob("*.png")).stat().st_size,
        },
    }


def _in_turns(steps: Sequence[Callable[[], object]], *, rounds: int) -> list[list[float]]:
    """Processor time of every round of every step, after one that does not count."""
    for step in steps:
        step()
    return [
        list(each)
        for each in zip(
            *([processor_seconds(step) for step in steps] for _ in range(rounds)), strict=True
        )
    ]


def _speed(
    seconds: list[float], loops: list[float], *, megapixels: float, peer_s: float
) -> dict[str, Any]:
    middle = median(seconds)
    return {
        "megapixels_per_s": {
            "best": round(megapixels / min(seconds), 1),
            "median": round(megapixels / middle, 1),
            "worst": round(megapixels / max(seconds), 1),
        },
        "ms_per_megapixel": _span([1e3 * s / megapixels for s in seconds]),
        "fixed_loops_per_megapixel": _span(
            [s / megapixels / loop for s, loop in zip(seconds, loops, strict=True)]
        ),
        "entropy_and_otsu_megapixels_per_s": round(megapixels / peer_s, 2),
        "times_entropy_and_otsu": round(peer_s / middle, 1),
    }


def _span(values: list[float]) -> dict[str, float]:
    return {"best": round(min(values), 3), "median": round(median(values), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    load = os.getloadavg()[0]
    figures: dict[str, Any] = {
        "command": f"python bench/scratch_speed.py --rounds {arguments.rounds}",
        "machine": f"{os.cpu_count()} shared cores, one used; load {load:.1f} at the start",
        "versions": {"opencv": cv2.__version__, "numpy": np.__version__},
    }
    for name, shape in scratch.SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            figures[f"{shape[1]} x {shape[0]}, {name}"] = measured(
                shape, Path(folder), rounds=arguments.rounds
            )
    figures["machine"] += f", {os.getloadavg()[0]:.1f} at the end"
    text = json.dumps(figures, indent=1) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


if __name__ == "__main__":
    main()
