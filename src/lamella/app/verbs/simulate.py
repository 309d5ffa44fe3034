"""`lamella simulate`: the mechanistic model and the virtual assays."""

from __future__ import annotations

import argparse

from lamella.app.simulations import KINDS

NAME = "simulate"
HELP = "what should happen: FAK signalling under an inhibitor, and virtual assays"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb: one sub-command a kind."""
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for kind in KINDS:
        sub = kinds.add_parser(kind.NAME, help=kind.HELP, description=kind.HELP)
        kind.add_arguments(sub)
        sub.set_defaults(simulate=kind.run)


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    code: int = args.simulate(args)
    return code
