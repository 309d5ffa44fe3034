"""A finished study made by hand: batches, doses, flagged wells, pictures, potency."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lamella.assays.contract import Assay, Panel, Settings
from lamella.potency.result import (
    Band,
    BetweenBatches,
    CurveResult,
    Parameters,
    Potency,
    PotencyResult,
    Verdict,
)
from lamella.study.result import AssayResult, Preview, StudyResult
from lamella.table.findings import Finding
from lamella.table.rows import Metric, Observation
from lamella.table.wells import Design, Well
from lamella.units import Dose

CLOSURE = Metric("closure", "Closure", "%", "higher", "100 × (A₀ − Aₜ) / A₀")
SPEED = Metric("edge_speed", "Edge speed", "µm/h", "higher", "−(dA/dt) / 2L")
PANELS = (
    Panel("time_course", "The gap closes more slowly as the dose rises", "closure"),
    Panel("dose_response", "Edge speed over dose"),
    Panel("contact_sheet", "The outlines that were measured", "gap_state"),
    Panel("plate", "Edge speed on the plates", "edge_speed"),
    Panel("table", "All wells", "closure"),
)
TOP_SPEED_UM_H = 24.0
IC50_NM = 150.0


def wound_assay(panels: tuple[Panel, ...] = PANELS) -> Assay[Settings]:
    return Assay(
        name="wound",
        title="Wound closure",
        settings=Settings,
        metrics=(CLOSURE, SPEED),
        readouts=("edge_speed",),
        measure=lambda unit, settings: iter(()),
        settle=lambda rows, design, settings: rows,
        panels=panels,
        methods_text=lambda settings: "",
    )


@dataclass(frozen=True)
class Plan:
    """What the study looks like; doses in nM, 0 for vehicle."""

    batches: tuple[str, ...] = ("1", "2", "3")
    doses: tuple[float, ...] = (0, 1, 4, 16, 63, 250, 1000, 4000, 16000)
    wells: int = 2
    frames: int = 7
    jpeg_px: tuple[int, int] = (60, 80)
    quality: int = 80
    compound: str = "defactinib"
    title: str = "Defactinib on wound closure"
    reason: str = "the edge is out of focus"


def speed(dose_nm: float, batch: int) -> float:
    """True edge speed [µm/h]; batches differ in potency."""
    ic50 = IC50_NM * (0.8, 1.0, 1.3)[batch % 3]
    return TOP_SPEED_UM_H * (1 + 0.05 * (batch % 3)) / (1 + (dose_nm / ic50) ** 1.1)


def make_wells(plan: Plan) -> tuple[Well, ...]:
    """One plate a batch: a column a dose, a row a repeat (16 at most)."""
    return tuple(
        Well(
            plate=f"P{index + 1}",
            well=f"{'BCDEFGHIJKLMNOPA'[repeat]}{column + (1 if len(plan.doses) > 22 else 2):02d}",
            batch=batch,
            role="test" if dose_nm else "vehicle",
            cell_line="SUIT-2",
            compound=plan.compound if dose_nm else "",
            dose=Dose(dose_nm * 1e-9) if dose_nm else None,
        )
        for index, batch in enumerate(plan.batches)
        for column, dose_nm in enumerate(plan.doses)
        for repeat in range(plan.wells)
    )


def make_rows(plan: Plan, wells: tuple[Well, ...], speeds: dict) -> Iterator[Observation]:
    for well in wells:
        place = {"batch": well.batch, "plate": well.plate, "well": well.well, "assay": "wound"}
        for frame in range(plan.frames):
            time_h = 24.0 * frame / max(1, plan.frames - 1)
            closed = min(100.0, 2 * speeds[well.plate, well.well] * time_h / 6)
            yield Observation(
                "closure", closed, "%", field="1", frame=frame, time_h=time_h, **place
            )
        value = speeds[well.plate, well.well]
        yield Observation("edge_speed", value, "µm/h", low=value - 1, high=value + 1, **place)


def make_potency(plan: Plan, wells: tuple[Well, ...], speeds: dict) -> PotencyResult:
    curves = tuple(_curve(plan, wells, speeds, index) for index in range(len(plan.batches)))
    between = None
    if len(curves) > 1:
        text = "151 nM (95 % CI 88 to 259), n = 3 batches"
        between = BetweenBatches(
            len(curves), 151.0, 88.0, 259.0, "t-interval of the mean log10 IC50", text, "closed"
        )
    return PotencyResult("nM", "Edge speed, % of vehicle", curves, between)


def _curve(plan: Plan, wells: tuple[Well, ...], speeds: dict, index: int) -> CurveResult:
    own = [well for well in wells if well.batch == plan.batches[index]]
    doses = tuple(0.0 if well.dose is None else well.dose.amount * 1e9 for well in own)
    responses = tuple(100 * speeds[w.plate, w.well] / speed(0, index) for w in own)
    grid = tuple(float(x) for x in np.geomspace(0.5, 30000, 60))
    fit = tuple(100 * speed(x, index) / speed(0, index) for x in grid)
    ic50 = IC50_NM * (0.8, 1.0, 1.3)[index % 3]
    potency = potency_of("closed", ic50)
    none = Parameters(None, None, None, None)
    return CurveResult(
        id="",
        batch=plan.batches[index],
        model="4PL",
        runner_up="5PL",
        parameters=Parameters(float(np.log10(ic50)), 1.1, 100.0, 0.0),
        se=none,
        rss=12.0,
        df=len(own) - 4,
        relative_ic50=potency,
        absolute_ic50=potency,
        headline="absolute",
        flags=("upper_plateau_short",) if index == 1 else (),
        doses=doses,
        responses=responses,
        band=Band(grid, fit, tuple(y - 4 for y in fit), tuple(y + 4 for y in fit)),
    )


def potency_of(verdict: Verdict, value: float | None) -> Potency:
    if value is None:
        return Potency(None, None, None, verdict, "> 16 µM")
    low, high = value / 1.5, value * 1.5
    text = f"{value:.0f} nM (95 % CI {low:.0f} to {high:.0f})"
    return Potency(value, low, high, verdict, text)


def make_jpeg(path: Path, plan: Plan, open_share: float) -> None:
    """A monolayer with a gap, noisy as phase contrast is."""
    height, width = plan.jpeg_px
    rng = np.random.default_rng(round(1000 * open_share))
    cells = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.4)
    picture = 128 + 260 * cells
    half = int(open_share * width / 4)
    if half:
        picture[:, width // 2 - half : width // 2 + half] *= 0.06
        picture[:, width // 2 - half : width // 2 + half] += 118
    grey = np.clip(picture, 0, 255).astype(np.uint8)
    path.write_bytes(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, plan.quality])[1])


def make_previews(plan: Plan, wells: tuple[Well, ...], folder: Path) -> Iterator[Preview]:
    height, width = plan.jpeg_px
    for well in wells:
        dose_nm = well.dose.amount * 1e9 if well.dose else 0.0
        for frame in range(plan.frames):
            time_h = 24.0 * frame / max(1, plan.frames - 1)
            batch = plan.batches.index(well.batch)
            share = round(max(0.0, 1 - 2 * speed(dose_nm, batch) * time_h / 600), 2)
            source = folder / f"open-{share}.jpg"
            if not source.exists():
                make_jpeg(source, plan, share)
            jpeg = folder / f"{well.plate}-{well.well}-{frame}.jpg"
            if not jpeg.exists():
                jpeg.symlink_to(source.name)
            half = int(share * width / 4)
            edge = np.linspace(0, height, 90)
            wave = 0.03 * width * np.sin(edge / 9)
            left = [
                (float(width / 2 - half + w), float(y)) for w, y in zip(wave, edge, strict=True)
            ]
            right = [
                (float(width / 2 + half + w), float(y)) for w, y in zip(wave, edge, strict=True)
            ]
            outline = ((*left, *reversed(right)),) if half else ()
            state = "open" if half else "closed"
            place = (well.plate, well.well, "1", frame, time_h, state, jpeg)
            yield Preview(*place, width, height, outline)


def wavy(middle: float, half: float, height: int) -> tuple[tuple[float, float], ...]:
    """A gap between two wavy fronts, closed."""
    down = [float(y) for y in np.linspace(0, height, 90)]
    wave = [middle * 0.06 * float(np.sin(y / 9)) for y in down]
    left = [(middle - half + w, y) for w, y in zip(wave, down, strict=True)]
    right = [(middle + half + w, y) for w, y in zip(wave, down, strict=True)]
    return (*left, *reversed(right))


def build(folder: Path, plan: Plan) -> StudyResult:
    wells = make_wells(plan)
    rng = np.random.default_rng(7)
    speeds = {
        (w.plate, w.well): float(
            speed(w.dose.amount * 1e9 if w.dose else 0.0, plan.batches.index(w.batch))
            * (1 + 0.06 * rng.normal())
        )
        for w in wells
    }
    rows = list(make_rows(plan, wells, speeds))
    values = dict(speeds)
    if len(wells) > 4:
        rows, values = _spoil(rows, values, wells, plan)
    folder.mkdir(parents=True, exist_ok=True)
    result = AssayResult(
        assay=wound_assay(),
        rows=rows,
        readout=SPEED,
        dose_unit="nM",
        wells=values,
        potency=make_potency(plan, wells, speeds),
        previews=tuple(make_previews(plan, wells, folder)),
        methods="The cell-free area was measured in each frame.",
    )
    findings = (
        Finding("mitomycin", "warning", "assay 1", "Division was not blocked.", "Say so."),
        Finding("layout", "note", "plate P1", "Vehicle wells share a column.", "Spread them."),
    )
    return StudyResult(
        folder=folder,
        title=plan.title,
        compound=plan.compound,
        cell_line="SUIT-2",
        design=Design(wells),
        assays=(result,),
        findings=findings,
        facts={"Plates": str(len(plan.batches)), "Wells": str(len(wells))},
        provenance={"Lamella": "0.1.0", "Settings": "sha256:00ff"},
    )


def _spoil(rows: list, values: dict, wells: tuple[Well, ...], plan: Plan) -> tuple[list, dict]:
    """One well without a number, one excluded by a person, one flagged but used."""
    dead, excluded, used = wells[1], wells[-1], wells[3]
    spoiled = []
    for row in rows:
        if (row.plate, row.well) == (dead.plate, dead.well):
            row = replace(row, value=None, flag="unusable", reason=plan.reason)
        elif (row.plate, row.well) == (excluded.plate, excluded.well):
            row = replace(row, flag="excluded", reason="air bubble (AB)")
        elif (row.plate, row.well) == (used.plate, used.well) and row.frame == 2:
            told = "the area jumps by 20 %"
            spoiled.append(replace(row, metric="quality", value=None, flag="jump", reason=told))
        spoiled.append(row)
    kept = {place: v for place, v in values.items() if place != (dead.plate, dead.well)}
    kept.pop((excluded.plate, excluded.well))
    return spoiled, kept


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., StudyResult]:
    """A function: options of `Plan` -> a finished study in a folder of its own."""
    made: dict[Plan, StudyResult] = {}

    def make(**options: object) -> StudyResult:
        plan = Plan(**options)
        if plan not in made:
            made[plan] = build(tmp_path_factory.mktemp("study"), plan)
        return made[plan]

    return make
