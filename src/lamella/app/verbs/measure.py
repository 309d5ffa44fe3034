"""`lamella measure`: pictures without a study, rows per image."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lamella.app.show import print_findings, print_json, told
from lamella.app.weights import add_weights_option

if TYPE_CHECKING:
    from lamella.study.pictures import MeasuredRow

NAME = "measure"
HELP = "inputs without a study: rows per image"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("assay", metavar="ASSAY", help="which assay, for example scratch")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="images or folders")
    parser.add_argument("--pixel-um", type=float, metavar="X", help="side of a pixel [µm]")
    parser.add_argument("--interval-h", type=float, metavar="X", help="time between frames [h]")
    parser.add_argument("--pattern", metavar="P", help="file names, such as '{well}_{time}.tif'")
    parser.add_argument("--preset", metavar="NAME", help="file names of an instrument")
    parser.add_argument("--masks", type=Path, metavar="DIR", help="write each mask as PNG here")
    parser.add_argument(
        "--decisions",
        type=Path,
        metavar="FILE",
        help="corrections and strokes to apply (JSON lines)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="KEY=VALUE",
        help="a setting of the assay, for example light=fluorescence; may be repeated",
    )
    add_weights_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    from lamella.study.pictures import Request, measure_pictures

    request = Request(
        assay=args.assay,
        paths=tuple(args.paths),
        pixel_um=args.pixel_um,
        interval_h=args.interval_h,
        pattern=args.pattern,
        preset=args.preset,
        masks=args.masks,
        decisions=args.decisions,
        settings=tuple(args.set),
        weights=args.weights,
    )
    measured = measure_pictures(request, progress=_progress)
    print_findings(measured.findings)
    if args.json:
        print_json("measure", rows=[row.document() for row in measured.rows])
    else:
        _print(measured.rows)
    return 1 if any(finding.level == "error" for finding in measured.findings) else 0


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"'{text}' is not KEY=VALUE, such as cell_um=12")
    return key.strip(), value.strip()


def _progress(done: int, total: int, place: str) -> None:
    if total > 1:
        told(f"{done}/{total} {place}")


def _print(rows: tuple[MeasuredRow, ...]) -> None:
    print(
        "path\twell\tfield\tframe\ttime_h\tmetric\tvalue\tlow\thigh\tunit\ttext\tflag\treason\tobject"
    )
    for row in rows:
        told_values = ("" if value is None else str(value) for value in row.cells())
        print("\t".join(told_values))
