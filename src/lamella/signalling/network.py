"""What is a reaction network? Species, parameters with their standing, reactions, rules: data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeAlias

from lamella.errors import SettingsError, nearest
from lamella.signalling.expression import Expression, evaluate, names
from lamella.signalling.rate_laws import RateLaw

__all__ = ["Network", "Parameter", "Prior", "Reaction", "Rule", "Species", "Standing"]

Standing: TypeAlias = Literal["measured", "derived", "assumed", "input", "imported"]


@dataclass(frozen=True, slots=True)
class Prior:
    """A log-normal prior: its median and the standard deviation of log10."""

    median: float
    log10_sd: float


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant of the network.

    Attributes:
        id: Its name in formulas.
        value: In `unit`; never negative.
        unit: As in `lamella.export.sbml`, for example `per_s`.
        prior: What is known of it before any data; None where it is exact or an input.
        standing: Measured, derived from something measured, assumed, an input that a person
            sets, or imported with a model.
        source: Where it comes from.
    """

    id: str
    value: float
    unit: str = "dimensionless"
    prior: Prior | None = None
    standing: Standing = "assumed"
    source: str = ""


@dataclass(frozen=True, slots=True)
class Species:
    """A state: its concentration at the start [µmol/L], and what it is.

    `fixed` species take part in reactions and are held. `identifiers` are URIs.
    """

    id: str
    initial: float
    name: str = ""
    identifiers: tuple[str, ...] = ()
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Reaction:
    """One step: how many of which species are used and made, and at which rate.

    `edge` names the step of the pathway that it belongs to; `source` where it is described.
    """

    id: str
    reactants: tuple[tuple[str, float], ...]
    products: tuple[tuple[str, float], ...]
    law: RateLaw
    name: str = ""
    edge: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A value that follows from others at every moment, for example pFAK over all FAK."""

    id: str
    expression: Expression
    unit: str = "dimensionless"
    name: str = ""


@dataclass(frozen=True)
class Network:
    """A whole model, checked when it is made.

    Raises:
        SettingsError: A name stands twice or is not known, a value is negative or not finite,
            or rules need each other.
    """

    id: str
    species: tuple[Species, ...]
    parameters: tuple[Parameter, ...]
    reactions: tuple[Reaction, ...]
    rules: tuple[Rule, ...] = ()
    name: str = ""
    notes: str = ""
    switches: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that names fit together and that values can be."""
        ids = [*self.species_ids, *(p.id for p in self.parameters), *(r.id for r in self.rules)]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise SettingsError(f"model '{self.id}': '{twice[0]}' is defined twice.")
        if not any(not species.fixed for species in self.species):
            raise SettingsError(f"model '{self.id}' has no species that can change.")
        for species in self.species:
            _not_negative(f"species '{species.id}' starts at", species.initial)
        for parameter in self.parameters:
            _not_negative(f"parameter '{parameter.id}' is", parameter.value)
        for reaction in self.reactions:
            self._check_reaction(reaction, frozenset(ids))
        for rule in self.rules:
            _known(names(rule.expression), ids, f"rule '{rule.id}'")
        _ = self.ordered_rules

    @cached_property
    def species_ids(self) -> tuple[str, ...]:
        """Names of all species, in order."""
        return tuple(species.id for species in self.species)

    @cached_property
    def values(self) -> dict[str, float]:
        """Value of every parameter."""
        return {parameter.id: parameter.value for parameter in self.parameters}

    @cached_property
    def ordered_rules(self) -> tuple[Rule, ...]:
        """Rules in an order in which each can be computed."""
        waiting = {rule.id: rule for rule in self.rules}
        ordered: list[Rule] = []
        while waiting:
            ready = [r for r in waiting.values() if not names(r.expression) & waiting.keys()]
            if not ready:
                circle = ", ".join(sorted(waiting))
                raise SettingsError(f"model '{self.id}': rules need each other: {circle}.")
            ordered += ready
            waiting = {k: v for k, v in waiting.items() if v not in ready}
        return tuple(ordered)

    def place_of(self, species: str) -> int:
        """Where a species stands among all.

        Raises:
            SettingsError: There is no such species.
        """
        if species not in self.species_ids:
            known = nearest(species, self.species_ids)
            raise SettingsError(f"model '{self.id}' has no species '{species}'. {known}")
        return self.species_ids.index(species)

    def with_values(
        self,
        parameters: Mapping[str, float] | None = None,
        *,
        initial: Mapping[str, float] | None = None,
    ) -> Network:
        """The network with other parameter values or other concentrations at the start.

        A value that is set is held: it has no prior any more.

        Raises:
            SettingsError: A name is not known, or a value is negative or not finite.
        """
        given, start = dict(parameters or {}), dict(initial or {})
        _known(given, self.values, f"model '{self.id}': a parameter to set")
        for name in start:
            self.place_of(name)
        return replace(
            self,
            parameters=tuple(
                replace(p, value=float(given[p.id]), prior=None) if p.id in given else p
                for p in self.parameters
            ),
            species=tuple(
                replace(s, initial=float(start[s.id])) if s.id in start else s for s in self.species
            ),
        )

    def in_context(self, context: str) -> Network:
        """The network with its switches set as in a context, for example `suspension`.

        Raises:
            SettingsError: The network has no such context.
        """
        if context not in self.switches:
            known = nearest(context, self.switches) if self.switches else "It has none."
            raise SettingsError(f"model '{self.id}' has no context '{context}'. {known}")
        return self.with_values(self.switches[context])

    def rule_values(self, concentrations: Mapping[str, float]) -> dict[str, float]:
        """Value of every rule at given concentrations."""
        values = {**self.values, **concentrations}
        for rule in self.ordered_rules:
            values[rule.id] = evaluate(rule.expression, values)
        return {rule.id: values[rule.id] for rule in self.rules}

    def _check_reaction(self, reaction: Reaction, ids: frozenset[str]) -> None:
        for species, count in (*reaction.reactants, *reaction.products):
            if species not in self.species_ids:
                known = nearest(species, self.species_ids)
                raise SettingsError(f"reaction '{reaction.id}': no species '{species}'. {known}")
            if not 0 < count < math.inf:
                raise SettingsError(
                    f"reaction '{reaction.id}': {count:g} of '{species}' take part. "
                    "Give a positive number."
                )
        _known(names(reaction.law.expression), ids, f"reaction '{reaction.id}'")


def _known(used: Iterable[str], known: Iterable[str], where: str) -> None:
    valid = set(known)
    for name in sorted(used):
        if name not in valid:
            raise SettingsError(f"{where}: '{name}' is not known. {nearest(name, valid)}")


def _not_negative(what: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise SettingsError(
            f"{what} {value:g}. Concentrations and rate constants are 0 or more, and finite."
        )
