"""Does each rule find its fault, and leave a sound study alone?"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace

import pytest

from lamella.design.facts import AssayFacts, CellFacts, CompoundFacts, CurveFacts, Facts
from lamella.design.lint import RULES, lint
from lamella.table.wells import Well
from lamella.units import Dose, parse_dose

DOSES = ("1 nM", "10 nM", "32 nM", "100 nM", "320 nM", "3.2 uM", "10 uM")
ROWS = "BCDEFG"


def plate_of(batch: int) -> list[Well]:
    """A plate a batch: 7 doses, vehicle and positive in duplicate, on no line of their own."""
    arms = [("vehicle", None), ("positive", None), ("vehicle", None)]
    arms += [("test", parse_dose(dose)) for dose in DOSES]
    plate, wells = f"P{batch}", []
    for copy in range(2):
        for index, (role, dose) in enumerate(arms):
            place = f"{ROWS[(index + 3 * copy) % 6]}{2 + (index + 5 * copy) % 10:02d}"
            compound = "" if role == "vehicle" else "defactinib"
            wells.append(Well(plate, place, str(batch), role, "SUIT-2", compound, dose))
    return wells


SCRATCH = AssayFacts(
    "scratch",
    readout="edge_speed",
    gap_tool="p200 tip",
    serum_percent=1.0,
    proliferation_control="mitomycin C 10 ug/mL 2 h",
    doubling_time_h=38.2,
    solvent_percent=0.1,
    pixel_um=1.24,
    times_h=tuple(range(0, 49, 4)),
    first_frame_h={("P1", "B02", "1"): 0.0, ("P1", "B02", "2"): 0.0},
    gap_width_um={("P1", "B02"): 800.0, ("P2", "B02"): 810.0},
    curves=(CurveFacts("all", (1, 10, 32, 100, 320, 3200, 10000), ic50=110.0, slope=1.2),),
)
SOUND = Facts(
    wells=tuple(well for batch in (1, 2, 3) for well in plate_of(batch)),
    assays=(SCRATCH,),
    cells=(CellFacts("SUIT-2", "CVCL_3172"),),
    compound=CompoundFacts("defactinib", "free base", "lot 7", 98.5),
)


def scratch(**changes: object) -> Facts:
    return replace(SOUND, assays=(replace(SCRATCH, **changes),))


def wells(change: Callable[[Well], Well | None]) -> Facts:
    changed = (change(well) for well in SOUND.wells)
    return replace(SOUND, wells=tuple(well for well in changed if well is not None))


def without_vehicle_on_p2(well: Well) -> Well | None:
    return None if well.plate == "P2" and well.role == "vehicle" else well


def one_vehicle_on_p2(well: Well) -> Well | None:
    spare = well.plate == "P2" and well.role == "vehicle" and well.well != "B02"
    return None if spare else well


def one_arm_a_column(well: Well) -> Well:
    order = ["vehicle", "positive", *(str(parse_dose(dose)) for dose in DOSES)]
    treatment = str(well.dose) if well.role == "test" else well.role
    return replace(well, well=f"{well.well[0]}{2 + order.index(treatment):02d}")


def one_plate(well: Well) -> Well:
    return replace(well, plate="P1", well=f"{well.well[0]}{int(well.well[1:]) + int(well.batch)}")


def doses_kept(*kept: str) -> Facts:
    amounts = {parse_dose(dose) for dose in kept}
    return wells(lambda well: None if well.role == "test" and well.dose not in amounts else well)


def curve(**changes: object) -> Facts:
    return scratch(curves=(replace(SCRATCH.curves[0], **changes),))


DOSE_ENDS = {"doses": (1.0, 10.0, 32.0, 100.0, 320.0)}
FAULTS: dict[str, tuple[Facts, list[tuple[str, str]]]] = {
    "two batches": (
        wells(lambda well: None if well.batch == "3" else well),
        [("D01", "error")],
    ),
    "one batch": (
        wells(lambda well: replace(well, batch="1")),
        [("D01", "error")],
    ),
    "one dose that was tried twice only": (
        wells(lambda w: None if w.batch == "3" and w.dose == Dose(1e-9) else w),
        [("D01", "error")],
    ),
    "a plate without vehicle": (wells(without_vehicle_on_p2), [("D03", "error")]),
    "vehicle of other cells": (
        wells(lambda w: replace(w, cell_line="PANC-1") if w.role == "vehicle" else w),
        [("D03", "error")] * 3,
    ),
    "uneven vehicle wells": (wells(one_vehicle_on_p2), [("D03", "warning")]),
    "too much solvent": (scratch(solvent_percent=1.0), [("D04", "warning")]),
    "solvent that follows the dose": (
        wells(lambda w: replace(w, factors={"solvent_percent": "0.1" if w.dose else "0.0"})),
        [("D04", "warning")],
    ),
    "a dose a column": (wells(one_arm_a_column), [("D05", "warning")] * 3),
    "one plate": (wells(one_plate), [("D06", "warning")]),
    "no positive and no untreated wells": (
        wells(lambda well: None if well.role == "positive" else well),
        [("D07", "warning")],
    ),
    "no picture at time zero": (
        scratch(first_frame_h={("P1", "B02", "1"): 0.0, ("P1", "B03", "1"): 4.0}),
        [("S01", "error")],
    ),
    "unequal gaps and percent closure": (
        scratch(readout="closure", gap_width_um={("P1", "B02"): 800.0, ("P1", "C03"): 900.0}),
        [("S03", "error")],
    ),
    "closure at one time": (scratch(readout="closure", times_h=(0.0, 24.0)), [("S04", "warning")]),
    "growth while the gap closes": (scratch(proliferation_control="none"), [("S06", "warning")]),
    "growth of unknown speed": (
        scratch(proliferation_control="", doubling_time_h=None),
        [("S06", "warning")],
    ),
    "mitomycin without a dose": (
        scratch(proliferation_control="mitomycin C, 2 h"),
        [("S06", "warning")],
    ),
    "mitomycin without a time": (
        scratch(proliferation_control="Mitomycin C (10 µg/ml)"),
        [("S06", "warning")],
    ),
    "serum that nobody wrote down": (scratch(serum_percent=None), [("S07", "warning")]),
    "vehicle closed early": (scratch(vehicle_closed_h=30.0), [("S08", "warning")]),
    "twelve hours only": (scratch(times_h=(0.0, 4.0, 8.0, 12.0)), [("S10", "note")]),
    "tip and insert in one comparison": (
        wells(lambda w: replace(w, factors={"gap_tool": "tip" if w.batch == "1" else "insert"})),
        [("S11", "error")],
    ),
    "a gap of unknown make": (scratch(gap_tool=""), [("S11", "warning")]),
    "no pixel size": (scratch(pixel_um=None), [("S12", "error")]),
    "four doses planned": (
        doses_kept("1 nM", "32 nM", "320 nM", "10 uM"),
        [("V02", "warning")],
    ),
    "one dose above the bend": (curve(**DOSE_ENDS, ic50=50.0), [("V02", "error")]),
    "an IC50 beyond the last dose": (
        curve(**DOSE_ENDS, ic50=900.0),
        [("V02", "error"), ("V03", "error")],
    ),
    "an IC50 below the first dose": (
        curve(ic50=0.2),
        [("V02", "error"), ("V03", "error")],
    ),
    "a homonym": (
        replace(SOUND, cells=(CellFacts("TT", homonyms=("CVCL_1774", "CVCL_3174")),)),
        [("I01", "error")],
    ),
    "a misidentified line": (
        replace(SOUND, cells=(CellFacts("MDA-MB-435", "CVCL_0417", (), "melanoma M14"),)),
        [("I01", "error")],
    ),
    "a line without accession": (replace(SOUND, cells=(CellFacts("PDAC1"),)), [("I01", "error")]),
    "no cell line at all": (replace(SOUND, cells=()), [("I01", "error")]),
    "a compound of unknown form": (
        replace(SOUND, compound=CompoundFacts("defactinib", "", "lot 7", 98.5)),
        [("I03", "warning")],
    ),
}


def test_a_sound_study_has_no_findings():
    assert lint(SOUND) == ()


@pytest.mark.parametrize(("facts", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_triggers_its_rule_and_no_other(facts, expected):
    found = lint(facts)
    assert [(finding.rule, finding.level) for finding in found] == expected
    for finding in found:
        assert finding.place
        assert finding.message.endswith(".")
        assert finding.remedy.endswith(".")


def test_every_rule_has_a_planted_fault():
    assert {rule.id for rule in RULES} == {
        rule for _, found in FAULTS.values() for rule, _ in found
    }


def test_all_faults_are_reported_at_once():
    facts = Facts(
        wells=(Well("P1", "B02", "1", "test", "TT", "defactinib", Dose(1e-6)),),
        assays=(AssayFacts("scratch", times_h=(0.0, 24.0)),),
        cells=(CellFacts("TT", homonyms=("CVCL_1774", "CVCL_3174")),),
        compound=CompoundFacts("defactinib"),
    )
    rules = [finding.rule for finding in lint(facts)]
    assert rules == ["D01", "D03", "D06", "D07", "S06", "S07", "S11", "S12", "I01", "I03"]


def test_a_study_that_states_nothing_does_not_crash_the_rules():
    assert lint(Facts()) == ()


def test_wells_of_one_batch_are_called_technical_replicates():
    (finding,) = lint(FAULTS["one batch"][0])
    assert "technical replicates" in finding.message


def test_growth_is_told_in_numbers_for_suit_2_in_48_hours():  # 2^(48/38.2) = 2.39
    (finding,) = lint(FAULTS["growth while the gap closes"][0])
    assert "2.39 times" in finding.message
    assert "19.1 h" in finding.remedy


def test_rules_carry_the_ids_and_levels_of_the_reference_list(shared_data):
    with (shared_data("evidence") / "study_lint_rules.csv").open(encoding="utf-8") as file:
        listed = {row["id"]: row["level"] for row in csv.DictReader(file)}
    levels = {"error": "error", "warn": "warning", "info": "note"}
    assert {rule.id: rule.level for rule in RULES} == {
        rule.id: levels[listed[rule.id]] for rule in RULES
    }


def test_every_rule_says_what_it_looks_for_and_where_it_comes_from():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.states.endswith(".")
        assert rule.source


def message_of(fault: str) -> str:
    return " ".join(f"{found.message} {found.remedy}" for found in lint(FAULTS[fault][0]))


def test_messages_tell_the_numbers_behind_them():
    # Means of 800 and 900 µm differ by 100 of 850 µm, 12 %.
    assert "12 % apart: 800 µm" in message_of("unequal gaps and percent closure")
    assert "Report '> 320'" in message_of("an IC50 beyond the last dose")
    assert "Report '< 1'" in message_of("an IC50 below the first dose")
    assert "solvent runs from 0 to 0.1 %" in message_of("solvent that follows the dose")
    assert "only 1 vehicle well here, 4 on another" in message_of("uneven vehicle wells")
    assert "4 doses of defactinib on SUIT-2" in message_of("four doses planned")


def test_the_treatments_with_fewest_batches_are_named_and_the_rest_counted():
    message = message_of("two batches")
    assert "7 of 7 treatments have fewer than 3 batches; fewest (2): " in message
    assert message.count("SUIT-2 defactinib") == 4
    assert " and 3 more" in message
