"""How is a network told to another simulator? SBML level 3 version 2, with units and sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lamella import __version__
from lamella.errors import SettingsError, nearest
from lamella.signalling.expression import Expression, names
from lamella.signalling.network import Network, Parameter, Reaction, Rule, Species

__all__ = ["UNITS", "sbml_text"]

UNITS: Final = {
    "uM": (("mole", 1, -6), ("litre", -1, 0)),
    "per_s": (("second", -1, 0),),
    "per_uM": (("mole", -1, -6), ("litre", 1, 0)),
    "per_uM_per_s": (("mole", -1, -6), ("litre", 1, 0), ("second", -1, 0)),
    "per_uM5": (("mole", -5, -6), ("litre", 5, 0)),
    "umol": (("mole", 1, -6),),
}
"""Unit of a parameter -> its parts: base unit, exponent, power of ten of the base unit."""

_BUILT_IN = ("dimensionless", "litre", "second")
_CORE = "http://www.sbml.org/sbml/level3/version2/core"
_MATH = "http://www.w3.org/1998/Math/MathML"
_HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="{_CORE}" level="3" version="2">"""
_RDF = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:bqbiol="http://biomodels.net/biology-qualifiers/"'
)


def sbml_text(network: Network) -> str:
    """The network as an SBML document: one compartment of a litre, µmol and seconds.

    Every constant carries its unit; its standing, prior and source stand in its notes, and
    proteins carry their identifiers.

    Raises:
        SettingsError: A parameter has a unit that is not in `UNITS`.
    """
    if "cell" in {*network.species_ids, *network.values, *(rule.id for rule in network.rules)}:
        raise SettingsError("'cell' is the compartment of an exported model; rename what has it.")
    for parameter in network.parameters:
        if parameter.unit and parameter.unit not in (*UNITS, *_BUILT_IN):
            known = nearest(parameter.unit, [*UNITS, *_BUILT_IN])
            raise SettingsError(f"parameter '{parameter.id}': unit '{parameter.unit}'. {known}")
    lines = [_HEAD, *_model(network), "</sbml>", ""]
    return "\n".join(lines)


def _model(network: Network) -> Iterator[str]:
    yield (
        f'<model metaid="model" id={quoteattr(network.id)} name={quoteattr(network.name)} '
        'substanceUnits="umol" timeUnits="second" volumeUnits="litre" extentUnits="umol">'
    )
    made = f"Written by Lamella {__version__}. For research use only."
    yield _notes([network.notes, made])
    yield from _listed("UnitDefinitions", map(_unit, UNITS))
    cell = '<compartment id="cell" spatialDimensions="3" size="1" units="litre" constant="true"/>'
    yield from _listed("Compartments", [cell])
    yield from _listed("Species", map(_species, network.species))
    constants = [_parameter(parameter) for parameter in network.parameters]
    yield from _listed("Parameters", [*constants, *map(_assigned, network.rules)])
    yield from _listed("Rules", map(_rule, network.rules))
    yield from _listed("Reactions", (_reaction(one, network) for one in network.reactions))
    yield "</model>"


def _listed(what: str, entries: Iterable[str]) -> Iterator[str]:
    inner = list(entries)
    if inner:
        yield f"<listOf{what}>"
        yield from inner
        yield f"</listOf{what}>"


def _unit(name: str) -> str:
    parts = "".join(
        f'<unit kind="{kind}" exponent="{exponent}" scale="{scale}" multiplier="1"/>'
        for kind, exponent, scale in UNITS[name]
    )
    return f'<unitDefinition id="{name}"><listOfUnits>{parts}</listOfUnits></unitDefinition>'


def _species(species: Species) -> str:
    held = "true" if species.fixed else "false"
    head = (
        f'<species metaid="meta_{species.id}" id="{species.id}" '
        f'name={quoteattr(species.name or species.id)} compartment="cell" '
        f'initialConcentration="{species.initial!r}" substanceUnits="umol" '
        f'hasOnlySubstanceUnits="false" boundaryCondition="{held}" constant="false"'
    )
    return f"{head}>{_identified(species)}</species>" if species.identifiers else f"{head}/>"


def _identified(species: Species) -> str:
    # A complex has its parts; a form of one protein is a version of it.
    relation = "hasPart" if len(species.identifiers) > 1 else "isVersionOf"
    listed = "".join(f'<rdf:li rdf:resource="{escape(uri)}"/>' for uri in species.identifiers)
    return (
        f'<annotation><rdf:RDF {_RDF}><rdf:Description rdf:about="#meta_{species.id}">'
        f"<bqbiol:{relation}><rdf:Bag>{listed}</rdf:Bag></bqbiol:{relation}>"
        "</rdf:Description></rdf:RDF></annotation>"
    )


def _parameter(parameter: Parameter) -> str:
    unit = f' units="{parameter.unit}"' if parameter.unit else ""
    head = f'<parameter id="{parameter.id}" value="{parameter.value!r}"{unit} constant="true"'
    told = [f"{parameter.standing}: {parameter.source}" if parameter.source else parameter.standing]
    if parameter.prior is not None:
        prior = parameter.prior
        told.append(f"prior log-normal, median {prior.median:g}, SD {prior.log10_sd:g} log10")
    return f"{head}>{_notes(told)}</parameter>"


def _assigned(rule: Rule) -> str:
    name = f" name={quoteattr(rule.name)}" if rule.name else ""
    unit = f' units="{rule.unit}"' if rule.unit else ""
    return f'<parameter id="{rule.id}"{name}{unit} constant="false"/>'


def _rule(rule: Rule) -> str:
    math = _mathml(rule.expression)
    return (
        f'<assignmentRule variable="{rule.id}"><math {_math_names()}>{math}</math></assignmentRule>'
    )


def _reaction(reaction: Reaction, network: Network) -> str:
    name = f" name={quoteattr(reaction.name)}" if reaction.name else ""
    taking_part = {species for species, _ in (*reaction.reactants, *reaction.products)}
    law = reaction.law.expression
    modifiers = sorted((names(law) & set(network.species_ids)) - taking_part)
    told = [part for part in (reaction.edge and f"step {reaction.edge}", reaction.source) if part]
    parts = [
        f'<reaction id="{reaction.id}"{name} reversible="false">',
        _notes(told) if told else "",
        *_listed("Reactants", map(_reference, reaction.reactants)),
        *_listed("Products", map(_reference, reaction.products)),
        *_listed("Modifiers", (f'<modifierSpeciesReference species="{m}"/>' for m in modifiers)),
        f"<kineticLaw><math {_math_names()}><apply><times/><ci>cell</ci>{_mathml(law)}</apply>"
        "</math></kineticLaw></reaction>",
    ]
    return "".join(parts)


def _reference(side: tuple[str, float]) -> str:
    species, count = side
    return f'<speciesReference species="{species}" stoichiometry="{count:g}" constant="true"/>'


def _math_names() -> str:
    return f'xmlns="{_MATH}" xmlns:sbml="{_CORE}"'


def _mathml(e: Expression) -> str:
    if e.op == "number":
        return f'<cn sbml:units="dimensionless">{_plain(e.value)}</cn>'
    if e.op == "name":
        return f"<ci>{e.name}</ci>"
    if e.op == "*" and e.args[0].op == "number" and e.args[0].value == -1:
        rest = Expression("*", e.args[1:]) if len(e.args) > 2 else e.args[1]
        return f"<apply><minus/>{_mathml(rest)}</apply>"
    operator = {"+": "plus", "*": "times", "/": "divide", "^": "power", "sqrt": "root"}
    inner = "".join(_mathml(arg) for arg in e.args)
    return f"<apply><{operator.get(e.op, e.op)}/>{inner}</apply>"


def _plain(value: float) -> str:
    text = repr(value).removesuffix(".0")
    # MathML has its own way to write powers of ten; long decimals are the plainer one.
    return text if "e" not in text else f"{value:.30f}".rstrip("0").rstrip(".")


def _notes(sentences: Iterable[str]) -> str:
    lines = "".join(f"<p>{escape(one)}</p>" for one in sentences if one)
    return f'<notes><body xmlns="http://www.w3.org/1999/xhtml">{lines}</body></notes>'
