"""The gap of real pictures against the outlines that people and other programs drew."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from lamella.vision.gap import find_gap


@dataclass(frozen=True)
class Scored:
    row: dict[str, str]
    overlap: float
    area_error: float
    covered: bool
    fraction_error: float


@pytest.fixture(scope="module")
def scored(shared_data):
    """Every picture that has a reference, measured once with the defaults."""
    folder = shared_data("wound")
    with (folder / "images.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["mask"]]
    return [_score(folder, row) for row in rows]


def _score(folder, row):
    reference = cv2.imread(str(folder / row["mask"]), cv2.IMREAD_GRAYSCALE) > 127
    picture = cv2.imread(str(folder / row["file"]), cv2.IMREAD_UNCHANGED)
    grey = picture if picture.ndim == 2 else picture[..., :3].mean(axis=2)
    gap = find_gap(np.asarray(grey, np.float32))
    found = gap.mask[: reference.shape[0]]
    area = np.count_nonzero(reference)
    either = np.count_nonzero(found | reference)
    return Scored(
        row,
        np.count_nonzero(found & reference) / either,
        abs(np.count_nonzero(found) - area) / area,
        bool(gap.low_px <= area <= gap.high_px),
        abs(np.count_nonzero(found) - area) / reference.size,
    )


def well_defined(row):
    sparse = "8000" in row["id"]
    return row["ambiguous"] == "0" and float(row["gap_fraction"]) >= 0.05 and not sparse


def test_well_defined_outlines_are_met_better_than_a_person_repeats_hard_ones(scored):
    # A person drawing hard outlines again reaches 0.86; the limit is the acceptance line.
    overlaps = [s.overlap for s in scored if well_defined(s.row)]
    assert len(overlaps) == 25
    assert np.mean(overlaps) >= 0.90


def test_all_outlines_are_met_with_one_set_of_defaults(scored):
    assert len(scored) == 35
    assert np.mean([s.overlap for s in scored]) >= 0.86
    assert np.median([s.area_error for s in scored]) <= 0.035


def test_no_open_wound_is_missed(scored):
    # A gap below 2 % of the field is judged by its fraction: half a point at most, or, in a
    # single frame that cannot tell it from a hole between cells, nothing at all.
    for s in scored:
        if float(s.row["gap_fraction"]) >= 0.02:
            assert s.overlap >= 0.5, s.row["id"]
        else:
            assert s.fraction_error <= 0.005, s.row["id"]


@pytest.mark.parametrize(
    ("source", "least"),
    # Section 7 of the wound reference; wf without its nearly closed frames.
    [("aseg", 0.91), ("liu", 0.89), ("pc3", 0.86), ("wf", 0.90), ("zoe", 0.85)],
)
def test_no_laboratory_is_served_worse_than_the_others(scored, source, least):
    rows = [s for s in scored if s.row["source"] == source]
    if source == "wf":
        rows = [s for s in rows if s.row["state"] == "open"]
    assert np.mean([s.overlap for s in rows]) >= least


def test_the_area_interval_covers_the_area_that_people_drew(scored):
    # 80 % and not 95: people's own outlines of these pictures are +-10 to 15 px.
    sure = [s for s in scored if s.row["source"] != "pc3" and s.row["ambiguous"] == "0"]
    assert np.mean([s.covered for s in sure]) >= 0.80
