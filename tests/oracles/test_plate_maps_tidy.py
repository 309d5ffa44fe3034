"""Plate maps of people and spreadsheets: the same plate whatever was done to the file."""

import csv

import pytest

from lamella.errors import PlateMapError
from lamella.inputs.plates import FORMS, PlateContext, read_plate_map
from lamella.table.wells import Well
from lamella.units import Dose

_DOSES = ("0.1 nM", "1 nM", "10 nM", "30 nM", "100 nM", "300 nM", "1 uM", "3 uM", "10 uM")
_MOLAR = (1e-10, 1e-9, 1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5)


def expected_plate(plate):
    """The plate as its description has it: rows B-G, column 2 vehicle, 3-11 nine doses."""
    wells = set()
    for row in "BCDEFG":
        wells.add((plate, f"{row}02", "1", "vehicle", "MDA-MB-231", "DMSO", None))
        for column, molar in enumerate(_MOLAR, start=3):
            wells.add((plate, f"{row}{column:02d}", "1", "test", "MDA-MB-231", "defactinib", molar))
    return wells


def as_tuple(well: Well):
    dose = None if well.dose is None else well.dose.amount
    return (well.plate, well.well, well.batch, well.role, well.cell_line, well.compound, dose)


def index(folder):
    with (folder / "index.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_sound_form_of_the_plate_gives_the_same_sixty_wells(shared_data):
    folder = shared_data("eco") / "plate_maps"
    sound = [row["file"] for row in index(folder) if row["same_table_as_tidy_96"] == "yes"]
    assert len(sound) == 4
    for name in sound:
        plate_map = read_plate_map(folder / name, PlateContext(plate="P1"))
        assert plate_map.findings == (), name
        assert {as_tuple(well) for well in plate_map.wells} == expected_plate("P1"), name


_FAULTS = {
    "bad_duplicate_well.csv": ("duplicated-well", ("B05", "10 nM", "300 nM", "line 5", "line 62")),
    "bad_bare_dose.csv": ("dose-without-unit", ("D05", "'10 nM'", "'10 uM'")),
    "bad_unknown_column.csv": ("unknown-column", ("compund", "'compound'")),
    "bad_well_outside.csv": ("well-outside-plate", ("I13", "96-well")),
    "bad_no_vehicle.csv": ("no-vehicle", ("P1", "vehicle")),
    "bad_role.csv": ("unknown-role", ("vehcile", "'vehicle'", "B02")),
}


@pytest.mark.parametrize("name", _FAULTS)
def test_each_planted_fault_is_the_only_finding_and_names_its_place(shared_data, name):
    folder = shared_data("eco") / "plate_maps"
    assert name in {row["file"] for row in index(folder)}
    (finding,) = read_plate_map(folder / name).findings
    rule, words = _FAULTS[name]
    assert (finding.rule, finding.level) == (rule, "error")
    told = " ".join((finding.place, finding.message, finding.remedy))
    assert [word for word in words if word not in told] == []


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_spreadsheet_may_write_what_it_likes(tmp_path, encoding, newline, mark):
    rows = [
        ["Well", "Batch", "Role", "Cell line", "Compound", "Dose"],
        ["b02", "1", "Vehicle", "Änne", "DMSO", ""],
        ["B3", "1", "test", "Änne", "X", '"0,5 µM"' if mark == "," else "0,5 µM"],
        ["", "", "", "", "", ""],
    ]
    text = newline.join(mark.join(row) for row in rows)
    plate_map = read_plate_map(write(tmp_path / "P7.csv", text, encoding))
    assert plate_map.findings == ()
    assert [as_tuple(well) for well in plate_map.wells] == [
        ("P7", "B02", "1", "vehicle", "Änne", "DMSO", None),
        ("P7", "B03", "1", "test", "Änne", "X", 5e-7),
    ]


def test_all_problems_of_a_map_are_told_at_once(tmp_path):
    text = (
        "well,batch,role,compound,dose,serum_lot\n"
        "B2,1,test,X,10\n"
        "B2,1,test,X,5 nM\n"
        "B99x,1,test,X,1 nM\n"
        "C3,,test,X,2 nM\n"
        "C4,1,tset,X,3 nM\n"
        "C5,1,test,X,-3 nM\n"
        "C6,1,test,X,\n"
        "C7,1,test,X,2 ug/mL\n"
        "C8,1,test,X,2 nM\n"
    )
    rules = [finding.rule for finding in read_plate_map(write(tmp_path / "P.csv", text)).findings]
    assert rules == [
        "unknown-column",
        "dose-without-unit",
        "duplicated-well",
        "well-name",
        "batch-missing",
        "unknown-role",
        "dose-unreadable",
        "dose-missing",
        "mixed-dose-units",
        "no-vehicle",
    ]


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        ("A1,1,vehicle,,5 nM\nA2,1,vehicle,,\n", ["vehicle-with-dose"]),
        ("A1,1,vehcile,,\nA2,1,test,X,1 nM\n", ["unknown-role"]),
        ("A1,1,vehicle,,0\nA2,1,test,X,1 nM\n", []),
    ],
)
def test_a_fault_is_told_once_and_not_with_what_follows_from_it(tmp_path, lines, rules):
    path = write(tmp_path / "P.csv", "well,batch,role,compound,dose\n" + lines)
    assert [finding.rule for finding in read_plate_map(path).findings] == rules


def test_a_declared_factor_and_combination_columns_stay_with_the_well(tmp_path):
    text = (
        "well,batch,role,compound,dose,compound_2,dose_2,coating,serum_lot\n"
        "A1,1,vehicle,,,,,collagen,7\n"
        "A2,1,test,X,1 nM,Y,2 nM,collagen,8\n"
    )
    plate_map = read_plate_map(
        write(tmp_path / "P.csv", text), PlateContext(factors=("serum_lot",))
    )
    assert plate_map.findings == ()
    assert plate_map.wells[1].dose == Dose(1e-9)
    assert dict(plate_map.wells[1].factors) == {
        "compound_2": "Y",
        "dose_2": "2 nM",
        "coating": "collagen",
        "serum_lot": "8",
    }


def test_a_stated_unit_makes_bare_doses_sound(tmp_path):
    text = "well,batch,role,compound,dose\nA1,1,vehicle,,0\nA2,1,test,X,16\n"
    plate_map = read_plate_map(write(tmp_path / "P.csv", text), PlateContext(dose_unit="au"))
    assert plate_map.findings == ()
    assert plate_map.wells[1].dose == Dose(16.0, "au")


def test_without_a_batch_column_all_wells_are_one_experiment_and_that_is_said(tmp_path):
    text = "well,role,compound,dose\nA1,vehicle,,\nA2,test,X,1 nM\n"
    plate_map = read_plate_map(write(tmp_path / "P.csv", text))
    assert [(finding.rule, finding.level) for finding in plate_map.findings] == [
        ("batch-missing", "warning")
    ]
    assert {well.batch for well in plate_map.wells} == {"1"}


def test_rows_and_columns_may_stand_apart_as_in_a_condition_table(tmp_path):
    text = "row,col,batch,role,compound,dose\nA,1,1,vehicle,,\nB,12,1,test,X,1 nM\n"
    wells = read_plate_map(write(tmp_path / "P.csv", text)).wells
    assert [well.well for well in wells] == ["A01", "B12"]


def test_a_full_384_well_plate_is_not_taken_for_errors_on_96(tmp_path):
    rows = [f"{r}{c},1,test,X,1 nM" for r in "BCDEFGHIJKLMNO" for c in range(2, 24)]
    text = "well,batch,role,compound,dose\nA1,1,vehicle,,\n" + "\n".join(rows)
    assert read_plate_map(write(tmp_path / "P.csv", text)).findings == ()


def test_what_is_no_plate_map_is_refused_with_advice(tmp_path):
    with pytest.raises(PlateMapError, match="cannot be read"):
        read_plate_map(tmp_path / "none.csv")
    with pytest.raises(PlateMapError, match="not a text table"):
        read_plate_map(write(tmp_path / "a.csv", "PK\0\0"))
    with pytest.raises(PlateMapError, match="not a plate map of a known form"):
        read_plate_map(write(tmp_path / "b.csv", "a,b\n1,2\n"))
    (finding,) = read_plate_map(write(tmp_path / "c.csv", "well,role,dose\n")).findings
    assert finding.rule == "empty-plate-map"
    (finding,) = read_plate_map(write(tmp_path / "d.csv", "well,dose\nA1,1 nM\n")).findings
    assert (finding.rule, "'role'" in finding.message) == ("column-missing", True)


def test_the_forms_are_listed_once():
    assert len({form.name for form in FORMS}) == len(FORMS)
