"""`lamella evidence`: what has been published, with its tier and source."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import print_json, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella.evidence import Assertion

NAME = "evidence"
HELP = "the evidence base: published effects of inhibitors, each with its tier and source"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("--compound", metavar="C", help="name or synonym; a salt as its free base")
    parser.add_argument("--target", metavar="T", help="protein that is hit, for example FAK")
    parser.add_argument("--assay", metavar="A", help="class of assay, for example scratch")
    parser.add_argument("--cell-line", metavar="L", help="name of the cells")
    parser.add_argument("--endpoint", metavar="E", help="for example IC50")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE",
        help="forest plot of the potencies found: an .svg, or an .html page with its table",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.errors import nearest
    from lamella.evidence import compound, compounds, find

    found = find(
        args.compound,
        target=args.target,
        assay=args.assay,
        cell_line=args.cell_line,
        endpoint=args.endpoint,
    )
    if args.compound and compound(args.compound) is None:
        told(f"'{args.compound}' is no compound known here. {nearest(args.compound, compounds())}")
    if args.figure is not None:
        from lamella.report.evidence_page import write_forest

        write_forest(found, out=args.figure)
        told(f"figure: {args.figure}")
    if args.json:
        print_json("evidence", assertions=[row.document() for row in found])
    else:
        _print(found)
    return 0


def _print(found: Sequence[Assertion]) -> None:
    from lamella.evidence import GUIDE_CITATION, TIERS, contradicting, studies

    for row in found:
        flags = f" [{'; '.join(row.flags)}]" if row.flags else ""
        print(f"{row.id}: {row.compound}, {row.assay}, {row.cell_line}: {row.as_printed}{flags}")
        print(f"    tier {row.tier} ({TIERS[row.tier]}), {row.source.label}: {row.source.title}")
    against = contradicting(found)
    if against:
        print("Against some of these:")
        for row in against:
            print(f"    {row.id}: {row.compound}, {row.cell_line}: {row.endpoint} {row.as_printed}")
    count = len(studies(found))
    rows = "1 assertion" if len(found) == 1 else f"{len(found)} assertions"
    print(f"{rows} from {count} {'study' if count == 1 else 'studies'}")
    if any(row.id.startswith("T") for row in found):
        print(f"Rows T: {GUIDE_CITATION}")
