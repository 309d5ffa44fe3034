"""A study runs whole: it resumes to the same bytes, and an edit costs one unit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lamella.study import RunOptions, StudyResult, load, make_plan, run, run_plan
from lamella.study.decisions import append_decision
from lamella.study.demo import write_study
from lamella.study.events import Event
from lamella.table.edits import Edit, Target
from lamella.table.store import read_rows
from lamella.virtual.study import ScratchStudy, demo_study

_WRITTEN = ("observations.parquet", "potency.json", "run.json")


def _small() -> ScratchStudy:
    """Two batches, a vehicle and five doses, one well each, four frames of 256 px."""
    study = demo_study(seed=5, size_px=256)
    doses = (1e-8, 1e-7, 3e-7, 1e-6, 1e-5)
    return replace(study, doses_molar=doses, batches=2, wells_per_dose=1, times_h=(0, 6, 12, 18))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "small"
    write_study(_small(), folder)
    run(folder)
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "small"
    shutil.copytree(pristine, copy)
    return copy


def _finished(folder: Path) -> list[Path]:
    return list((folder / "results" / "parts").rglob("done.json"))


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "results" / name).read_bytes() for name in _WRITTEN}


def _run_counting(folder: Path, options: RunOptions | None = None) -> tuple[StudyResult, list[str]]:
    measured: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "unit" and event.message == "measured":
            measured.append(event.place)

    return run(folder, options, progress=listen), measured


def test_a_finished_study_measures_nothing_again(folder: Path) -> None:
    before = _bytes(folder)
    _, measured = _run_counting(folder)
    assert measured == []
    assert _bytes(folder) == before


def test_a_fresh_run_on_processes_gives_the_same_bytes(folder: Path) -> None:
    before = _bytes(folder)
    shutil.rmtree(folder / "results")
    _, measured = _run_counting(folder, RunOptions(engine="processes", workers=2))
    assert len(measured) == 12
    assert _bytes(folder) == before


def test_a_killed_run_resumes_to_the_same_bytes(folder: Path) -> None:
    before = _bytes(folder)
    shutil.rmtree(folder / "results")
    command = [sys.executable, "-m", "lamella", "run", str(folder), "--workers", "1"]
    run_alone = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(_finished(folder)) < 3 and run_alone.poll() is None:
        time.sleep(0.02)
    run_alone.kill()
    run_alone.wait()
    kept = _finished(folder)
    assert not (folder / "results" / "observations.parquet").exists()
    _, measured = _run_counting(folder)
    assert len(measured) == 12 - len(kept)
    assert _bytes(folder) == before


def test_a_part_that_was_cut_off_is_measured_again(folder: Path) -> None:
    before = _bytes(folder)
    (folder / "results" / "parts" / "scratch" / "P1" / "B03" / "done.json").unlink()
    _, measured = _run_counting(folder)
    assert measured == ["P1 B03"]
    assert _bytes(folder) == before


def test_touched_files_are_recognised_by_their_content(folder: Path) -> None:
    before = _bytes(folder)
    for path in (folder / "images" / "P1").glob("B03_*"):
        path.touch()
    _, measured = _run_counting(folder)
    assert measured == []
    assert _bytes(folder) == before


def test_an_edited_mask_measures_its_own_unit_again(folder: Path) -> None:
    square = [[[20, 20], [120, 20], [120, 120], [20, 120]]]
    target = Target(assay="scratch", plate="P1", well="B04", frame=1)
    append_decision(folder, Edit("e1", "mask", target, who="me", data={"polygons": square}))
    result, measured = _run_counting(folder)
    assert measured == ["P1 B04"]
    areas = {
        row.object: row.value
        for row in result.assays[0].rows
        if (row.metric, row.plate, row.well, row.frame) == ("gap_area", "P1", "B04", 1)
    }
    # By hand: 100 x 100 pixels of 4 µm. What the automatic outline gave stays beside it.
    assert areas.pop(None) == 100 * 100 * 16.0
    assert list(areas) == ["automatic"]


def test_an_excluded_well_measures_nothing_and_leaves_the_curve(folder: Path) -> None:
    before = load(folder).assays[0]
    target = Target(plate="P2", well="B05")
    append_decision(folder, Edit("x1", "exclude", target, who="me", why="bubble"))
    result, measured = _run_counting(folder)
    assert measured == []
    after = result.assays[0]
    assert set(before.wells) - set(after.wells) == {("P2", "B05")}
    kept = [row for row in after.rows if row.plate == "P2" and row.well == "B05"]
    assert kept
    assert "bubble (me)" in {row.reason for row in kept if row.flag == "excluded"}
    assert all(row.flag == "excluded" for row in kept if row.metric == "edge_speed")
    append_decision(folder, Edit("u1", "undo", Target(), data={"id": "x1"}))
    assert run(folder).assays[0].wells == before.wells


def test_an_edit_of_a_picture_that_has_changed_is_stale_and_told(folder: Path) -> None:
    target = Target(assay="scratch", plate="P1", well="B04", frame=1)
    edit = Edit("e1", "mask", target, input_hash="seen-before", data={"polygons": []})
    append_decision(folder, edit)
    result, _ = _run_counting(folder)
    stale = [row for row in result.assays[0].rows if row.flag == "stale_edit"]
    assert [(row.well, row.text) for row in stale] == [("B04", "e1")]


def test_an_unreadable_picture_costs_its_frame_only(folder: Path) -> None:
    wells = len(load(folder).assays[0].wells)
    broken = next((folder / "images" / "P1").glob("B05_*12h.tif"))
    broken.write_bytes(b"no picture at all")
    plan = make_plan(folder)
    assert any(broken.name in finding.place for finding in plan.problems)
    result = run_plan(plan, RunOptions())
    assert len(result.assays[0].wells) >= wells - 1
    assert (folder / "results" / "observations.parquet").is_file()


def test_results_are_read_back_as_they_were_settled(folder: Path) -> None:
    result = load(folder)
    stored = read_rows(folder / "results" / "observations.parquet")
    assert list(stored) == list(result.assays[0].rows)
    document = json.loads((folder / "results" / "potency.json").read_text(encoding="utf-8"))
    assert document["assays"][0]["readout"] == "edge_speed"
    batches = {curve["batch"] for curve in document["assays"][0]["result"]["curves"]}
    assert {"1", "2"} <= batches


def test_masks_are_label_images_with_their_pixel_size(folder: Path) -> None:
    import tifffile

    path = folder / "results" / "masks" / "scratch" / "P1" / "B02_f1.ome.tif"
    with tifffile.TiffFile(path) as file:
        assert file.series[0].shape == (4, 256, 256)
        assert 'PhysicalSizeX="4.0"' in (file.ome_metadata or "")
        assert set(file.asarray().ravel().tolist()) == {0, 1}
