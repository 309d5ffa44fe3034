"""Is every randomised plate balanced, whatever the seed?"""

from __future__ import annotations

from collections import Counter

import pytest

from lamella.design.layout import (
    PlateLayout,
    Treatment,
    lay_out,
    lay_out_batches,
    usable_places,
    with_controls,
)
from lamella.design.placement import quadrant_misfit
from lamella.errors import SettingsError
from lamella.table.plates import PLATE_FORMATS
from lamella.units import Dose

HALF_LOGS = [Dose(10 ** (step / 2 - 9)) for step in range(1, 9)]
POSITIVE = Treatment("positive", 2, "cytochalasin D", Dose(1e-6))
# Format: doses, wells of each, seeds; 1,000 seeds in all.
PLANS = {6: (1, 2, 200), 12: (2, 3, 200), 24: (4, 3, 300), 48: (6, 4, 120), 96: (8, 3, 178)}


def plate(plate_format: int, seed: int) -> PlateLayout:
    doses, wells, _ = PLANS.get(plate_format, (8, 12, 2))
    arms = with_controls(
        HALF_LOGS[:doses],
        compound="defactinib",
        replicates=wells,
        positive=POSITIVE if plate_format > 6 else None,
    )
    return lay_out(arms, plate_format=plate_format, seed=seed)


def assert_balanced(layout: PlateLayout) -> None:
    arms = layout.treatments
    # Everything is placed once, on the plate, and nowhere twice.
    assert Counter(layout.index) == {i: arm.wells for i, arm in enumerate(arms)}
    assert len(set(layout.places)) == len(layout.places)
    assert set(layout.places) <= set(usable_places(layout.format, layout.edge))
    # Vehicle: 3 wells and one in six; positive 2, blank 1.
    wells = {arm.role: arm.wells for arm in arms}
    assert wells["vehicle"] >= 3
    assert 6 * wells["vehicle"] >= len(layout.places)
    assert wells.get("positive", 2) >= 2
    assert wells["blank"] >= 1
    # Quadrants: every treatment has its share of each, rounded up or down.
    quadrants = [layout.quadrants(i) for i in range(len(arms))]
    sizes = [sum(column) for column in zip(*quadrants, strict=True)]
    for arm, found in zip(arms, quadrants, strict=True):
        assert quadrant_misfit(found, arm.wells, sizes) == 0, arm
    # Imaging order: every block in turn holds its share of every treatment, and blocks are even.
    assert list(layout.block) == sorted(layout.block)
    number = max(layout.block)
    sizes_of_blocks = Counter(layout.block)
    assert max(sizes_of_blocks.values()) - min(sizes_of_blocks.values()) <= 1
    for i, arm in enumerate(arms):
        of_block = Counter(
            b for b, index in zip(layout.block, layout.index, strict=True) if index == i
        )
        counts = [of_block[b] for b in range(1, number + 1)]
        assert max(counts) - min(counts) <= 1, arm


@pytest.mark.parametrize("plate_format", PLANS)
def test_every_seed_gives_a_balanced_plate(plate_format):
    for seed in range(PLANS[plate_format][2]):
        assert_balanced(plate(plate_format, seed))


def test_a_plate_of_384_wells_is_balanced_too():
    assert_balanced(plate(384, 1))


def test_a_seed_gives_its_layout_again_and_another_seed_another():
    assert plate(96, 7) == plate(96, 7)
    assert plate(96, 7).index != plate(96, 8).index


def test_no_well_is_a_treatments_own_over_many_seeds():
    # 8 doses x 3 of 33 wells: a dose falls on a well with 1/11; 200 seeds give 18.2 +- 4.1.
    hits = Counter()
    for seed in range(200):
        layout = plate(96, seed)
        hits[layout.places[layout.index.index(1)]] += 1
        for place, index in zip(layout.places, layout.index, strict=True):
            hits[place, index] += 1
    doses = [hits[place, index] for place in plate(96, 0).places for index in range(1, 9)]
    # Five standard deviations either way: no fixed habit of place.
    assert min(doses) > 0
    assert max(doses) < 18.2 + 5 * 4.1


def test_outer_wells_stay_empty_where_the_inner_ones_suffice():
    rows, columns = PLATE_FORMATS[96]
    layout = plate(96, 3)
    assert layout.edge == "buffer"
    assert all(0 < r < rows - 1 and 0 < c < columns - 1 for r, c in layout.places)
    assert plate(24, 3).edge == "use"


def test_a_batch_too_large_for_a_plate_is_shared_by_several_with_their_own_controls():
    arms = with_controls(HALF_LOGS, compound="defactinib", replicates=3, positive=POSITIVE)
    made = lay_out_batches(arms, batches=2, plate_format=24, seed=1)
    assert [(batch, layout.plate) for batch, layout in made] == [
        ("1", "P1a"), ("1", "P1b"), ("2", "P2a"), ("2", "P2b"),
    ]  # fmt: skip
    for _, layout in made:
        roles = Counter(arm.role for arm in layout.treatments for _ in range(arm.wells))
        assert roles["vehicle"] >= 3
        assert 6 * roles["vehicle"] >= len(layout.places)
        assert roles["positive"] >= 2
    tests = sum(
        arm.wells for batch, one in made if batch == "1" for arm in one.treatments
        if arm.role == "test"
    )  # fmt: skip
    assert tests == 24
    assert made[0][1].index != made[2][1].index  # randomised anew


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plate(23, 1), "plate of 23 wells is not laid out. Use 6, 12, 24"),
        (
            lambda: lay_out([Treatment("test", 30)], plate_format=24, seed=1),
            "30 wells do not fit on the 24 wells of a 24-well plate. Use a larger plate",
        ),
        (
            lambda: lay_out([Treatment("test", 61)], plate_format=96, seed=1, edge="buffer"),
            "61 wells do not fit on the 60 inner wells",
        ),
        (lambda: with_controls([], compound="x", replicates=3), "0 doses in 3 wells"),
        (
            lambda: lay_out_batches(
                with_controls(HALF_LOGS, compound="x", replicates=1),
                batches=2, plate_format=6, seed=1,
            ),
            "does not fit on a 6-well plate",
        ),
        (
            lambda: lay_out_batches([Treatment("test", 3)], batches=0, plate_format=6, seed=1),
            "0 batches are no study",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_remedy(call, message):
    with pytest.raises(SettingsError, match=message):
        call()
