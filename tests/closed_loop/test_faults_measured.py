"""What only pictures can show: does a finished study tell its faults, and a sound one none?"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from lamella.app.cli import main
from lamella.study import load, make_plan, run
from lamella.study.claims import comparisons
from lamella.study.demo import write_study
from lamella.virtual.faults import CLEAN, FAULTS, Case, render_case
from lamella.virtual.study import ScratchStudy, demo_study

DOSES = (1e-10, 1e-9, 1e-7, 1e-6, 1e-4, 1e-3)
HOURS = (0.0, 5.0, 10.0, 15.0)


def small() -> ScratchStudy:
    """Three batches, a vehicle and six doses, two beyond each bend, four frames of 256 px."""
    study = demo_study(seed=5, size_px=256)
    return replace(study, doses_molar=DOSES, batches=3, wells_per_dose=1, times_h=HOURS)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "study"
    write_study(small(), folder, positives=1, randomised=True)
    run(folder)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "study"
    shutil.copytree(finished, copy)
    return copy


def well_of(folder: Path, role: str, *, plate: str = "P1") -> str:
    """The first well of that role on a plate."""
    lines = (folder / "plates" / f"{plate}.csv").read_text().splitlines()[1:]
    return next(line.split(",")[1] for line in lines if line.split(",")[3] == role)


def replaced(folder: Path, well: str, case: Case, *, plate: str = "P1") -> None:
    """Render another series in place of a well."""
    camera = replace(case.scene.camera, size_px=(256, 256), pixel_um=4.0)
    half = case.half_um[: len(HOURS)]
    series = render_case(
        replace(case, times_h=HOURS, half_um=half, scene=replace(case.scene, camera=camera))
    )
    paths = sorted((folder / "images" / plate).glob(f"{well}_*.tif"))
    for path, frame in zip(paths, series.frames, strict=True):
        tifffile.imwrite(
            path, frame.astype(np.uint8), resolution=(2500, 2500), resolutionunit="CENTIMETER"
        )


def say(folder: Path, old: str, new: str) -> None:
    path = folder / "study.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def design_findings(folder: Path) -> set[str]:
    """Rules of design that a run tells."""
    rules = {finding.rule for finding in run(folder).findings}
    return {rule for rule in rules if re.fullmatch(r"[A-Z]\d\d", rule)}


def test_a_sound_study_has_no_finding_after_its_run(folder):
    assert design_findings(folder) == set()


def test_a_result_is_compared_under_the_conditions_of_its_study(folder):
    """Also beside a viability assay: the same wells under another name fall at the same dose."""
    plan = make_plan(folder)
    result = load(folder)
    (scratch,) = result.assays
    (alone,) = comparisons([scratch], result.design, plan.study)
    claim = alone.claim
    assert (claim.exposure_h, claim.serum_percent, claim.gap_method) == (15.0, 1.0, "rendered")
    assert claim.lowest_dose_molar == pytest.approx(DOSES[0])
    assert claim.highest_dose_molar == pytest.approx(DOSES[-1])
    assert not any("viability falls" in message for message in alone.messages)
    viability = replace(scratch, assay=replace(scratch.assay, name="viability"))
    beside, _ = comparisons([scratch, viability], result.design, plan.study)
    assert any("may be toxicity: viability falls at 1 times" in m for m in beside.messages)


def test_check_tells_what_was_measured_once_the_study_has_run(folder, capsys):
    replaced(folder, well_of(folder, "test"), FAULTS["closed_between_frames"])
    told = design_findings(folder)
    assert told == {"M04"}
    main(["check", str(folder), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["finished"] is True
    assert {finding["rule"] for finding in document["findings"]} == told


def test_a_stage_that_did_not_come_back_is_told(folder):
    case = FAULTS["unregistered_first_frame"]
    replaced(folder, well_of(folder, "test"), case)
    assert design_findings(folder) == {"S02"}


def test_unequal_first_gaps_matter_where_closure_is_reported(folder):
    say(folder, 'kind = "scratch"', 'kind = "scratch"\nreadout = "closure"')
    replaced(folder, well_of(folder, "vehicle"), replace(CLEAN, half_um=(150, 120, 90, 60)))
    found = design_findings(folder)
    # The base line of that plate has changed too, so its curve may bend elsewhere.
    assert {"S03"} <= found <= {"S03", "V02"}


def test_vehicle_closed_before_the_end_and_before_closure_is_read_is_told(folder):
    for plate in ("P1", "P2", "P3"):
        well = well_of(folder, "vehicle", plate=plate)
        replaced(folder, well, replace(CLEAN, half_um=(250, 120, -20, -60)), plate=plate)
    text = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(text + "\n[assay.settings]\nclosure_at_h = 15\n")
    # The base line of all plates has changed too, so curves may bend elsewhere.
    found = design_findings(folder)
    assert {"S08", "M04"} <= found <= {"S08", "M04", "V02"}


def test_an_effect_at_a_dose_that_kills_is_told(folder):
    say(folder, "[study]\n", '[study]\nfactors = ["viability_percent"]\n')
    for path in (folder / "plates").iterdir():
        header, *lines = path.read_text().splitlines()
        lines = [f"{line},{'55' if ',1000000 nM' in line else ''}" for line in lines]
        path.write_text("\n".join([f"{header},viability_percent", *lines]) + "\n")
    assert design_findings(folder) == {"V04"}


def test_a_curve_without_doses_beyond_its_bends_is_told(folder):
    for path in (folder / "plates").iterdir():
        lines = path.read_text().splitlines()
        path.write_text(
            "\n".join(line for line in lines if not re.search(r",(0.1|1|1000000) nM", line)) + "\n"
        )
    assert design_findings(folder) == {"V02"}
