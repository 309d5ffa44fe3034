"""How is a calibration handed to pyPESTO or AMICI? A PEtab v1 problem, six files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lamella.errors import SettingsError
from lamella.export.sbml import sbml_text
from lamella.signalling.calibration import Problem

__all__ = ["write_petab"]

Cell = str | float


def write_petab(problem: Problem, out_dir: Path) -> tuple[Path, ...]:
    """Write a calibration problem; returns the paths, the YAML file first.

    Values are log10-normal around the scaled observable; the spread `sigma` is estimated too.

    Raises:
        SettingsError: The values are folds of vehicle, which PEtab v1 cannot say.
    """
    if problem.relative != "scale":
        raise SettingsError(
            "PEtab v1 has no fold of vehicle. Give the measured values and estimate a scale."
        )
    out_dir.mkdir(parents=True, exist_ok=True)
    name = problem.network.id
    model = out_dir / f"{name}.xml"
    model.write_text(sbml_text(problem.network), encoding="utf-8")
    doses = {float(dose): f"d{i}" for i, dose in enumerate(np.unique(problem.data.dose))}
    files = [
        _table(
            out_dir / "conditions.tsv",
            ("conditionId", problem.dose),
            ((name, dose) for dose, name in doses.items()),
        ),
        _table(out_dir / "observables.tsv", *_observable(problem)),
        _table(out_dir / "measurements.tsv", *_measurements(problem, doses)),
        _table(out_dir / "parameters.tsv", *_parameters(problem)),
    ]
    yaml = out_dir / "problem.yaml"
    lines = [
        "format_version: 1",
        "parameter_file: parameters.tsv",
        "problems:",
        "- condition_files: [conditions.tsv]",
        "  measurement_files: [measurements.tsv]",
        "  observable_files: [observables.tsv]",
        f"  sbml_files: [{model.name}]",
    ]
    yaml.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return (yaml, model, *files)


def _observable(problem: Problem) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    scaled = any(one.name == "scale" for one in problem.estimated)
    formula = f"scale * {problem.observable}" if scaled else problem.observable
    columns = ("observableId", "observableFormula", "observableTransformation", "noiseFormula")
    row = ("measured", formula, "log10", "sigma", "normal")
    return (*columns, "noiseDistribution"), [row]


def _measurements(
    problem: Problem, doses: dict[float, str]
) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    columns = ("observableId", "simulationConditionId", "measurement", "time")
    data = problem.data
    rows = [
        ("measured", doses[float(dose)], float(value), float(time))
        for dose, time, value in zip(data.dose, data.time_s, data.value, strict=True)
    ]
    return columns, rows


def _parameters(problem: Problem) -> tuple[Sequence[str], Iterable[Sequence[Cell]]]:
    columns = ("parameterId", "parameterScale", "lowerBound", "upperBound", "nominalValue")
    rows: list[Sequence[Cell]] = []
    for one in problem.estimated:
        nominal = problem.network.values.get(one.name, 1.0)
        inside = min(max(nominal, one.low), one.high)
        rows.append((one.name, "log10", one.low, one.high, inside, 1))
    rows.append(("sigma", "log10", 1e-3, 10.0, 0.1, 1))
    return (*columns, "estimate"), rows


def _table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path
