"""`lamella simulate pathway`: FAK signalling at doses and times, as a page, a picture, tables."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamella.app.show import print_json, told

if TYPE_CHECKING:
    from lamella.signalling.diagram import Activities
    from lamella.signalling.held_out import Estimate
    from lamella.signalling.network import Network

NAME = "pathway"
HELP = "FAK signalling under an inhibitor: a page with sliders, a picture, tables"

_DOSES = ("1 nM", "3 nM", "10 nM", "30 nM", "100 nM", "300 nM", "1 uM", "3 uM", "10 uM")
_TIMES = ("10 s", "1 min", "5 min", "15 min", "1 h", "2 h", "6 h", "24 h")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the kind."""
    parser.add_argument(
        "--dose", metavar="D", default="100 nM", help="dose shown first, for example '73.7 nM'"
    )
    parser.add_argument(
        "--time", metavar="T", default="2 h", help="time since the dose shown first"
    )
    parser.add_argument(
        "--context", metavar="C", default="guide", help="guide, adherent or suspension"
    )
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="draws of the priors")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the random numbers")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="hold a constant at a value, in its unit; may be given again",
    )
    parser.add_argument(
        "--pfak",
        type=Path,
        metavar="TABLE",
        help="calibrate the core model to a CSV with dose ('73.7 nM'), response and, if not 2 h, "
        "time ('30 min')",
    )
    parser.add_argument("--sbml", type=Path, metavar="FILE", help="run this SBML model instead")
    parser.add_argument(
        "--dose-name", metavar="P", help="parameter of that model that is the dose, in uM"
    )
    parser.add_argument(
        "--species", action="append", metavar="S", help="of that model; default: all"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("pathway"))
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Run the kind."""
    doses, shown_dose = _doses(args.dose)
    times, shown_time = _times(args.time)
    if args.sbml is not None:
        return _foreign(args, shown_dose, times)
    if args.pfak is not None:
        return _calibrated(args)
    import numpy as np

    from lamella.report.panels.pathway import Shown
    from lamella.report.pathway_page import write_page
    from lamella.signalling.diagram import activities
    from lamella.signalling.models import model

    network = model("network").with_values(_settings(args.set))
    rng = np.random.default_rng(args.seed)
    given = {"rng": rng, "draws": args.draws, "context": args.context}
    found = activities(network, doses, times, **given)
    if found.failed:
        told(f"{found.failed} of {args.draws} draws were left out: {found.failure}")
    shown = Shown(
        int(np.searchsorted(found.dose_molar, shown_dose)),
        int(np.searchsorted(found.times_s, shown_time)),
    )
    args.out.mkdir(parents=True, exist_ok=True)
    page = args.out / "pathway.html"
    known = _estimates(rng)
    write_page(found, network, shown, estimates=known, compound="defactinib", out=page)
    keys = ("kind", "what", "median", "low", "high", "level", "draws", "basis")
    estimates = [{key: getattr(one, key) for key in keys} for one in known]
    files = [page, *_pictures(args.out, found, shown), *_readouts(args, doses)]
    files.append(_table(args.out / "potency.csv", keys, estimates))
    _tell(args, files, estimates)
    return 0


def _pictures(out: Path, found: Activities, shown: Any) -> list[Path]:
    from lamella.report.panels.pathway import draw
    from lamella.report.pathway_page import COLUMNS, rows

    picture = out / "pathway.svg"
    picture.write_text(draw(found, shown).svg + "\n", encoding="utf-8")
    lines = [dict(zip(COLUMNS, row, strict=True)) for row in rows(found)]
    return [picture, _table(out / "activities.csv", COLUMNS, lines)]


def _readouts(args: argparse.Namespace, doses: list[float]) -> list[Path]:
    """Every read-out at every dose after 2 h, over draws of shift and links."""
    import numpy as np

    from lamella.signalling.held_out import shift_draws_after_siblings
    from lamella.signalling.inhibition import DEFACTINIB
    from lamella.signalling.links import link_draws
    from lamella.signalling.readouts import READOUTS, band, predict

    rng = np.random.default_rng(args.seed)
    shift = shift_draws_after_siblings(args.draws, rng=rng)
    links = link_draws(args.draws, rng=rng)
    known = predict(DEFACTINIB, sorted(doses), shift=shift, links=links)
    columns = ("readout", "dose_molar", "median_of_vehicle", "low", "high", "draws")
    lines = []
    for readout in READOUTS:
        drawn = band(known, readout)
        for row in zip(drawn.dose_molar, drawn.median, drawn.low, drawn.high, strict=True):
            values = (readout, *map(float, row), drawn.draws)
            lines.append(dict(zip(columns, values, strict=True)))
    return [_table(args.out / "readouts.csv", columns, lines)]


def _estimates(rng: Any) -> list[Estimate]:
    """The held-out prediction, and apart from it the fits to the guide's tables."""
    from lamella.signalling.held_out import fit_growth, fit_shift, predicted_ic50
    from lamella.signalling.inhibition import DEFACTINIB

    found = [predicted_ic50(DEFACTINIB, rng=rng)]
    for cells, molar in (("JIMT-1", 73.7e-9), ("MDA-MB-231", 152e-9)):
        found += fit_shift(DEFACTINIB, molar, rng=rng, cells=cells)
    found += [
        fit_growth(2e-6, rng=rng, cells="PDAC", high_molar=5e-6),
        fit_growth(1.98e-6, rng=rng, cells="TT"),
        fit_growth(10.34e-6, rng=rng, cells="K1"),
    ]
    return found


def _foreign(args: argparse.Namespace, dose_molar: float, times: list[float]) -> int:
    """Courses of another SBML model at one dose."""
    from lamella.signalling.sbml import read_sbml
    from lamella.signalling.simulation import simulate

    settings = _settings(args.set)
    if args.dose_name:
        settings[args.dose_name] = 1e6 * dose_molar
    network: Network = read_sbml(args.sbml.read_text("utf-8")).with_values(settings)
    course = simulate(network, [0.0, *times])
    if course.failure:
        told(course.failure)
    names = tuple(args.species or course.names)
    columns = {name: course.of(name) for name in names}
    args.out.mkdir(parents=True, exist_ok=True)
    lines = []
    for i, time in enumerate(course.times_s):
        values = {name: _finite(float(column[i])) for name, column in columns.items()}
        lines.append({"time_s": float(time), **values})
    path = _table(args.out / "courses.csv", ("time_s", *names), lines)
    if args.json:
        print_json("simulate", kind=NAME, files=[str(path)], failure=course.failure)
    else:
        print(path)
    return 1 if course.failure else 0


def _calibrated(args: argparse.Namespace) -> int:
    """The core model fitted to a pFAK dose-response."""
    import numpy as np

    from lamella.app.pfak_table import read_pfak
    from lamella.signalling.calibrated import calibrate, core_problem

    doses, values, times = read_pfak(args.pfak)
    context = "adherent" if args.context == "guide" else args.context
    problem = core_problem(doses, values, time_s=times, context=context)
    found = calibrate(problem, rng=np.random.default_rng(args.seed), draws=args.draws)
    args.out.mkdir(parents=True, exist_ok=True)
    columns = (*found.draws.names, "ic50_molar")
    rows = np.column_stack([10**found.draws.points, 1e-6 * found.ic50_draws])
    written = [dict(zip(columns, map(float, row), strict=True)) for row in rows]
    path = _table(args.out / "draws.csv", columns, written)
    if args.json:
        profiles = [
            {
                "name": one.name,
                "value": one.value,
                "low": one.low,
                "high": one.high,
                "text": one.text,
            }
            for one in (found.ic50, *found.profiles)
        ]
        print_json("simulate", kind=NAME, files=[str(path)], profiles=profiles)
        return 0
    for line in found.lines:
        print(line)
    print(path)
    return 0


def _finite(value: float) -> float | None:
    return value if value == value else None


def _doses(text: str) -> tuple[list[float], float]:
    """The grid with the dose asked for [mol/L], and that dose."""
    from lamella.errors import UnitError
    from lamella.units import parse_dose

    asked = parse_dose(text)
    if asked.dimension != "molar":
        raise UnitError(f"dose '{text}' is no concentration in mol/L. Write for example '100 nM'.")
    grid = {parse_dose(dose).amount for dose in _DOSES} | {asked.amount}
    return sorted(grid - {0.0}), asked.amount


def _times(text: str) -> tuple[list[float], float]:
    """The grid with the time asked for [s], and that time."""
    from lamella.errors import UnitError
    from lamella.units import parse_time_h

    grid = [round(3600 * parse_time_h(one), 6) for one in (*_TIMES, text)]
    if not 0 < grid[-1] <= 86_400 * 30:
        raise UnitError(f"time '{text}' does not lie between 0 and 30 d.")
    return sorted(set(grid)), grid[-1]


def _settings(texts: list[str]) -> dict[str, float]:
    from lamella.errors import SettingsError

    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise SettingsError(f"--set {text}: write NAME=VALUE, for example Src=0.3.") from error
        if not equals or not name.strip():
            raise SettingsError(f"--set {text}: write NAME=VALUE, for example Src=0.3.")
    return found


def _table(path: Path, columns: tuple[str, ...], lines: list[dict[str, Any]]) -> Path:
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return path


def _tell(args: argparse.Namespace, files: list[Path], estimates: list[dict[str, Any]]) -> None:
    if args.json:
        names = [str(path) for path in files]
        print_json("simulate", kind=NAME, files=names, estimates=estimates)
        return
    from lamella.units import Dose, format_dose

    for one in estimates:
        ends = [format_dose(Dose(one[key]), digits=3) for key in ("median", "low", "high")]
        print(f"{one['kind']:>10}  {one['what']}: {ends[0]} ({ends[1]} to {ends[2]})")
    for path in files:
        print(path)
