"""File names as instruments and people print them: every part read as it stands."""

import csv
from pathlib import PurePosixPath

import pytest

from lamella.errors import SettingsError
from lamella.inputs.images.names import compile_pattern, parse_time
from lamella.inputs.images.presets import PRESETS, find_preset
from lamella.inputs.well_names import well_name

# The table names variants of a system apart; a preset covers all variants of its maker.
_PRESET_OF = {
    "incucyte_export": "incucyte",
    "incucyte_archive": "incucyte",
    "cytation_2": "cytation",
    "cytation_3": "cytation",
    "nikon_plate": "nikon",
}


def names(shared_data):
    with (shared_data("eco") / "filenames" / "examples.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def stem_of(path):
    return path.removesuffix(PurePosixPath(path).suffix)


def claims(path):
    found = {preset.name: preset.match(stem_of(path)) for preset in PRESETS}
    return {name: match for name, match in found.items() if match is not None}


def test_all_names_parse_as_printed(shared_data):
    rows = names(shared_data)
    assert len(rows) == 49
    for row in rows:
        if row["system"] == "none" or row["note"].startswith("SKIP"):
            continue
        preset = _PRESET_OF.get(row["system"], row["system"])
        found = claims(row["path"])
        assert list(found) == [preset], row["path"]
        name = found[preset]
        expected = {
            "plate": row["plate"],
            "well": well_name(row["well"]) if row["well"] else "",
            "field": row["field"],
            "channel": row["channel"],
            "z": row["z"],
        }
        assert {part: getattr(name, part) for part in expected} == expected, row["path"]
        clock = name.moment.clock.isoformat(timespec="minutes") if name.moment.clock else ""
        assert clock == row["clock"], row["path"]
        index = "" if name.moment.index is None else str(name.moment.index)
        assert index == row["time_index"], row["path"]
        if row["elapsed_h"] and not row["clock"]:
            # Printed with four decimals.
            assert name.moment.elapsed_h == pytest.approx(float(row["elapsed_h"]), abs=5e-5)


def test_a_name_of_no_instrument_claims_no_well(shared_data):
    others = [row for row in names(shared_data) if row["system"] == "none"]
    assert len(others) == 4
    assert [claims(row["path"]) for row in others] == [{}] * 4


def test_a_thumbnail_is_no_measurement(shared_data):
    (row,) = [row for row in names(shared_data) if row["note"].startswith("SKIP")]
    assert claims(row["path"]) == {}
    assert find_preset("imagexpress").skips(stem_of(row["path"]))


@pytest.mark.parametrize(
    ("text", "index", "elapsed_h", "clock"),
    [
        ("0", 0, None, None),
        ("007", 7, None, None),
        ("T0003", 3, None, None),
        ("tp12", 12, None, None),
        ("24h", None, 24.0, None),
        ("2.5h", None, 2.5, None),
        ("2,5h", None, 2.5, None),
        ("90min", None, 1.5, None),
        ("1d12h", None, 36.0, None),
        ("00d06h00m", None, 6.0, None),
        ("03d06h40m", None, 78 + 2 / 3, None),
        ("2026y10m05d_14h30m", None, None, "2026-10-05T14:30:00"),
        ("20261005_143059", None, None, "2026-10-05T14:30:59"),
        ("2026-10-05T14-30-59", None, None, "2026-10-05T14:30:59"),
    ],
)
def test_a_time_in_a_name_is_read_as_people_write_it(text, index, elapsed_h, clock):
    moment = parse_time(text)
    assert (moment.index, moment.elapsed_h) == (index, elapsed_h)
    assert (moment.clock.isoformat() if moment.clock else None) == clock


@pytest.mark.parametrize("text", ["", "late", "h", "2026y13m05d_14h30m", "24 lightyears"])
def test_what_states_no_time_is_not_guessed(text):
    assert parse_time(text) is None


_SUFFIXES = frozenset({".tif", ".png"})


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("{well}_{field}_{time}", "B2_1_24h.TIF", ("", "B02", "1", 24.0, None)),
        ("{well}_{field}_{time}.tif", "b02_3_00d02h00m.tif", ("", "B02", "3", 2.0, None)),
        ("{plate}/{well}f{field}t{time}", "P1/H12f02t007.png", ("P1", "H12", "2", None, 7)),
        (
            "images/{plate}_{well}_{time}h.tif",
            "my_A1_A2_6h.tif",
            ("my_A1", "A02", "", 6, None),
        ),
        ("{plate}/{plate}_{well}.png", "P1/P1_C3.png", ("P1", "C03", "", None, None)),
        ("*_{well}-{field}", "SUIT-2 A1 run_D4-9.png", ("", "D04", "9", None, None)),
    ],
)
def test_a_pattern_of_the_user_reads_its_parts(pattern, path, expected):
    name = compile_pattern(pattern, suffixes=_SUFFIXES).match(path)
    assert (name.plate, name.well, name.field) == expected[:3]
    assert (name.moment.elapsed_h, name.moment.index) == expected[3:]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{well}_{field}_{time}", "B2_1_late.tif"),
        ("{well}_{field}_{time}", "sub/B2_1_24h.tif"),
        ("{well}_{field}_{time}", "B2_1_24h.txt"),
        ("{plate}/{plate}_{well}.png", "P1/P2_C3.png"),
        ("{well}.tif", "IMG_0042.tif"),
    ],
)
def test_a_pattern_claims_nothing_that_it_does_not_fit(pattern, path):
    assert compile_pattern(pattern, suffixes=_SUFFIXES).match(path) is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{wel}_{field}.tif", r"character 1: placeholder '\{wel\}' is not known. .*'well'"),
        ("a_{well}_{tme}.tif", r"character 10: placeholder '\{tme\}' .*'time'"),
        ("{well_{field}.tif", r"character 1: '\{' has no partner"),
        ("{field}{time}.tif", r"nothing stands between '\{field\}' and '\{time\}'"),
        ("images/a.tif", r"has no placeholder"),
        ("{}.tif", r"placeholder '\{\}' is not known"),
    ],
)
def test_a_faulty_pattern_is_told_with_its_place_and_the_nearest_word(pattern, message):
    with pytest.raises(SettingsError, match=message):
        compile_pattern(pattern, suffixes=_SUFFIXES)


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(SettingsError, match=r"'incucite' is not known. Did you mean 'incucyte'"):
        find_preset("incucite")
