"""Does `lamella check` find each fault in a study folder, and none in a sound one?"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from lamella.app.cli import main

STUDY = """\
[study]
title = "Defactinib on SUIT-2"
cell_line = "SUIT-2"
compound = { name = "defactinib", form = "free base", batch = "7", purity_percent = 98.5 }
factors = ["day", "gap_tool", "imaging_order", "cells_per_cm2", "viability_percent"]
evidence = ["T2.1"]

[study.cell_lines.SUIT-2]
accession = "CVCL_3172"
organism = "human"
tissue = "pancreas"
doubling_time_h = 38.2
str_date = "2026-03-01"
passage = "12 to 18"
mycoplasma = "negative 2026-05-02"

[study.reporting]
n_is = "independent experiments"
randomisation = "block-randomised, seed 7"
blinding = "analysis by program"
exclusion = "wells with debris over the wound"
approach = "in vitro"

[[assay]]
kind = "scratch"
images = "images/{plate}/{well}_{time}h.tif"
pixel_um = 1.24
[assay.protocol]
gap_tool = "p200 tip"
cells_per_cm2 = 100000
serum_percent = 1
seeding_serum_percent = 1
proliferation_control = "mitomycin C 10 ug/mL 2 h"
solvent_percent = 0.1
duration_h = 24
expected_speed_um_h = 12
edge_mode = "per edge"
objective = "5x/0.15"
camera_pixel_um = 6.2
substrate = "plastic"
modality = "phase contrast"

[[assay]]
kind = "transwell"
images = "images/{plate}/{well}_{time}h.tif"
pixel_um = 1.24
[assay.protocol]
inhibitor_side = "both"
preincubation_h = 1
claim = "chemotaxis"
cells_per_insert = 40000
fields_per_insert = 8
field_choice = "random"
duration_h = 20
substrate = "polycarbonate, 8 um pores"
modality = "bright field"

[[assay]]
kind = "invasion"
images = "images/{plate}/{well}_{time}h.tif"
pixel_um = 1.24
[assay.protocol]
inhibitor_side = "both"
preincubation_h = 0
cells_per_insert = 40000
fields_per_insert = 8
matrix_mg_per_ml = 0.2
matrix_lot = "4021"
matrix_ul_per_insert = 100
matrix_form = "coat"
duration_h = 24
substrate = "Matrigel"
modality = "bright field"

[[assay]]
kind = "blot"
images = "blots/{plate}_{well}.tif"
[assay.protocol]
target = "pFAK Y397"
normalised_to = "total FAK"
lysates = 3
site_species = "human"

[[assay]]
kind = "viability"
images = "readouts/{plate}_{well}.tif"
[assay.protocol]
growth_correction = "GR"
"""
HEADER = "plate,well,batch,role,compound,dose,coating,attractant"
ARMS = (
    "vehicle,DMSO,,none,10 % FBS",
    "vehicle,DMSO,,Matrigel,none",
    "vehicle,DMSO,,Matrigel,10 % FBS",
    "blank,,,Matrigel,10 % FBS",
    "positive,cytochalasin D,1 uM,Matrigel,10 % FBS",
    *(
        f"test,defactinib,{dose},Matrigel,10 % FBS"
        for dose in ("3 nM", "30 nM", "300 nM", "3 uM", "30 uM")
    ),
)
HOURS = (0, 12, 24)


def wells_of(batch: int) -> list[tuple[str, str]]:
    """Each arm twice, on no row or column of its own."""
    return [
        (f"{'BCDEFG'[(i + 3 * copy) % 6]}{2 + (i + 5 * copy) % 10:02d}", arm)
        for copy in range(2)
        for i, arm in enumerate(ARMS)
    ]


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "study"
    (folder / "plates").mkdir(parents=True)
    picture = np.zeros((8, 8), np.uint8)
    for batch in (1, 2, 3):
        plate = f"P{batch}"
        lines = [HEADER]
        (folder / "images" / plate).mkdir(parents=True)
        for well, arm in wells_of(batch):
            lines.append(f"{plate},{well},{batch},{arm}")
            for hour in HOURS:
                path = folder / "images" / plate / f"{well}_{hour:02d}h.tif"
                tifffile.imwrite(path, picture + batch)
        (folder / "plates" / f"{plate}.csv").write_text("\n".join(lines) + "\n")
    (folder / "study.toml").write_text(STUDY)
    return folder


Edit = Callable[[Path], None]


def said(old: str, new: str = "") -> Edit:
    """Change what study.toml says, at its first place."""

    def edit(folder: Path) -> None:
        path = folder / "study.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return edit


def every(*edits: Edit) -> Edit:
    def edit(folder: Path) -> None:
        for one in edits:
            one(folder)

    return edit


def mapped(change: Callable[[list[str]], list[str] | None]) -> Edit:
    """Change the cells of each line of every plate map; None drops the line."""

    def edit(folder: Path) -> None:
        for path in sorted((folder / "plates").iterdir()):
            header, *lines = path.read_text().splitlines()
            changed = [change(line.split(",")) for line in lines]
            kept = [",".join(cells) for cells in changed if cells is not None]
            path.write_text("\n".join([header, *kept]) + "\n")

    return edit


def column(name: str, value: Callable[[list[str]], str]) -> Edit:
    """Add a column to every plate map."""

    def edit(folder: Path) -> None:
        for path in (folder / "plates").iterdir():
            header, *lines = path.read_text().splitlines()
            added = [f"{line},{value(line.split(','))}" for line in lines]
            path.write_text("\n".join([f"{header},{name}", *added]) + "\n")

    return edit


def without_frames(pattern: str) -> Edit:
    def edit(folder: Path) -> None:
        found = sorted(folder.glob(f"images/{pattern}"))
        assert found
        for path in found:
            path.unlink()

    return edit


def cell(index: int, old: str, new: str, *, plate: str = "P") -> Edit:
    """Replace the content of one column of the plate maps."""
    return mapped(
        lambda cells: [
            new if i == index and text == old and cells[0].startswith(plate) else text
            for i, text in enumerate(cells)
        ]
    )


def a_column_a_treatment(cells: list[str]) -> list[str]:
    arms = [arm.split(",") for arm in ARMS]
    return [cells[0], f"{cells[1][0]}{2 + arms.index(cells[3:]):02d}", *cells[2:]]


def onto_one_plate(folder: Path) -> None:
    lines = [HEADER]
    for batch in (1, 2, 3):
        path = folder / "plates" / f"P{batch}.csv"
        for line in path.read_text().splitlines()[1:]:
            plate, well, *rest = line.split(",")
            there = f"{well[0]}{int(well[1:]) + 12 * (batch - 1):02d}" if batch < 3 else well
            there = there if batch < 3 else f"{chr(ord(well[0]) + 8)}{well[1:]}"
            lines.append(",".join(["P1", there, *rest]))
            for frame in (folder / "images" / plate).glob(f"{well}_*.tif"):
                frame.rename(folder / "images" / "P1" / frame.name.replace(well, there))
        path.unlink()
    (folder / "plates" / "P1.csv").write_text("\n".join(lines) + "\n")


CLOSURE = said('pixel_um = 1.24\n[assay.protocol]\ngap', 'pixel_um = 1.24\nreadout = "closure"\n'
               "[assay.protocol]\ngap")  # fmt: skip
TT = every(
    said('cell_line = "SUIT-2"', 'cell_line = "TT"'),
    said('[study.cell_lines.SUIT-2]\naccession = "CVCL_3172"', "[study.cell_lines.TT]"),
    said('tissue = "pancreas"\n'),
)
OTHER_LINE = (
    '\n[study.cell_lines.C8161]\naccession = "own line"\nstr_date = "2026"\npassage = "5"\n'
)
OTHER_LINE += 'mycoplasma = "negative"\ndoubling_time_h = 20\n\n[study.reporting]'

# What to do to the sound folder, and the rules that must then speak, with their levels:
# the planted one first, then those that the fault implies.
FAULTS: dict[str, tuple[Edit, list[str]]] = {
    "D01 third day not done": (
        cell(2, "3", "2"),
        ["D01 error"],
    ),
    "D02 wells counted": (
        said('n_is = "independent experiments"', 'n_is = "wells"'),
        ["D02 error"],
    ),
    "D02 all on one day": (column("day", lambda _: "2026-03-01"), ["D02 error"]),
    "D03 a plate without vehicle": (
        cell(3, "vehicle", "untreated", plate="P2"),
        ["D03 error"],
    ),
    "D04 one percent": (said("solvent_percent = 0.1", "solvent_percent = 1"), ["D04 warning"]),
    "D05 a dose a column": (mapped(a_column_a_treatment), ["D05 warning"]),
    "D05 dose after dose": (
        column("imaging_order", lambda cells: str(ARMS.index(",".join(cells[3:])))),
        ["D05 warning"],
    ),
    "D06 one plate": (onto_one_plate, ["D06 warning"]),
    "D07 no positive": (cell(3, "positive", "blank"), ["D07 warning"]),
    "S01 no first frame": (without_frames("P2/B02_00h.tif"), ["S01 error"]),
    "S04 closure at one time": (every(CLOSURE, without_frames("*/*_12h.tif")), ["S04 warning"]),
    "S05 speed of what": (said('edge_mode = "per edge"\n'), ["S05 warning"]),
    "S06 growth": (said('"mitomycin C 10 ug/mL 2 h"', '"none"'), ["S06 warning"]),
    "S06 no dose": (said('"mitomycin C 10 ug/mL 2 h"', '"mitomycin C"'), ["S06 warning"]),
    "S07 serum not stated": (said("\nserum_percent = 1"), ["S07 warning"]),
    "S07 serum changed": (
        said("seeding_serum_percent = 1", "seeding_serum_percent = 10"),
        ["S07 warning"],
    ),
    "S09 density not stated": (said("cells_per_cm2 = 100000\n"), ["S09 warning"]),
    "S09 treated wells thinner": (
        column("cells_per_cm2", lambda cells: "7e4" if cells[3] == "test" else "1e5"),
        ["S09 warning"],
    ),
    "S10 twelve hours": (
        every(without_frames("*/*_24h.tif"), said("duration_h = 24", "duration_h = 12")),
        ["S10 note"],
    ),
    "S11 tip and insert": (
        column("gap_tool", lambda cells: "tip" if cells[2] == "1" else "insert"),
        ["S11 error"],
    ),
    "S12 no pixel size": (said("pixel_um = 1.24\n"), ["S12 error"]),
    "T01 side not stated": (said('inhibitor_side = "both"\n'), ["T01 error"]),
    "T01 time before not stated": (said("preincubation_h = 0\n"), ["T01 error"]),
    "T02 attractant everywhere": (cell(7, "none", "10 % FBS"), ["T02 error"]),
    "C01 attractant everywhere": (
        every(said('claim = "chemotaxis"'), cell(7, "none", "10 % FBS")),
        ["C01 warning"],
    ),
    "C02 no vehicle as treated": (
        mapped(lambda c: None if c[3] == "vehicle" and "none" not in c else c),
        ["C02 error"],
    ),
    "C03 no stained blank": (mapped(lambda c: None if c[3] == "blank" else c), ["C03 warning"]),
    "T03 coated everywhere": (cell(6, "none", "Matrigel"), ["T03 error"]),
    "T04 no lot": (said('matrix_lot = "4021"\n'), ["T04 warning"]),
    "T04 a gel": (said('matrix_form = "coat"', 'matrix_form = "gel"'), ["T04 warning"]),
    "T05 as in the guide": (
        said("cells_per_insert = 40000", "cells_per_insert = 100000"),
        ["T05 warning"],
    ),
    "T06 four fields": (said("fields_per_insert = 8", "fields_per_insert = 4"), ["T06 warning"]),
    "T06 by eye": (said('field_choice = "random"', 'field_choice = "by eye"'), ["T06 warning"]),
    "T07 dead cells": (
        column("viability_percent", lambda cells: "60 %" if cells[5] == "30 uM" else ""),
        ["T07 warning"],
    ),
    "B01 actin": (said('"total FAK"', '"beta-actin"'), ["B01 error"]),
    "B02 two lysates": (said("lysates = 3", "lysates = 2"), ["B02 warning"]),
    "B02 two days, one lysate a day": (
        every(cell(2, "3", "2"), said("lysates = 3\n")),
        ["B02 warning", "D01 error"],
    ),
    "B02 saturated": (said("lysates = 3", "lysates = 3\nsaturated_bands = 2"), ["B02 warning"]),
    "B02 spliced": (said("lysates = 3", "lysates = 3\nlanes_spliced = true"), ["B02 warning"]),
    "B03 whose site": (said('site_species = "human"\n'), ["B03 warning"]),
    "V01 two lines": (
        every(said("[study.reporting]", OTHER_LINE), said('growth_correction = "GR"')),
        ["V01 warning"],
    ),
    "V02 four doses": (mapped(lambda c: None if c[5] == "300 nM" else c), ["V02 warning"]),
    "V03 IC50 expected beyond": (
        said("purity_percent = 98.5", 'purity_percent = 98.5, expected_ic50 = "100 uM"'),
        ["V03 warning", "V02 warning"],
    ),
    "I01 TT": (TT, ["I01 error", "R02 note"]),
    "I01 MDA-MB-435 as breast": (
        every(
            said('cell_line = "SUIT-2"', 'cell_line = "MDA-MB-435"'),
            said('lines.SUIT-2]\naccession = "CVCL_3172"', "lines.MDA-MB-435]"),
            said('tissue = "pancreas"', 'tissue = "breast"'),
        ),
        ["I01 error"],
    ),
    "I01 nobody knows": (
        every(
            said('cell_line = "SUIT-2"', 'cell_line = "PDAC1"'),
            said('lines.SUIT-2]\naccession = "CVCL_3172"', "lines.PDAC1]"),
        ),
        ["I01 error", "R02 note"],
    ),
    "I02 no mycoplasma test": (said('mycoplasma = "negative 2026-05-02"\n'), ["I02 warning"]),
    "I03 base or salt": (said('form = "free base", '), ["I03 warning"]),
    "I04 T2.5": (said('["T2.1"]', '["T2.1", "T2.5"]'), ["I04 warning"]),
    "R01 no contrast": (said('modality = "phase contrast"\n'), ["R01 note"]),
    "R02 blinding": (said('blinding = "analysis by program"\n'), ["R02 note"]),
    "M01 duration": (said("duration_h = 24", "duration_h = 48"), ["M01 error"]),
    "M02 objective": (said('"5x/0.15"', '"10x/0.3"'), ["M02 error"]),
    "M03 organism": (said('organism = "human"', 'organism = "mouse"'), ["M03 error"]),
    "M03 a mouse line called human": (
        every(
            said('cell_line = "SUIT-2"', 'cell_line = "4T1"'),
            said('lines.SUIT-2]\naccession = "CVCL_3172"', "lines.4T1]"),
            said('tissue = "pancreas"', 'tissue = "breast"'),
        ),
        ["M03 error"],
    ),
    "M03 tissue": (said('tissue = "pancreas"', 'tissue = "breast"'), ["M03 error"]),
}


def checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, str]]]:
    """Exit code and the findings of design; those of files (other rules) are not these."""
    code = main(["check", str(folder), "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return code, [f for f in findings if re.fullmatch(r"[A-Z]\d\d", f["rule"])]


def test_a_sound_folder_has_no_finding_of_design(
    sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(sound, capsys)[1] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_folder_triggers_its_rule_and_those_it_implies(
    fault: str, sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    edit, expected = FAULTS[fault]
    edit(folder)
    code, findings = checked(folder, capsys)
    assert {f"{f['rule']} {f['level']}" for f in findings} == set(expected)
    assert expected[0].startswith(fault[:3])
    assert all(f["message"] and f["remedy"] and f["place"] and f["source"] for f in findings)
    assert code == 1 or "error" not in " ".join(expected)


@pytest.mark.parametrize(
    ("accession", "expected"),
    [("CVCL_1774", set()), ("CVCL_3174", set()), ("CVCL_0062", {"I01"}), ("tt", {"I01"})],
)
def test_tt_is_settled_by_the_accession_of_one_of_the_lines_of_that_name(
    accession: str,
    expected: set[str],
    sound: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    TT(folder)
    said("[study.cell_lines.TT]", f'[study.cell_lines.TT]\naccession = "{accession}"')(folder)
    found = {finding["rule"] for finding in checked(folder, capsys)[1]}
    assert found - {"R02"} == expected


def test_facts_of_a_line_are_found_whatever_the_marks_in_its_name(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    said("[study.cell_lines.SUIT-2]", '[study.cell_lines."Suit 2"]')(folder)
    assert checked(folder, capsys)[1] == []


def test_an_evidence_row_that_does_not_exist_is_told(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    said('["T2.1"]', '["T2.9"]')(folder)
    main(["check", str(folder), "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    (told,) = [finding for finding in findings if finding["rule"] == "unknown-evidence"]
    assert "T2.9" in told["message"]


def test_every_rule_name_is_an_id_or_words_with_hyphens(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "study"
    shutil.copytree(sound, folder)
    every(TT, said('kind = "scratch"', 'kind = "scrath"'))(folder)
    (folder / "plates" / "P4.csv").write_text("plate,well,roll\nP1,B02,test\n")
    (folder / "decisions.jsonl").write_text("{\n")
    main(["check", str(folder), "--json"])
    rules = {finding["rule"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert {"unknown-assay", "unknown-column", "bad-value", "I01"} <= rules
    assert all(re.fullmatch(r"[A-Z]\d\d|[a-z]+(-[a-z]+)*", rule) for rule in rules)
