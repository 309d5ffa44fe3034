"""Studies of eluted dye run from tables of a plate reader alone: checked, fitted, drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lamella.app.cli import main
from lamella.study import Plan, StudyResult, load, make_plan, run
from lamella.table.rows import Observation

STUDY = """\
[study]
title = "Defactinib on SUIT-2, eluted dye"
cell_line = "SUIT-2"
[study.compound]
name = "defactinib"
form = "free base"
batch = "7"
purity_percent = 98.5
[study.cell_lines.SUIT-2]
accession = "CVCL_3172"
organism = "human"
str_date = "2026-03-01"
passage = "12 to 18"
mycoplasma = "negative 2026-05-02"
[study.reporting]
n_is = "independent experiments"
randomisation = "at random, seed 7"
blinding = "analysis by program"
exclusion = "torn membranes"
approach = "in vitro"
[[assay]]
kind = "transwell"
readouts = "readouts/{plate}.csv"
[assay.protocol]
inhibitor_side = "both"
preincubation_h = 1
cells_per_insert = 30000
insert_area_cm2 = 0.332
duration_h = 16
solvent_percent = 0.1
substrate = "polycarbonate, 8 um pores"
modality = "absorbance, 590 nm"
"""
DOSES_NM = (1, 4, 16, 63, 250, 1000, 4000)
BLANK, PER_CELL = 0.06, 1e-5
STANDARDS = ((0, 0.06), (5e3, 0.11), (1e4, 0.16), (2e4, 0.26), (4e4, 0.46), (8e4, 0.66))
"""OD 1e-5 a cell above 0.06, up to 40,000 cells: 80,000 should have 0.86 and have 0.66."""


def arms() -> list[tuple[str, str, str, float]]:
    """Role, dose, attractant and cells on the insert; half of them gone at 100 nM."""
    listed = [("vehicle", "", "10 % FBS", 30_000.0)] * 3
    for dose in DOSES_NM:
        left = 0.05 + 0.95 / (1 + dose / 100)
        listed += [("test", f"{dose} nM", "10 % FBS", 30_000 * left)] * 2
    listed += [("positive", "1 uM", "10 % FBS", 1500.0)] * 2
    listed += [("vehicle", "", "none", 9000.0)] * 2
    return [*listed, *[("blank", "", "10 % FBS", 0.0)] * 2]


def write_study(folder: Path) -> Path:
    """Three plates whose ODs scatter by 3 % between inserts and 15 % between days."""
    (folder / "plates").mkdir(parents=True)
    (folder / "readouts").mkdir()
    (folder / "study.toml").write_text(STUDY)
    rng = np.random.default_rng(4)
    wells = [f"{row}{column:02d}" for row in "ABCD" for column in range(1, 7)]
    for batch in (1, 2, 3):
        day = float(np.exp(0.15 * rng.standard_normal()))
        order = rng.permutation(len(wells))
        plan = ["plate,well,batch,role,compound,dose,attractant"]
        read = ["well,od_590,standard_cells"]
        for index, (role, dose, drawn, cells) in enumerate(arms()):
            well = wells[order[index]]
            compound = {"test": "defactinib", "positive": "cytochalasin D"}.get(role, "")
            plan.append(f"P{batch},{well},{batch},{role},{compound},{dose},{drawn}")
            noise = float(np.exp(0.03 * rng.standard_normal()))
            read.append(f"{well},{BLANK + PER_CELL * cells * day * noise:.4f},")
        for column, (cells, od) in enumerate(STANDARDS, start=1):
            read.append(f"H{column:02d},{od},{cells:g}")
        (folder / "plates" / f"P{batch}.csv").write_text("\n".join(plan) + "\n")
        (folder / "readouts" / f"P{batch}.csv").write_text("\n".join(read) + "\n")
    return folder


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "study")


def rows_of(result: StudyResult, metric: str, **place: object) -> list[Observation]:
    return [
        row
        for row in result.assays[0].rows
        if row.metric == metric and all(getattr(row, key) == want for key, want in place.items())
    ]


def findings_of(folder: Path, capsys) -> list[dict[str, str]]:
    main(["check", str(folder), "--json"])
    return json.loads(capsys.readouterr().out)["findings"]


def test_a_sound_study_of_eluted_dye_has_no_finding_before_or_after_its_run(study, capsys):
    assert findings_of(study, capsys) == []
    assert main(["run", str(study)]) == 0
    capsys.readouterr()
    assert findings_of(study, capsys) == []


def test_the_ic50_of_eluted_dye_is_that_of_the_cells(study):
    result = run(study)
    item = result.assays[0]
    assert (item.readout.name, item.readout.unit) == ("eluted_od", "OD")
    # Three vehicles, seven doses and a positive control in duplicate a plate; inserts without
    # attractant, blanks and standards stay out.
    assert len(item.wells) == 3 * 19
    between = item.potency.between_batches
    # Half of the vehicle: 0.05 + 0.95 / (1 + d / 100) = 0.5 at d = 111 nM.
    assert between.low < 111 < between.high
    assert between.value == pytest.approx(111, rel=0.2)
    assert between.n == 3
    half = next(r for r in rows_of(result, "eluted_percent_of_vehicle", object="63 nM"))
    # 0.05 + 0.95 / 1.63 is 63.3 %.
    assert half.low < 63.3 < half.high
    assert half.n == 3
    each = rows_of(result, "eluted_percent_of_vehicle", object="63 nM, batch 2")[0]
    assert (each.low, each.high) == (None, None)
    assert "no interval" in each.text


def test_blanks_are_taken_off_and_the_line_is_told(study):
    result = run(study)
    wells = {(w.plate, w.well): w for w in result.design.wells}
    assert all(well.factors["eluted_od"] for well in wells.values())
    for row in rows_of(result, "eluted_od", object=None):
        read = rows_of(result, "measured_od", plate=row.plate, well=row.well)[0]
        assert row.value == pytest.approx(read.value - BLANK, abs=2e-4)
        assert "less 0.06" in row.text
    for plate in ("P1", "P2", "P3"):
        slope = rows_of(result, "standard_slope", plate=plate)[0]
        assert slope.value == pytest.approx(PER_CELL)
        assert rows_of(result, "standard_range", plate=plate)[0].value == 40_000
        beyond = [r.value for r in rows_of(result, "standard_od", plate=plate) if r.text]
        assert beyond == pytest.approx([0.60])
    (cells,) = rows_of(result, "eluted_cells", plate="P1", well=vehicle_of(result, "P1"))
    assert 20_000 < cells.value < 45_000


def vehicle_of(result: StudyResult | Plan, plate: str) -> str:
    return next(
        w.well
        for w in result.design.wells
        if w.plate == plate and w.role == "vehicle" and w.factors["attractant"] != "none"
    )


def test_the_report_shows_curve_standards_ratios_and_blanks_and_no_empty_panel_of_counts(study):
    assert main(["run", str(study)]) == 0
    page = (study / "results" / "report.html").read_text(encoding="utf-8")
    for told in (
        "Eluted dye over dose",
        "Standard curve of eluted dye",
        "Eluted dye of vehicle, batch by batch",
        "end of the linear range",
        "Blank, subtracted from every eluate of its plate: P1 0.06, mean of 2 stained blank",
    ):
        assert told in page
    assert "Counted cells" not in page
    assert "Migrated cells" not in page
    assert "violet density" not in page  # methods of pictures
    assert "gave no read-out" not in page  # controls were never meant to enter the curve
    assert "[no unit]" not in page
    assert "P2.csv" in page  # the tables and their hashes stand under provenance
    assert "111" not in re.findall(r"<title>(.*?)</title>", page)[0]
    again = load(study)
    kept = pl.read_parquet(study / "results" / "observations.parquet")
    assert kept.height == len(again.assays[0].rows)


def test_an_eluate_above_the_linear_range_is_flagged_and_not_extrapolated(study, capsys):
    table = study / "readouts" / "P1.csv"
    well = vehicle_of(make_plan(study), "P1")
    table.write_text(re.sub(rf"{well},[0-9.]+,", f"{well},0.81,", table.read_text()))
    (finding,) = findings_of(study, capsys)
    assert (finding["rule"], finding["level"]) == ("above-range", "warning")
    assert finding["place"] == f"P1 {well}"
    assert "0.4, 4e+04 cells" in finding["message"]
    result = run(study)
    (row,) = rows_of(result, "eluted_cells", plate="P1", well=well)
    assert (row.value, row.flag) == (None, "above_range")
    (row,) = rows_of(result, "eluted_od", plate="P1", well=well)
    assert (row.value, row.flag) == (pytest.approx(0.75), "above_range")


Edit = Callable[[str], str]


def line_of(table: str, number: int) -> str:
    """The well that stands in a line of the table, which counts from 1."""
    return table.splitlines()[number - 1].split(",")[0]


def test_all_that_is_wrong_with_the_tables_is_told_at_once_with_place_and_remedy(study, capsys):
    first = study / "readouts" / "P1.csv"
    lines = first.read_text().splitlines()
    wells = [line.split(",")[0] for line in lines]
    lines[1] = f"{wells[1]},OVRFLW,"
    lines[2] = f"{wells[2]},,"
    lines[3] = f"{wells[3]},-0.02,"
    lines[4] = f"{wells[4]},4.8,"
    lines[5] = f"{wells[6]},0.2,"
    lines[-1] = lines[-1].replace("80000", "many")
    first.write_text("\n".join([*lines, "E09,0.2,", "Z,0.3,"]) + "\n")
    second = study / "readouts" / "P2.csv"
    blanks = [
        line.split(",")[1]
        for line in (study / "plates" / "P2.csv").read_text().splitlines()
        if ",blank," in line
    ]
    kept = [line for line in second.read_text().splitlines() if line[:3] not in blanks]
    second.write_text("\n".join(kept).replace("od_590", "od_450") + "\n")
    third = study / "plates" / "P3.csv"
    third.write_text(third.read_text().replace("1000 nM", "1000", 1))
    found = findings_of(study, capsys)
    told = {(f["rule"], f["level"], f["place"]) for f in found}
    for number, rule in ((2, "od-unreadable"), (3, "od-unreadable"), (4, "od-negative")):
        assert (rule, "error", f"P1.csv, line {number}, well {wells[number - 1]}") in told
    assert ("od-beyond", "error", f"P1.csv, line 5, well {wells[4]}") in told
    assert ("duplicated-well", "error", f"P1.csv, line 7, well {wells[6]}") in told
    last = len(lines)
    assert ("standard-unreadable", "error", f"P1.csv, line {last}, well H06") in told
    assert ("well-without-map", "warning", f"P1.csv, line {last + 1}, well E09") in told
    assert ("well-name", "error", f"P1.csv, line {last + 2}") in told
    assert ("well-without-reading", "warning", f"P1 {wells[1]}") in told
    assert ("no-blank-reading", "error", "plate P2") in told
    assert ("wavelength", "warning", "P2.csv, line 1") in told
    assert "dose-without-unit" in {f["rule"] for f in found}
    assert all(f["message"] and f["remedy"] for f in found)
    # What is sound is fitted all the same.
    assert main(["run", str(study)]) == 1
    assert (study / "results" / "report.html").is_file()


def test_an_od_below_its_blank_is_told_and_kept_as_it_is(study, capsys):
    table = study / "readouts" / "P2.csv"
    dosed = next(
        line.split(",")[1]
        for line in (study / "plates" / "P2.csv").read_text().splitlines()
        if ",4000 nM," in line
    )
    table.write_text(re.sub(rf"{dosed},[0-9.]+,", f"{dosed},0.05,", table.read_text()))
    (finding,) = findings_of(study, capsys)
    assert (finding["rule"], finding["place"]) == ("below-blank", f"P2 {dosed}")
    result = run(study)
    (row,) = rows_of(result, "eluted_od", plate="P2", well=dosed)
    assert (row.value, row.flag) == (pytest.approx(-0.01), "below_blank")
    (row,) = rows_of(result, "eluted_cells", plate="P2", well=dosed)
    assert (row.value, row.flag) == (0.0, "below_blank")


def test_without_a_blank_insert_in_the_plan_there_is_an_error(study, capsys):
    for path in (study / "plates").iterdir():
        text = path.read_text().splitlines()
        path.write_text("\n".join(line for line in text if ",blank," not in line) + "\n")
    found = findings_of(study, capsys)
    assert {(f["rule"], f["level"]) for f in found} == {
        ("C03", "error"),
        ("well-without-map", "warning"),
    }


def test_a_bent_standard_curve_stops_cells_and_warns_ods(study, capsys):
    for path in (study / "readouts").iterdir():
        path.write_text(re.sub(r"H0([345]),[0-9.]+", r"H0\1,0.15", path.read_text()))
    assert {(f["rule"], f["level"]) for f in findings_of(study, capsys)} == {
        ("standard-curve", "warning")
    }
    toml = study / "study.toml"
    toml.write_text(
        toml.read_text().replace("[assay.protocol]", 'readout = "eluted_cells"\n[assay.protocol]')
    )
    assert ("standard-curve", "error") in {
        (f["rule"], f["level"]) for f in findings_of(study, capsys)
    }


def test_one_standard_curve_may_serve_all_plates(study, capsys):
    for name in ("P2", "P3"):
        path = study / "readouts" / f"{name}.csv"
        lines = [line for line in path.read_text().splitlines() if not line.startswith("H0")]
        path.write_text("\n".join(lines) + "\n")
    assert findings_of(study, capsys) == []
    result = run(study)
    assert rows_of(result, "eluted_cells", plate="P3", well=vehicle_of(result, "P3"))[0].value > 0


def test_tables_as_the_plate_lies_give_the_same_values(study, tmp_path):
    tidy = run(study)
    for path in (study / "readouts").iterdir():
        cells = [line.split(",") for line in path.read_text().splitlines()[1:]]
        blocks = []
        for corner, column in (("OD", 1), ("standard_cells", 2)):
            blocks.append(";".join([corner, *map(str, range(1, 13))]))
            for row in "ABCDEFGH":
                placed = {int(one[0][1:]): one[column] for one in cells if one[0][0] == row}
                values = [placed.get(k, "").replace(".", ",") for k in range(1, 13)]
                blocks.append(";".join([row, *values]))
            blocks.append("")
        path.write_text("\n".join(blocks) + "\n", encoding="utf-16")
    grid = run(study)
    assert [(r.metric, r.well, r.value) for r in grid.assays[0].rows] == [
        (r.metric, r.well, r.value) for r in tidy.assays[0].rows
    ]


def test_readings_of_one_eluate_are_averaged(study):
    table = study / "readouts" / "P1.csv"
    header, *lines = table.read_text().splitlines()
    twice = [f"{line},{k}" for line in lines for k in (1, 2)]
    table.write_text("\n".join([f"{header},replicate", *twice]) + "\n")
    assert len(run(study).assays[0].wells) == 57


def test_two_assays_may_read_the_same_tables(study, capsys):
    toml = study / "study.toml"
    text = toml.read_text()
    second = text[text.index("[[assay]]") :].replace('"transwell"', '"invasion"')
    toml.write_text(text + second)
    assert {f["rule"] for f in findings_of(study, capsys)} == {"T03", "T04"}
    result = run(study)
    assert [item.assay.name for item in result.assays] == ["transwell", "invasion"]
    assert result.assays[0].wells == result.assays[1].wells
    assert len(rows_of(result, "standard_od", plate="P1")) == len(STANDARDS)


def test_an_od_that_plate_map_and_table_state_differently_is_told(study, capsys):
    toml = study / "study.toml"
    toml.write_text(toml.read_text().replace("[study]", '[study]\nfactors = ["eluted_od"]', 1))
    path = study / "plates" / "P1.csv"
    header, first, *lines = path.read_text().splitlines()
    path.write_text("\n".join([f"{header},eluted_od", f"{first},0.9", *lines]) + "\n")
    (finding,) = findings_of(study, capsys)
    assert finding["rule"] == "od-stated-twice"
    assert "states the OD 0.9" in finding["message"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('readouts = "readouts/{plate}.csv"', "", "neither 'images' nor 'readouts'"),
        ("readouts/{plate}.csv", "tables/*.csv", "names no file"),
        ('kind = "transwell"', 'kind = "scratch"', "scratch reads no tables"),
    ],
)
def test_a_study_that_names_nothing_to_read_is_told_so(study, capsys, old, new, told):
    toml = study / "study.toml"
    toml.write_text(toml.read_text().replace(old, new))
    messages = " ".join(f"{f['message']} {f['remedy']}" for f in findings_of(study, capsys))
    assert told in messages
    assert main(["run", str(study)]) == 1
    assert "nothing to run" in capsys.readouterr().err
