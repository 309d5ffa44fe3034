"""Plate maps of other programs: Incucyte's XML and wellmap's TOML, against their own answers."""

import csv

import pytest

from lamella.errors import PlateMapError
from lamella.inputs.plates import PlateContext, read_plate_map
from lamella.inputs.plates.wellmap import read_layout
from lamella.inputs.well_names import well_name
from lamella.units import parse_dose


def rows_of(path):
    with path.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


class TestIncucyte:
    def test_each_well_holds_the_compound_and_dose_of_the_file(self, shared_data):
        folder = shared_data("eco") / "plate_maps" / "incucyte"
        wells = {
            well.well: well
            for well in read_plate_map(
                folder / "example.PlateMap", PlateContext(factors=("growth_condition", "vehicle"))
            ).wells
        }
        expected = [row for row in rows_of(folder / "example.expected.csv") if row["compound"]]
        assert len(wells) == len(expected) == 60
        for row in expected:
            well = wells[well_name(row["well"])]
            assert (well.compound, well.plate) == (row["compound"], "example")
            assert well.factors["growth_condition"] == row["growth_condition"]
            if row["dose"].endswith("%"):
                assert (well.role, well.dose) == ("vehicle", None)
                assert well.factors["vehicle"] == f"{row['compound']} {row['dose']}"
            else:
                # The expected table prints two decimals.
                printed = parse_dose(row["dose"]).amount
                assert well.role == "test"
                assert well.dose.amount == pytest.approx(printed, abs=0.005e-6)

    def test_what_the_file_does_not_store_is_proposed_and_said(self, shared_data):
        path = shared_data("eco") / "plate_maps" / "incucyte" / "example.PlateMap"
        findings = read_plate_map(path).findings
        assert [finding.rule for finding in findings] == ["role-proposed", "batch-missing"]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("<plateMap><wellStore>", "the XML is damaged"),
            ('<!DOCTYPE p [<!ENTITY a "b">]><plateMap>&a;</plateMap>', "document type"),
            (
                '<plateMap><wellStore><wells><well row="40" col="0"/>'
                "</wells></wellStore></plateMap>",
                "no well in row 40",
            ),
        ],
    )
    def test_damaged_or_hostile_files_are_refused(self, tmp_path, text, message):
        (tmp_path / "a.PlateMap").write_text(text)
        with pytest.raises(PlateMapError, match=message):
            read_plate_map(tmp_path / "a.PlateMap")


class TestWellmap:
    @pytest.mark.parametrize("name", ["beta_gal_assay", "bradford_assay", "std_curve"])
    def test_a_layout_says_of_each_well_what_wellmap_itself_says(self, shared_data, name):
        folder = shared_data("eco") / "plate_maps" / "wellmap"
        layout = read_layout(folder / f"{name}.toml")
        expected = rows_of(folder / f"{name}.expected.csv")
        assert len(layout) == len(expected)
        for row in expected:
            said = {key: str(value) for key, value in layout["", row["well0"]].items()}
            own = ("well", "well0", "row", "col", "row_i", "col_j")
            for key in row.keys() - set(own):
                found = said.get(key, "")
                if row[key] and row[key] != found:  # 5 and 5.0, true and True
                    assert found == row[key] or float(found) == float(row[key]), (row["well"], key)
                assert bool(found) == bool(row[key]), (row["well"], key)

    def test_a_layout_in_our_words_is_a_plate_map(self, tmp_path):
        (tmp_path / "P3.toml").write_text(
            """
            [expt]
            batch = 2
            cell_line = "SUIT-2"
            [row.'A,B,...,D']
            coating = "collagen"
            [col]
            1.role = "vehicle"
            '2,4,...,6'.role = "test"
            '2,4,...,6'.compound = "X"
            2.dose = "1 nM"
            4.dose = "10 nM"
            6.dose = "100 nM"
            [well.D6]
            dose = "1 uM"
            """
        )
        plate_map = read_plate_map(tmp_path / "P3.toml")
        (note,) = plate_map.findings
        assert note.rule == "wells-unused"
        assert "A03, A05, B03" in note.message
        assert len(plate_map.wells) == 16
        last = plate_map.wells[-1]
        assert (last.plate, last.well, last.batch, str(last.dose)) == ("P3", "D06", "2", "1 µM")

    def test_what_is_special_beats_what_is_general(self, tmp_path):
        (tmp_path / "a.toml").write_text(
            """
            [expt]
            x = "expt"
            [col.'1,2']
            x = "column"
            [row.A]
            x = "row"
            [block.2x2.C1]
            x = "large block"
            [block.1x1.C2]
            x = "small block"
            [well.D2]
            x = "well"
            [plate.P1.well.D1]
            x = "well of one plate"
            [plate.P2]
            """
        )
        layout = read_layout(tmp_path / "a.toml")
        said = {place: values["x"] for place, values in layout.items()}
        assert said["P1", "A01"] == "row"
        assert said["P1", "B01"] == "column"
        assert said["P1", "C01"] == "large block"
        assert said["P1", "C02"] == "small block"
        assert said["P1", "D02"] == "well"
        assert (said["P1", "D01"], said["P2", "D01"]) == ("well of one plate", "large block")

    def test_a_zigzag_row_alternates_between_two_rows(self, tmp_path):
        (tmp_path / "a.toml").write_text("[irow]\nA.x = 1\nB.x = 2\n[col]\n'1,2,...,4'.y = 0\n")
        layout = read_layout(tmp_path / "a.toml")
        assert {well for (_, well), said in layout.items() if said["x"] == 1} == {
            "A01",
            "B02",
            "A03",
            "B04",
        }
        assert len(layout) == 8

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[well.A1", "no sound wellmap layout"),
            ("[well.Q99]\nx = 1", "on no plate"),
            ("[block.3by2.A1]\nx = 1", "no size of a block"),
            ("[col.'1,3,...,6']\nx = 1", "no equal steps"),
            ("[meta]\ninclude = '../../etc/passwd'", "leads out of the folder"),
            ("[meta]\ninclude = 'a.toml'", "include each other without end"),
        ],
    )
    def test_what_cannot_be_understood_is_refused(self, tmp_path, text, message):
        (tmp_path / "a.toml").write_text(text)
        with pytest.raises(PlateMapError, match=message):
            read_plate_map(tmp_path / "a.toml")
