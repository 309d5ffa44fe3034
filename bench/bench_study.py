"""How long a correction takes on a 96-well study: one unit measured, everything settled again."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lamella.study import RunOptions, make_plan, run, run_plan
from lamella.study.decisions import append_decision
from lamella.study.demo import write_study
from lamella.study.events import Event
from lamella.study.parts import PartStore
from lamella.study.running import load_plan
from lamella.study.settling import measured_rows
from lamella.table.edits import Edit, Target
from lamella.virtual.study import demo_study

_WELLS = 96
_FRAMES = 24


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 wells x 24 frames: four batches of a vehicle and seven doses in triplicate."""
    folder = tmp_path_factory.mktemp("plate") / "study"
    virtual = demo_study(seed=3, size_px=96)
    times = tuple(float(hour) for hour in range(_FRAMES))
    virtual = replace(virtual, doses_molar=virtual.doses_molar[:7], batches=4, times_h=times)
    write_study(virtual, folder, workers=2)
    run(folder, RunOptions(engine="processes", workers=2))
    return folder


def test_settling_96_wells_without_fitting(benchmark: Any, study: Path) -> None:
    plan = make_plan(study)
    planned, store = plan.assays[0], PartStore(plan.results)
    found = [store.read_record("scratch", c.unit.plate, c.unit.well) for c in plan.calls]
    records = [record for record in found if record is not None]
    measured = measured_rows(records, store, study="", design=plan.design)
    rows = benchmark(planned.assay.settle, measured, plan.design, planned.settings)
    speeds = [row for row in rows if row.metric == "edge_speed" and not row.field]
    assert len(speeds) == _WELLS
    benchmark.extra_info["rows"] = len(measured)


def test_settling_and_fitting_96_wells(benchmark: Any, study: Path) -> None:
    plan = make_plan(study)
    result = benchmark(load_plan, plan)
    assert len(result.assays[0].wells) == _WELLS
    benchmark.extra_info |= {"wells": _WELLS, "frames": _WELLS * _FRAMES}
    benchmark.extra_info["rows"] = len(result.assays[0].rows)


def test_an_edited_mask_on_96_wells(benchmark: Any, study: Path) -> None:
    numbers = count()
    measured: list[str] = []

    def listen(event: Event) -> None:
        if event.kind == "unit":
            measured.append(event.place)

    def edited() -> tuple[tuple[Any, ...], dict[str, Any]]:
        number = next(numbers)
        square = [[[20, 20], [60 + number, 20], [60, 60]]]
        target = Target("scratch", "P1", "B03", "f1", 1)
        append_decision(study, Edit(f"e{number}", "mask", target, data={"polygons": square}))
        measured.clear()
        return (make_plan(study), RunOptions()), {"progress": listen}

    benchmark.pedantic(run_plan, setup=edited, rounds=3)
    assert measured == ["P1 B03"]
