"""`lamella plan`: bench sheets, dilutions, plate layout, schedule and power of a study."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import finding_documents, print_findings, print_json

if TYPE_CHECKING:
    from lamella.study.bench import Sheet
    from lamella.study.bench_plan import BenchPlan

NAME = "plan"
HELP = "bench sheets, dilutions, plate layout, schedule and power; writes plan.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="study folder")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.report import render_bench
    from lamella.study import make_bench_plan
    from lamella.study.bench_files import write_plan_files

    plan = make_bench_plan(args.dir)
    files = write_plan_files(plan)
    page = render_bench(plan, out=plan.folder / "plan.html")
    if args.json:
        print_json("plan", **_document(plan, page, files))
    else:
        _print(plan)
        print_findings(plan.findings)
        for one in plan.proposed:
            print(f"laid out: plates/{one.layout.plate}.csv (seed {one.layout.seed})")
        print(f"bench sheets: {page}")
    broken = any(finding.level == "error" for finding in plan.findings) or not plan.sheets
    return 1 if broken else 0


def _print(plan: BenchPlan) -> None:
    for power in plan.powers:
        days = "day" if power.batches == 1 else "days"
        found = "one day: no power" if power.power is None else f"power {power.power:.2f}"
        print(
            f"{power.kind}: {power.batches} {days} x {power.wells} wells, {found} for an "
            f"inhibition of {power.effect_percent:g} %. {power.needed}"
        )
        if power.interval is not None:
            print(f"{power.kind}: {power.interval.wanted.text}.")


def _document(plan: BenchPlan, page: Path, files: tuple[Path, ...]) -> dict[str, object]:
    return {
        "title": plan.study.study.title,
        "page": str(page),
        "files": [str(path) for path in files],
        "laid_out": [
            {"plate": one.layout.plate, "batch": one.batch, "seed": one.layout.seed}
            for one in plan.proposed
        ],
        "sheets": [_sheet(sheet) for sheet in plan.sheets],
        "power": [
            {
                "assay": power.kind,
                "days": power.batches,
                "wells": power.wells,
                "effect_percent": power.effect_percent,
                "power": power.power,
                "detectable_percent": power.detectable_percent,
                "needed": power.needed,
                "ic50_interval": power.interval.wanted.text if power.interval else None,
            }
            for power in plan.powers
        ],
        "findings": finding_documents(plan.findings),
    }


def _sheet(sheet: Sheet) -> dict[str, object]:
    steps = [
        {
            "step": item.step.id,
            "quantities": [
                {"label": q.label, "value": q.value, "missing": q.missing} for q in item.quantities
            ],
        }
        for item in sheet.steps
    ]
    return {
        "assay": sheet.protocol.id,
        "batch": sheet.batch,
        "plates": list(sheet.plates),
        "vessel": sheet.vessel.id,
        "steps": steps,
    }
