"""Which flags do rendered membranes get: clean ones of 5 to 400 cells, and one fault at a time?

Run: `python bench/membrane_flags.py [--fields 96] [--seeds 12] [--seed 1]`; the answer is
committed as `bench/results/membrane_flags.json`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from closed_loop_membrane import COUNTS, counted, scene
from lamella.virtual.membrane import Faults, Membrane, render_membrane
from lamella.virtual.membrane_pores import Pores


def spoilt(word: str, plain: Membrane) -> Membrane:
    """The scene with the fault that the word names, and no other."""
    faults = {
        "hair": Faults(hair=1),
        "bubbles": Faults(bubbles=2),
        "residual_cells": Faults(residual=25),
        "streaks": Faults(streaks=2),
        "wrinkles": Faults(wrinkles=1),
    }
    if word in faults:
        return replace(plain, faults=faults[word])
    if word == "filled_pores":
        return replace(plain, pores=replace(Pores(), filled=0.5))
    camera = {"vignetting": {"vignette": 0.6}, "out_of_focus": {"tilt_um": 6.0}}[word]
    return replace(plain, camera=replace(plain.camera, **camera))


WORDS = (
    "hair",
    "bubbles",
    "residual_cells",
    "streaks",
    "wrinkles",
    "filled_pores",
    "vignetting",
    "out_of_focus",
)


def words_of(one: Membrane, cells: float, key: list[int]) -> set[str]:
    field = render_membrane(cells, scene=one, rng=np.random.default_rng(key))
    return {word for word, _ in counted(field).flags}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=96)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    clean: Counter[str] = Counter()
    silent = 0
    for k in range(args.fields):
        words = words_of(scene(k // len(COUNTS)), COUNTS[k % len(COUNTS)], [args.seed, k, 3])
        silent += not words
        clean.update(words)
    told, beside = {}, {}
    for word in WORDS:
        found = [words_of(spoilt(word, scene(k)), 40, [args.seed, k, 4]) for k in range(args.seeds)]
        told[word] = f"{sum(word in each for each in found)} of {args.seeds}"
        beside[word] = dict(Counter(other for each in found for other in each - {word}))
    answer = {
        "seed": args.seed,
        "clean_fields": args.fields,
        "clean_without_a_flag": silent,
        "flags_of_clean_fields": dict(clean),
        "faults_told": told,
        "other_flags_beside": beside,
    }
    text = json.dumps(answer, indent=1)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
