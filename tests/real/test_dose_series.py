"""A real dose series, run as a study: NIH-3T3 under oblique light, three doses of 0, 24 and 48 h.

The dose unit and the compound are not stated by the source, so doses are in `au` and no potency
may be claimed; what can be checked is what a person sees in the pictures.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from lamella.study import RunOptions, StudyResult, run
from lamella.table.rows import Observation

_WELLS = {"con": "A01", "16": "A02", "62": "A03", "125": "A04"}
_NAME = re.compile(r"3t3\.(\w+)\.0\.5fbs\.(\d+)h\.(\d)\.jpg")
_STUDY = """\
[study]
title = "NIH-3T3 scratch, three doses of a compound that its source does not name"
cell_line = "NIH-3T3"
cell_line_accession = "CVCL_0594"

[[assay]]
kind = "scratch"
images = "images/{plate}/{well}_{field}_{time}.jpg"

[assay.protocol]
serum_percent = 0.5
"""


@pytest.fixture(scope="module")
def result(
    shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> StudyResult:
    folder = tmp_path_factory.mktemp("zoe")
    images = folder / "images" / "P1"
    images.mkdir(parents=True)
    for path in sorted((shared_data("wound") / "zoe").glob("*.jpg")):
        found = _NAME.fullmatch(path.name)
        assert found is not None
        (images / f"{_WELLS[found[1]]}_{found[3]}_{found[2]}h.jpg").symlink_to(path)
    lines = ["plate,well,batch,role,compound,dose", "P1,A01,1,vehicle,,"]
    lines += [f"P1,{_WELLS[d]},1,test,not named,{d} au" for d in ("16", "62", "125")]
    (folder / "plates").mkdir()
    (folder / "plates" / "P1.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text(_STUDY, encoding="utf-8")
    return run(folder, RunOptions(engine="processes", workers=2))


def _mean(rows: list[Observation], metric: str, time_h: float) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.metric == metric and row.time_h == time_h and row.field and row.object is None:
            values[row.well].append(0.0 if row.value is None else row.value)
    return {well: sum(found) / len(found) for well, found in values.items()}


def test_all_groups_start_with_the_same_gap(result: StudyResult) -> None:
    means = _mean(list(result.assays[0].rows), "gap_area_fraction", 0.0)
    assert set(means) == set(_WELLS.values())
    assert max(means.values()) - min(means.values()) <= 0.03
    # 22 to 27 % of the field: the outlines by eye of three of these pictures (0.25 to 0.27)
    # and one method of the reference figures agree on that range.
    assert all(0.22 <= mean <= 0.27 for mean in means.values())


def test_the_vehicle_closes_and_the_top_dose_lags(result: StudyResult) -> None:
    rows = list(result.assays[0].rows)
    begun = _mean(rows, "gap_area_fraction", 0.0)

    def closure(well: str, time_h: float) -> float:
        return 100 * (1 - _mean(rows, "gap_area_fraction", time_h)[well] / begun[well])

    # By eye the vehicle has closed by at least three quarters at 48 h.
    assert closure("A01", 48.0) >= 75
    # Closure tells doses apart while the vehicle is below 80 %: at 24 h, not at 48 h, where the
    # last gap of the top dose holds scattered cells and every method finds little of it.
    assert closure("A01", 24.0) < 80
    assert closure("A04", 24.0) < closure("A01", 24.0) - 8
    speed = result.assays[0].wells
    assert speed["P1", "A04"] < 0.9 * speed["P1", "A01"]
    top = {r.text for r in rows if r.metric == "gap_state" and r.well == "A04"}
    assert "closed" not in top


def test_no_potency_is_claimed_from_three_doses(result: StudyResult) -> None:
    potency = result.assays[0].potency
    assert potency is not None
    assert {curve.verdict for curve in potency.curves} == {"insufficient_design"}
    assert all(curve.potency.value is None for curve in potency.curves)


def test_nothing_is_said_in_micrometres(result: StudyResult) -> None:
    assert not any("µm" in row.unit for row in result.assays[0].rows if row.value is not None)
