"""`lamella evidence`: what has been published, with its tier and source."""

from __future__ import annotations

import argparse

from lamella.app.show import print_json

NAME = "evidence"
HELP = "the evidence base: published effects of inhibitors, each with its tier and source"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("--compound", metavar="C", help="name or synonym")
    parser.add_argument("--assay", metavar="A", help="class of assay, for example scratch")
    parser.add_argument("--cell-line", metavar="L", help="name of the cells")
    parser.add_argument("--endpoint", metavar="E", help="for example IC50")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.evidence import TIERS, find

    found = find(args.compound, assay=args.assay, cell_line=args.cell_line, endpoint=args.endpoint)
    if args.json:
        print_json("evidence", assertions=[row.document() for row in found])
        return 0
    for row in found:
        flags = f" [{', '.join(row.flags)}]" if row.flags else ""
        print(f"{row.id}: {row.compound}, {row.assay}, {row.cell_line}: {row.as_printed}{flags}")
        print(f"    tier {row.tier} ({TIERS[row.tier]}), {row.source.label}: {row.source.title}")
    print(f"{len(found)} assertions")
    return 0
