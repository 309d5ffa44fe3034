"""Are workbooks and Fractal condition tables read like the tidy map of the same plate?

The Fractal example has the form that its documentation prints; the workbooks are written here cell
by cell, as the file format (ECMA-376) wants it, and hold the tables of the shared plate maps.
"""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from lamella.errors import PlateMapError
from lamella.inputs.plates import PlateContext, read_plate_map
from lamella.table.wells import Well
from lamella.units import Dose

CONDITIONS = """\
row,column,acquisition,drug,concentration,replicate
A,1,0,DMSO,0,1
A,2,0,DrugA,0.1,1
A,3,0,DrugA,1.0,1
B,1,0,DMSO,0,2
B,2,0,DrugA,0.1,2
B,3,0,DrugA,1.0,2
"""


def place(folder: Path, text: str, name: str = "P1.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_condition_table_becomes_wells_with_proposed_roles(tmp_path):
    found = read_plate_map(place(tmp_path, CONDITIONS), PlateContext(dose_unit="nM"))
    roles = {well.well: (well.role, well.compound, well.dose) for well in found.wells}
    assert roles == {
        "A01": ("vehicle", "DMSO", None),
        "A02": ("test", "DrugA", Dose(1e-10)),
        "A03": ("test", "DrugA", Dose(1e-9)),
        "B01": ("vehicle", "DMSO", None),
        "B02": ("test", "DrugA", Dose(1e-10)),
        "B03": ("test", "DrugA", Dose(1e-9)),
    }
    assert {well.factors["replicate"] for well in found.wells} == {"1", "2"}
    rules = {finding.rule: finding for finding in found.findings}
    assert set(rules) == {"role-proposed", "batch-missing", "free-columns"}
    assert "replicate" in rules["free-columns"].message
    assert not [finding for finding in found.findings if finding.level == "error"]


def test_several_lines_of_one_well_are_several_compounds(tmp_path):
    text = CONDITIONS + "C,11,0,drugA,0.2,1\nC,11,0,drugB,0.5,\nC,12,0,DMSO,,1\nC,12,0,drugB,2,1\n"
    found = read_plate_map(place(tmp_path, text), PlateContext(dose_unit="nM"))
    wells = {well.well: well for well in found.wells}
    both = wells["C11"]
    assert (both.compound, both.dose) == ("drugA", Dose(2e-10))
    assert (both.factors["compound_2"], both.factors["dose_2"]) == ("drugB", "0.5")
    assert wells["C12"].role == "test"  # the solvent beside a compound is no second compound
    assert wells["C12"].compound == "drugB"


def test_an_acquisition_that_repeats_a_well_does_not_double_it(tmp_path):
    text = "Row,Col,Acquisition,Drug,Dose\nB,2,0,DMSO,\nB,2,1,DMSO,\nB,3,0,x,5 nM\nB,3,1,x,5 nM\n"
    found = read_plate_map(place(tmp_path, text))
    assert [(well.well, well.role) for well in found.wells] == [("B02", "vehicle"), ("B03", "test")]
    assert "compound_2" not in found.wells[1].factors


def test_three_compounds_in_a_well_are_told(tmp_path):
    text = "row,column,drug,dose\nA,1,DMSO,\nA,2,x,1 nM\nA,2,y,1 nM\nA,2,z,1 nM\n"
    found = read_plate_map(place(tmp_path, text))
    assert "conditions" in {finding.rule for finding in found.findings}


def test_a_bare_concentration_is_refused_as_everywhere(tmp_path):
    found = read_plate_map(place(tmp_path, CONDITIONS))
    bad = [finding for finding in found.findings if finding.level == "error"]
    assert {finding.rule for finding in bad} == {"dose-without-unit"}


def test_a_table_with_roles_stays_a_tidy_map(tmp_path):
    text = "row,column,role,batch,compound,dose\nA,1,vehicle,1,DMSO,\nA,2,test,1,x,5 nM\n"
    found = read_plate_map(place(tmp_path, text))
    assert [well.role for well in found.wells] == ["vehicle", "test"]
    assert found.findings == ()


def workbook(path: Path, *sheets: list[list[str]], shared: bool = True) -> Path:
    """A workbook with the cells of each sheet; numbers as numbers, texts shared or inline."""
    texts: list[str] = []

    def cell(row: int, column: int, text: str) -> str:
        at = f'r="{chr(ord("A") + column)}{row + 1}"'
        if text.replace(".", "", 1).isdigit():
            return f"<c {at}><v>{float(text)!r}</v></c>"
        if not shared:
            return f'<c {at} t="inlineStr"><is><t>{escape(text)}</t></is></c>'
        texts.append(text)
        return f'<c {at} t="s"><v>{len(texts) - 1}</v></c>'

    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    with zipfile.ZipFile(path, "w") as archive:
        for number, rows in enumerate(sheets, start=1):
            body = "".join(
                "<row>" + "".join(cell(r, c, t) for c, t in enumerate(line) if t) + "</row>"
                for r, line in enumerate(rows)
            )
            xml = f"<worksheet {space}><sheetData>{body}</sheetData></worksheet>"
            archive.writestr(f"xl/worksheets/sheet{number}.xml", xml)
        items = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
        archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{items}</sst>")
    return path


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def facts(wells: tuple[Well, ...]) -> set[tuple[object, ...]]:
    return {(w.well, w.role, w.batch, w.compound, w.dose, w.cell_line) for w in wells}


@pytest.mark.parametrize("shared", [True, False])
def test_a_tidy_map_in_a_workbook_is_the_tidy_map(shared, tmp_path, shared_data):
    tidy = shared_data("eco") / "plate_maps" / "tidy_96.csv"
    notes = [["Remember", "to label the lid"]]
    path = workbook(tmp_path / "P1.xlsx", rows_of(tidy), notes, shared=shared)
    found, expected = read_plate_map(path), read_plate_map(tidy)
    assert facts(found.wells) == facts(expected.wells)
    assert len(found.wells) == 60
    assert found.findings == ()


def test_grid_blocks_in_a_workbook_may_have_a_sheet_each(tmp_path, shared_data):
    grid = shared_data("eco") / "plate_maps" / "grid_96.csv"
    blocks: list[list[list[str]]] = [[]]
    for row in rows_of(grid):
        if any(row):
            blocks[-1].append(row)
        elif blocks[-1]:
            blocks.append([])
    blocks = [block for block in blocks if block]
    assert len(blocks) > 1
    path = workbook(tmp_path / "P1.xlsx", *blocks)
    assert facts(read_plate_map(path).wells) == facts(read_plate_map(grid).wells)
    together = workbook(tmp_path / "all.xlsx", [row for block in blocks for row in [*block, [""]]])
    assert facts(read_plate_map(together).wells) == facts(read_plate_map(grid).wells)


def test_a_broken_empty_or_swollen_workbook_is_refused_with_a_remedy(tmp_path):
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(PlateMapError, match=r"cannot be read as a workbook.*CSV UTF-8"):
        read_plate_map(broken)
    with pytest.raises(PlateMapError, match="empty workbook"):
        read_plate_map(workbook(tmp_path / "empty.xlsx", [[""]]))
    swollen = tmp_path / "swollen.xlsx"
    with zipfile.ZipFile(swollen, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (65 << 20))
    with pytest.raises(PlateMapError, match="more than 64 MiB"):
        read_plate_map(swollen)
    hostile = tmp_path / "hostile.xlsx"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>')
    with pytest.raises(PlateMapError, match="document type"):
        read_plate_map(hostile)
