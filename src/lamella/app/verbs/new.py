"""`lamella new`: writes a study folder from a template."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "new"
HELP = "write a study folder from a template"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("assay", metavar="ASSAY", help="which assay, for example scratch")
    parser.add_argument("dir", type=Path, metavar="DIR", help="the new folder")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.study.template import write_template

    for path in write_template(args.assay, args.dir):
        print(path)
    print(f"Fill in both files, put the images in place, then: lamella check {args.dir}")
    return 0
