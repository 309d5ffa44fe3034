"""At which rate does a reaction run? Mass action, Michaelis-Menten, Hill, or a formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from lamella.signalling.expression import (
    Expression,
    named,
    number,
    parse,
    power,
    product,
    quotient,
    total,
    written,
)

__all__ = ["Formula", "Hill", "MassAction", "MichaelisMenten", "RateLaw"]


@dataclass(frozen=True, slots=True)
class MassAction:
    """A constant times the concentrations of what reacts, times what drives it.

    >>> MassAction("k", ("A", "B"), driven_by="theta").text
    'theta * k * A * B'
    """

    rate: str
    species: tuple[str, ...]
    driven_by: str = "1"

    @property
    def expression(self) -> Expression:
        """The rate [µmol/L/s]."""
        drive = (parse(self.driven_by), named(self.rate))
        return product(*drive, *(named(name) for name in self.species))

    @property
    def text(self) -> str:
        """The rate as a formula."""
        return written(self.expression)


@dataclass(frozen=True, slots=True)
class MichaelisMenten:
    """An enzyme that saturates with its substrate: k E S / (Km + S).

    >>> MichaelisMenten("k", "S", km="Km", enzyme="E + w * F").text
    '(E + w * F) * k * S / (Km + S)'
    """

    rate: str
    substrate: str
    km: str
    enzyme: str

    @property
    def expression(self) -> Expression:
        """The rate [µmol/L/s]."""
        above = product(parse(self.enzyme), named(self.rate), named(self.substrate))
        return quotient(above, total(named(self.km), named(self.substrate)))

    @property
    def text(self) -> str:
        """The rate as a formula."""
        return written(self.expression)


@dataclass(frozen=True, slots=True)
class Hill:
    """A step that an activator drives with a threshold: k S x^n / (1 + x^n), x = A / K.

    >>> Hill("k", "S", activator="A", half="K", exponent="n").text
    'k * S * (A / K)^n / ((A / K)^n + 1)'
    """

    rate: str
    substrate: str
    activator: str
    half: str
    exponent: str

    @property
    def expression(self) -> Expression:
        """The rate [µmol/L/s]."""
        # The ratio first: a power of a pure number needs no unit of its own.
        raised = power(quotient(parse(self.activator), named(self.half)), named(self.exponent))
        above = product(named(self.rate), named(self.substrate), raised)
        return quotient(above, total(raised, number(1)))

    @property
    def text(self) -> str:
        """The rate as a formula."""
        return written(self.expression)


@dataclass(frozen=True, slots=True)
class Formula:
    """Any other rate, as it stands in an imported model."""

    expression: Expression

    @property
    def text(self) -> str:
        """The rate as a formula."""
        return written(self.expression)


RateLaw: TypeAlias = MassAction | MichaelisMenten | Hill | Formula
