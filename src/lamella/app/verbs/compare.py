"""`lamella compare`: the result of a study beside what has been published."""

from __future__ import annotations

import argparse
from pathlib import Path

from lamella.app.show import print_json

NAME = "compare"
HELP = "a finished study beside the evidence base"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="study folder")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.study import load

    result = load(args.dir)
    if args.json:
        found = [
            {
                "compound": item.claim.compound,
                "assay": item.claim.assay,
                "value_molar": item.claim.value_molar,
                "messages": list(item.messages),
                "studies": list(item.studies),
            }
            for item in result.comparisons
        ]
        print_json("compare", comparisons=found)
        return 0
    for item in result.comparisons:
        print(f"{item.claim.compound}, {item.claim.assay}:")
        for message in item.messages:
            print(f"  {message}")
    if not result.comparisons:
        print("Nothing to compare: no IC50 in molar doses over several batches.")
    return 0
