"""Rows come back from disk as they went, whatever stands in them."""

import time
from dataclasses import fields, replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamella.errors import StudyError
from lamella.table.rows import Observation
from lamella.table.store import SCHEMA, concat, from_frame, read_rows, to_frame, write_rows

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NUMBER = st.none() | st.floats(allow_nan=False)
_COUNT = st.none() | st.integers(-(2**63), 2**63 - 1)
_BY_TYPE = {
    "str": _TEXT,
    "str | None": st.none() | _TEXT,
    "float | None": _NUMBER,
    "int | None": _COUNT,
}


def any_rows():
    columns = {field.name: _BY_TYPE[str(field.type)] for field in fields(Observation)}
    return st.lists(st.builds(Observation, **columns), max_size=8)


@given(any_rows())
def test_rows_come_back_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("store") / "observations.parquet"
    write_rows(rows, path)
    assert read_rows(path) == tuple(rows)


@given(any_rows())
def test_the_same_rows_give_the_same_bytes(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("store")
    write_rows(rows, folder / "first.parquet")
    write_rows(read_rows(folder / "first.parquet"), folder / "second.parquet")
    assert (folder / "first.parquet").read_bytes() == (folder / "second.parquet").read_bytes()


@given(any_rows(), any_rows())
def test_joining_parts_on_disk_equals_joining_them_in_memory(tmp_path_factory, left, right):
    path = tmp_path_factory.mktemp("store") / "all.parquet"
    write_rows(concat([left, right]), path)
    assert read_rows(path) == concat([tuple(left), tuple(right)])


def test_the_columns_are_those_of_the_contract_in_their_order(tmp_path):
    names = [
        *("study", "batch", "plate", "well", "field", "frame", "time_h", "object", "assay"),
        *("metric", "value", "text", "low", "high", "unit", "n", "flag", "reason"),
        *("settings_hash", "input_hash", "version"),
    ]
    write_rows([Observation("gap_area", 1.0)], tmp_path / "a.parquet")
    assert pl.read_parquet(tmp_path / "a.parquet").columns == names
    assert set(names) == {field.name for field in fields(Observation)}


def test_a_value_that_is_not_a_number_becomes_a_flagged_row(tmp_path):
    write_rows([Observation("edge_speed", float("nan"), "µm/h", low=float("nan"))], tmp_path / "a")
    (row,) = read_rows(tmp_path / "a")
    assert (row.value, row.low, row.flag) == (None, None, "not_a_number")
    assert row.reason


def test_an_earlier_flag_outlives_a_value_that_is_not_a_number(tmp_path):
    before = Observation("edge_speed", float("nan"), flag="debris", reason="a fibre")
    write_rows([before], tmp_path / "a")
    assert read_rows(tmp_path / "a") == (replace(before, value=None),)


def test_a_write_that_fails_leaves_the_old_table_and_no_part(tmp_path):
    path = tmp_path / "observations.parquet"
    write_rows([Observation("gap_area", 1.0)], path)
    with pytest.raises(AttributeError, match=r"no attribute"):
        write_rows(["no row"], path)
    assert read_rows(path)[0].value == 1.0
    assert [entry.name for entry in tmp_path.iterdir()] == ["observations.parquet"]


def test_somebody_who_reads_the_old_table_keeps_it_whole(tmp_path):
    path = tmp_path / "observations.parquet"
    write_rows([Observation("gap_area", 1.0)], path)
    opened = tmp_path / "opened before.parquet"
    opened.hardlink_to(path)
    write_rows([Observation("gap_area", 2.0)], path)
    assert (read_rows(opened)[0].value, read_rows(path)[0].value) == (1.0, 2.0)


def test_a_table_that_is_gone_damaged_or_old_is_refused_with_advice(tmp_path):
    with pytest.raises(StudyError, match=r"does not exist\. Run the study"):
        read_rows(tmp_path / "none.parquet")
    Path(tmp_path / "half.parquet").write_bytes(b"PAR1 half a file")
    with pytest.raises(StudyError, match="damaged or no Parquet"):
        read_rows(tmp_path / "half.parquet")
    with pytest.raises(StudyError, match="lacks version: another version wrote it"):
        from_frame(to_frame([Observation("a")]).drop("version"))


def test_forty_thousand_rows_take_a_fraction_of_a_second_each_way(tmp_path):
    rows = [
        Observation("gap_area", i / 7, "µm²", plate="P1", well=f"B{i % 12:02d}", frame=i % 48)
        for i in range(40_000)
    ]
    start = time.process_time()
    write_rows(rows, tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet") == tuple(rows)
    # 0.2 s of CPU on a busy laptop core; ten times that is a change of method, not noise.
    assert time.process_time() - start < 2.0
    assert len(SCHEMA) == 21
