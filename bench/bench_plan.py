"""How long planning takes: the demonstration study from the command line, a plate, the power."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamella.design.layout import Treatment, lay_out, with_controls
from lamella.potency.planning import CurvePlan, batches_for_interval, planned_spread
from lamella.study import demo as study_demo
from lamella.units import Dose

HALF_LOGS = tuple(10 ** (step / 2 - 9) for step in range(1, 9))


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demonstration study; its pictures, which a plan never opens, are not rendered."""
    monkeypatch.setattr(study_demo, "_write_well", lambda *_: None)
    monkeypatch.setattr(study_demo, "true_potency", lambda _: study_demo.Truth(None, "nM", ""))
    study_demo.write_demo("scratch", tmp_path / "study")
    return tmp_path / "study"


def test_planning_the_demonstration_study(benchmark: Any, demo: Path) -> None:
    """A fresh process: start, imports, plan, sheets and tables. The limit is 2 s on one core."""
    command = [sys.executable, "-m", "lamella", "plan", str(demo)]
    done = benchmark(subprocess.run, command, capture_output=True, text=True, check=True)
    assert "bench sheets:" in done.stdout
    page = (demo / "plan.html").read_text("utf-8")
    assert page.count('<article class="sheet"') == 3
    benchmark.extra_info["page_bytes"] = len(page.encode())


@pytest.mark.parametrize(("plate_format", "replicates"), [(24, 2), (96, 3), (384, 12)])
def test_laying_out_a_plate(benchmark: Any, plate_format: int, replicates: int) -> None:
    doses = [Dose(dose) for dose in HALF_LOGS[: 4 if plate_format == 24 else 8]]
    positive = Treatment("positive", 2, "cytochalasin D", Dose(1e-6))
    arms = with_controls(doses, compound="defactinib", replicates=replicates, positive=positive)
    made = benchmark(lay_out, arms, plate_format=plate_format, seed=1)
    assert len(made.index) == sum(arm.wells for arm in arms)
    benchmark.extra_info["wells"] = len(made.index)


def test_planning_the_width_of_an_interval(benchmark: Any) -> None:
    plan = CurvePlan(HALF_LOGS, wells=3, vehicle_wells=5, ic50_molar=2e-7)

    def planned() -> int | None:
        spread = planned_spread(plan, rng=np.random.default_rng(1))
        return batches_for_interval(2.0, spread=spread, rng=np.random.default_rng(2)).batches

    assert benchmark(planned) == 5
