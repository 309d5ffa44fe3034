"""How is a network told to a person who writes models as text? Antimony."""

from __future__ import annotations

from collections.abc import Iterator

from lamella.signalling.expression import written
from lamella.signalling.network import Network, Reaction

__all__ = ["antimony_text"]


def antimony_text(network: Network) -> str:
    """The network as an Antimony model: reactions with their rates, starts, constants, rules."""
    return "\n".join(_lines(network)) + "\n"


def _lines(network: Network) -> Iterator[str]:
    yield f"// {network.name or network.id}: concentrations in umol/L, times in s."
    if network.notes:
        yield f"// {network.notes}"
    yield f"model {network.id}()"
    yield "  compartment cell = 1;"
    for species in network.species:
        sign = "$" if species.fixed else ""
        yield f"  species {sign}{species.id} in cell;"
    yield ""
    for rule in network.ordered_rules:
        yield f"  {rule.id} := {written(rule.expression)};"
    yield ""
    for reaction in network.reactions:
        yield f"  {_reaction(reaction)}"
    yield ""
    for species in network.species:
        yield f"  {species.id} = {species.initial!r};"
    for parameter in network.parameters:
        told = f"{parameter.unit}; {parameter.standing}: {parameter.source}"
        yield f"  {parameter.id} = {parameter.value!r}; // {_one_line(told)}"
    yield "end"


def _reaction(reaction: Reaction) -> str:
    sides = (
        " + ".join(name if count == 1 else f"{count:g} {name}" for name, count in side)
        for side in (reaction.reactants, reaction.products)
    )
    comment = f" // {_one_line(reaction.name)}" if reaction.name else ""
    rate = written(reaction.law.expression)
    return f"{reaction.id}: {' => '.join(sides)}; cell * ({rate});{comment}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
