"""Does a plan follow the plate map, well by well, from the study folder to the printed sheet?"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lamella.app.cli import main
from lamella.design.worklist import Transfer, opentrons_protocol, picklist
from lamella.errors import SettingsError
from lamella.inputs.plates import read_plate_map
from lamella.potency.power import Layout, VarianceComponents, nested_power
from lamella.report import render_bench
from lamella.study import demo as study_demo
from lamella.study import make_bench_plan, make_plan, running
from lamella.study.bench_files import write_plan_files
from lamella.table.wells import Design, Well
from lamella.units import Dose

STUDY = """\
[study]
title = "Defactinib on SUIT-2 wound closure"
compound = { name = "defactinib", stock = "10 mM", solvent = "DMSO", expected_ic50 = "300 nM" }
cell_line = "SUIT-2"
[[assay]]
kind = "scratch"
images = "images/{plate}/{well}_{field}_{time}.tif"
[assay.protocol]
solvent_percent = 0.1
proliferation_control = "mitomycin C 10 ug/mL 2 h"
confluent_per_cm2 = 140000
doubling_time_h = 38.2
positive_control = "cytochalasin D"
[plan]
plate = "24-well"
attach_h = 24
positive_dose = "1 uM"
stocks = { "cytochalasin D" = "1 mM" }
batches = 2
wells_per_dose = 2
doses = ["10 nM", "100 nM", "1 uM", "10 uM"]
"""
MAP = """\
plate,well,batch,role,compound,dose
P1,A01,1,vehicle,DMSO,
P1,A02,1,vehicle,DMSO,
P1,A03,1,vehicle,DMSO,
P1,B01,1,test,defactinib,100 nM
P1,B02,1,test,defactinib,100 nM
P1,B03,1,test,defactinib,1 uM
P1,B04,1,test,defactinib,1 uM
P1,C01,1,blank,,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plates").mkdir()
    (tmp_path / "study.toml").write_text(STUDY, "utf-8")
    (tmp_path / "plates" / "P1.csv").write_text(MAP, "utf-8")
    return tmp_path


def quantities(folder: Path, step: str) -> dict[str, str]:
    (sheet,) = make_bench_plan(folder).sheets
    (found,) = [item for item in sheet.steps if item.step.id == step]
    return {q.label: q.value for q in found.quantities}


def page_of(folder: Path) -> str:
    return render_bench(make_bench_plan(folder), out=folder / "plan.html").read_text("utf-8")


def test_volumes_follow_from_the_wells_by_hand(folder):
    # 7 wells with cells x 500 µL + 10 % = 3,850 µL; 29 mM is not 10 µg/mL: 3,850 / 50 = 77 µL.
    assert quantities(folder, "wash")["PBS or serum-free medium"] == "7.7 mL"
    assert quantities(folder, "block")["Mix"] == "77 µL mitomycin stock + 3.77 mL medium"
    # 140,000 / 2^(24/38.2) x 1.9 cm² = 172,086 cells in 500 µL.
    assert quantities(folder, "seed")["Cells in each"] == "1.72 × 10⁵ in 500 µL"
    (sheet,) = make_bench_plan(folder).sheets
    (dilution,) = sheet.dilutions
    assert dilution.plan is not None
    # Two wells: 2 x 500 + 10 % = 1,100, to the next 50: 1,100 µL with 1.1 µL of a 1000x tube.
    solutions = {one.dose_molar: one for one in dilution.plan.solutions}
    assert solutions[1e-6].total_ul == 1100
    assert solutions[1e-6].take_ul == pytest.approx(1.1)
    assert solutions[0.0].total_ul == 1650  # three vehicle wells


def test_one_well_more_changes_the_volumes_and_only_its_own_dose(folder):
    before, page = make_bench_plan(folder), page_of(folder)
    path = folder / "plates" / "P1.csv"
    path.write_text(MAP + "P1,C02,1,test,defactinib,1 uM\n", "utf-8")
    after, changed = make_bench_plan(folder), page_of(folder)
    assert page != changed
    assert "7.7 mL" in page
    assert "8.8 mL" in changed  # eight wells to wash
    old, new = (
        {one.dose_molar: one for one in plan.sheets[0].dilutions[0].plan.solutions}
        for plan in (before, after)
    )
    assert new[1e-6].total_ul == 1650
    assert new[1e-6].wells == 3
    assert {dose: old[dose] for dose in (1e-7, 0.0)} == {dose: new[dose] for dose in (1e-7, 0.0)}
    assert "B03, B04, C02" in changed


def test_another_dose_in_one_well_makes_another_tube(folder):
    path = folder / "plates" / "P1.csv"
    path.write_text(MAP.replace("P1,B04,1,test,defactinib,1 uM", "P1,B04,1,test,defactinib,3 uM"))
    (dilution,) = make_bench_plan(folder).sheets[0].dilutions
    assert dilution.plan is not None
    assert [tube.dose_molar for tube in dilution.plan.tubes] == pytest.approx([3e-6, 1e-6, 1e-7])
    assert "3 µM" in page_of(folder)


def test_a_dose_written_in_two_units_is_one_dose(folder):
    path = folder / "plates" / "P1.csv"
    path.write_text(
        MAP.replace("P1,B02,1,test,defactinib,100 nM", "P1,B02,1,test,defactinib,0.1 uM")
    )
    (dilution,) = make_bench_plan(folder).sheets[0].dilutions
    assert dilution.plan is not None
    assert [one.wells for one in dilution.plan.solutions] == [2, 2, 3]


def test_capitals_of_a_compound_do_not_matter_for_its_stock(folder):
    (folder / "plates" / "P1.csv").write_text(MAP.replace("defactinib", "Defactinib"), "utf-8")
    (dilution,) = make_bench_plan(folder).sheets[0].dilutions
    assert dilution.plan is not None
    assert dilution.plan.solutions[-1].dose_molar == 0.0  # the vehicle goes along


@pytest.mark.parametrize(
    ("line", "header", "message"),
    [
        ("P1,D01,1,positive,cytochalasin D,", "", "cytochalasin D has no dose in well D01"),
        ("P1,D01,1,test,collagenase,5 ug/mL", "", "doses of collagenase are no amounts in mol/L"),
        (
            "P1,D01,1,test,defactinib,1 uM,drug B,2 uM",
            ",compound_2,dose_2",
            "defactinib is combined with drug B, and combinations are not diluted",
        ),
    ],
)
def test_what_cannot_be_diluted_is_said_and_never_left_out(folder, line, header, message):
    head, _, body = MAP.partition("\n")
    (folder / "plates" / "P1.csv").write_text(f"{head}{header}\n{body}{line}\n", "utf-8")
    plan = make_bench_plan(folder)
    assert any(message.lower() in f"{f.message} {f.remedy}".lower() for f in plan.findings)
    assert message in page_of(folder)


def test_every_well_of_the_map_is_served_once(folder):
    write_plan_files(make_bench_plan(folder))
    with (folder / "plan" / "picklist-scratch-P1.csv").open() as file:
        rows = list(csv.DictReader(file))
    served = Counter(row["destination_well"] for row in rows)
    assert served == Counter({"A1", "A2", "A3", "B1", "B2", "B3", "B4"})
    assert {row["volume_ul"] for row in rows} == {"500"}
    content = {row["destination_well"]: row["content"] for row in rows}
    assert content["A1"] == "vehicle"
    assert content["B2"] == "defactinib 100 nM"


def test_media_above_and_below_each_insert_add_up(tmp_path):
    text = STUDY.replace('kind = "scratch"', 'kind = "transwell"').replace(
        'plate = "24-well"', 'plate = "24-well insert"'
    )
    text = text.replace("solvent_percent", 'inhibitor_side = "both"\nsolvent_percent')
    (tmp_path / "study.toml").write_text(text, "utf-8")
    plan = make_bench_plan(tmp_path)
    write_plan_files(plan)
    for one in plan.proposed:
        path = tmp_path / "plan" / f"picklist-transwell-{one.layout.plate}.csv"
        with path.open() as file:
            rows = list(csv.DictReader(file))
        total: Counter[str] = Counter()
        for row in rows:
            total[row["destination_well"]] += int(row["volume_ul"])
            above = "above" in row["content"]
            assert int(row["volume_ul"]) == (100 if above else 600)
        filled = [well for well in one.wells if well.role != "blank"]
        assert set(total.values()) == {700}
        assert len(total) == len(filled)
        without = [well for well in filled if well.factors["attractant"] == "none"]
        assert len(without) == 2
        assert sum("below, without attractant" in row["content"] for row in rows) == 2


def test_a_study_without_plate_maps_gets_randomised_ones_that_run_reads(tmp_path, capsys):
    (tmp_path / "study.toml").write_text(STUDY, "utf-8")
    assert main(["plan", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["plate"] for one in document["laid_out"]] == ["P1", "P2"]
    plan = make_plan(tmp_path)  # what `lamella run` reads
    assert not [f for f in plan.problems if f.rule.startswith(("unknown", "plate", "well-n"))]
    roles = Counter((well.plate, well.role) for well in plan.design.wells)
    for plate in ("P1", "P2"):
        wells = [w for w in plan.design.wells if w.plate == plate]
        assert roles[plate, "vehicle"] >= 3
        assert 6 * roles[plate, "vehicle"] >= len(wells)
        assert roles[plate, "positive"] == 2
        assert roles[plate, "blank"] == 1
        doses = Counter(w.dose for w in wells if w.role == "test")
        assert doses == {Dose(d): 2 for d in (1e-8, 1e-7, 1e-6, 1e-5)}
    seeds = json.loads((tmp_path / "plan" / "layout.json").read_text())
    assert [one["seed"] for one in seeds["plates"]] == [one["seed"] for one in document["laid_out"]]
    # The second time the maps are those of the study: nothing is laid out, nothing overwritten.
    maps = {path: path.read_bytes() for path in (tmp_path / "plates").iterdir()}
    assert main(["plan", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["laid_out"] == []
    assert {path: path.read_bytes() for path in (tmp_path / "plates").iterdir()} == maps
    # The same seed gives the same plates in another folder.
    again = tmp_path / "again"
    again.mkdir()
    (again / "study.toml").write_text(STUDY, "utf-8")
    write_plan_files(make_bench_plan(again))
    assert [p.read_bytes() for p in sorted((again / "plates").iterdir())] == [
        maps[path] for path in sorted(maps)
    ]


def test_doses_are_designed_around_an_expected_ic50(tmp_path):
    text = "\n".join(line for line in STUDY.splitlines() if not line.startswith("doses"))
    (tmp_path / "study.toml").write_text(text.replace('"24-well"', '"96-well"'), "utf-8")
    wells = make_bench_plan(tmp_path).proposed[0].wells
    doses = sorted({well.dose for well in wells if well.role == "test" and well.dose})
    # Bends at 300 nM / 3.73 = 80 nM and x 3.73 = 1.12 µM: two half-log doses beyond each.
    assert [str(dose) for dose in doses] == [
        "10 nM", "31.6 nM", "100 nM", "316 nM", "1 µM", "3.16 µM", "10 µM",
    ][: len(doses)]  # fmt: skip
    assert sum(dose.amount < 80e-9 for dose in doses) == 2
    assert sum(dose.amount > 1.12e-6 for dose in doses) == 2


def test_the_robot_fills_the_plate_that_is_analysed(tmp_path, monkeypatch):
    (tmp_path / "study.toml").write_text(STUDY, "utf-8")
    write_plan_files(make_bench_plan(tmp_path))
    moved: dict[str, tuple[str, float]] = {}
    robot = _robot(moved)
    monkeypatch.setitem(sys.modules, "opentrons", types.SimpleNamespace(protocol_api=robot))
    space: dict[str, object] = {}
    exec((tmp_path / "plan" / "opentrons-scratch-P1.py").read_text("utf-8"), space)
    space["run"](robot.ProtocolContext())  # type: ignore[operator]
    wells = {w.well: w for w in read_plate_map(tmp_path / "plates" / "P1.csv").wells}
    expected = {
        f"{name[0]}{int(name[1:])}": "vehicle" if w.role == "vehicle" else f"{w.compound} {w.dose}"
        for name, w in wells.items()
        if w.role != "blank"
    }
    assert {well: holds for well, (holds, _) in moved.items()} == expected
    assert {volume for _, volume in moved.values()} == {500.0}


@pytest.mark.skipif("LAMELLA_OPENTRONS" not in os.environ, reason="no LAMELLA_OPENTRONS simulator")
def test_the_simulator_of_the_robot_accepts_the_protocol(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY, "utf-8")
    write_plan_files(make_bench_plan(tmp_path))
    protocol = tmp_path / "plan" / "opentrons-scratch-P1.py"
    simulator = os.environ["LAMELLA_OPENTRONS"]  # path of opentrons_simulate, 8.8.2
    done = subprocess.run([simulator, protocol], capture_output=True, text=True, check=True)
    wells = read_plate_map(tmp_path / "plates" / "P1.csv").wells
    filled = sum(well.role != "blank" for well in wells)
    assert done.stdout.count("Transferring") == filled


def test_many_tubes_take_several_racks_and_too_many_are_refused():
    moves = [Transfer(tube, f"tube {tube}", "P1", "B02", 100.0) for tube in (1, 25, 72)]
    rows = list(csv.DictReader(picklist(moves).splitlines()))
    assert [(row["source"], row["source_well"]) for row in rows] == [
        ("rack 1", "A1"), ("rack 2", "A1"), ("rack 3", "D6"),
    ]  # fmt: skip
    assert '["4", "5", "6"]' in opentrons_protocol(moves, title="x", plate_wells=96)
    with pytest.raises(SettingsError, match="does not fit in three racks"):
        picklist([Transfer(73, "x", "P1", "B02", 1.0)])
    with pytest.raises(SettingsError, match="no labware is known for a plate of 1536"):
        opentrons_protocol(moves, title="x", plate_wells=1536)


def _robot(moved: dict[str, tuple[str, float]]) -> types.SimpleNamespace:
    """A stand-in for the robot: it notes which well got what from the tube named last."""
    said: list[str] = []

    class Labware:
        def __getitem__(self, name: str) -> types.SimpleNamespace:
            return types.SimpleNamespace(name=name, top=lambda _: name)

    class Pipette:
        pick_up_tip = drop_tip = staticmethod(lambda: None)

        @staticmethod
        def transfer(volume: float, source: object, well: str, new_tip: str) -> None:
            assert well not in moved
            moved[well] = (said[-1], volume)

    class ProtocolContext:
        load_labware = staticmethod(lambda *_: Labware())
        load_instrument = staticmethod(lambda *_, **__: Pipette())
        comment = staticmethod(said.append)

    return types.SimpleNamespace(ProtocolContext=ProtocolContext)


BAD = {
    "an unknown unit": (
        'plate = "24-well"\nwell_volume = "500 ul"',
        "unknown unit 'ul'. Did you mean 'uL'",
    ),
    "a negative volume": ('plate = "24-well"\nwell_volume = "-5 uL"', "negative. Write 0 or"),
    "no volume at all": ('plate = "24-well"\nwell_volume = "0 uL"', "no volume to pipette"),
    "an unknown plate": ('plate = "25-well"', "Did you mean '24-well'"),
    "a dose where protein is meant": (
        'plate = "24-well"\nmatrix_lot_concentration = "9 uM"',
        "no mass in a volume. Write it like '9.5 mg/mL'",
    ),
    "an unknown key": ('plate = "24-well"\nwell_volum = "5 uL"', "Did you mean 'well_volume'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_told_with_the_remedy(case, folder, capsys):
    line, message = BAD[case]
    (folder / "study.toml").write_text(STUDY.replace('plate = "24-well"', line), "utf-8")
    assert main(["plan", str(folder)]) == 1
    assert message in capsys.readouterr().err


def test_a_stock_too_weak_is_told_and_the_rest_is_planned(folder, capsys):
    (folder / "study.toml").write_text(STUDY.replace("10 mM", "0.1 mM"), "utf-8")
    assert main(["plan", str(folder)]) == 1
    told = capsys.readouterr().err
    assert "stock of 100 µM is too weak" in told
    assert "Use a stronger stock, a lower top dose (at most 100 nM) or more solvent" in told
    page = (folder / "plan.html").read_text("utf-8")
    assert "too weak" in page
    assert "7.7 mL" in page  # the washes are there


def test_a_stock_by_weight_is_never_taken_for_molar(folder):
    (folder / "study.toml").write_text(STUDY.replace("10 mM", "5 mg/mL"), "utf-8")
    plan = make_bench_plan(folder)
    assert plan.sheets[0].dilutions[0].plan is None
    assert "is no amount in mol/L. Divide by its molar mass" in page_of(folder)


def test_a_missing_lot_concentration_is_asked_for(tmp_path, capsys):
    text = STUDY.replace('"scratch"', '"invasion"').replace('plate = "24-well"\n', "")
    (tmp_path / "study.toml").write_text(text, "utf-8")
    assert main(["plan", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "protein concentration of the matrix lot is missing" in told
    assert "certificate of the lot" in told


def test_nothing_to_plan_is_an_error_that_says_what_to_write(tmp_path, capsys):
    lines = [line for line in STUDY.splitlines() if not line.startswith("doses")]
    text = "\n".join(lines).replace(', expected_ic50 = "300 nM"', "")
    (tmp_path / "study.toml").write_text(text, "utf-8")
    assert main(["plan", str(tmp_path)]) == 1
    assert "Write doses in [plan], or expected_ic50" in capsys.readouterr().err


def test_a_plate_name_never_leads_out_of_the_folder(folder):
    path = folder / "plates" / "P1.csv"
    path.write_text(MAP.replace("P1,", "../../evil,"), "utf-8")
    plan = make_bench_plan(folder)
    written = write_plan_files(plan)
    render_bench(plan, out=folder / "plan.html")
    assert all(file.resolve().is_relative_to(folder.resolve()) for file in written)
    assert not list(folder.parent.glob("*evil*"))


def test_much_solvent_is_told(folder):
    (folder / "study.toml").write_text(
        STUDY.replace("solvent_percent = 0.1", "solvent_percent = 1")
    )
    assert "More than 0.5 % solvent acts on many cells" in page_of(folder)


def test_the_scatter_of_a_pilot_replaces_the_defaults(folder):
    (default,) = make_bench_plan(folder).powers
    assert default.components == VarianceComponents(0.15, 0.10, 0.18)  # half of 0.36 in ln D
    assert default.power is None  # one day
    two = MAP + MAP.partition("\n")[2].replace("P1,", "P2,").replace(",1,", ",2,")
    (folder / "plates" / "P1.csv").write_text(two, "utf-8")
    pilot = "\n[plan.pilot]\nbatch = 0.2\nbatch_treatment = 0.02\nwell = 0.05\n"
    (folder / "study.toml").write_text(STUDY + pilot, "utf-8")
    (stated,) = make_bench_plan(folder).powers
    assert stated.components == VarianceComponents(0.2, 0.02, 0.05)
    assert stated.batches == 2
    assert stated.power == nested_power(
        math.log(0.7), Layout(2, wells=2), components=stated.components
    )


def test_the_scatter_of_a_finished_study_is_taken(folder, monkeypatch):
    wells = {}
    rng = np.random.default_rng(3)
    design, days = [], rng.normal(0, 0.3, 8)
    for batch, day in zip("12345678", days, strict=True):
        for number in range(8):
            name = f"{'AB'[number // 4]}{number % 4 + 1:02d}"
            role = "vehicle" if number < 4 else "test"
            dose = None if number < 4 else Dose(1e-7)
            design.append(Well(batch, name, batch, role, compound="defactinib", dose=dose))
            wells[batch, name] = float(np.exp(3 + day - (number >= 4) + rng.normal(0, 0.1)))
    readout = types.SimpleNamespace(label="Edge speed")
    assay = types.SimpleNamespace(name="scratch")
    found = types.SimpleNamespace(assay=assay, wells=wells, readout=readout)
    result = types.SimpleNamespace(assays=(found,), design=Design(tuple(design)))
    monkeypatch.setattr(running, "load", lambda _: result)
    (folder / "study.toml").write_text(STUDY + 'pilot_study = "../pilot"\n', "utf-8")
    (power,) = make_bench_plan(folder).powers
    assert power.components.well == pytest.approx(0.1, rel=0.3)  # 48 degrees of freedom
    # The days that were drawn; the wells of a day blur its mean by 0.1 / sqrt(8).
    assert power.components.batch == pytest.approx(np.std(days, ddof=1), abs=0.05)
    assert "64 wells, edge speed" in power.scatter


def test_a_pilot_that_was_never_run_is_told_and_the_defaults_are_used(folder):
    (folder / "study.toml").write_text(STUDY + 'pilot_study = "nowhere"\n', "utf-8")
    plan = make_bench_plan(folder)
    assert "plan-pilot" in {finding.rule for finding in plan.findings}
    assert plan.powers[0].scatter.startswith("documented defaults")


@pytest.fixture
def demo(tmp_path, monkeypatch) -> Path:
    """The demonstration study as `lamella demo` writes it, but with unreadable pictures."""

    def picture(_, place, well) -> None:
        path = place / "images" / well.plate / f"{well.well}_f1_00h.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture")

    monkeypatch.setattr(study_demo, "_write_well", picture)
    monkeypatch.setattr(study_demo, "true_potency", lambda _: study_demo.Truth(None, "nM", ""))
    study_demo.write_demo("scratch", tmp_path / "study")
    return tmp_path / "study"


def test_planning_the_demonstration_reads_no_picture_and_loads_nothing_that_measures(demo):
    code = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == 'open' "
        "else None)\n"
        "from lamella.app.cli import main\n"
        f"code = main(['plan', {str(demo)!r}])\n"
        "pictures = sum(name.endswith('.tif') for name in opened)\n"
        "heavy = sorted({'cv2', 'polars', 'tifffile', 'scipy.optimize', 'scipy.stats'} "
        "& set(sys.modules))\n"
        "print(code, pictures, heavy, len(sys.modules) < 750)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 0 [] True"
    page = (demo / "plan.html").read_text("utf-8")
    assert "Before the cells are thawed" in page
    assert page.count('<article class="sheet"') == 3


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium to print with")
def test_a_browser_prints_each_day_on_a_page_of_its_own(folder, tmp_path):
    (folder / "plates" / "P2.csv").write_text(
        MAP.replace("P1,", "P2,").replace(",1,vehicle", ",2,vehicle").replace(",1,test", ",2,test")
        .replace(",1,blank", ",2,blank"), "utf-8",
    )  # fmt: skip
    page_of(folder)
    paper = tmp_path / "plan.pdf"
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
         f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={paper}",
         (folder / "plan.html").as_uri()],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    printed = paper.read_bytes()
    pages = printed.count(b"/Type /Page") - printed.count(b"/Type /Pages")
    # An overview, then three or four pages for each of the two days; A4 in points.
    assert 7 <= pages <= 10
    assert b"/MediaBox [0 0 594" in printed or b"/MediaBox [0 0 595" in printed
