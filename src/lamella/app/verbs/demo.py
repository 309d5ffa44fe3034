"""`lamella demo`: renders a study with known truth, runs it, prints the IC50 beside the truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from lamella.app.show import ProgressLine, print_json, told
from lamella.app.verbs.run import add_run_options, print_headline, run_document, run_options

NAME = "demo"
HELP = "render a dose-response study with known truth, run it, print the IC50 beside the truth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument(
        "dir", type=Path, nargs="?", default=Path("lamella-demo"), metavar="DIR",
        help="folder to write (default: lamella-demo)",
    )  # fmt: skip
    parser.add_argument("--assay", default="scratch", metavar="A", help="which assay")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the simulation")
    add_run_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.report import render
    from lamella.study import make_plan, run_plan
    from lamella.study.demo import write_demo

    told(f"rendering a virtual study into {args.dir} ...")
    options = run_options(args)
    truth = write_demo(args.assay, args.dir, seed=args.seed, workers=options.workers)
    plan = make_plan(args.dir)
    result = run_plan(plan, options, progress=ProgressLine())
    page = render(result, out=plan.results / "report.html")
    if args.json:
        print_json("demo", truth=truth.document(), **run_document(result, page))
    else:
        print_headline(result)
        print(f"truth, the same read-out without noise: {truth.text}")
        print(f"report: {page}")
    return 1 if plan.broken else 0
