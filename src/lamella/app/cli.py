"""The command `lamella`: finds the verb, runs it, turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from lamella import __version__
from lamella.app.verbs import VERBS
from lamella.errors import StudyError

__all__ = ["build_parser", "main"]

DONE, PROBLEMS, WRONG_USE = 0, 1, 2
_INTRODUCTION = (
    "From the plate plan to a defensible IC50 for inhibitors of cell migration and invasion. "
    "For research use only."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns 0 (done), 1 (problems in the study) or 2 (wrong use)."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.run is None:
        parser.print_help()
        return DONE
    try:
        code: int = args.run(args)
    except StudyError as error:
        print(f"lamella {args.verb}: {error}", file=sys.stderr)
        return PROBLEMS
    except FileNotFoundError as error:
        print(f"lamella {args.verb}: no such file or folder: {error.filename}", file=sys.stderr)
        return WRONG_USE
    except BrokenPipeError:
        # The reader of the pipe (head, less) has gone; keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        print(
            "\nInterrupted. What was measured is kept; the same command goes on.", file=sys.stderr
        )
        return PROBLEMS
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; loads no scientific library."""
    parser = argparse.ArgumentParser(prog="lamella", description=_INTRODUCTION)
    parser.add_argument("--version", action="version", version=f"lamella {__version__}")
    parser.set_defaults(run=None)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for verb in VERBS:
        sub = verbs.add_parser(verb.NAME, help=verb.HELP, description=verb.HELP)
        verb.add_arguments(sub)
        sub.set_defaults(run=verb.run)
    return parser
