"""`lamella run`: measures what is not yet measured, settles, fits and reports."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import (
    ProgressLine,
    finding_documents,
    print_findings,
    print_json,
    told,
)
from lamella.app.weights import add_weights_option

if TYPE_CHECKING:
    from lamella.study import RunOptions, StudyResult

NAME = "run"
HELP = "measure what is not yet measured, settle, fit, compare, report; resumes by hash"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="study folder")
    add_run_options(parser)
    add_weights_option(parser)
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    parser.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="I/N", help="only every N-th well, from I"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Arguments that every verb shares that measures."""
    parser.add_argument(
        "--workers", type=_positive, default=None, metavar="N", help="processes (default: cores)"
    )
    parser.add_argument(
        "--engine", choices=("serial", "processes"), default=None, help="how calls are run"
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.report import render
    from lamella.study import make_plan, run_plan, with_weights

    plan = make_plan(args.dir)
    print_findings(plan.findings)
    plan = with_weights(plan, args.weights)
    result = run_plan(plan, run_options(args), progress=ProgressLine())
    page = render(result, out=plan.results / "report.html")
    if args.json:
        print_json("run", **run_document(result, page))
    else:
        print_headline(result)
        print(f"report: {page}")
    return 1 if plan.broken else 0


def run_options(args: argparse.Namespace) -> RunOptions:
    """The options of a run as the person gave them, one process a core by default."""
    from lamella.study import RunOptions

    workers = args.workers or os.cpu_count() or 1
    engine = args.engine or ("serial" if workers == 1 else "processes")
    return RunOptions(
        engine=engine,
        workers=workers,
        fresh=getattr(args, "fresh", False),
        shard=getattr(args, "shard", (1, 1)),
    )


def run_document(result: StudyResult, page: Path) -> dict[str, object]:
    """What a finished run tells in JSON."""
    return {
        "title": result.title,
        "report": str(page),
        "assays": [
            {
                "assay": item.assay.name,
                "group": item.group,
                "readout": item.readout.name,
                "reason": item.reason,
                "result": item.potency.document() if item.potency else None,
            }
            for item in result.assays
        ],
        "findings": finding_documents(result.findings),
    }


def print_headline(result: StudyResult) -> None:
    """The answer of each assay, one line each."""
    from lamella.table.store import flagged

    for item in result.assays:
        name = f"{item.assay.title}, {item.readout.label.lower()}"
        if item.group:
            name += f", {item.group}"
        if item.potency is None:
            print(f"{name}: no IC50, {item.reason}")
        elif item.potency.between_batches is not None:
            print(f"{name}: {item.potency.between_batches.text}")
        else:
            curves = item.potency.curves
            alone = len({curve.batch for curve in curves if curve.batch is not None}) < 2
            limits = " (one batch: technical replicates only)" if alone else ""
            for text in dict.fromkeys(curve.potency.text for curve in curves):
                print(f"{name}: {text}{limits}")
    flags = sum(len(flagged(item.rows)) for item in result.assays)
    if flags:
        told(f"{flags} rows carry a flag with its reason; the report lists them.")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _shard(text: str) -> tuple[int, int]:
    first, _, of = text.partition("/")
    try:
        shard = int(first), int(of)
    except ValueError:
        shard = 0, 0
    if not 1 <= shard[0] <= shard[1]:
        raise argparse.ArgumentTypeError(f"'{text}' is not I/N with 1 <= I <= N, such as 2/8")
    return shard
