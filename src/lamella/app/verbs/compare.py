"""`lamella compare`: the result of a study beside what has been published."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import print_json

if TYPE_CHECKING:
    from lamella.evidence import Comparison, Neighbour

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
        print_json("compare", comparisons=[_document(item) for item in result.comparisons])
        return 0
    for item in result.comparisons:
        print(f"{item.claim.compound}, {item.claim.assay}:")
        for message in item.messages:
            print(f"  {message}")
    if not result.comparisons:
        print("Nothing to compare: no IC50 in molar doses over several batches.")
    return 0


def _document(item: Comparison) -> dict[str, object]:
    return {
        "compound": item.claim.compound,
        "cell_line": item.claim.cell_line,
        "assay": item.claim.assay,
        "endpoint": item.claim.endpoint,
        "value_molar": item.claim.value_molar,
        "low_molar": item.claim.low_molar,
        "high_molar": item.claim.high_molar,
        "messages": list(item.messages),
        "studies": list(item.studies),
        "comparable": [_neighbour(one) for one in item.comparable],
        "not_comparable": [_neighbour(one) for one in item.others],
        "supporting": [row.id for row in item.supporting],
        "contradicting": [row.id for row in item.contradicting],
    }


def _neighbour(one: Neighbour) -> dict[str, object]:
    return {
        "id": one.assertion.id,
        "tier": one.assertion.tier,
        "cells": one.cells,
        "reasons": list(one.reasons),
        "unstated": list(one.unstated),
        "distance": one.distance,
        "log10_ratio": one.log10_ratio,
        "log10_low": one.log10_low,
        "log10_high": one.log10_high,
    }
