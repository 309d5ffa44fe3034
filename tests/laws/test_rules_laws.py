"""Which laws do the rules of design keep, whatever a study states?"""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given, settings
from hypothesis import strategies as st

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
from lamella.design.lint import lint
from lamella.table.wells import ROLES, Well
from lamella.units import Dose

WORDS = st.sampled_from(
    ["", "none", "wells of days", "pFAK Y397", "total FAK", "10x/0.3", "0x", "nan", "3,5 %", "gel"]
)
NUMBERS = st.sampled_from([0.0, 1.0, 24.0, 0.1, 100.0, 1e9])
PLACES = st.tuples(st.just("P1"), st.sampled_from(["B02", "B03", "lane"]))
ARMS = st.tuples(WORDS, WORDS, WORDS)
SPECIAL = {
    "kind": st.sampled_from(["scratch", "transwell", "invasion", "blot", "viability", "tracks"]),
    "insert": st.deferred(lambda: some(InsertFacts)),
    "matrix": st.deferred(lambda: some(MatrixFacts)),
    "blot": st.deferred(lambda: some(BlotFacts)),
    "curves": st.lists(
        st.builds(CurveFacts, WORDS, st.tuples(NUMBERS, NUMBERS), NUMBERS, NUMBERS), max_size=1
    ).map(tuple),
    "times_h": st.sampled_from([(), (0.0,), (0.0, 24.0), (0.0, 12.0, 24.0)]),
    "gap_width_um": st.dictionaries(PLACES, NUMBERS, max_size=2),
    "confluence_percent": st.dictionaries(PLACES, NUMBERS, max_size=2),
    "first_frame_h": st.dictionaries(ARMS, NUMBERS, max_size=1),
    "response_percent": st.dictionaries(ARMS, NUMBERS, max_size=2),
    "track_frames": st.dictionaries(WORDS, st.sampled_from([(), (1,), (2, 1)]), max_size=1),
    "unregistered": st.sampled_from([(), (("P1", "B02", ""),)]),
    "closed_in_window": st.sampled_from([(), (("P1", "B02"),)]),
    "homonyms": st.sampled_from([(), ("CVCL_1774", "CVCL_3174")]),
    "doubling_h": st.sampled_from([None, (1.0, 2.0), (3.0, 3.0)]),
}


def some(cls: type) -> st.SearchStrategy:
    """Any value of a class of facts, each of its fields stated or not."""
    made = {}
    for field in fields(cls):
        kind = str(field.type)
        if field.name in SPECIAL:
            made[field.name] = SPECIAL[field.name]
        elif "bool" in kind:
            made[field.name] = st.booleans()
        elif "int" in kind:
            made[field.name] = st.sampled_from([0, 1, 3, 9])
        elif "float" in kind:
            made[field.name] = st.none() | NUMBERS
        else:
            made[field.name] = WORDS
    return st.builds(cls, **made)


COLUMNS = ("solvent_percent", "day", "imaging_order", "coating", "attractant", "viability_percent")
WELLS = st.lists(
    st.builds(
        Well,
        st.sampled_from(["P1", "P2"]),
        st.sampled_from(["B02", "B03", "A01", "P24", "lane", ""]),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from(ROLES),
        WORDS,
        WORDS,
        st.sampled_from([None, Dose(0.0), Dose(1e-9), Dose(1e-6), Dose(5.0, "au")]),
        st.dictionaries(st.sampled_from(COLUMNS), WORDS, max_size=2),
    ),
    max_size=6,
).map(tuple)
FACTS = st.builds(
    Facts,
    WELLS,
    st.lists(some(AssayFacts), max_size=2).map(tuple),
    st.lists(some(CellFacts), max_size=2).map(tuple),
    st.none() | some(CompoundFacts),
    st.lists(some(CitedFacts), max_size=1).map(tuple),
    some(ReportingFacts),
    WORDS,
)


@settings(max_examples=80, deadline=None)
@given(FACTS)
def test_no_statement_stops_the_rules_and_each_finding_is_whole(facts):
    for finding in lint(facts):
        assert finding.place
        assert finding.message.rstrip()[-1] in ".)"
        assert finding.remedy.endswith(".")


@settings(max_examples=30, deadline=None)
@given(FACTS)
def test_the_order_of_wells_is_no_finding(facts):
    turned = replace(facts, wells=facts.wells[::-1])
    assert sorted((f.rule, f.level) for f in lint(facts)) == sorted(
        (f.rule, f.level) for f in lint(turned)
    )
