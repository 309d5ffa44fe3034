"""How long does a corrected mask take on 96 wells of 24 frames, stage by stage?

    python bench/bench_study.py                      # prints, and writes bench/results/study.json
    python bench/bench_study.py --study DIR          # keeps the study there for the next time

As a test it checks the answer of each stage. As a script each round corrects one mask and runs
the study again, in this process and then as `lamella run`. Stated are seconds of wall clock and
of the processor, minimum and median of the rounds. Both depend on what else the machine does:
the load is stated too, and how long a fixed loop of Python took.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import pytest

from lamella.study import RunOptions, StudyResult, make_plan, run, run_plan, running, settling
from lamella.study.decisions import append_decision
from lamella.study.demo import write_study
from lamella.study.events import Event
from lamella.study.parts import PartStore
from lamella.study.running import load_plan
from lamella.study.settling import measured_rows
from lamella.table.edits import Edit, Target
from lamella.virtual.study import demo_study

WELLS, FRAMES = 96, 24
_SIZE_PX = 96
_RESULT = Path(__file__).parent / "results" / "study.json"
_PLACE = ("P1", "B03")
_SIDE_PX = 40
# Functions of a run whose time is taken, by what they do.
_STAGES = (
    ("check stamps, measure one unit", running, "_measure"),
    ("read parts", running, "measured_rows"),
    ("settle and fit", running, "settle"),
    ("fit", settling, "dose_response"),
    ("findings and facts", running, "study_result"),
    ("write results", running, "write_rows"),
)


@dataclass(frozen=True)
class Seconds:
    """Wall clock and processor."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)

    @classmethod
    def now(cls) -> Seconds:
        """Both clocks; that of the processor counts finished child processes too."""
        used = os.times()
        cpu = used.user + used.system + used.children_user + used.children_system
        return cls(time.perf_counter(), cpu)


@dataclass
class Round:
    """Seconds of one correction by stage, and the state of the machine."""

    seconds: dict[str, Seconds] = field(default_factory=lambda: defaultdict(Seconds))
    measured: list[str] = field(default_factory=list)
    load: float = 0.0
    loop_s: float = 0.0


def make_study(folder: Path, *, workers: int = 1) -> Path:
    """96 wells x 24 frames, run once: four batches of a vehicle and seven doses in triplicate."""
    virtual = demo_study(seed=3, size_px=_SIZE_PX)
    times = tuple(float(hour) for hour in range(FRAMES))
    virtual = replace(virtual, doses_molar=virtual.doses_molar[:7], batches=4, times_h=times)
    write_study(virtual, folder, workers=workers)
    run(folder, RunOptions(engine="processes" if workers > 1 else "serial", workers=workers))
    run(folder)  # its pictures are old enough by now for their headers to be remembered
    return folder


def correct(folder: Path, number: int) -> None:
    """One more correction of the mask of one frame: a square, each time in another place."""
    x, y = 20 + number % 30, 20
    square = [[x, y], [x + _SIDE_PX, y], [x + _SIDE_PX, y + _SIDE_PX], [x, y + _SIDE_PX]]
    target = Target("scratch", *_PLACE, "f1", 1)
    name = f"e{number}-{time.time_ns()}"
    append_decision(folder, Edit(name, "mask", target, data={"polygons": [square]}))


def check(result: StudyResult, timed: Round) -> None:
    """One unit was measured again, its frame has the area drawn, and every well its speed."""
    assert timed.measured == [" ".join(_PLACE)], timed.measured
    (assay,) = result.assays
    pixel_um = 1024.0 / _SIZE_PX
    areas = [
        row.value
        for row in assay.rows
        if (row.metric, row.plate, row.well, row.frame, row.object)
        == ("gap_area", *_PLACE, 1, None)
    ]
    assert len(areas) == 1 and areas[0] is not None
    assert abs(areas[0] / (_SIDE_PX * pixel_um) ** 2 - 1) < 1e-6, areas
    assert len(assay.wells) == WELLS
    assert assay.potency is not None and len(assay.potency.curves) == 5


def in_process(folder: Path, number: int) -> Round:
    """Correct one mask and run the study in this process."""
    correct(folder, number)
    timed = Round(load=os.getloadavg()[0], loop_s=_loop())

    def listen(event: Event) -> None:
        if event.kind == "unit":
            timed.measured.append(event.place)

    with ExitStack() as stack:
        for stage, module, name in _STAGES:
            stack.enter_context(_clocked(module, name, stage, timed))
        begun = Seconds.now()
        plan = make_plan(folder)
        planned = Seconds.now()
        result = run_plan(plan, RunOptions(), progress=listen)
        ended = Seconds.now()
    seconds = timed.seconds
    seconds["settle"] = seconds["settle and fit"] - seconds["fit"]
    seconds["plan"] = planned - begun
    seconds["from measured unit to written results"] = (
        ended - planned - seconds["check stamps, measure one unit"]
    )
    seconds["correction, plan made (run_plan)"] = ended - planned
    seconds["correction with its plan"] = ended - begun
    check(result, timed)
    return timed


def as_command(folder: Path, number: int) -> Round:
    """Correct one mask and run `lamella run`, with start of the interpreter and report."""
    correct(folder, number)
    timed = Round(load=os.getloadavg()[0], loop_s=_loop())
    begun = Seconds.now()
    done = subprocess.run(
        [sys.executable, "-m", "lamella", "run", str(folder), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    timed.seconds["lamella run, with report"] = Seconds.now() - begun
    assert "95 of 96 kept, 1 to measure" in done.stderr, done.stderr
    assert json.loads(done.stdout)["assays"][0]["result"] is not None
    return timed


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(tmp_path_factory.mktemp("plate") / "study", workers=2)


def test_settling_96_wells_without_fitting(benchmark: Any, study: Path) -> None:
    plan = make_plan(study)
    planned, store = plan.assays[0], PartStore(plan.results)
    found = [store.read_record("scratch", c.unit.plate, c.unit.well) for c in plan.calls]
    records = [record for record in found if record is not None]
    measured = measured_rows(records, store, study="", design=plan.design)
    rows = benchmark(planned.assay.settle, measured, plan.design, planned.settings)
    speeds = [row for row in rows if row.metric == "edge_speed" and not row.field]
    assert len(speeds) == WELLS
    benchmark.extra_info["rows"] = len(measured)


def test_settling_and_fitting_96_wells(benchmark: Any, study: Path) -> None:
    plan = make_plan(study)
    result = benchmark(load_plan, plan)
    assert len(result.assays[0].wells) == WELLS
    benchmark.extra_info |= {"wells": WELLS, "frames": WELLS * FRAMES}
    benchmark.extra_info["rows"] = len(result.assays[0].rows)


def test_a_corrected_mask_on_96_wells(benchmark: Any, study: Path) -> None:
    numbers = count()
    benchmark.pedantic(lambda: in_process(study, next(numbers)), rounds=3)


def test_a_corrected_mask_on_96_wells_as_a_command(benchmark: Any, study: Path) -> None:
    numbers = count(100)
    benchmark.pedantic(lambda: as_command(study, next(numbers)), rounds=1)


@contextmanager
def _clocked(module: Any, name: str, stage: str, timed: Round) -> Iterator[None]:
    inner: Callable[..., Any] = getattr(module, name)

    def clocked(*args: Any, **more: Any) -> Any:
        begun = Seconds.now()
        try:
            return inner(*args, **more)
        finally:
            timed.seconds[stage] += Seconds.now() - begun

    with mock.patch.object(module, name, clocked):
        yield


def _loop() -> float:
    begun = Seconds.now()
    total = 0
    for number in range(2_000_000):
        total += number
    assert total
    return (Seconds.now() - begun).wall


def _summary(rounds: list[Round]) -> dict[str, dict[str, float]]:
    return {
        stage: {
            "min_s": round(min(r.seconds[stage].wall for r in rounds), 3),
            "median_s": round(median(r.seconds[stage].wall for r in rounds), 3),
            "cpu_min_s": round(min(r.seconds[stage].cpu for r in rounds), 3),
            "cpu_median_s": round(median(r.seconds[stage].cpu for r in rounds), 3),
        }
        for stage in rounds[0].seconds
    }


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--study", type=Path, help="make the study here, or use the one that is")
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.study or Path(scratch) / "study"
        if not (folder / "results").is_dir():
            make_study(folder)
        in_process(folder, 0)  # loads what is loaded once
        inside = [in_process(folder, n) for n in range(1, args.rounds + 1)]
        outside = [as_command(folder, n) for n in range(args.rounds + 1, 2 * args.rounds + 1)]
    every = inside + outside
    document = {
        "command": f"python bench/bench_study.py --rounds {args.rounds}",
        "study": f"{WELLS} wells x {FRAMES} frames of {_SIZE_PX} px, four plates; seed 3",
        "rounds": args.rounds,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(min(r.load for r in every), 1), round(max(r.load for r in every), 1)],
        "loop_of_2e6_additions_s": [
            round(min(r.loop_s for r in every), 3),
            round(median(r.loop_s for r in every), 3),
        ],
        "stages": _summary(inside) | _summary(outside),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    _RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    _main()
