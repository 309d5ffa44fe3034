"""The gap of real pictures against the outlines that people and other programs drew."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from lamella.vision.gap import find_gap


@pytest.fixture(scope="module")
def references(shared_data):
    """(row of images.csv, gap found, reference mask) of every picture that has a reference."""
    folder = shared_data("wound")
    found = []
    with (folder / "images.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["mask"]]
    for row in rows:
        mask = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_GRAYSCALE) > 127
        picture = cv2.imread(str(folder / row["file"]), cv2.IMREAD_UNCHANGED)
        grey = picture if picture.ndim == 2 else picture[..., :3].mean(axis=2)
        gap = find_gap(np.asarray(grey, np.float32))
        found.append((row, gap, mask))
    return found


def iou(found, reference):
    either = np.count_nonzero(found | reference)
    return np.count_nonzero(found & reference) / either if either else 1.0


def well_defined(row):
    sparse = "8000" in row["id"]
    return row["ambiguous"] == "0" and float(row["gap_fraction"]) >= 0.05 and not sparse


def test_gaps_agree_with_the_well_defined_outlines_of_people(references):
    # One fixed set of defaults; a person repeating hard outlines reaches 0.86.
    scores = [
        iou(gap.mask[: ref.shape[0]], ref) for row, gap, ref in references if well_defined(row)
    ]
    assert np.mean(scores) >= 0.80
