"""Every export writes files that another program reads back to the same values."""

from __future__ import annotations

import csv
from dataclasses import replace

import polars as pl
import pytest

from lamella.errors import StudyError
from lamella.export import FORMATS
from lamella.table.wells import Design
from lamella.units import parse_dose

# They need counted objects and say so where a study has none.
OF_COUNTS = {"imagej-rois"}


def records(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def with_points(result):
    """The same study with two counted cells in every picture."""
    previews = [replace(p, points=((12.5, 3.0), (7.0, 9.25))) for p in result.assays[0].previews]
    return replace(result, assays=(replace(result.assays[0], previews=tuple(previews)),))


def files_below(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", sorted(FORMATS))
class TestEveryExport:
    def test_writes_files_and_returns_them(self, name, finished_study, tmp_path):
        study = with_points(finished_study())
        written = FORMATS[name](study, tmp_path / "new" / "folder")
        assert written and all(path.stat().st_size for path in written)
        assert set(written) == files_below(tmp_path / "new" / "folder")

    def test_writes_the_same_bytes_again(self, name, finished_study, tmp_path):
        study = with_points(finished_study())
        first = FORMATS[name](study, tmp_path / "a")
        second = FORMATS[name](study, tmp_path / "b")
        assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]

    def test_takes_a_study_in_which_nothing_worked(self, name, finished_study, tmp_path):
        bare = replace(finished_study(), assays=(), design=Design())
        if name in OF_COUNTS:
            with pytest.raises(StudyError, match="no points to export"):
                FORMATS[name](bare, tmp_path)
        else:
            assert all(path.is_file() for path in FORMATS[name](bare, tmp_path))

    def test_takes_a_study_without_potency_and_with_hostile_names(
        self, name, finished_study, tmp_path
    ):
        result = with_points(finished_study(compound='a,"b"\n;c\udc80', title="<x>"))
        none = replace(result, assays=(replace(result.assays[0], potency=None, reason="why"),))
        assert set(FORMATS[name](none, tmp_path)) == files_below(tmp_path)


def test_every_observation_comes_back_as_it_was(finished_study, tmp_path):
    result = finished_study()
    path = FORMATS["csv"](result, tmp_path)[0]
    frame = pl.read_csv(path, infer_schema_length=None, schema_overrides={"field": pl.Utf8})
    assert frame.height == len(result.assays[0].rows)
    values = [row.value for row in result.assays[0].rows]
    assert frame["value"].to_list() == values
    assert frame["reason"].to_list() == [row.reason for row in result.assays[0].rows]


def test_wells_carry_their_dose_and_readout_or_none(finished_study, tmp_path):
    result = finished_study()
    lines = {(r["plate"], r["well"]): r for r in records(FORMATS["csv"](result, tmp_path)[1])}
    assert len(lines) == len(result.design.wells)
    assert (lines["P1", "B05"]["dose"], lines["P1", "B05"]["dose_unit"]) == ("16.0", "nM")
    assert float(lines["P1", "B05"]["value"]) == result.assays[0].wells["P1", "B05"]
    assert (lines["P1", "C02"]["value"], lines["P1", "C02"]["entered"]) == ("", "no")


@pytest.mark.parametrize("dose", ["73.7", "31.6", "0.1", "1.98", "2.25"])
def test_a_dose_keeps_the_digits_that_were_written(finished_study, tmp_path, dose):
    result = finished_study()
    well = replace(result.design.wells[-1], dose=parse_dose(f"{dose} nM"))
    result = replace(result, design=Design((well,)))
    assert records(FORMATS["csv"](result, tmp_path)[1])[0]["dose"] == dose


def test_potency_tells_batches_and_the_estimate_between_them(finished_study, tmp_path):
    lines = records(FORMATS["csv"](finished_study(), tmp_path)[2])
    assert [line["level"] for line in lines] == ["batch"] * 6 + ["between batches"]
    last = lines[-1]
    assert (last["n"], last["value"], last["low"], last["high"]) == ("3", "151.0", "88.0", "259.0")
    assert last["verdict"] == "closed" and last["unit"] == "nM"


def test_a_verdict_without_number_leaves_the_number_empty(finished_study, tmp_path):
    result = finished_study()
    assay = result.assays[0]
    between = replace(
        assay.potency.between_batches, value=None, low=None, high=None, verdict="not_reached"
    )
    potency = replace(assay.potency, between_batches=between)
    result = replace(result, assays=(replace(assay, potency=potency),))
    last = records(FORMATS["csv"](result, tmp_path)[2])[-1]
    assert (last["value"], last["low"], last["high"]) == ("", "", "")
    assert last["verdict"] == "not_reached"


def test_groups_of_one_assay_share_no_observation_twice(finished_study, tmp_path):
    result = finished_study()
    assay = result.assays[0]
    two = replace(result, assays=(replace(assay, group="A"), replace(assay, group="B")))
    assert len(records(FORMATS["csv"](two, tmp_path)[0])) == len(assay.rows)
