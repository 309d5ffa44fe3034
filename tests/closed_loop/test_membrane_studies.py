"""Studies on inserts run whole: rendered, measured, settled, corrected, drawn, exported."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from roifile import ImagejRoi

from lamella.app.cli import main
from lamella.export import FORMATS
from lamella.report import render
from lamella.study import RunOptions, StudyResult, run
from lamella.study.decisions import append_decision
from lamella.study.events import Event
from lamella.study.membrane_demo import write_membrane_study
from lamella.table.edits import Edit, Target
from lamella.table.rows import Observation
from lamella.virtual.membrane_study import MembraneStudy, invasion_study, transwell_study

SIZE_PX = (200, 260)


def small(study: MembraneStudy) -> MembraneStudy:
    """Two batches, a vehicle and four doses, two fields of 200 x 260 px."""
    return replace(
        study,
        doses_molar=(1e-8, 1e-7, 1e-6, 1e-5),
        batches=2,
        vehicles=2,
        replicates=1,
        no_attractant=1,
        blanks=1,
        fields=2,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("transwell") / "study"
    write_membrane_study(small(transwell_study(seed=3, size_px=SIZE_PX)), folder)
    run(folder)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "study"
    shutil.copytree(finished, copy)
    return copy


def rows_of(result: StudyResult, metric: str, **place: object) -> list[Observation]:
    return [
        row
        for row in result.assays[0].rows
        if row.metric == metric and all(getattr(row, key) == want for key, want in place.items())
    ]


def well_with(result: StudyResult, role: str, *, attracted: bool = True) -> tuple[str, str]:
    return next(
        (well.plate, well.well)
        for well in result.design.wells
        if well.role == role and (well.factors["attractant"] != "none") is attracted
    )


def test_a_transwell_study_gives_densities_ratios_and_a_page(folder: Path):
    measured: list[Event] = []
    result = run(folder, progress=measured.append)
    assert [event for event in measured if event.kind == "unit"] == []  # all was kept
    item = result.assays[0]
    assert (item.assay.name, item.readout.unit) == ("transwell", "cells/mm²")
    # Two vehicles and four doses a batch enter; controls without attractant and blanks do not.
    assert len(item.wells) == 12
    index = rows_of(result, "chemotaxis_index", batch="", object="vehicle")[0]
    assert index.n == 2
    assert index.value > 1.5  # four times as many cells follow the attractant as wander
    blank = rows_of(result, "insert_density", well=well_with(result, "blank")[1])
    assert all(row.value is not None and row.value < 20 for row in blank)
    page = render(result, out=folder / "report.html").read_text(encoding="utf-8")
    for told in ("Migrated cells over dose", "Chemotaxis index", "no attractant", "n = 2 batches"):
        assert told in page


def test_more_compound_lets_fewer_cells_through(folder: Path):
    result = run(folder)
    left = {
        row.object: row.value
        for row in rows_of(result, "percent_of_vehicle", batch="")
        if row.value is not None
    }
    assert left["10 µM"] < 0.5 * left["10 nM"]


def test_corrected_points_cost_one_insert_and_keep_the_automatic_count(folder: Path):
    before = run(folder)
    plate, well = well_with(before, "vehicle")
    old = rows_of(before, "cell_count", plate=plate, well=well, field="f1")[0]
    picture = next(
        p for p in before.assays[0].previews if (p.plate, p.well, p.field) == (plate, well, "f1")
    )
    data = {"add": [[5, 5], [9, 100]], "remove": [list(picture.points[0])]}
    target = Target("transwell", plate, well, "f1")
    append_decision(folder, Edit("fix1", "points", target, "kl", "missed two", data=data))
    events: list[Event] = []
    after = run(folder, RunOptions(), progress=events.append)
    assert [e.place for e in events if e.kind == "unit"] == [f"{plate} {well}"]
    new, automatic = rows_of(after, "cell_count", plate=plate, well=well, field="f1")
    if new.object is not None:
        new, automatic = automatic, new
    assert automatic.value == old.value
    assert (new.value, new.flag) == (old.value + 1, "corrected")
    assert "added 2 and removed 1" in new.reason
    shown = next(
        p for p in after.assays[0].previews if (p.plate, p.well, p.field) == (plate, well, "f1")
    )
    assert len(shown.points) == len(picture.points) + 1
    density = rows_of(after, "insert_density", plate=plate, well=well)[0]
    assert density.value > rows_of(before, "insert_density", plate=plate, well=well)[0].value


def test_a_correction_that_means_nothing_is_told_and_the_count_stays(folder: Path):
    before = run(folder)
    plate, well = well_with(before, "blank")
    data = {"remove": [[50, 50]]}
    target = Target("transwell", plate, well, "f1")
    append_decision(folder, Edit("fix1", "points", target, data=data))
    after = run(folder)
    doubt = rows_of(after, "quality", plate=plate, well=well, text="edit_not_applied")[0]
    assert "no counted object lies within" in doubt.reason
    counts = [
        [row.value for row in rows_of(one, "cell_count", plate=plate, well=well)]
        for one in (before, after)
    ]
    assert counts[0] == counts[1]


def test_points_go_to_imagej(folder: Path, tmp_path: Path):
    result = run(folder)
    paths = FORMATS["imagej-rois"](result, tmp_path)
    counted = {
        (p.plate, f"{p.well}_{p.field}"): len(p.points or ())
        for p in result.assays[0].previews
        if p.points
    }
    assert len(paths) == len(counted)
    for path in paths:
        roi = ImagejRoi.fromfile(path)
        assert len(roi.coordinates()) == counted[path.parent.name, path.stem]


def test_corrections_reach_pictures_without_a_study(folder: Path, tmp_path: Path, capsys):
    result = run(folder)
    plate, well = well_with(result, "vehicle")
    picture = folder / "images" / plate / f"{well}_f1.tif"
    decisions = tmp_path / "fix.jsonl"
    line = {"id": "1", "kind": "points", "target": {}, "data": {"add": [[5, 5], [20, 20], [40, 9]]}}
    decisions.write_text(json.dumps(line) + "\n", encoding="utf-8")

    def counts(*more: str) -> list[tuple[float, str | None]]:
        assert main(["measure", "transwell", str(picture), "--json", *more]) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        return [(row["value"], row["flag"]) for row in rows if row["metric"] == "cell_count"]

    ((found, flag),) = counts()
    assert flag is None
    # Both are kept: what was found, and what a person made of it.
    assert set(counts("--decisions", str(decisions))) == {(found, None), (found + 3, "corrected")}


def test_an_invasion_study_sets_coated_beside_uncoated(tmp_path: Path):
    study = replace(small(invasion_study(seed=4, size_px=SIZE_PX)), uncoated=1)
    folder = tmp_path / "invasion"
    write_membrane_study(study, folder)
    result = run(folder)
    item = result.assays[0]
    assert item.assay.name == "invasion"
    assert len(item.wells) == 12  # coated inserts alone
    through = rows_of(result, "percent_invasion", batch="", object="vehicle")[0]
    assert 20 < through.value < 90  # 45 % get through, on two batches of few fields
    index = rows_of(result, "invasion_index", batch="", object="10 µM")[0]
    assert index.value is None or index.value < 1
    page = render(result, out=folder / "report.html").read_text(encoding="utf-8")
    for told in ("Invasion index", "uncoated", "Through the coat"):
        assert told in page


def test_a_new_study_folder_of_each_assay_is_understood(tmp_path: Path, capsys):
    for assay in ("transwell", "invasion"):
        folder = tmp_path / assay
        assert main(["new", assay, str(folder)]) == 0
        main(["check", str(folder), "--json"])
        out = capsys.readouterr().out
        findings = json.loads(out[out.index("{") :])["findings"]
        faults = {f["rule"] for f in findings if f["level"] == "error"}
        assert not faults & {"unknown_key", "bad_value", "plate_map", "unknown-key", "bad-value"}
