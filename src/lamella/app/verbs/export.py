"""`lamella export`: the results of a study as files for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "export"
HELP = "results as files for other programs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("dir", type=Path, metavar="DIR", help="study folder")
    parser.add_argument("--to", required=True, metavar="FORMAT", help="csv")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: export/ in the study")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.errors import SettingsError, nearest
    from lamella.export import FORMATS
    from lamella.study import load

    if args.to not in FORMATS:
        raise SettingsError(f"format '{args.to}' is not known. {nearest(args.to, FORMATS)}")
    result = load(args.dir)
    for path in FORMATS[args.to](result, args.out or args.dir / "export"):
        print(path)
    return 0
