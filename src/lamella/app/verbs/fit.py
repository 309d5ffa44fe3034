"""`lamella fit`: the dose-response of a table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import print_findings, print_json

if TYPE_CHECKING:
    from lamella.potency import PotencyResult

NAME = "fit"
HELP = "dose-response of a table: estimates, intervals, verdicts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("table", type=Path, metavar="TABLE", help="CSV or Parquet")
    parser.add_argument("--dose-unit", metavar="U", help="unit of bare doses: nM, uM, au ...")
    parser.add_argument("--response", metavar="COL", help="column of the response")
    parser.add_argument("--batch", metavar="COL", help="column of the independent experiment")
    parser.add_argument("--model", metavar="M", default="auto", help="curve family, or auto")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.study.tables import fit_table

    result, findings = fit_table(
        args.table,
        dose_unit=args.dose_unit,
        response=args.response,
        batch=args.batch,
        model=args.model,
    )
    print_findings(findings)
    if args.json:
        print_json("fit", **{k: v for k, v in result.document().items() if k != "schema"})
    else:
        _print(result)
    return 0


def _print(result: PotencyResult) -> None:
    for curve in result.curves:
        name = " ".join(part for part in (curve.id, curve.batch) if part) or "all"
        flags = f"  [{', '.join(curve.flags)}]" if curve.flags else ""
        print(f"{name}: {curve.potency.text}{flags}")
        print(f"    {curve.headline} IC50, {curve.model}, verdict: {curve.verdict}")
    if result.between_batches is not None:
        print(f"between batches (n = {result.between_batches.n}): {result.between_batches.text}")
