"""`lamella export`: the results of a study, or a model, as files for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "export"
HELP = "results of a study, or a model of signalling, as files for other programs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument(
        "dir",
        type=Path,
        nargs="?",
        metavar="DIR",
        help="study folder; for petab a CSV of pFAK with dose, response and, if not 2 h, time",
    )
    parser.add_argument(
        "--to",
        required=True,
        metavar="FORMAT",
        help="csv, imagej-rois; for a model sbml, antimony, sbgn or omex; petab",
    )
    parser.add_argument("--model", metavar="M", help="core or network; default: network")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="default: export/ in the study, or here"
    )


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.errors import SettingsError, nearest
    from lamella.export import FORMATS
    from lamella.export.models import MODEL_FORMATS, write_model

    choices = (*FORMATS, *MODEL_FORMATS, "petab")
    if args.to not in choices:
        raise SettingsError(f"format '{args.to}' is not known. {nearest(args.to, choices)}")
    if args.to in MODEL_FORMATS:
        from lamella.signalling.models import model

        folder = args.out or (args.dir / "export" if args.dir else Path("export"))
        print(write_model(model(args.model or "network"), args.to, folder))
        return 0
    if args.to == "petab":
        return _petab(args)
    if args.model:
        raise SettingsError(f"format '{args.to}' holds a study. Leave out --model.")
    if args.dir is None:
        raise SettingsError(f"format '{args.to}' holds a study: name its folder.")
    from lamella.study import load

    result = load(args.dir)
    for path in FORMATS[args.to](result, args.out or args.dir / "export"):
        print(path)
    return 0


def _petab(args: argparse.Namespace) -> int:
    """The calibration of the core model to a table, for other programs."""
    from lamella.app.pfak_table import read_pfak
    from lamella.errors import SettingsError
    from lamella.export.petab import write_petab
    from lamella.signalling.calibrated import core_problem

    if args.dir is None or args.model not in (None, "core"):
        raise SettingsError("format 'petab' holds data and the core model: name a CSV of pFAK.")
    doses, values, times = read_pfak(args.dir)
    problem = core_problem(doses, values, time_s=times)
    for path in write_petab(problem, args.out or Path("petab")):
        print(path)
    return 0
