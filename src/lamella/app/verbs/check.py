"""`lamella check`: every problem of a study at once, and what was understood of its files."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import finding_documents, print_findings, print_json

if TYPE_CHECKING:
    from lamella.study.plan import Plan
    from lamella.table.findings import Finding

NAME = "check"
HELP = (
    "study lint and input inventory, of the plan and of what was measured: all problems at once; "
    "exit 1 on an error"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="study folder")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.study import make_plan

    plan = make_plan(args.dir)
    findings, finished = _findings(plan)
    if args.json:
        print_json(
            "check",
            findings=finding_documents(findings),
            finished=finished,
            units=_units(plan),
            unmatched=[str(path) for path in plan.unmatched],
            tables=[str(path) for path in plan.tables],
        )
    else:
        _print_inventory(plan)
        print_findings(findings)
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _findings(plan: Plan) -> tuple[tuple[Finding, ...], bool]:
    """What is wrong with the finished study where it has been run, else with its plan."""
    from lamella.errors import StudyError
    from lamella.study.running import load_plan

    if (plan.results / "run.json").is_file():
        with suppress(StudyError):
            return load_plan(plan).findings, True
    return plan.findings, False


def _units(plan: Plan) -> list[dict[str, object]]:
    return [
        {
            "assay": call.assay,
            "plate": call.unit.plate,
            "well": call.unit.well,
            "fields": [
                {
                    "field": series.field,
                    "frames": len(series.frames),
                    "pixel_um": series.pixel_um,
                    "times_h": [frame.time_h for frame in series.frames],
                }
                for series in call.unit.series
            ],
        }
        for call in plan.calls
    ]


def _print_inventory(plan: Plan) -> None:
    head = (
        f"{'assay':<10} {'plate':<12} {'well':<6} {'fields':>6} {'frames':>6}  µm/px   role, dose"
    )
    if plan.calls or not plan.tables:
        print(head)
    for call in plan.calls:
        unit = call.unit
        well = plan.design.at(unit.plate, unit.well)
        role = f"{well.role} {well.dose or ''}".strip() if well else "not in the plate map"
        frames = sum(len(series.frames) for series in unit.series)
        sizes = sorted({s.pixel_um for s in unit.series if s.pixel_um is not None})
        pixel = ", ".join(f"{size:g}" for size in sizes) or "?"
        print(
            f"{call.assay:<10} {unit.plate:<12} {unit.well:<6} {len(unit.series):>6} "
            f"{frames:>6}  {pixel:<7} {role}"
        )
    for path in plan.tables:
        print(f"table      {path.relative_to(plan.folder)}")
    if plan.unmatched:
        shown = ", ".join(path.name for path in plan.unmatched[:5])
        print(f"{len(plan.unmatched)} files match no pattern: {shown} ...")
