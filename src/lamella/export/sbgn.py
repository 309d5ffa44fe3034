"""How is a network drawn by another program? SBGN-ML, as a process description with a layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

from lamella.signalling.expression import names
from lamella.signalling.network import Network, Reaction, Species
from lamella.signalling.rate_laws import MichaelisMenten

__all__ = ["sbgn_text"]

_SPACE_X, _SPACE_Y = 240.0, 130.0
_SPECIES: Final = (120.0, 50.0)
_PROCESS: Final = (16.0, 16.0)
_SINK: Final = (24.0, 24.0)
_PORT = 16.0


@dataclass(frozen=True, slots=True)
class _Glyph:
    """Something drawn: its middle and its size."""

    id: str
    kind: str
    label: str
    x: float
    y: float
    size: tuple[float, float]

    def border(self, towards: tuple[float, float]) -> tuple[float, float]:
        """Where a line to a point leaves the box."""
        dx, dy = towards[0] - self.x, towards[1] - self.y
        if dx == 0 and dy == 0:
            return self.x, self.y
        reach = [s / 2 / abs(d) for s, d in zip(self.size, (dx, dy), strict=True) if d]
        share = min(reach)
        return self.x + share * dx, self.y + share * dy


def sbgn_text(network: Network, *, inhibitor: str = "defactinib", dose: str = "dose") -> str:
    """The network as an SBGN-ML process description.

    Args:
        network: The model.
        inhibitor: Name of the compound that acts through the dose.
        dose: Parameter that is the dose; a reaction whose rate hangs on it is inhibited.
    """
    places = _places(network)
    species = {one.id: _species_glyph(one, places[one.id]) for one in network.species}
    slowed = _hang_on(network, dose)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<sbgn xmlns="http://sbgn.org/libsbgn/0.2">',
        '<map language="process description">',
        *map(_drawn, species.values()),
    ]
    drug = _Glyph("inhibitor", "simple chemical", inhibitor, -_SPACE_X, 0.0, (110.0, 50.0))
    if any(names(reaction.law.expression) & slowed for reaction in network.reactions):
        lines.append(_drawn(drug))
    parts: list[str] = []
    for count, reaction in enumerate(network.reactions):
        parts += _process(reaction, species, (drug, slowed), count)
    # The schema wants all glyphs before the first arc.
    lines += sorted(parts, key=lambda part: part.startswith("<arc"))
    return "\n".join([*lines, "</map>", "</sbgn>", ""])


def _process(
    reaction: Reaction,
    species: Mapping[str, _Glyph],
    inhibition: tuple[_Glyph, frozenset[str]],
    count: int,
) -> Iterator[str]:
    """The glyph of a reaction, its sinks, and its arcs."""
    used = [species[name] for name, _ in reaction.reactants]
    made = [species[name] for name, _ in reaction.products]
    x, y = _middle([*used, *made], count)
    node = _Glyph(f"process_{reaction.id}", "process", "", x, y, _PROCESS)
    if not used:
        used = [_Glyph(f"source_{reaction.id}", "source and sink", "", x - 60, y, _SINK)]
        yield _drawn(used[0])
    if not made:
        made = [_Glyph(f"sink_{reaction.id}", "source and sink", "", x + 60, y, _SINK)]
        yield _drawn(made[0])
    first, last = (x - _PORT, y), (x + _PORT, y)
    yield _drawn(node, ports=((f"{node.id}.1", first), (f"{node.id}.2", last)))
    for at, glyph in enumerate(used):
        ends = (glyph.border(first), first)
        yield _arc(f"{node.id}_in{at}", "consumption", (glyph.id, f"{node.id}.1"), ends)
    for at, glyph in enumerate(made):
        ends = (last, glyph.border(last))
        yield _arc(f"{node.id}_out{at}", "production", (f"{node.id}.2", glyph.id), ends)
    own = {name for name, _ in (*reaction.reactants, *reaction.products)}
    driving = sorted((names(reaction.law.expression) & species.keys()) - own)
    kind = "catalysis" if isinstance(reaction.law, MichaelisMenten) else "modulation"
    for at, name in enumerate(driving):
        glyph = species[name]
        ends = (glyph.border((x, y)), node.border((glyph.x, glyph.y)))
        yield _arc(f"{node.id}_by{at}", kind, (glyph.id, node.id), ends)
    drug, slowed = inhibition
    if names(reaction.law.expression) & slowed:
        ends = (drug.border((x, y)), node.border((drug.x, drug.y)))
        yield _arc(f"{node.id}_inhibited", "inhibition", (drug.id, node.id), ends)


def _hang_on(network: Network, dose: str) -> frozenset[str]:
    """The dose and every rule that hangs on it."""
    found = {dose}
    for rule in network.ordered_rules:
        if names(rule.expression) & found:
            found.add(rule.id)
    return frozenset(found)


def _places(network: Network) -> dict[str, tuple[float, float]]:
    """A row for each family of species that turn into each other, in the order of the model."""
    family = {name: name for name in network.species_ids}

    def head(name: str) -> str:
        while family[name] != name:
            name = family[name]
        return name

    for reaction in network.reactions:
        part = [name for name, _ in (*reaction.reactants, *reaction.products)]
        for name in part[1:]:
            family[head(name)] = head(part[0])
    rows: dict[str, list[str]] = {}
    for name in network.species_ids:
        rows.setdefault(head(name), []).append(name)
    return {
        name: (column * _SPACE_X, row * _SPACE_Y)
        for row, members in enumerate(rows.values())
        for column, name in enumerate(members)
    }


def _middle(glyphs: Iterable[_Glyph], count: int) -> tuple[float, float]:
    """Between what takes part; there and back again get different heights."""
    listed = list(glyphs)
    x = sum(glyph.x for glyph in listed) / len(listed)
    y = sum(glyph.y for glyph in listed) / len(listed)
    return x, y + (-38.0, 38.0, -52.0, 52.0)[count % 4]


def _species_glyph(species: Species, at: tuple[float, float]) -> _Glyph:
    proteins = [uri for uri in species.identifiers if "uniprot" in uri]
    if len(proteins) > 1:
        kind = "complex"
    elif proteins:
        kind = "macromolecule"
    else:
        kind = "simple chemical" if species.identifiers else "unspecified entity"
    return _Glyph(species.id, kind, species.name or species.id, *at, _SPECIES)


def _drawn(glyph: _Glyph, *, ports: tuple[tuple[str, tuple[float, float]], ...] = ()) -> str:
    width, height = glyph.size
    left, top = glyph.x - width / 2, glyph.y - height / 2
    label = f"<label text={quoteattr(glyph.label)}/>" if glyph.label else ""
    box = f'<bbox x="{left:g}" y="{top:g}" w="{width:g}" h="{height:g}"/>'
    held = "".join(f'<port id="{name}" x="{x:g}" y="{y:g}"/>' for name, (x, y) in ports)
    return f'<glyph id="{glyph.id}" class="{glyph.kind}">{label}{box}{held}</glyph>'


def _arc(
    name: str,
    kind: str,
    joins: tuple[str, str],
    ends: tuple[tuple[float, float], tuple[float, float]],
) -> str:
    (x0, y0), (x1, y1) = ends
    return (
        f'<arc id="{name}" class="{kind}" source="{joins[0]}" target="{joins[1]}">'
        f'<start x="{x0:.1f}" y="{y0:.1f}"/><end x="{x1:.1f}" y="{y1:.1f}"/></arc>'
    )
