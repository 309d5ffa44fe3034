"""`lamella completion`: the completion script of a shell."""

from __future__ import annotations

import argparse

NAME = "completion"
HELP = "print the completion script of a shell"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="your shell")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    import shtab

    from lamella.app.cli import build_parser

    print(shtab.complete(build_parser(), shell=args.shell))
    return 0
