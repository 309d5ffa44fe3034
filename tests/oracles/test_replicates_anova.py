"""One-way analysis of variance against the certified tables of NIST."""

from __future__ import annotations

import csv
import json
import math
from fractions import Fraction

import pytest

from lamella.errors import MeasurementError
from lamella.potency.anova import one_way

# 13 constant leading digits: float64 holds such values to 1.2e-4, which limits any program.
STIFF = ("SmLs07", "SmLs08", "SmLs09")
NAMES = ("AtmWtAg", "SiRstv", *(f"SmLs0{index}" for index in range(1, 10)))


def digits(found, certified):
    return 15.0 if found == certified else -math.log10(abs(found - certified) / abs(certified))


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data("stats") / "nist_anova"


def read(folder, name):
    with (folder / f"{name}.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return [float(row["y"]) for row in rows], [row["group"] for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_the_certified_f_is_met(folder, name):
    certified = json.loads((folder / f"{name}.json").read_text())
    table = one_way(*read(folder, name))
    assert (table.df_between, table.df_within) == (certified["df_between"], certified["df_within"])
    assert digits(table.f, certified["F"]) >= (4 if name in STIFF else 10)


@pytest.mark.parametrize("name", ["AtmWtAg", "SiRstv", "SmLs04", "SmLs07"])
def test_sums_of_squares_are_exact_for_the_numbers_as_stored(folder, name):
    # Rational arithmetic on the stored doubles: what remains against NIST is storage alone.
    value, group = read(folder, name)
    exact = [Fraction(one) for one in value]
    members = {key: [v for v, g in zip(exact, group, strict=True) if g == key] for key in group}
    grand = sum(exact) / len(exact)
    means = {key: sum(part) / len(part) for key, part in members.items()}
    between = sum(len(part) * (means[key] - grand) ** 2 for key, part in members.items())
    within = sum((v - means[key]) ** 2 for key, part in members.items() for v in part)
    table = one_way(value, group)
    assert table.ss_between == pytest.approx(float(between), rel=1e-14)
    assert table.ss_within == pytest.approx(float(within), rel=1e-14)


def test_groups_of_one_have_no_scatter():
    with pytest.raises(MeasurementError, match="2 values in 2 groups"):
        one_way([1.0, 2.0], ["a", "b"])
