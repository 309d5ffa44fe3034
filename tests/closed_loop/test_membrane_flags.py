"""Does every fault of a membrane picture have its word, and no clean picture one?"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from lamella.app.cli import main
from lamella.virtual.membrane import BrightField, Faults, Membrane, render_membrane
from lamella.virtual.membrane_pores import Pores
from lamella.virtual.membrane_study import (
    invasion_study,
    plan_inserts,
    render_insert,
    transwell_study,
)
from lamella.virtual.violet_cells import CellLook
from lamella.vision.cells import count_cells

SPREAD = CellLook()
ROUND = CellLook("round", size_cv=0.1, stain=0.5, soft_um=2.5, clustered=0.8, largest=40)
SEEDS = (0, 1)


def scene(seed: int) -> Membrane:
    """Spread and round cells in turn."""
    return Membrane(look=ROUND if seed % 2 else SPREAD).sized((480, 640), pixel_um=0.8)


def with_faults(seed: int, **faults: float) -> Membrane:
    return replace(scene(seed), faults=Faults(**faults))


def with_camera(seed: int, **camera: object) -> Membrane:
    plain = scene(seed)
    return replace(plain, camera=replace(plain.camera, **camera))


SPOILT = {
    "hair": lambda seed: with_faults(seed, hair=1),
    "bubbles": lambda seed: with_faults(seed, bubbles=2),
    "residual_cells": lambda seed: with_faults(seed, residual=15),
    "streaks": lambda seed: with_faults(seed, streaks=2),
    "wrinkles": lambda seed: with_faults(seed, wrinkles=1),
    "filled_pores": lambda seed: replace(scene(seed), pores=Pores(filled=0.5)),
    "vignetting": lambda seed: with_camera(seed, vignette=0.6),
    "out_of_focus": lambda seed: with_camera(seed, tilt_um=6.0),
    "overexposed": lambda seed: with_camera(seed, white=(290.0, 300.0, 280.0)),
}
PLACED = ("hair", "bubbles", "wrinkles", "residual_cells", "streaks", "filled_pores")


def flags_of(membrane: Membrane, seed: int, cells: float = 40) -> dict[str, str]:
    field = render_membrane(cells, scene=membrane, rng=np.random.default_rng([seed, 5]))
    return dict(count_cells(field.image.astype(np.float32), pixel_um=field.pixel_um).flags)


@lru_cache
def clean(seed: int) -> dict[str, str]:
    return flags_of(scene(seed), seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("word", SPOILT)
def test_a_fault_is_told_and_the_same_field_without_it_is_not(word, seed):
    told = flags_of(SPOILT[word](seed), seed)
    assert word in told
    assert len(told[word].split()) > 5
    if word in PLACED:
        assert "x " in told[word] and "y " in told[word]
    assert word not in clean(seed)


def test_bubbles_are_found_where_they_lie():
    """One bubble of 70 um radius drawn by hand on a bare membrane."""
    bare = render_membrane(0, scene=scene(0), rng=np.random.default_rng(3)).image
    rim = np.zeros(bare.shape[:2], np.float32)
    cv2.circle(rim, (420, 200), 88, 0.8, 10)
    spoilt = bare * np.exp(-cv2.GaussianBlur(rim, (0, 0), 3.0))[..., None]
    told = dict(count_cells(spoilt.astype(np.float32), pixel_um=0.8).flags)["bubbles"]
    x, y = (int(part.split()[1]) for part in told[told.index("x ") : told.index(")")].split(", "))
    # Within a tenth of the diameter: circles are looked for on a coarse picture.
    assert np.hypot(x - 420, y - 200) < 0.1 * 2 * 88


def test_cells_in_a_ring_are_no_bubble():
    dye = np.zeros((480, 640), np.float32)
    for angle in np.arange(0, 2 * np.pi, 0.2):
        at = (round(320 + 100 * np.cos(angle)), round(240 + 100 * np.sin(angle)))
        cv2.circle(dye, at, 12, 1.2, -1, cv2.LINE_AA)
    depth = cv2.GaussianBlur(dye, (0, 0), 1.0)[..., None] * np.array([0.71, 0.69, 0.14])
    noise = np.random.default_rng(1).normal(0, 2, (480, 640, 3))
    picture = (200 * np.exp(-depth) + noise).astype(np.float32)
    assert "bubbles" not in dict(count_cells(picture, pixel_um=0.8).flags)


def test_clean_fields_of_5_to_400_cells_show_no_fault():
    """Each word on less than a tenth of them; 96 fields are in the bench."""
    found: Counter[str] = Counter()
    numbers = (5, 10, 20, 40, 80, 150, 250, 400) * 2
    for seed, cells in enumerate(numbers):
        membrane = scene(seed // 8).sized((480, 640), pixel_um=1.04)
        found.update(flags_of(membrane, seed, cells).keys() & SPOILT.keys())
    assert all(times < 0.1 * len(numbers) for times in found.values())


@pytest.mark.parametrize("study", [transwell_study(), invasion_study()], ids=["cross", "invade"])
def test_the_demonstrations_show_no_fault(study):
    for insert in list(plan_inserts(study))[::20]:
        field = next(iter(render_insert(study, insert)))
        found = count_cells(field.image.astype(np.float32), pixel_um=field.pixel_um)
        assert not dict(found.flags).keys() & SPOILT.keys()


def test_a_flag_is_a_row_with_its_reason_and_stops_no_count(tmp_path, capsys):
    spoilt = with_faults(0, bubbles=2, residual=15)
    field = render_membrane(40, scene=spoilt, rng=np.random.default_rng([0, 5]))
    cv2.imwrite(str(tmp_path / "field.png"), field.image[..., ::-1])
    main(["measure", "transwell", str(tmp_path / "field.png"), "--pixel-um", "0.8", "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    doubts = {row["object"]: row for row in rows if row["metric"] == "quality"}
    assert {"bubbles", "residual_cells"} <= set(doubts)
    assert all(row["flag"] == row["text"] == word for word, row in doubts.items())
    assert "membrane is sharp (at x " in doubts["residual_cells"]["reason"]
    count = next(row for row in rows if row["metric"] == "cell_count")
    assert count["value"] > 0
    assert count["flag"] is None


def test_a_tilted_membrane_blurs_more_and_more_towards_its_corner():
    camera = BrightField(size_px=(300, 300), pixel_um=1.0, tilt_um=8.0)
    field = render_membrane(
        0, scene=replace(Membrane(), camera=camera), rng=np.random.default_rng(1)
    )
    grain = np.abs(cv2.Laplacian(field.image.mean(axis=2), cv2.CV_64F))
    near, middle, far = (grain[a : a + 80, a : a + 80].mean() for a in (10, 90, 210))
    assert near < 0.8 * far
    assert near < middle
