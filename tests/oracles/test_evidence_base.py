"""Is everything that the guide and the curated rows state in the evidence base, as stated?"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace
from importlib.resources import files

import pytest

from lamella import evidence
from lamella.errors import SettingsError
from lamella.evidence.base import SEALED, TABLES, base, build, normal, parts, seals_of
from lamella.evidence.comparison import Claim, Toxicity, compare


def table(folder, name):
    with (folder / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain(text: str) -> str:
    return text.replace("µ", "u").replace(" ", "")


def test_every_row_of_the_guide_is_there_with_reference_tier_and_flags(shared_data):
    rows = table(shared_data("evidence"), "guide_tables.csv")
    assert len(rows) == 10
    for row in rows:
        found = base().assertions[row["guide_row_id"]]
        reference = "guide" if row["guide_ref"] == "NONE" else f"guide-{row['guide_ref']}"
        assert found.source.id == reference
        assert found.tier == row["tier"] == "E"
        assert not found.verified
        assert found.flags
        assert normal(row["cancer_type_as_printed"]) in {normal(found.cancer), "thyroidcancer"}
        for cells in row["cell_lines_as_printed"].split(", "):
            assert normal(cells.removesuffix("& others")) in normal(found.cell_line)


def test_numbers_of_the_guide_are_those_printed(shared_data):
    for row in table(shared_data("evidence"), "guide_tables.csv"):
        found = base().assertions[row["guide_row_id"]]
        assert found.relation == row["relation"]
        if found.relation == "qualitative":
            assert (found.value, found.low, found.high) == (None, None, None)
            continue
        low, high = float(row["value_low"]), float(row["value_high"])
        assert (found.value or found.low, found.value or found.high) == (low, high)
        assert plain(found.unit).startswith(plain(row["value_unit"]).removesuffix("reduction"))


def test_every_row_of_the_guide_is_found_by_its_words(shared_data):
    for row in table(shared_data("evidence"), "guide_tables.csv"):
        found = base().assertions[row["guide_row_id"]]
        for cells in parts(found.cell_line):
            for endpoint in parts(found.endpoint):
                assert found in evidence.find(
                    "VS 6063", assay=found.assay, cell_line=cells, endpoint=endpoint
                )


def test_the_thirteen_references_are_there(shared_data):
    listed = json.loads((shared_data("evidence") / "guide_protocols.json").read_text("utf-8"))
    ids = {source.id for source in evidence.references()}
    assert ids == {f"guide-{number}" for number in listed["references"]}


def test_every_curated_row_is_there_with_its_tier_and_number(shared_data):
    rows = table(shared_data("evidence"), "evidence_rows.csv")
    assert len(rows) == 50
    for row in rows:
        found = base().assertions[row["id"]]
        assert found.tier == row["tier"], row["id"]
        printed = row["value"].strip("~<>")
        try:
            number = float(printed)
        except ValueError:
            continue
        assert found.value == number, row["id"]
        assert plain(found.unit).split("%")[0] in plain(row["unit"]), row["id"]


def test_the_ten_rows_rest_on_four_studies():
    rows = [row for key, row in base().assertions.items() if key.startswith("T")]
    assert len(evidence.studies(rows)) == 4


def test_cell_lines_carry_the_accessions_of_the_reference_list(shared_data):
    for row in table(shared_data("evidence"), "cell_lines.csv"):
        accession = row["accession"].replace("none", "")
        line = evidence.cell_line(row["name_as_used"], accession=accession)
        assert line is not None, row["name_as_used"]
        assert line.accession == accession


@pytest.mark.parametrize("name", ["TT", "T.T", "PC-3", "pc3"])
def test_a_shared_name_is_never_settled_by_itself(name):
    line = evidence.cell_line(name)
    assert line is not None
    assert line.accession == ""
    assert len(line.homonyms) == 2


def test_tt_is_cvcl_1774_only_when_confirmed():
    line = evidence.cell_line("TT", accession="CVCL_1774")
    assert line is not None
    assert "medullary" in line.tissue
    wrong = evidence.cell_line("TT", accession="CVCL_0035")
    assert wrong is not None
    assert wrong.accession == ""


def test_mda_mb_435_is_not_breast():
    line = evidence.cell_line("MDA MB 435")
    assert line is not None
    assert line.misidentified_as == "M14, melanoma"
    assert "breast" not in line.tissue


def test_defactinib_and_its_salt_differ_by_6_7_percent_in_weight():
    base_form, salt = evidence.compound("PF-04554878"), evidence.compound("VS-6063 HCl")
    assert base_form is not None
    assert salt is not None
    assert base_form.parent == salt.parent == "defactinib"
    assert base_form.molar_mass and salt.molar_mass
    assert base_form.molar_mass / salt.molar_mass == pytest.approx(0.933, abs=5e-4)


def test_siblings_are_not_merged_into_defactinib():
    compounds = {row.compound for row in evidence.find("defactinib")}
    assert compounds == {"defactinib"}
    assert {row.id for row in evidence.find("PND-1186")} >= {"E06", "E07", "E48"}


def test_an_unknown_assay_names_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'scratch'"):
        evidence.find(assay="scrach")


def test_an_unknown_compound_finds_nothing():
    assert evidence.find("aspirin") == ()


def test_a_scratch_ic50_is_not_compared_with_tube_formation():
    result = compare(Claim("defactinib", "scratch", value_molar=100e-9, cell_line="MDA-MB-231"))
    assert result.comparable == ()
    tube = next(other for other in result.others if other.assertion.id == "T2.2")
    assert tube.reasons == ("the assay is tube formation, not scratch",)
    assert result.messages[0].startswith("Not comparable")


def test_distance_is_in_log10_with_the_spread_between_laboratories():
    # 737 nM is 10 times 73.7 nM; without an interval only the 0.4 between laboratories counts.
    result = compare(Claim("defactinib", "tube", value_molar=737e-9, cell_line="JIMT-1"))
    nearest = result.comparable[0]
    assert nearest.assertion.id == "T2.1"
    assert nearest.cells == "same line"
    assert nearest.log10_ratio == pytest.approx(1.0)
    assert nearest.log10_low == pytest.approx(1 - 1.96 * 0.4)
    assert nearest.distance == "3- to 10-fold apart"


def test_the_interval_of_the_claim_widens_that_of_the_distance():
    narrow = compare(Claim("defactinib", "tube", value_molar=1e-7)).comparable[0]
    wide = compare(
        Claim("defactinib", "tube", value_molar=1e-7, low_molar=1e-8, high_molar=1e-6)
    ).comparable[0]
    # By hand: SE of the claim = 2 / 3.92 = 0.5102; with 0.4 between laboratories 0.6483.
    assert wide.log10_high is not None and wide.log10_ratio is not None
    assert wide.log10_high - wide.log10_ratio == pytest.approx(1.96 * 0.6483, abs=1e-3)
    assert narrow.log10_high is not None
    assert wide.log10_high > narrow.log10_high


def test_rows_of_the_guide_alone_are_called_unverified():
    messages = compare(Claim("defactinib", "tube", value_molar=1e-7)).messages
    assert messages[0].startswith("No verified value exists")
    assert any("1 independent study" in message for message in messages)


def test_a_micromolar_potency_does_not_speak_of_fak():
    messages = compare(Claim("defactinib", "viability", value_molar=5e-6)).messages
    assert any("more than 30 times" in message for message in messages)
    assert any(message.startswith("Contradicted by") for message in messages)


def test_no_message_ever_calls_a_result_validated():
    for kind in evidence.ASSAY_CLASSES:
        for value in (None, 1e-9, 1e-7, 1e-5):
            for message in compare(Claim("defactinib", kind, value_molar=value)).messages:
                assert "validated" not in message


def tables() -> dict[str, str]:
    folder = files("lamella.evidence") / "data"
    return {name: (folder / f"{name}.csv").read_text("utf-8") for name in TABLES}


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("assertions", "T1.2,", "T1.3,", "T1.3 stands twice"),
        ("assertions", ",viability,viability assay", ",vitality,viability assay", "'vitality'"),
        ("assertions", ",1.98,,,µM", ",1.98,1.0,,µM", r"needs \['value'\], has \['low', 'value'\]"),
        ("assertions", ",2.0,5.0,µM", ",5.0,2.0,µM", "the range is empty"),
        ("assertions", "=,73.7,,,nM", "=,73.7,,,", "a number without a unit"),
        ("assertions", "=,73.7,,,nM", "=,nan,,,nM", "not a positive number"),
        ("assertions", "Masuyama,guide-7,", "Masuyama,guide-77,", "is not listed"),
        ("curations", "T1.1,2026", "T9.9,2026", "T1.1: nobody has judged it"),
        ("curations", ",E,as stated", ",F,as stated", "unknown assertion or tier 'F'"),
        ("links", "supports,T1.1", "proves,T1.1", "unknown end or kind"),
        (
            "studies",
            "Walsh2010,named",
            "Walsh2010,guessed",
            "study Walsh2010: unknown source or way",
        ),
        ("assertions", "LeLarge2021,guide-1", "LeSmall2021,guide-1", "study 'LeSmall2021' is not"),
        ("compounds", "VS-6062; PF", "VS-6063; PF", "PF-562271: VS-6063 is also defactinib"),
        ("cell_lines", "CVCL_0035", "CVCL_0062", "cell line CVCL_0062 stands twice"),
        ("assertions", "guide-1,defactinib", "guide-1,defactinob", "'defactinob' is not listed"),
        ("assertions", "IC50 1.98 µM", "IC50 1.89 µM", "a line of release .* has changed"),
    ],
)
def test_a_contradiction_in_the_tables_stops_the_base(name, old, new, problem):
    spoiled = tables()
    assert old in spoiled[name]
    spoiled[name] = spoiled[name].replace(old, new, 1)
    with pytest.raises(ValueError, match=problem):
        build(spoiled)


def test_tables_may_only_grow():
    """Every line of the release is sealed: removing, changing or moving one is found."""
    release = {seal["table"] for seal in csv.DictReader(tables()["seals"].splitlines())}
    assert release == set(SEALED)
    for name in SEALED:
        lines = tables()[name].splitlines()
        for spoiled in (lines[:-1], [lines[0], *lines[2:]], [lines[0], lines[2], lines[1]]):
            with pytest.raises(ValueError, match=f"{name}: a line of release"):
                build(tables() | {name: "\n".join(spoiled) + "\n"})
    grown = tables()
    grown["links"] += "E29,supports,E31,same paper\n"
    assert len(build(grown).links) == len(base().links) + 1


def test_a_release_seals_what_it_ships():
    seals = [asdict(seal) for seal in seals_of(tables(), release="0.1.0")]
    shipped = list(csv.DictReader(tables()["seals"].splitlines()))
    assert [{**seal, "rows": str(seal["rows"])} for seal in seals] == shipped


def test_a_curation_raises_a_tier_and_leaves_the_row_as_printed():
    raised = tables()
    raised["curations"] += "T2.1,2027-01-15,A. Curator,A,full text,table 2 of the paper\n"
    after, before = build(raised).assertions["T2.1"], base().assertions["T2.1"]
    assert (before.tier, after.tier, after.status) == ("E", "A", "full text")
    assert after.as_printed == before.as_printed


def test_json_rows_have_the_fields_that_programs_read():
    row = evidence.find(assay="tube", cell_line="JIMT-1", endpoint="IC50")[0].document()
    assert json.loads(json.dumps(row))["value"] == 73.7
    assert {
        "id", "study", "compound", "cell_line", "assay", "endpoint", "as_printed", "relation",
        "value", "low", "high", "unit", "tier", "status", "flags", "source",
    } <= set(row)  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "near"),
    [
        ("JIMT-1", "same line"),
        ("MCF-7", "same tissue"),
        ("PANC-1", "other cells"),
        ("a line of our own", "other cells"),
        ("", "other cells"),
    ],
)
def test_cells_are_near_by_line_then_by_tissue(cells, near):
    claim = Claim("defactinib", "tube", value_molar=1e-7, cell_line=cells)
    found = {other.assertion.id: other.cells for other in compare(claim).comparable}
    assert found["T2.1"] == near


def test_the_sentence_holds_ratio_and_interval():
    # 100 / 73.7 = 1.36; 10^(0.1325 -+ 1.96 * 0.4) = 0.22 to 8.3.
    claim = Claim("defactinib", "tube", value_molar=1e-7, cell_line="JIMT-1")
    assert "Within 3-fold: 1.4 times (0.22 to 8.3) IC50 73.7 nM in JIMT-1" in (
        "\n".join(compare(claim).messages)
    )


def test_only_lines_that_share_a_name_have_homonyms():
    shared = {line.name: line.homonyms for line in base().cell_lines if line.homonyms}
    assert shared == {
        "TT": ("CVCL_3174",),
        "T.T": ("CVCL_1774",),
        "PC-3": ("CVCL_C8XA",),
        "PC3 (oral)": ("CVCL_0035",),
    }


def test_what_contradicts_a_row_is_shown_and_what_supports_it_is_not():
    # By the links: E37 and E38 say the opposite of T2.5, E36 and E39 agree with it.
    against = {row.id for row in evidence.contradicting([base().assertions["T2.5"]])}
    assert against == {"E37", "E38"}
    assert {row.id for row in evidence.contradicting([base().assertions["E37"]])} == {"T2.5"}
    assert evidence.contradicting([base().assertions["T1.2"]]) == ()


# Canonical numbers by hand: nM of the printed unit; a fall of 30 to 50 % leaves 50 to 70 %.
@pytest.mark.parametrize(
    ("row", "canonical"),
    [
        ("T1.1", (None, 2000.0, 5000.0, "nM")),
        ("T1.2", (1980.0, None, None, "nM")),
        ("T2.1", (73.7, None, None, "nM")),
        ("T2.3", (None, None, None, "")),
        ("T2.5", (None, 50.0, 70.0, "% of control")),
        ("E04", (None, None, None, "")),
        ("E05", (None, None, 50.0, "% of control")),
        ("E22", (None, 5000.0, None, "nM")),
    ],
)
def test_each_number_has_its_canonical_form(row, canonical):
    assert base().assertions[row].canonical == canonical


def test_studies_are_records_of_their_own_and_say_how_they_were_traced():
    studies = base().studies
    guide = {row.study for key, row in base().assertions.items() if key.startswith("T")}
    assert {key: studies[key].traced for key in guide} == {
        "LeLarge2021": "inferred",
        "OBrien2014": "inferred",
        "Masuyama": "inferred",
        "Mousson2021": "named",
    }


def test_rows_are_found_by_target():
    pyk2 = {row.id for row in evidence.find(target="PYK2")}
    assert pyk2 == {"E02", "E26", "E44"}  # by the target notes of the curated rows
    assert len(evidence.find(target="FAK")) > 50


def test_the_salt_finds_the_rows_of_its_free_base():
    assert evidence.find("VS-6063 HCl") == evidence.find("defactinib")


def test_the_citation_of_the_guide_is_as_it_asks():
    assert evidence.GUIDE_CITATION.startswith("BenchChem, Defactinib's Impact on Cancer Cell")
    assert evidence.GUIDE_CITATION.endswith("2025.")


def test_the_row_of_another_compound_is_marked():
    sure = {row.id: row.compound_confirmed for row in evidence.find() if row.id.startswith("T")}
    assert [key for key, known in sure.items() if not known] == ["T2.5"]


def with_context(**said: str):
    """The base after somebody read the full text of T2.1: a new row with its conditions."""
    grown = tables()
    header, *lines = grown["assertions"].splitlines()
    row = dict(zip(header.split(","), next(csv.reader([lines[3]])), strict=True))
    row |= {"id": "F01", "exposure_h": "6", "serum_percent": "10", "matrix": "Matrigel", **said}
    grown["assertions"] += ",".join(f'"{row[name]}"' for name in header.split(",")) + "\n"
    grown["curations"] += "F01,2027-01-15,A. Curator,A,full text,figure 3\n"
    return build(grown)


TUBES = Claim(
    "defactinib",
    "tube",
    value_molar=100e-9,
    cell_line="JIMT-1",
    engagement_shown=True,
    lowest_dose_molar=1e-9,
    highest_dose_molar=1e-5,
    exposure_h=6.0,
    serum_percent=10.0,
    matrix="Matrigel, growth factor reduced",
)


def neighbour(monkeypatch, claim, **said: str):
    """What is said of the row of full text beside a claim, and the messages."""
    grown = with_context(**said)
    for module in ("base", "query"):
        monkeypatch.setattr(f"lamella.evidence.{module}.base", lambda: grown)
    result = compare(claim)
    every = (*result.comparable, *result.others)
    return next(one for one in every if one.assertion.id == "F01"), result.messages


def test_a_row_under_the_same_conditions_is_compared_without_reserve(monkeypatch):
    row, messages = neighbour(monkeypatch, TUBES)
    assert (row.reasons, row.unstated) == ((), ())
    assert row.distance == "within 3-fold"
    assert not any(message.startswith("No verified value") for message in messages)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lowest_dose_molar": 1e-7}, "73.7 nM lies outside the doses tested here"),
        ({"exposure_h": 24.0}, "exposure was 6 h, not 24 h"),
        ({"serum_percent": 0.5}, "serum was 10 %, not 0.5 %"),
        ({"matrix": "collagen I"}, "the matrix was Matrigel, not collagen I"),
        ({"endpoint": "EC50"}, "the endpoint is IC50, not EC50"),
        ({"assay": "viability"}, "the assay is tube formation, not viability"),
        ({"value_molar": None}, "the study gives no number"),
    ],
)
def test_a_condition_that_differs_is_a_reason_not_to_compare(monkeypatch, change, reason):
    row, _ = neighbour(monkeypatch, replace(TUBES, **change))
    assert row.log10_ratio is None
    assert any(said.startswith(reason) for said in row.reasons)


def test_gaps_of_another_method_are_not_compared(monkeypatch):
    said = {"assay": "scratch", "gap_method": "culture insert", "matrix": ""}
    claim = replace(TUBES, assay="scratch", matrix="", gap_method="p200 tip")
    row, messages = neighbour(monkeypatch, claim, **said)
    assert row.reasons == ("the gap was made with culture insert, not p200 tip",)
    assert messages[0].startswith("Not comparable because conditions differ")
    row, _ = neighbour(monkeypatch, replace(claim, gap_method="ibidi insert"), **said)
    assert (row.reasons, row.unstated) == ((), ())


def test_conditions_that_nobody_states_are_told_before_any_distance():
    messages = compare(Claim("defactinib", "tube", value_molar=1e-7)).messages
    assert messages[1] == (
        "Not shown to be comparable: dose range, exposure, serum and matrix are not stated on "
        "both sides, so a distance holds only if alike."
    )


# 73.7 nM times 2, 5 and 20.
@pytest.mark.parametrize(
    ("value_nm", "words"),
    [(147.4, "Within 3-fold"), (368.5, "3- to 10-fold apart"), (1474, "More than 10-fold apart")],
)
def test_the_distance_is_told_in_three_steps(value_nm, words):
    claim = Claim("defactinib", "tube", value_molar=value_nm * 1e-9, cell_line="JIMT-1")
    told = [message for message in compare(claim).messages if "73.7 nM in JIMT-1" in message]
    assert told[0].startswith(words)


def test_supporting_and_contradicting_rows_stand_side_by_side():
    result = compare(Claim("defactinib", "viability", value_molar=3e-6))
    assert {row.id for row in result.supporting} == {"E32", "E34"}
    assert {row.id for row in result.contradicting} == {"E09", "E16"}
    words = [message.split(" by:")[0] for message in result.messages]
    assert words.index("Supported") + 1 == words.index("Contradicted")


@pytest.mark.parametrize(
    ("toxicity", "message"),
    [
        (Toxicity("JIMT-1", 2e-7), "may be toxicity: viability falls at 2 times"),
        (Toxicity("JIMT-1", 5e-7), "separated in part: viability falls at 5 times"),
        (Toxicity("JIMT-1", 2e-6), "separable: viability falls at 20 times"),
        (Toxicity("JIMT-1", None, 1e-5), "separable: viability falls at more than 1e+02 times"),
        (Toxicity("JIMT-1", None, 3e-7), "Selectivity is open: viability falls at more than 3"),
        (Toxicity("TT", 2e-6), "Selectivity is not judged: viability was measured in TT"),
    ],
)
def test_selectivity_is_told_in_the_same_cells_alone(toxicity, message):
    messages = compare(replace(TUBES, toxicity=toxicity)).messages
    (said,) = [text for text in messages if message.split(":")[0].split(" is ")[0] in text]
    assert message in said


@pytest.mark.parametrize(
    ("value_nm", "shown", "words"),
    [
        (100, True, ""),
        (100, False, "no FAK phosphorylation was measured in the same cells"),
        (5000, True, "5 µM is more than 30 times the doses"),
        (5000, False, "5 µM is more than 30 times the doses"),
    ],
)
def test_specificity_needs_a_blot_and_a_dose_near_those_that_stop_the_kinase(
    value_nm, shown, words
):
    claim = replace(TUBES, value_molar=value_nm * 1e-9, engagement_shown=shown)
    said = [text for text in compare(claim).messages if text.startswith("Specificity")]
    assert [words in text for text in said] == ([True] if words else [])


def test_tt_is_the_same_line_only_when_its_accession_says_so():
    claim = Claim("defactinib", "viability", value_molar=2e-6, cell_line="TT")
    found = {one.assertion.id: one.cells for one in compare(claim).comparable}
    assert found["T1.2"] == "other cells"
    sure = compare(replace(claim, accession="CVCL_1774")).comparable
    assert {one.assertion.id: one.cells for one in sure}["T1.2"] == "same line"
