"""Which models of FAK signalling come with Lamella?

`core` (tier 1) is small enough to be calibrated. `network` (tier 2) is a hypothesis simulator:
most of its constants are assumed, so it is shown as prior-predictive bands and never fitted.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Final, get_args

from lamella.errors import SettingsError, nearest
from lamella.signalling.expression import parse
from lamella.signalling.network import (
    Network,
    Parameter,
    Prior,
    Reaction,
    Rule,
    Species,
    Standing,
)
from lamella.signalling.rate_laws import Hill, MassAction, MichaelisMenten, RateLaw

__all__ = ["MODELS", "model"]

MODELS: Final = {
    "core": (
        "fak_core",
        "FAK core",
        "Identifiable core: FAK closed, at adhesions, pY397, with Src, pY576/577. "
        "Single rates are not identifiable from pFAK alone; predictions are.",
    ),
    "network": (
        "fak_network",
        "FAK network",
        "A hypothesis simulator: most constants are assumed. Read the bands, not the lines; "
        "nothing here is a measurement or a fit.",
    ),
}
"""Name -> folder of its tables, title, and what it may be used for."""


@cache
def model(name: str) -> Network:
    """A model that comes with Lamella, from its tables.

    Raises:
        SettingsError: There is no such model.

    >>> len(model("core").species), len(model("network").species)
    (5, 40)
    """
    if name not in MODELS:
        raise SettingsError(f"no model '{name}'. {nearest(name, MODELS)}")
    folder, title, notes = MODELS[name]
    contexts: dict[str, dict[str, float]] = {}
    for row in _table(folder, "contexts"):
        contexts.setdefault(row["context"], {})[row["parameter"]] = float(row["value"])
    return Network(
        id=folder,
        species=tuple(_species(row) for row in _table(folder, "species")),
        parameters=tuple(_parameter(row) for row in _table(folder, "parameters")),
        reactions=tuple(_reaction(row) for row in _table(folder, "reactions")),
        rules=tuple(
            Rule(row["id"], parse(row["expression"]), row["unit"], row["name"])
            for row in _table(folder, "rules")
        ),
        name=title,
        notes=notes,
        switches=contexts,
    )


def _table(folder: str, name: str) -> list[dict[str, str]]:
    path = files("lamella.signalling") / "data" / folder / f"{name}.csv"
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def _species(row: dict[str, str]) -> Species:
    listed = tuple(part.strip() for part in row["identifiers"].split(";") if part.strip())
    return Species(row["id"], float(row["initial_uM"]), row["name"], listed)


def _parameter(row: dict[str, str]) -> Parameter:
    value = float(row["value"])
    prior = Prior(value, float(row["log10_sd"])) if row["log10_sd"] else None
    standing = row["standing"]
    if standing not in get_args(Standing):
        raise SettingsError(f"parameter '{row['id']}': standing '{standing}' is not known.")
    return Parameter(row["id"], value, row["unit"], prior, standing, row["source"])  # type: ignore[arg-type]


def _reaction(row: dict[str, str]) -> Reaction:
    used, made = _side(row["reactants"]), _side(row["products"])
    described = {key: row[key] for key in ("name", "edge", "source")}
    return Reaction(row["id"], used, made, _law(row, used), **described)


def _side(text: str) -> tuple[tuple[str, float], ...]:
    return tuple((part.strip(), 1.0) for part in text.split("+") if part.strip())


def _law(row: dict[str, str], used: tuple[tuple[str, float], ...]) -> RateLaw:
    if row["law"] == "mass_action":
        return MassAction(row["rate"], tuple(name for name, _ in used), row["driven_by"])
    if row["law"] == "michaelis_menten":
        return MichaelisMenten(row["rate"], row["substrate"], row["km"], row["driven_by"])
    if row["law"] == "hill":
        return Hill(row["rate"], row["substrate"], row["activator"], row["half"], row["exponent"])
    raise SettingsError(f"reaction '{row['id']}': rate law '{row['law']}' is not known.")
