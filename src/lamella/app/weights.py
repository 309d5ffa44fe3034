"""The option that names the weights of a network: by the person at the keyboard, by nobody else."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

__all__ = ["add_weights_option"]

_VARIABLE = "LAMELLA_WEIGHTS"


def add_weights_option(parser: argparse.ArgumentParser) -> None:
    """Add --weights; the variable LAMELLA_WEIGHTS stands in for it."""
    named = os.environ.get(_VARIABLE)
    parser.add_argument(
        "--weights",
        type=Path,
        default=Path(named) if named else None,
        metavar="FILE",
        help=f"weights of the network that counts, where one is asked for (or {_VARIABLE})",
    )
