"""A study with every common fault at once: all are told, each with place and remedy."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from lamella.app.cli import main
from lamella.errors import StudyError
from lamella.study import make_plan, run
from lamella.study.demo import write_study
from lamella.table.findings import Finding
from lamella.virtual.study import demo_study


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One batch, a vehicle and six doses, four frames of 128 px."""
    folder = tmp_path_factory.mktemp("sound") / "study"
    study = demo_study(seed=2, size_px=128)
    doses = study.doses_molar[:6]
    study = replace(study, doses_molar=doses, batches=1, wells_per_dose=1, times_h=(0, 6, 12, 18))
    write_study(study, folder)
    return folder


@pytest.fixture
def study(sound: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "study"
    shutil.copytree(sound, copy)
    return copy


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def _told(findings: tuple[Finding, ...], *words: str) -> Finding:
    """The finding that holds all the words, in its place, message or remedy."""
    for finding in findings:
        text = f"{finding.place} {finding.message} {finding.remedy}"
        if all(word in text for word in words):
            assert finding.remedy
            assert finding.place
            return finding
    raise AssertionError(f"nothing tells of {words}: {[f.message for f in findings]}")


def test_every_fault_of_the_files_is_told_at_once(study: Path) -> None:
    images = study / "images" / "P1"
    (images / "B03_f1_06h.tif").write_bytes(b"not a picture")
    whole = (images / "B04_f1_06h.tif").read_bytes()
    (images / "B04_f1_06h.tif").write_bytes(whole[: len(whole) // 2])
    tifffile.imwrite(images / "B05_f1_06h.tif", np.zeros((64, 128), np.uint8))
    (images / "B06_f1_06h.tif").unlink()
    plate = study / "plates" / "P1.csv"
    _edit(plate, "P1,B07,1,test,defactinib,1000 nM", "P1,B07,1,test,defactinib,1000")
    with plate.open("a", encoding="utf-8") as file:
        file.write("P1,B03,1,test,defactinib,99 nM\n")
    _edit(plate, "compound,dose", "compund,dose")
    findings = make_plan(study).problems
    _told(findings, "B03_f1_06h.tif")
    _told(findings, "B04_f1_06h.tif")
    _told(findings, "B05", "128 x 128", "64")
    _told(findings, "B06", "6 h")
    _told(findings, "P1.csv", "B07", "unit")
    _told(findings, "P1.csv", "B03")
    _told(findings, "P1.csv", "compund", "compound")


def test_a_run_with_faults_keeps_all_that_is_sound(study: Path) -> None:
    images = study / "images" / "P1"
    (images / "B03_f1_06h.tif").write_bytes(b"not a picture")
    (images / "B06_f1_06h.tif").unlink()
    result = run(study)
    rows = result.assays[0].rows
    fraction = {(r.well, r.time_h) for r in rows if r.metric == "gap_area_fraction" and r.value}
    assert len(fraction) >= 7 * 4 - 2 - 4  # two frames are gone, some wells have closed
    lost = [r for r in rows if r.well == "B03" and r.time_h == 6 and r.flag]
    assert any("B03_f1_06h.tif" in (row.reason or "") for row in lost)
    assert len(result.assays[0].wells) >= 6


def test_no_vehicle_is_told_and_no_curve_is_made(study: Path) -> None:
    _edit(study / "plates" / "P1.csv", "P1,B02,1,vehicle,DMSO,", "P1,B02,1,untreated,,")
    _told(make_plan(study).findings, "vehicle")
    result = run(study)
    assert result.assays[0].potency is None
    assert "vehicle" in result.assays[0].reason
    assert (study / "results" / "observations.parquet").is_file()


def test_an_unknown_key_names_the_nearest(study: Path) -> None:
    _edit(study / "study.toml", "serum_percent = 1", "serum_percnt = 1")
    found = _told(make_plan(study).problems, "serum_percnt", "serum_percent")
    assert found.level == "error"
    assert "study.toml" in found.place


def test_an_unknown_setting_and_an_unknown_assay_are_told(study: Path) -> None:
    with (study / "study.toml").open("a", encoding="utf-8") as file:
        file.write(
            '\n[assay.settings]\nwindow_closure = 80\n[[assay]]\nkind = "scrach"\nimages="x"\n'
        )
    findings = make_plan(study).problems
    _told(findings, "window_closure")
    _told(findings, "scrach", "scratch")


def test_no_images_is_told_and_nothing_is_run(study: Path) -> None:
    shutil.rmtree(study / "images")
    found = _told(make_plan(study).problems, "no images", "images")
    assert found.level == "error"
    with pytest.raises(StudyError, match="nothing to run"):
        run(study)


def test_a_missing_pixel_size_keeps_micrometres_out(study: Path) -> None:
    for path in (study / "images").rglob("*.tif"):
        picture = tifffile.imread(path)
        path.unlink()
        cv2.imwrite(str(path.with_suffix(".png")), picture)
    _edit(study / "study.toml", "_{time}.tif", "_{time}.png")
    _told(make_plan(study).findings, "pixel")
    rows = run(study).assays[0].rows
    units = {row.unit for row in rows if row.metric in ("edge_speed", "gap_width_mean")}
    assert units
    assert not any("µm" in unit for unit in units)


def test_a_pixel_size_that_contradicts_the_files_is_told(study: Path) -> None:
    _edit(study / "study.toml", 'kind = "scratch"', 'kind = "scratch"\npixel_um = 1.0')
    _told(make_plan(study).problems, "8", "1")


def test_a_pattern_never_leads_out_of_the_study(study: Path) -> None:
    _edit(study / "study.toml", 'images = "images/', 'images = "../images/')
    plan = make_plan(study)
    assert plan.broken
    assert not plan.calls


def test_check_tells_all_in_json_and_with_its_exit_code(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _edit(study / "plates" / "P1.csv", ",test,", ",tset,")
    assert main(["check", str(study), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "lamella/check"
    told = [f for f in document["findings"] if "tset" in f["message"]]
    assert told
    assert all({"rule", "level", "place", "message", "remedy", "source"} == set(f) for f in told)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{", "JSON"),
        ('{"id": "a"}', "kind"),
        ('{"id": "a", "kind": "exlude"}', "exclude"),
        ('{"id": "a", "kind": "undo", "data": {"id": "never"}}', "never"),
        ('{"id": "a", "kind": "exclude", "colour": 1}', "colour"),
    ],
)
def test_a_bad_decision_is_told_with_its_line(study: Path, line: str, word: str) -> None:
    (study / "decisions.jsonl").write_text(f"\n{line}\n", encoding="utf-8")
    findings = [f for f in make_plan(study).problems if "line 2" in f.place]
    assert findings
    assert any(word in f"{f.message} {f.remedy}" for f in findings)
