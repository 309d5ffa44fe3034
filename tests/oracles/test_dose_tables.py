"""Dose-response tables as spreadsheets and programs write them: the same numbers each time."""

import csv
import time

import numpy as np
import polars as pl
import pytest

from lamella.errors import FitError, UnitError
from lamella.inputs.plates.dose_table import read_dose_table


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_spreadsheet_may_write_what_it_likes(tmp_path, encoding, newline, mark):
    rows = [["Dose", "Response", "Batch"], ["0", "1,25", "A"], ["0,5 µM", "3e-1", "A"]]
    rows += [["", "", ""], ["20 nM", "n/a", "B"], ["", "", ""]]
    quoted = [[f'"{c}"' if mark in c else c for c in row] for row in rows]
    path = write(tmp_path / "t.csv", newline.join(mark.join(row) for row in quoted), encoding)
    table = read_dose_table(path)
    assert table.dose.tolist() == [0.0, 0.5, 0.02]
    assert table.response[:2].tolist() == [1.25, 0.3]
    assert np.isnan(table.response[2])
    assert (table.dose_unit, table.batch.tolist()) == ("uM", ["A", "A", "B"])
    (finding,) = table.findings
    assert (finding.rule, finding.place) == ("response-missing", "t.csv, line 5")


def test_every_shared_table_is_read_as_its_numbers_stand_there(shared_data):
    read = 0
    for path in sorted((shared_data("stats") / "dose_response").glob("*.csv")):
        with path.open() as file:
            rows = list(csv.DictReader(file))
        if "dose" not in rows[0]:
            continue
        table = read_dose_table(path, dose_unit="au")
        assert table.dose.tolist() == [float(row["dose"]) for row in rows], path.name
        response = [float(row["response"] or "nan") for row in rows]
        assert np.array_equal(table.response, response, equal_nan=True), path.name
        read += 1
    assert read >= 20


@pytest.mark.parametrize("header", ["dose (nM)", "dose_nM", "Dose [nM]", "dose nM"])
def test_the_header_may_state_the_unit(tmp_path, header):
    table = read_dose_table(write(tmp_path / "t.csv", f"{header},response\n1.98,3\n"))
    assert (table.dose.tolist(), table.dose_unit) == ([1.98], "nM")


def test_a_stated_unit_holds_for_bare_doses_and_for_the_result(tmp_path):
    path = write(tmp_path / "t.csv", "dose,response\n0,1\n10,1\n3 uM,1\n")
    table = read_dose_table(path, dose_unit="nM")
    assert (table.dose.tolist(), table.dose_unit) == ([0.0, 10.0, 3000.0], "nM")


def test_other_names_of_columns_may_be_stated(tmp_path):
    path = write(tmp_path / "t.csv", "dose,edge speed,day\n1,5,Mon\n2,6,Tue\n")
    table = read_dose_table(path, dose_unit="nM", response="edge speed", batch="day")
    assert table.response.tolist() == [5.0, 6.0]
    assert (table.response_name, table.batch.tolist()) == ("edge speed", ["Mon", "Tue"])


def test_vehicle_wells_need_no_dose_and_optional_columns_are_kept(tmp_path):
    text = "dose,response,role,curve,weight\n,1,Vehicle,a,1\n5 nM,2,test,b,0.5\n"
    table = read_dose_table(write(tmp_path / "t.csv", text))
    assert table.dose.tolist() == [0.0, 5.0]
    assert table.role.tolist() == ["vehicle", "test"]
    assert (table.curve.tolist(), table.weight.tolist()) == (["a", "b"], [1.0, 0.5])


def test_parquet_holds_the_same_table(tmp_path):
    pl.DataFrame({"dose": [0.0, 1.5], "response": [1, None], "batch": [1, 2]}).write_parquet(
        tmp_path / "t.parquet"
    )
    table = read_dose_table(tmp_path / "t.parquet", dose_unit="au")
    assert (table.dose.tolist(), table.batch.tolist()) == ([0.0, 1.5], ["1", "2"])
    assert table.findings[0].place == "t.parquet, row 2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dose,response\n1,2\n3,4\n", r"lines 2, 3: the dose has no unit; .*--dose-unit"),
        ("dose,response\n1 nM,2\n3,4\n", r"line 3: the dose '3' has no unit; write '3 nM'"),
        ("dose,response\n1 nM,2\n3 mg/mL,4\n", r"line 3: the dose '3 mg/mL' cannot be converted"),
        ("dose,response\n1 nM,2\n3 nN,4\n", r"line 3: the dose '3 nN' has an unknown unit"),
        ("dose,response\n1 nM,2\nlow,4\n", r"line 3: the dose 'low' is no number"),
        ("dose,response\n1 nM,2\n,4\n", r"line 3: the dose is empty"),
        ("dose,response\n-1 nM,2\n", r"line 2: the dose is negative"),
        ("dose,response\n1 nM,lots\n", r"line 2: response is no number \('lots'\)"),
        ("dose,response\n1 nM,inf\n", r"line 2: response is infinite"),
        ("dose,respons\n1 nM,2\n", r"no column 'response'. Did you mean 'respons'\?.*--response"),
        ("dosis,response\n1 nM,2\n", r"no column 'dose'. Did you mean 'dosis'"),
        ("dose,response,role\n1 nM,2,vehcile\n", r"line 2: role 'vehcile' .*'vehicle'"),
        ("dose,response,weight\n1 nM,2,0\n", r"line 2: weight must be above 0"),
        ('dose,response\n1 nM,"1,000"\n', r"line 2: response may have commas for thousands"),
        ("dose;response\n1 nM;1.000,5\n", r"line 2: response may have commas for thousands"),
        ("dose,response\n", r"has no rows"),
        ("", r"has no rows"),
        ("PK\0\3", r"not a text table"),
    ],
)
def test_each_fault_names_its_line_and_what_to_do(tmp_path, text, message):
    with pytest.raises(FitError, match=message):
        read_dose_table(write(tmp_path / "t.csv", text))


def test_all_faults_of_a_table_are_told_at_once(tmp_path):
    text = "dose,response,weight\n1 nM,a,1\n-2 nM,1,1\n3 nM,1,-1\n"
    with pytest.raises(FitError, match=r"line 3: .*negative(.|\n)*line 2: (.|\n)*line 4: weight"):
        read_dose_table(write(tmp_path / "t.csv", text))


def test_a_missing_file_and_an_unknown_unit_are_told(tmp_path):
    with pytest.raises(FitError, match="cannot be read"):
        read_dose_table(tmp_path / "none.csv")
    with pytest.raises(FitError, match="cannot be read as Parquet"):
        read_dose_table(write(tmp_path / "t.parquet", "x"))
    with pytest.raises(UnitError, match="'nN' is not known"):
        read_dose_table(tmp_path / "none.csv", dose_unit="nN")


def test_a_million_rows_take_seconds_not_minutes(tmp_path):
    n = 1_000_000
    dose = np.tile([0.0, 0.1, 1.5, 20.0], n // 4)
    response = np.linspace(0, 1, n)
    pl.DataFrame({"dose": dose, "response": response}).write_csv(tmp_path / "t.csv")
    start = time.process_time()
    table = read_dose_table(tmp_path / "t.csv", dose_unit="nM")
    spent = time.process_time() - start
    assert np.array_equal(table.dose, dose)
    assert np.array_equal(table.response, response)
    # Measured 0.5 s of CPU; a loop over rows would take more than 10 s.
    assert spent < 5.0
