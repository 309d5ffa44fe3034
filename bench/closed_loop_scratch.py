"""Does the line get back what was put in? Rendered studies against the truth of their masks.

Each study is simulated, rendered, measured, settled and fitted in memory, nothing told to the
measurement but the pixel size and the times. Three answers are compared:

* the truth: the same read-out and the same fit on noise-free masks without batches or wells;
* from the pictures: what a laboratory would get;
* from the masks: the true masks of every well instead of the pictures, so that an error of the
  outline can be told from the chance of batches and wells and from an error of the fit.

Run it from the root of the repository; it resumes where it was stopped:

    python bench/closed_loop_scratch.py --seeds 20

Each study is one line of `bench/results/closed_loop_scratch.jsonl`, the summary is
`bench/results/closed_loop_scratch.json`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lamella import __version__
from lamella.assays import scratch
from lamella.inputs.images.series import Frame, Series, Unit
from lamella.study.demo import true_potency
from lamella.study.dose_response import dose_response, readout_values
from lamella.table.rows import Observation
from lamella.table.wells import Design, Well
from lamella.units import Dose, dose_unit_scale
from lamella.virtual.scratch import ScratchSeries
from lamella.virtual.study import (
    ScratchStudy,
    beyond_top_study,
    demo_study,
    flat_study,
    plan_wells,
    render_field,
)

RESULTS = Path(__file__).parent / "results"
TIMES_H = tuple(float(hour) for hour in range(0, 25, 4))
SCENARIOS = {"demo": demo_study, "flat": flat_study, "beyond_top": beyond_top_study}


@dataclass(frozen=True)
class ArrayReader:
    """Reads frames that lie in memory as if they were files."""

    frames: NDArray[np.uint8]

    def __call__(self, path: Path, plane: int, /) -> NDArray[np.float32]:
        return self.frames[plane].astype(np.float32)


@dataclass(frozen=True)
class Answer:
    """What may be said of the potency of one study, in nM."""

    verdict: str
    batch_verdicts: tuple[str, ...]
    ic50_nm: float | None
    low_nm: float | None
    high_nm: float | None


@dataclass(frozen=True)
class Outcome:
    """One study: its truth, both answers, and how far closures and speeds are off."""

    scenario: str
    seed: int
    truth_nm: float | None
    pictures: Answer
    masks: Answer
    closure_rmse: float
    closure_bias: float
    speed_bias_percent: float
    frames: int
    lost_frames: int
    seconds: float


def unit_of(series: ScratchSeries, plate: str, well: str) -> Unit:
    """A rendered series as the unit that an assay measures."""
    reader = ArrayReader(series.frames)
    height, width = series.frames.shape[1:]
    frames = tuple(
        Frame(Path(f"{well}.tif"), i, (height, width), reader, i, float(hour))
        for i, hour in enumerate(series.times_h)
    )
    return Unit(plate, well, (Series("1", frames, series.pixel_um),))


def measured(series: ScratchSeries, plate: str, well: str) -> list[Observation]:
    """The rows of one rendered series, its pictures dropped."""
    settings = scratch.ScratchSettings()
    found = scratch.ASSAY.measure(unit_of(series, plate, well), settings)
    return [row for row in found if isinstance(row, Observation)]


@dataclass(frozen=True)
class Filmed:
    """A rendered study: rows read from its pictures and from its true masks, and true areas."""

    wells: tuple[Well, ...]
    from_pictures: list[Observation]
    from_masks: list[Observation]
    true_px: dict[tuple[str, str], NDArray[np.float64]]


def film(study: ScratchStudy) -> Filmed:
    """Render every well, measure it, and settle the rows of pictures and of masks apart."""
    planned = plan_wells(study)
    seen: list[Observation] = []
    known: list[Observation] = []
    true_px: dict[tuple[str, str], NDArray[np.float64]] = {}
    for well in planned:
        series = render_field(study, well)
        seen += measured(series, well.plate, well.well)
        known += scratch.rows_of_masks(
            series.truth,
            times_h=study.times_h,
            pixel_um=series.pixel_um,
            place=(well.plate, well.well, "1"),
        )
        true_px[well.plate, well.well] = series.truth.sum(axis=(1, 2)).astype(float)
    wells = tuple(
        Well(w.plate, w.well, w.batch, w.role, dose=Dose(w.dose_molar) if w.dose_molar else None)
        for w in planned
    )
    settled = [
        scratch.ASSAY.settle(rows, Design(wells), scratch.ScratchSettings())
        for rows in (seen, known)
    ]
    return Filmed(wells, list(settled[0]), list(settled[1]), true_px)


def closed_loop(study: ScratchStudy, *, scenario: str) -> Outcome:
    """Film and fit one study, and put its truth beside it."""
    start = time.perf_counter()
    filmed = film(study)
    error = np.array(list(closure_errors(filmed)))
    frames = len(filmed.wells) * len(study.times_h)
    return Outcome(
        scenario=scenario,
        seed=study.seed,
        truth_nm=truth_nm(replace(study, seed=0)),
        pictures=answer(filmed.wells, filmed.from_pictures),
        masks=answer(filmed.wells, filmed.from_masks),
        closure_rmse=float(np.sqrt(np.mean(error**2))),
        closure_bias=float(np.mean(error)),
        speed_bias_percent=speed_bias(filmed),
        frames=frames,
        lost_frames=frames - error.size,
        seconds=time.perf_counter() - start,
    )


@cache
def truth_nm(study: ScratchStudy) -> float | None:
    """The IC50 of the read-out on noise-free masks [nM]; the seed does not enter."""
    truth = true_potency(study)
    return None if truth.value is None else truth.value * dose_unit_scale(truth.dose_unit)[1] / 1e-9


def closure_errors(filmed: Filmed) -> Iterator[float]:
    """Measured closure less the closure of the true masks [points], each frame that has one."""
    for row in filmed.from_pictures:
        if row.metric == "closure" and row.frame is not None and row.value is not None:
            area = filmed.true_px[row.plate, row.well]
            yield row.value - 100 * (1 - area[row.frame] / area[0])


def speed_bias(filmed: Filmed) -> float:
    """Median of (speed from pictures / speed from masks - 1) over the wells [%]."""
    seen = readout_values(filmed.from_pictures, "edge_speed")
    known = readout_values(filmed.from_masks, "edge_speed")
    ratios = [seen[key] / known[key] for key in seen if known.get(key, 0.0) > 0]
    return 100 * (float(np.median(ratios)) - 1)


def answer(wells: tuple[Well, ...], rows: list[Observation]) -> Answer:
    """The dose-response of the default read-out."""
    values = readout_values(rows, scratch.ASSAY.readouts[0])
    found = dose_response(wells, values, name="Edge speed")
    if found.potency is None:
        return Answer(found.reason, (), None, None, None)
    scale = dose_unit_scale(found.dose_unit)[1] / 1e-9
    between, curves = found.potency.between_batches, found.potency.curves
    verdicts = tuple(curve.verdict for curve in curves if curve.batch is not None)
    if between is None:
        return Answer(curves[0].verdict, verdicts, None, None, None)
    number = [None if x is None else x * scale for x in (between.value, between.low, between.high)]
    return Answer(between.verdict, verdicts, *number)


def summary(outcomes: list[Outcome]) -> dict[str, object]:
    """Figures over all studies of each scenario."""
    command = f"python bench/closed_loop_scratch.py {' '.join(sys.argv[1:])}".strip()
    told: dict[str, object] = {"lamella": __version__, "command": command}
    for scenario in SCENARIOS:
        mine = [outcome for outcome in outcomes if outcome.scenario == scenario]
        if not mine:
            continue
        told[scenario] = {
            "seeds": sorted(outcome.seed for outcome in mine),
            "frames": sum(outcome.frames for outcome in mine),
            "lost_frames": sum(outcome.lost_frames for outcome in mine),
            "closure_rmse_points": _root_mean_square([o.closure_rmse for o in mine]),
            "closure_bias_points": float(np.mean([o.closure_bias for o in mine])),
            "speed_bias_percent": float(np.mean([o.speed_bias_percent for o in mine])),
            "pictures": _summary_of([(o.truth_nm, o.pictures) for o in mine]),
            "masks": _summary_of([(o.truth_nm, o.masks) for o in mine]),
            "seconds": sum(outcome.seconds for outcome in mine),
        }
    return told


def _summary_of(answers: list[tuple[float | None, Answer]]) -> dict[str, object]:
    verdicts: dict[str, int] = {}
    batches: dict[str, int] = {}
    off, covered = [], 0
    for truth, found in answers:
        verdicts[found.verdict] = verdicts.get(found.verdict, 0) + 1
        for verdict in found.batch_verdicts:
            batches[verdict] = batches.get(verdict, 0) + 1
        if truth is None or found.ic50_nm is None:
            continue
        off.append(math.log10(found.ic50_nm / truth))
        low = -math.inf if found.low_nm is None else found.low_nm
        high = math.inf if found.high_nm is None else found.high_nm
        covered += low <= truth <= high
    known = (
        {}
        if not off
        else {
            "log10_ic50_bias": float(np.mean(off)),
            "log10_ic50_bias_se": float(np.std(off, ddof=1) / np.sqrt(len(off)))
            if off[1:]
            else None,
            "log10_ic50_rmse": _root_mean_square(off),
            "interval_covers": f"{covered} of {len(off)}",
        }
    )
    return {"verdicts": verdicts, "batch_verdicts": batches, **known}


def _root_mean_square(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _read(path: Path) -> list[Outcome]:
    if not path.is_file():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Outcome(
            **{**line, "pictures": Answer(**line["pictures"]), "masks": Answer(**line["masks"])}
        )
        for line in lines
    ]


def main() -> None:
    """Run what is missing, then sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="studies of the demo compound")
    parser.add_argument("--others", type=int, default=3, help="studies of the other scenarios")
    parser.add_argument("--size-px", type=int, default=320)
    parser.add_argument("--wells", type=int, default=2, help="replicate wells a dose")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    lines = RESULTS / "closed_loop_scratch.jsonl"
    outcomes = _read(lines)
    done = {(outcome.scenario, outcome.seed) for outcome in outcomes}
    for scenario, make in SCENARIOS.items():
        for seed in range(1, 1 + (options.seeds if scenario == "demo" else options.others)):
            if (scenario, seed) in done:
                continue
            study = make(seed=seed, size_px=options.size_px)
            study = replace(study, wells_per_dose=options.wells, times_h=TIMES_H)
            outcomes.append(closed_loop(study, scenario=scenario))
            with lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcomes[-1])) + "\n")
            print(json.dumps(asdict(outcomes[-1])), flush=True)
    text = json.dumps(summary(outcomes), indent=1)
    (RESULTS / "closed_loop_scratch.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
