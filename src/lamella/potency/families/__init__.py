"""The one list of curve families. To add one: a module with its `FAMILIES`, and a line here."""

from __future__ import annotations

from lamella.errors import FitError, nearest
from lamella.potency.families import hormesis, logistic, partial, two_site, weibull
from lamella.potency.families.family import Family, Parameter

__all__ = ["FAMILIES", "Family", "Parameter", "family_named"]

FAMILIES: tuple[Family, ...] = (
    *partial.FAMILIES,
    *logistic.FAMILIES,
    *weibull.FAMILIES,
    *hormesis.FAMILIES,
    *two_site.FAMILIES,
)


def family_named(name: str) -> Family:
    """The family of that name.

    >>> family_named("4pl").label
    'four-parameter log-logistic'
    """
    for family in FAMILIES:
        if family.name == name:
            return family
    known = [family.name for family in FAMILIES]
    raise FitError(f"curve family '{name}' is not known. {nearest(name, known)}")
