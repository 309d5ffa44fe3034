"""`lamella report`: draws the report of a finished study again."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "report"
HELP = "render the report of a finished study again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="study folder")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.report import render
    from lamella.study import load

    result = load(args.dir)
    print(f"report: {render(result, out=result.folder / 'results' / 'report.html')}")
    return 0
