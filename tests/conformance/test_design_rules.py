"""Does each rule find its fault, and leave a sound study alone?"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace

import pytest

from lamella.design.facts import (
    AssayFacts,
    BlotFacts,
    CellFacts,
    CitedFacts,
    CompoundFacts,
    CurveFacts,
    Facts,
    InsertFacts,
    MatrixFacts,
    ReportingFacts,
)
from lamella.design.lint import CONTRADICTIONS, CONTROLS, RULES, lint
from lamella.table.wells import Well
from lamella.units import Dose, parse_dose

DOSES = ("1 nM", "10 nM", "32 nM", "100 nM", "320 nM", "3.2 uM", "10 uM")
ROWS = "BCDEFG"


def plate_of(batch: int) -> list[Well]:
    """A plate a batch: 7 doses, vehicle and positive in duplicate, on no line of their own."""
    arms = [("vehicle", None), ("positive", None), ("vehicle", None)]
    arms += [("test", parse_dose(dose)) for dose in DOSES]
    arms += [("vehicle", None), ("blank", None)]
    plate, wells = f"P{batch}", []
    for copy in range(2):
        for index, (role, dose) in enumerate(arms):
            place = f"{ROWS[(index + 3 * copy) % 6]}{2 + (index + 5 * copy) % 10:02d}"
            compound = "defactinib" if dose or role == "positive" else ""
            # Inserts without coat and without attractant are the first and second vehicle.
            factors = {"coating": "Matrigel", "attractant": "10 % FBS"}
            factors |= {0: {"coating": "none"}, 2: {"attractant": "none"}}.get(index, {})
            wells.append(Well(plate, place, str(batch), role, "SUIT-2", compound, dose, factors))
    return wells


STATED = {"pixel_um": 1.24, "modality": "phase contrast", "substrate": "plastic"}
SCRATCH = AssayFacts(
    "scratch",
    readout="edge_speed",
    gap_tool="p200 tip",
    serum_percent=1.0,
    seeding_serum_percent=1.0,
    proliferation_control="mitomycin C 10 ug/mL 2 h",
    doubling_time_h=38.2,
    cells_per_cm2=1e5,
    solvent_percent=0.1,
    expected_speed_um_h=12.0,
    edge_mode="per edge",
    objective="5x/0.15",
    camera_pixel_um=6.2,
    duration_stated_h=48.0,
    interval_stated_h=4.0,
    frames=13,
    times_h=tuple(range(0, 49, 4)),
    first_frame_h={("P1", "B02", "1"): 0.0, ("P1", "B02", "2"): 0.0},
    gap_width_um={("P1", "B02"): 800.0, ("P2", "B02"): 810.0},
    confluence_percent={("P1", "B02"): 97.0, ("P1", "C03"): 95.0},
    response_percent={("SUIT-2", "defactinib", "100 nM"): 55.0},
    n_counted=3,
    curves=(CurveFacts("all", (1, 10, 32, 100, 320, 3200, 10000), ic50=110.0, slope=1.2),),
    **STATED,
)
LOADED = InsertFacts(
    inhibitor_side="both",
    preincubation_h=1.0,
    claim="chemotaxis",
    cells=4e4,
    area_cm2=0.332,
    confluent_per_cm2=1.26e5,
    fields=8,
    field_choice="random",
)
TRANSWELL = AssayFacts("transwell", duration_stated_h=20.0, insert=LOADED, **STATED)
INVASION = replace(
    TRANSWELL,
    kind="invasion",
    matrix=MatrixFacts(mg_per_ml=0.2, lot="4021", ul_per_insert=100.0, form="coat"),
)
BLOT = AssayFacts(
    "blot",
    blot=BlotFacts("pFAK Y397", "total FAK", lysates=3, site_species="human"),
)
VIABILITY = AssayFacts(
    "viability",
    readout="viability",
    growth_correction="GR",
    response_percent={("SUIT-2", "defactinib", "100 nM"): 96.0},
)
TRACKS = AssayFacts(
    "tracks",
    duration_stated_h=12.0,
    times_h=(0.0, 0.25, 0.5),
    track_frames={"1 of P1 B02": (0, 1, 2), "2 of P1 B02": (1, 2, 3)},
    **STATED,
)
SUIT_2 = CellFacts(
    "SUIT-2",
    "CVCL_3172",
    organism="human",
    known_organism="human",
    tissue="pancreatic carcinoma",
    known_tissue="pancreas, liver metastasis",
    doubling_h=(38.2, 38.2),
    str_date="2026-03-01",
    passage="12 to 18",
    mycoplasma="negative 2026-05-02",
)
SOUND = Facts(
    wells=tuple(well for batch in (1, 2, 3) for well in plate_of(batch)),
    assays=(SCRATCH, TRANSWELL, INVASION, BLOT, VIABILITY, TRACKS),
    cells=(SUIT_2,),
    compound=CompoundFacts("defactinib", "free base", "lot 7", 98.5),
    cited=(CitedFacts("T2.1", "defactinib"),),
    reporting=ReportingFacts(
        n_is="independent experiments",
        randomisation="block-randomised, seed 7",
        blinding="analysis by program",
        exclusion="wells with debris over the wound",
        approach="in vitro",
    ),
    title="Defactinib on SUIT-2",
)


def assay(kind: str, **changes: object) -> Facts:
    """The sound study with changes to one assay."""
    changed = (replace(item, **changes) if item.kind == kind else item for item in SOUND.assays)
    return replace(SOUND, assays=tuple(changed))


def part(kind: str, name: str, **changes: object) -> Facts:
    """The sound study with changes to the insert, matrix or blot of one assay."""
    (item,) = (item for item in SOUND.assays if item.kind == kind)
    return assay(kind, **{name: replace(getattr(item, name), **changes)})


def cells(*lines: CellFacts) -> Facts:
    return replace(SOUND, cells=lines)


def line(name: str, accession: str, **changes: object) -> CellFacts:
    known = {"known_organism": "", "known_tissue": "", "tissue": "", **changes}
    return replace(SUIT_2, name=name, accession=accession, **known)


def factors(change: Callable[[Well], dict[str, str]]) -> Facts:
    """The sound study with further columns in its plate map."""
    return wells(lambda well: replace(well, factors={**well.factors, **change(well)}))


def scratch(**changes: object) -> Facts:
    return assay("scratch", **changes)


def wells(change: Callable[[Well], Well | None]) -> Facts:
    changed = (change(well) for well in SOUND.wells)
    return replace(SOUND, wells=tuple(well for well in changed if well is not None))


def inserts_without(part_of: Callable[[Well], bool], kind: str = "transwell") -> Facts:
    """The sound inserts of one assay with some of its wells left out."""
    kept = wells(lambda well: None if part_of(well) else well)
    return replace(kept, assays=tuple(one for one in SOUND.assays if one.kind == kind))


def alike(well: Well) -> bool:
    """A vehicle insert with coat and attractant, as the treated ones have."""
    return well.role == "vehicle" and "none" not in well.factors.values()


def without_attractant(well: Well) -> bool:
    return well.factors["attractant"] == "none"


def blank_on_p2(well: Well) -> bool:
    return well.role == "blank" and well.plate == "P2"


def reading(facts: Facts, *, readout: str = "eluted_od", claim: str = "") -> Facts:
    """The same inserts with another read-out, or another claim."""
    (one,) = facts.assays
    insert = replace(one.insert, claim=claim or one.insert.claim)
    return replace(facts, assays=(replace(one, readout=readout, insert=insert),))


def without_vehicle_on_p2(well: Well) -> Well | None:
    return None if well.plate == "P2" and well.role == "vehicle" else well


def one_vehicle_on_p2(well: Well) -> Well | None:
    spare = well.plate == "P2" and well.role == "vehicle" and well.well != "B02"
    return None if spare else well


def one_arm_a_column(well: Well) -> Well:
    order = ["vehicle", "positive", "blank", *(str(parse_dose(dose)) for dose in DOSES)]
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
        replace(
            wells(lambda well: None if well.batch == "3" else well),
            assays=(TRANSWELL, INVASION, BLOT),
        ),
        [("D01", "error")],
    ),
    "one batch": (
        wells(lambda well: replace(well, batch="1")),
        [("D01", "error"), ("D02", "error")],
    ),
    "one dose that was tried twice only": (
        wells(lambda w: None if w.batch == "3" and w.dose == Dose(1e-9) else w),
        [("D01", "error")],
    ),
    # The inserts without coat and without attractant of that plate were vehicle wells.
    "a plate without vehicle": (
        wells(without_vehicle_on_p2),
        [("D03", "error"), ("T03", "error"), ("C01", "warning")],
    ),
    "a vehicle of another kind alone": (
        inserts_without(alike),
        [("C02", "error")] * 3,
    ),
    "nobody looked without attractant": (
        reading(inserts_without(without_attractant), readout="", claim="migration"),
        [("C01", "warning")],
    ),
    "one batch without a gradient to compare with": (
        inserts_without(lambda well: without_attractant(well) and well.batch == "2"),
        [("C01", "warning")],
    ),
    "counted without a stained blank": (inserts_without(blank_on_p2), [("C03", "warning")]),
    "eluted without a stained blank": (
        reading(inserts_without(blank_on_p2)),
        [("C03", "error")],
    ),
    "a bare blank beside coated inserts": (
        reading(
            replace(
                inserts_without(lambda _: False, "invasion"),
                wells=factors(
                    lambda well: {"coating": "none"} if well.role == "blank" else {}
                ).wells,
            )
        ),
        [("C03", "error")] * 3,
    ),
    "vehicle of other cells": (
        wells(lambda w: replace(w, cell_line="PANC-1") if w.role == "vehicle" else w),
        [("D03", "error")] * 3 + [("T03", "error"), ("C01", "warning")],
    ),
    # The vehicle well that is left has no coat and an attractant.
    "uneven vehicle wells": (
        wells(one_vehicle_on_p2),
        [("D03", "warning"), ("C01", "warning"), ("C02", "error")],
    ),
    "too much solvent": (scratch(solvent_percent=1.0), [("D04", "warning")]),
    "solvent that follows the dose": (
        factors(lambda well: {"solvent_percent": "0.1" if well.dose else "0.0"}),
        [("D03", "error")] * 3 + [("D04", "warning")],
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
    "closure at one time": (
        scratch(
            readout="closure",
            times_h=(0.0, 24.0),
            frames=2,
            duration_stated_h=24.0,
            interval_stated_h=24.0,
        ),
        [("S04", "warning")],
    ),
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
    "twelve hours only": (
        scratch(times_h=(0.0, 4.0, 8.0, 12.0), frames=4, duration_stated_h=12.0),
        [("S10", "note")],
    ),
    "tip and insert in one comparison": (
        factors(lambda well: {"gap_tool": "tip" if well.batch == "1" else "insert"}),
        [("S11", "error")],
    ),
    "a gap of unknown make": (scratch(gap_tool=""), [("S11", "warning")]),
    "no pixel size": (scratch(pixel_um=None), [("S12", "error")]),
    "four doses planned": (
        doses_kept("1 nM", "32 nM", "320 nM", "10 uM"),
        [("V02", "warning")],
    ),
    "an IC50 expected at the upper end": (
        replace(SOUND, compound=replace(SOUND.compound, expected_molar=4e-6)),
        [("V02", "warning")],
    ),
    "an IC50 expected beyond the last dose": (
        replace(SOUND, compound=replace(SOUND.compound, expected_molar=4e-5)),
        [("V02", "warning"), ("V03", "warning")],
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
        cells(line("TT", "", homonyms=("CVCL_1774", "CVCL_3174"))),
        [("I01", "error"), ("R02", "note")],
    ),
    "a misidentified line": (
        cells(line("MDA-MB-435", "CVCL_0417", misidentified_as="M14, melanoma", tissue="breast")),
        [("I01", "error")],
    ),
    "a line without accession": (
        cells(line("PDAC1", "")),
        [("I01", "error"), ("R02", "note")],
    ),
    "the accession of another line": (
        cells(line("SUIT-2", "CVCL_0062", accession_of="MDA-MB-231")),
        [("I01", "error")],
    ),
    "an accession that is none": (cells(line("SUIT-2", "see notebook")), [("I01", "error")]),
    "no cell line at all": (replace(SOUND, cells=()), [("I01", "error")]),
    "a compound of unknown form": (
        replace(SOUND, compound=CompoundFacts("defactinib", "", "lot 7", 98.5)),
        [("I03", "warning")],
    ),
    "wells counted as experiments": (
        replace(SOUND, reporting=replace(SOUND.reporting, n_is="wells of 3 experiments")),
        [("D02", "error")],
    ),
    "n above the number of batches": (scratch(n_counted=9), [("D02", "error")]),
    "three batches within one day": (
        factors(lambda _: {"day": "2026-03-01"}),
        [("D02", "error")],
    ),
    "vehicle with less solvent than the doses": (
        factors(lambda well: {"solvent_percent": "0.1" if well.role == "test" else "0.05"}),
        [("D03", "error")] * 3 + [("D04", "warning")],
    ),
    "vehicle alone on the edge": (
        wells(lambda w: replace(w, well=f"A{w.well[1:]}") if w.role == "vehicle" else w),
        [("D05", "warning")] * 3,
    ),
    "dose after dose through the microscope": (
        factors(lambda w: {"imaging_order": f"{w.dose.amount if w.dose else len(w.role)}"}),
        [("D05", "warning")] * 3,
    ),
    "a stage that did not come back": (
        scratch(unregistered=(("P1", "B02", "2"),)),
        [("S02", "error")],
    ),
    "small but certain difference of first gaps": (
        scratch(
            readout="closure",
            gap_width_um={
                (well.plate, well.well): (790.0 if well.role == "vehicle" else 830.0)
                + int(well.batch)
                for well in SOUND.wells
            },
        ),
        [("S03", "error")],
    ),
    "a speed of who knows what": (scratch(edge_mode=""), [("S05", "warning")]),
    "a rate from elsewhere": (
        scratch(readout="closure_rate", edge_mode="", expected_speed_um_h=None),
        [("S05", "warning")],
    ),
    "serum changed at the wound": (scratch(seeding_serum_percent=10.0), [("S07", "warning")]),
    "a layer of unknown density": (scratch(cells_per_cm2=None), [("S09", "warning")]),
    "treated wells seeded thinner": (
        factors(lambda well: {"cells_per_cm2": "8e4" if well.role == "test" else "1e5"}),
        [("S09", "warning")],
    ),
    "treated wells less covered": (
        scratch(confluence_percent={("P1", "B02"): 97.0, ("P1", "C03"): 80.0}),
        [("S09", "warning")],
    ),
    "compound on an unknown side": (
        part("transwell", "insert", inhibitor_side=""),
        [("T01", "error")],
    ),
    "preincubation not stated": (
        part("invasion", "insert", preincubation_h=None),
        [("T01", "error")],
    ),
    "chemotaxis without a control": (
        factors(lambda _: {"attractant": "10 % FBS"}),
        [("T02", "error")] * 2,
    ),
    "no uncoated insert": (
        factors(lambda _: {"coating": "Matrigel"}),
        [("T03", "error")],
    ),
    "nothing said of coats": (
        wells(lambda w: replace(w, factors={"attractant": w.factors["attractant"]})),
        [("T03", "error")],
    ),
    "no uncoated insert in one batch": (
        factors(lambda w: {"coating": "Matrigel"} if w.batch == "2" else {}),
        [("T03", "error")],
    ),
    "a lot that nobody wrote down": (part("invasion", "matrix", lot=""), [("T04", "warning")]),
    "a thin coat called a gel": (part("invasion", "matrix", form="gel"), [("T04", "warning")]),
    "the cells of the guide on one insert": (  # 1e5 on 0.332 cm² are 3.0e5 per cm²
        part("transwell", "insert", cells=1e5),
        [("T05", "warning")],
    ),
    "four fields": (part("transwell", "insert", fields=4), [("T06", "warning")]),
    "fields chosen by eye": (
        part("transwell", "insert", field_choice="by eye"),
        [("T06", "warning")],
    ),
    "dead cells counted as not migrated": (
        replace(
            assay("viability", response_percent={("SUIT-2", "defactinib", "10 µM"): 60.0}),
        ),
        [("T07", "warning")] * 2,
    ),
    "an effect where cells die": (
        replace(
            factors(lambda w: {"viability_percent": "70"} if str(w.dose) == "10 µM" else {}),
            assays=(replace(SCRATCH, response_percent={("SUIT-2", "defactinib", "10 µM"): 30.0}),),
        ),
        [("V04", "warning")],
    ),
    "actin in place of total FAK": (
        part("blot", "blot", normalised_to="beta-actin"),
        [("B01", "error")],
    ),
    "total AKT in place of total FAK": (
        part("blot", "blot", normalised_to="total AKT"),
        [("B01", "error")],
    ),
    "saturated bands": (part("blot", "blot", saturated=2), [("B02", "warning")]),
    "spliced lanes": (part("blot", "blot", spliced=True), [("B02", "warning")]),
    "two lysates": (part("blot", "blot", lysates=2), [("B02", "warning")]),
    "a site of unknown species": (
        part("blot", "blot", target="pSRC Y416", normalised_to="total SRC", site_species=""),
        [("B03", "warning")],
    ),
    "two lines that grow at different speeds": (
        replace(
            assay("viability", growth_correction="none"),
            cells=(SUIT_2, line("C8161", "own line", doubling_h=(18.9, 21.7))),
        ),
        [("V01", "warning")],
    ),
    "cells of unknown passage": (cells(replace(SUIT_2, passage="")), [("I02", "warning")]),
    "a row whose compound is not sure": (
        replace(SOUND, cited=(CitedFacts("T2.5", "defactinib", tested=False),)),
        [("I04", "warning")],
    ),
    "a row of a sibling": (
        replace(SOUND, cited=(CitedFacts("E07", "VS-4718"),)),
        [("I04", "warning")],
    ),
    "nobody knows the contrast": (scratch(modality=""), [("R01", "note")]),
    "an own line of unknown organism": (
        cells(line("K7", "own line", organism="")),
        [("R01", "note")] * 4,
    ),
    "blinding not told": (
        replace(SOUND, reporting=replace(SOUND.reporting, blinding="")),
        [("R02", "note")],
    ),
    "a day more than the frames last": (scratch(duration_stated_h=72.0), [("M01", "error")]),
    "an interval that the frames do not have": (
        scratch(interval_stated_h=2.0),
        [("M01", "error")],
    ),
    "a pixel of another objective": (scratch(objective="10x/0.3"), [("M02", "error")]),
    "a pixel that no camera has": (
        scratch(camera_pixel_um=None, objective="60x/1.4"),
        [("M02", "error")],
    ),
    "mouse cells of a human line": (
        cells(replace(SUIT_2, organism="Mus musculus")),
        [("M03", "error")],
    ),
    "a breast line of the pancreas": (
        cells(replace(SUIT_2, tissue="breast")),
        [("M03", "error")],
    ),
    "a wound closed inside the window": (
        scratch(closed_in_window=(("P1", "B02"),)),
        [("M04", "error")],
    ),
    "closure read after the vehicle had closed": (
        scratch(closure_at_h=48.0, vehicle_closed_h=30.0),
        [("S08", "warning"), ("M04", "error")],
    ),
    "a track that starts again": (
        assay("tracks", track_frames={"1 of P1 B02": (0, 1, 2, 0, 1)}),
        [("M05", "error")],
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
        assert finding.source


def test_every_rule_has_a_planted_fault():
    assert {rule.id for rule in (*RULES, *CONTROLS, *CONTRADICTIONS)} == {
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
    assert rules == [
        "D01", "D03", "D06", "D07", "S06", "S07", "S09", "S11", "S12",
        "I01", "I02", "I03", "R01", "R02",
    ]  # fmt: skip


def test_a_study_that_states_nothing_does_not_crash_the_rules():
    assert lint(Facts()) == ()


def test_wells_of_one_batch_are_called_technical_replicates():
    finding, _ = lint(FAULTS["one batch"][0])
    assert "technical replicates" in finding.message


def test_growth_is_told_in_numbers_for_suit_2_in_48_hours():  # 2^(48/38.2) = 2.39
    (finding,) = lint(FAULTS["growth while the gap closes"][0])
    assert "2.39 times" in finding.message
    assert "19.1 h" in finding.remedy


def test_all_39_rules_of_the_reference_list_are_there_in_order_with_level_and_scope(shared_data):
    with (shared_data("evidence") / "study_lint_rules.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    levels = {"error": "error", "warn": "warning", "info": "note"}
    assert len(listed) == 39
    assert [(rule.id, rule.level, rule.scope) for rule in RULES] == [
        (row["id"], levels[row["level"]], row["scope"]) for row in listed
    ]


def test_every_rule_says_what_it_looks_for_and_where_it_comes_from():
    every = (*RULES, *CONTROLS, *CONTRADICTIONS)
    assert len({rule.id for rule in every}) == len(every)
    for rule in every:
        assert rule.states.endswith(".")
        assert rule.source


@pytest.mark.parametrize("word", ["", "None", " uncoated "])
def test_no_coat_is_written_in_many_ways(word):
    changed = factors(lambda well: {"coating": well.factors["coating"].replace("none", word)})
    assert lint(changed) == ()


def message_of(fault: str) -> str:
    return " ".join(f"{found.message} {found.remedy}" for found in lint(FAULTS[fault][0]))


def test_messages_tell_the_numbers_behind_them():
    # Means of 800 and 900 µm differ by 100 of 850 µm, 12 %.
    assert "12 % apart: 800 µm" in message_of("unequal gaps and percent closure")
    assert "Report '> 320'" in message_of("an IC50 beyond the last dose")
    assert "Report '< 1'" in message_of("an IC50 below the first dose")
    assert "solvent runs from 0 to 0.1 %" in message_of("solvent that follows the dose")
    assert "only 1 vehicle well here, 6 on another" in message_of("uneven vehicle wells")
    assert "4 doses of defactinib on SUIT-2" in message_of("four doses planned")
    assert "in 1 of 3 batches" in message_of("one batch without a gradient to compare with")
    assert "treated coated inserts with attractant" in message_of("a vehicle of another kind alone")


def test_the_treatments_with_fewest_batches_are_named_and_the_rest_counted():
    message = message_of("two batches")
    assert "7 of 7 treatments have fewer than 3 batches; fewest (2): " in message
    assert message.count("SUIT-2 defactinib") == 4
    assert " and 3 more" in message


def toxic(alive: float, effect: float) -> Facts:
    dose = ("SUIT-2", "defactinib", "10 µM")
    return replace(
        SOUND,
        assays=(
            replace(SCRATCH, response_percent={dose: effect}),
            replace(VIABILITY, response_percent={dose: alive}),
        ),
    )


def lasting(hours: float) -> Facts:
    return scratch(
        proliferation_control="none",
        times_h=(0.0, hours / 2, hours),
        frames=3,
        interval_stated_h=hours / 2,
        duration_stated_h=hours,
    )


# The limits of the list: 10 % and 15 % between arms, half a doubling (19.1 h of SUIT-2), five
# fields, three lysates, a confluent layer, 0.5 % solvent, 20 % of viability and of effect.
LIMITS: dict[str, tuple[Facts, Facts]] = {
    "S01": tuple(scratch(first_frame_h={("P1", "B02", "1"): h}) for h in (0.9, 1.1)),
    "S03": tuple(
        scratch(readout="closure", gap_width_um={("P1", "B02"): 800.0, ("P1", "C03"): w})
        for w in (880.0, 888.0)  # 9.5 and 10.4 % of their mean
    ),
    "S06": (lasting(18.8), lasting(19.4)),
    "S09": tuple(
        scratch(confluence_percent={("P1", "B02"): 100.0, ("P1", "C03"): c}) for c in (87.0, 85.0)
    ),
    "S10": (lasting(12.5), lasting(12.0)),
    "D04": tuple(scratch(solvent_percent=share) for share in (0.5, 0.6)),
    "T04": tuple(
        part("invasion", "matrix", form="gel", mg_per_ml=strength) for strength in (1.0, 0.9)
    ),
    "T05": tuple(part("transwell", "insert", cells=cells) for cells in (41_800, 41_900)),
    "T06": tuple(part("transwell", "insert", fields=fields) for fields in (5, 4)),
    "B02": tuple(part("blot", "blot", lysates=lysates) for lysates in (3, 2)),
    "V04": (toxic(81, 30), toxic(79, 30)),
    "M01": tuple(scratch(duration_stated_h=hours) for hours in (50.0, 50.1)),
    "M02": tuple(scratch(pixel_um=size) for size in (1.30, 1.31)),  # 1.24 from the camera
}


@pytest.mark.parametrize("rule", LIMITS)
def test_a_rule_speaks_beyond_its_limit_and_not_before(rule):
    before, beyond = LIMITS[rule]
    assert rule not in {finding.rule for finding in lint(before)}
    assert rule in {finding.rule for finding in lint(beyond)}


def test_a_dose_that_kills_and_does_not_slow_is_no_claim_on_migration():
    assert "V04" not in {finding.rule for finding in lint(toxic(50, 85))}
