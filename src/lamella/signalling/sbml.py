"""Which network does an SBML document describe, and what in it is not supported?

Read are level 3 models of one or more constant compartments with reactions, kinetic laws of
arithmetic and assignment rules. Everything else is refused by its name: a part that is left out
would change the result without a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree

from lamella.errors import SettingsError
from lamella.signalling.expression import (
    FUNCTIONS,
    Expression,
    named,
    number,
    power,
    product,
    quotient,
    renamed,
    total,
)
from lamella.signalling.network import Network, Parameter, Reaction, Rule, Species
from lamella.signalling.rate_laws import Formula

__all__ = ["MATHML", "read_sbml"]

MATHML: Final = "http://www.w3.org/1998/Math/MathML"
_CORES = tuple(f"http://www.sbml.org/sbml/level3/version{v}/core" for v in (1, 2))
_REFUSED: Final[Mapping[str, str]] = {
    "event": "events",
    "functionDefinition": "function definitions",
    "constraint": "constraints",
    "rateRule": "rate rules",
    "algebraicRule": "algebraic rules",
    "initialAssignment": "initial assignments",
    "stoichiometryMath": "computed stoichiometries",
}
_LARGEST = 20_000_000
_DEEPEST = 200


def read_sbml(text: str) -> Network:
    """The network of an SBML level 3 document.

    Args:
        text: The document. Concentrations are taken as µmol/L and times as seconds, the units
            of the network; nothing is converted.

    Raises:
        SettingsError: It is no SBML of level 3, or it uses what is not supported, named.
    """
    root = _parsed(text)
    core = root.tag.partition("}")[0].removeprefix("{")
    if root.tag.partition("}")[2] != "sbml" or core not in _CORES:
        raise SettingsError(
            "this is no SBML of level 3. Convert it, for example with libSBML or COPASI."
        )
    for name, value in root.attrib.items():
        if name.endswith("}required") and value == "true":
            package = name.partition("}")[0].rsplit("/", 2)[-2]
            raise SettingsError(f"SBML package '{package}' is not supported.")
    model = root.find(f"{{{core}}}model")
    if model is None:
        raise SettingsError("the SBML document holds no model.")
    return _Reader(core, model).network()


def _parsed(text: str) -> ElementTree.Element:
    if len(text) > _LARGEST:
        raise SettingsError(f"the SBML document is larger than {_LARGEST:,} characters.")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SettingsError("the SBML document defines entities; they are not read.")
    try:
        return ElementTree.fromstring(text.encode("utf-8", "replace"))
    except ElementTree.ParseError as error:
        raise SettingsError(f"the SBML document is not well formed: {error}.") from error


class _Reader:
    """One model element, read once."""

    def __init__(self, core: str, model: ElementTree.Element) -> None:
        self.core = core
        self.model = model
        self.assigned: set[str] = set()
        self.sizes: dict[str, float] = {}
        self.local: list[Parameter] = []

    def network(self) -> Network:
        """The network, checked."""
        for part in self.model.iter():
            tag = part.tag.partition("}")[2]
            if tag in _REFUSED and part.tag.startswith(f"{{{self.core}}}"):
                raise SettingsError(f"SBML {_REFUSED[tag]} are not supported ({self._of(part)}).")
        if self.model.get("conversionFactor"):
            raise SettingsError("SBML conversion factors are not supported (model).")
        self.assigned = {part.get("variable") or "" for part in self._all("assignmentRule")}
        self._compartments()
        rules = tuple(self._rules())
        species = tuple(self._species())
        reactions = tuple(self._reaction(part) for part in self._all("reaction"))
        return Network(
            id=self.model.get("id") or "model",
            name=self.model.get("name") or "",
            species=species,
            parameters=(*self._parameters(), *self.local),
            reactions=reactions,
            rules=rules,
        )

    def _all(self, tag: str) -> Iterator[ElementTree.Element]:
        yield from self.model.iter(f"{{{self.core}}}{tag}")

    def _of(self, part: ElementTree.Element) -> str:
        return part.get("id") or part.get("variable") or part.get("symbol") or "without id"

    def _id(self, part: ElementTree.Element) -> str:
        found = part.get("id")
        if not found or not (found.isidentifier() and found.isascii()):
            raise SettingsError(f"an SBML {part.tag.partition('}')[2]} has no valid id.")
        return found

    def _number(self, part: ElementTree.Element, key: str, default: float | None = None) -> float:
        text = part.get(key)
        if text is None and default is not None:
            return default
        try:
            return float(text or "")
        except ValueError as error:
            raise SettingsError(
                f"SBML '{self._of(part)}' has no {key} that is a number."
            ) from error

    def _rules(self) -> Iterator[Rule]:
        for part in self._all("assignmentRule"):
            yield Rule(part.get("variable") or "", self._math(part), "")

    def _compartments(self) -> None:
        for part in self._all("compartment"):
            name = self._id(part)
            if part.get("constant") != "true" or name in self.assigned:
                raise SettingsError(f"SBML compartment '{name}' changes its size: not supported.")
            self.sizes[name] = self._number(part, "size", 1.0)
            if not self.sizes[name] > 0:
                raise SettingsError(f"SBML compartment '{name}' has no positive size.")

    def _species(self) -> Iterator[Species]:
        for part in self._all("species"):
            name = self._id(part)
            if part.get("hasOnlySubstanceUnits") == "true":
                raise SettingsError(f"SBML species '{name}' is counted in amounts: not supported.")
            if part.get("conversionFactor"):
                raise SettingsError(f"SBML conversion factors are not supported ('{name}').")
            if name in self.assigned:
                raise SettingsError(f"SBML species '{name}' is set by a rule: not supported.")
            size = self.sizes.get(part.get("compartment") or "")
            if size is None:
                raise SettingsError(f"SBML species '{name}' lies in no known compartment.")
            if part.get("initialAmount") is not None:
                start = self._number(part, "initialAmount") / size
            else:
                start = self._number(part, "initialConcentration")
            fixed = part.get("boundaryCondition") == "true" or part.get("constant") == "true"
            yield Species(name, start, name=part.get("name") or "", fixed=fixed)

    def _parameters(self) -> Iterator[Parameter]:
        for part in self._all("parameter"):
            name = self._id(part)
            if name not in self.assigned:
                yield Parameter(name, self._number(part, "value"), "", standing="imported")

    def _reaction(self, part: ElementTree.Element) -> Reaction:
        name = self._id(part)
        if part.get("fast") == "true":
            raise SettingsError(f"SBML reaction '{name}' is fast: not supported.")
        law = part.find(f"{{{self.core}}}kineticLaw")
        if law is None:
            raise SettingsError(f"SBML reaction '{name}' has no kinetic law.")
        own: dict[str, Expression] = {}
        for local in law.iter(f"{{{self.core}}}localParameter"):
            free = f"{name}_{self._id(local)}"
            own[self._id(local)] = named(free)
            self.local.append(
                Parameter(free, self._number(local, "value"), "", standing="imported")
            )
        used, made = (self._side(part, f"listOf{side}") for side in ("Reactants", "Products"))
        size = self._size_of(name, (*used, *made))
        rate = quotient(renamed(self._math(law), own), number(size))
        return Reaction(name, used, made, Formula(rate), name=part.get("name") or "")

    def _side(self, part: ElementTree.Element, tag: str) -> tuple[tuple[str, float], ...]:
        found = []
        listed = part.find(f"{{{self.core}}}{tag}")
        for reference in listed if listed is not None else ():
            if reference.get("constant") == "false" or reference.get("id") in self.assigned:
                raise SettingsError(
                    f"SBML reaction '{part.get('id')}' changes its stoichiometry: not supported."
                )
            count = self._number(reference, "stoichiometry", 1.0)
            found.append((reference.get("species") or "", count))
        return tuple(found)

    def _size_of(self, name: str, taking_part: tuple[tuple[str, float], ...]) -> float:
        """Size of the one compartment whose species react: amounts become concentrations."""
        where = {part.get("id"): part.get("compartment") or "" for part in self._all("species")}
        homes = {where.get(species, "") for species, _ in taking_part} - {""}
        if len({self.sizes[home] for home in homes if home in self.sizes}) > 1:
            raise SettingsError(
                f"SBML reaction '{name}' joins compartments of different size: not supported."
            )
        home = min(homes) if homes else ""
        return self.sizes.get(home, 1.0)

    def _math(self, part: ElementTree.Element) -> Expression:
        found = part.find(f"{{{MATHML}}}math")
        if found is None or len(found) != 1:
            raise SettingsError(f"SBML '{self._of(part)}' has no formula.")
        # Compartments keep their size, so that their names are numbers.
        return renamed(_expression(found[0]), {k: number(v) for k, v in self.sizes.items()})


def _expression(node: ElementTree.Element, depth: int = 0) -> Expression:
    tag = node.tag.removeprefix(f"{{{MATHML}}}")
    if depth > _DEEPEST:
        raise SettingsError("an SBML formula is nested too deeply.")
    if tag == "cn":
        return number(_constant(node))
    if tag == "ci":
        return named((node.text or "").strip())
    if tag == "apply" and len(node):
        operator = node[0].tag.removeprefix(f"{{{MATHML}}}")
        if operator in ("root", "log") and len(node) > 2:
            raise SettingsError(f"MathML '{operator}' with a degree or base is not supported.")
        return _applied(operator, [_expression(arg, depth + 1) for arg in node[1:]])
    if tag == "csymbol":
        kind = (node.get("definitionURL") or "").rsplit("/", 1)[-1]
        raise SettingsError(f"MathML symbol '{kind or 'csymbol'}' is not supported.")
    raise SettingsError(f"MathML '{tag}' is not supported.")


def _constant(node: ElementTree.Element) -> float:
    parts = [(node.text or "").strip(), *((inner.tail or "").strip() for inner in node)]
    kind = node.get("type", "real")
    try:
        if kind == "e-notation":
            return float(f"{parts[0]}e{parts[1]}")
        if kind == "rational":
            return float(parts[0]) / float(parts[1])
        return float(parts[0])
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise SettingsError(f"'{' '.join(parts)}' in an SBML formula is no number.") from error


def _applied(operator: str, args: list[Expression]) -> Expression:
    if operator == "plus":
        return total(*args)
    if operator == "times":
        return product(*args)
    if operator == "minus" and len(args) in (1, 2):
        negative = product(number(-1), args[-1])
        return negative if len(args) == 1 else total(args[0], negative)
    if operator == "divide" and len(args) == 2:
        return quotient(*args)
    if operator == "power" and len(args) == 2:
        return power(*args)
    function = {"root": "sqrt"}.get(operator, operator)
    if function in FUNCTIONS and len(args) == 1:
        return Expression(function, (args[0],))
    raise SettingsError(f"MathML '{operator}' is not supported.")
