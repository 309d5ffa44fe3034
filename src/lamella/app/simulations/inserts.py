"""`lamella simulate transwell|invasion`: a study on inserts, rendered, with its true counts."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import print_json, told

if TYPE_CHECKING:
    from lamella.virtual.membrane_study import MembraneStudy

__all__ = ["InsertKind"]

_LARGEST_SIDE_PX = 4096


class InsertKind:
    """One of the two kinds; they differ in the coat."""

    def __init__(self, name: str, *, what: str, coated: bool) -> None:
        """Name the kind."""
        self.NAME = name
        self.HELP = f"{what}, rendered as a study with the true count of every picture"
        self._coated = coated

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Arguments of the kind; what is left out is as in `lamella demo`."""
        parser.add_argument(
            "--out", type=Path, metavar="DIR", default=Path(self.NAME), help="new study folder"
        )
        parser.add_argument("--seed", type=_whole(0), default=1, metavar="N", help="fixes it all")
        parser.add_argument(
            "--doses", metavar="LIST", help="doses with units, for example '10 nM, 100 nM, 1 uM'"
        )
        parser.add_argument(
            "--ic50", metavar="D", help="dose that takes half of the migration away"
        )
        for name, least, meaning in (
            ("--batches", 1, "independent experiments, a plate each"),
            ("--vehicles", 1, "vehicle inserts a plate"),
            ("--replicates", 1, "inserts of each dose a plate"),
            (
                "--positives",
                0,
                "inserts with a compound that stops migration, a plate (default: 2)",
            ),
            ("--fields", 1, "pictures of each insert"),
        ):
            parser.add_argument(name, type=_whole(least), metavar="N", help=meaning)
        parser.add_argument(
            "--cells-per-mm2", type=_positive, metavar="X", help="on a vehicle insert without coat"
        )
        if self._coated:
            parser.add_argument(
                "--coat-ic50", metavar="D", help="dose that halves what gets through the coat"
            )
            parser.add_argument(
                "--through-coat", type=_share, metavar="X", help="share that gets through, 0 to 1"
            )
        parser.add_argument("--size", type=_size, metavar="WxH", help="of a picture, 1 um a pixel")
        parser.add_argument(
            "--workers", type=_whole(1), metavar="N", help="processes (default: cores)"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout")

    def run(self, args: argparse.Namespace) -> int:
        """Run the kind."""
        from lamella.errors import StudyError
        from lamella.study.membrane_demo import TRUTH_CELLS, TRUTH_FIELDS, write_membrane_study
        from lamella.study.model import STUDY_FILE
        from lamella.virtual.membrane_study import plan_inserts

        out: Path = args.out
        if out.exists() and not (out.is_dir() and not any(out.iterdir())):
            raise StudyError(f"{out} is not empty. Name a new folder with --out, or delete it.")
        study = self._study(args)
        pictures = len(plan_inserts(study)) * study.fields
        told(f"rendering {pictures} pictures into {out} ...")
        truth = write_membrane_study(study, out, workers=args.workers or os.cpu_count() or 1)
        files = [str(out / name) for name in (STUDY_FILE, TRUTH_FIELDS, TRUTH_CELLS)]
        if args.json:
            print_json(
                "simulate",
                kind=self.NAME,
                files=files,
                folder=str(out),
                pictures=pictures,
                seed=args.seed,
                truth=truth.document(),
            )
            return 0
        print(f"truth, the read-out without noise: {truth.text}")
        for name in files:
            print(name)
        print(f"Measure it: lamella run {out}")
        return 0

    def _study(self, args: argparse.Namespace) -> MembraneStudy:
        from lamella.errors import SettingsError
        from lamella.virtual.membrane_study import invasion_study, transwell_study

        made = (invasion_study if self._coated else transwell_study)(seed=args.seed)
        stated = {
            "batches": args.batches,
            "vehicles": args.vehicles,
            "replicates": args.replicates,
            "positives": 2 if args.positives is None else args.positives,
            "fields": args.fields,
            "per_mm2": args.cells_per_mm2,
            "doses_molar": None if args.doses is None else _doses(args.doses),
        }
        if args.ic50 is not None:
            stated["inhibition"] = replace(made.inhibition, ic50_molar=_molar(args.ic50))
        if self._coated:
            stated["through_coat"] = args.through_coat
            if args.coat_ic50 is not None and made.coat_inhibition is not None:
                halved = replace(made.coat_inhibition, ic50_molar=_molar(args.coat_ic50))
                stated["coat_inhibition"] = halved
        if args.size is not None:
            camera = replace(made.scene.camera, size_px=args.size)
            stated["scene"] = replace(made.scene, camera=camera)
        kept = {name: value for name, value in stated.items() if value is not None}
        try:
            return replace(made, **kept)
        except ValueError as error:
            raise SettingsError(
                f"{error} Take fewer --doses, --replicates or --vehicles."
            ) from error


def _doses(text: str) -> tuple[float, ...]:
    """The doses [mol/L], rising.

    Raises:
        SettingsError: One stands twice, or there is none.
        UnitError: One has no unit, or is no concentration.
    """
    from lamella.errors import SettingsError

    found = sorted(_molar(part) for part in text.split(",") if part.strip())
    if not found or len(set(found)) < len(found):
        raise SettingsError(
            f"--doses '{text}' names {'a dose twice' if found else 'no dose'}. "
            "Write for example '10 nM, 100 nM, 1 uM'."
        )
    return tuple(found)


def _molar(text: str) -> float:
    from lamella.errors import UnitError
    from lamella.units import parse_dose

    dose = parse_dose(text.strip())
    if dose.dimension != "molar" or dose.amount <= 0:
        raise UnitError(
            f"'{text.strip()}' is no dose in mol/L above 0. Write for example '100 nM'."
        )
    return dose.amount


def _whole(least: int) -> Callable[[str], int]:
    """Reads a whole number that is at least so large."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{text} is not {least} or more")
        return value

    return read


def _positive(text: str) -> float:
    value = _number(text)
    if not 0 < value <= 5000:
        raise argparse.ArgumentTypeError(f"{text} does not lie above 0 and up to 5000")
    return value


def _share(text: str) -> float:
    value = _number(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share above 0 and up to 1")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no number") from None


def _size(text: str) -> tuple[int, int]:
    """Height and width of a picture written as WIDTHxHEIGHT."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdigit() for side in sides):
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT, such as 660x480")
    width, height = map(int, sides)
    if min(width, height) < 120 or max(width, height) > _LARGEST_SIDE_PX:
        raise argparse.ArgumentTypeError(f"sides of {text} do not lie in 120 to {_LARGEST_SIDE_PX}")
    return height, width
