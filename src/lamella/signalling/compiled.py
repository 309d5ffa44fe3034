"""How does a network become code? Right-hand side, Jacobian, rules, and the order of elimination.

The code that is made holds only places in arrays and numbers, never a name or a text of a model,
so that a model from elsewhere cannot bring code with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamella.signalling.expression import (
    Expression,
    derivative,
    named,
    names,
    number,
    product,
    total,
    written,
)
from lamella.signalling.network import Network

__all__ = ["Code", "Elimination", "code_of"]

Places = NDArray[np.uint32]


@dataclass(frozen=True)
class Elimination:
    """Sparse LU of the stage matrix, planned once: no pivots, fewest new entries first.

    Attributes:
        order: Species in the order of elimination, shape (n,).
        start: Where each row of the filled matrix begins, shape (n + 1,).
        column: Column (in order of elimination) of each entry, shape (filled,).
        diagonal: Where the diagonal of each row stands, shape (n,).
        entry: Where each entry of the Jacobian goes in the filled matrix, shape (entries,).
    """

    order: Places
    start: Places
    column: Places
    diagonal: Places
    entry: Places


@dataclass(frozen=True)
class Code:
    """A network as functions of arrays; `y` and `p` hold species and parameters first.

    Attributes:
        slope: `slope(y, p, out)` fills the rates of change.
        jacobian: `jacobian(y, p, out)` fills the entries named by `rows` and `columns`.
        outputs: `outputs(y, p, out)` fills the rules.
        sources: The text of each, for a compiler.
    """

    slope: Callable[..., None]
    jacobian: Callable[..., None]
    outputs: Callable[..., None]
    sources: Mapping[str, str]
    rows: Places
    columns: Places
    elimination: Elimination


@lru_cache(maxsize=32)
def _code_of(network: _ById) -> Code:
    return _make(network.network)


@dataclass(frozen=True)
class _ById:
    """A network told apart by what its code depends on, not by its values."""

    network: Network
    key: tuple[object, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def code_of(network: Network) -> Code:
    """The functions of a network; made once for all values of its parameters."""
    key = (
        tuple((s.id, s.fixed) for s in network.species),
        tuple(p.id for p in network.parameters),
        tuple((r.reactants, r.products, r.law) for r in network.reactions),
        tuple((r.id, r.expression) for r in network.rules),
    )
    return _code_of(_ById(network, key))


def _make(network: Network) -> Code:
    table = {s: f"y{i}" for i, s in enumerate(network.species_ids)}
    table |= {p.id: f"p{i}" for i, p in enumerate(network.parameters)}
    table |= {rule.id: f"r{i}" for i, rule in enumerate(network.rules)}
    balances = _balances(network)
    slopes = _slopes(network)
    entries = sorted({(i, k) for v, d in slopes.items() for k in d for i in balances[v]})
    sources = {
        "slope": _slope_source(network, table, balances),
        "jacobian": _jacobian_source(network, table, (balances, slopes, entries)),
        "outputs": _outputs_source(network, table),
    }
    rows = np.array([i for i, _ in entries], np.uint32)
    columns = np.array([k for _, k in entries], np.uint32)
    scope: dict[str, Any] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh}
    made = {}
    for name, source in sources.items():
        space = dict(scope)
        exec(compile(source, f"<{name} of a network>", "exec"), space)
        made[name] = space[name]
    plan = _plan(len(network.species), list(zip(rows.tolist(), columns.tolist(), strict=True)))
    return Code(**made, sources=sources, rows=rows, columns=columns, elimination=plan)


def _balances(network: Network) -> list[dict[int, float]]:
    """What each reaction changes: place of a species to its net number."""
    found = []
    for reaction in network.reactions:
        net: dict[int, float] = {}
        for sign, side in ((-1.0, reaction.reactants), (1.0, reaction.products)):
            for species, count in side:
                place = network.place_of(species)
                if not network.species[place].fixed:
                    net[place] = net.get(place, 0.0) + sign * count
        found.append({place: count for place, count in net.items() if count})
    return found


def _slopes(network: Network) -> dict[int, dict[int, Expression]]:
    """Derivative of each rate by each species on which it depends, rules followed."""
    rules = {rule.id: rule.expression for rule in network.rules}
    known: dict[tuple[str, str], Expression] = {}

    def by(name: str, species: str) -> Expression:
        if name == species:
            return number(1)
        if name not in rules:
            return number(0)
        if (name, species) not in known:
            known[name, species] = derivative(rules[name], lambda inner: by(inner, species))
        return known[name, species]

    found: dict[int, dict[int, Expression]] = {}
    for v, reaction in enumerate(network.reactions):
        rate = reaction.law.expression
        slopes = {}
        for k, species in enumerate(network.species_ids):
            slope = derivative(rate, lambda name, s=species: by(name, s))  # type: ignore[misc]
            if slope != number(0):
                slopes[k] = slope
        found[v] = slopes
    return found


def _slope_source(
    network: Network, table: Mapping[str, str], balances: list[dict[int, float]]
) -> str:
    rates = [reaction.law.expression for reaction in network.reactions]
    lines = [*_rule_lines(network, table, rates)]
    lines += [f"v{v} = {written(rate, table)}" for v, rate in enumerate(rates)]
    for i in range(len(network.species)):
        terms = [product(number(b[i]), named(f"v{v}")) for v, b in enumerate(balances) if i in b]
        own = {f"v{v}": f"v{v}" for v in range(len(balances))}
        lines.append(f"out[{i}] = {written(total(*terms), own)}")
    return _function("slope", lines)


def _jacobian_source(
    network: Network,
    table: Mapping[str, str],
    parts: tuple[list[dict[int, float]], dict[int, dict[int, Expression]], list[tuple[int, int]]],
) -> str:
    balances, slopes, entries = parts
    every = [slope for d in slopes.values() for slope in d.values()]
    lines = [*_rule_lines(network, table, every)]
    own: dict[str, str] = {}
    for v, d in slopes.items():
        for k, slope in d.items():
            own[f"d{v}_{k}"] = f"d{v}_{k}"
            lines.append(f"d{v}_{k} = {written(slope, table)}")
    for place, (i, k) in enumerate(entries):
        terms = [
            product(number(balances[v][i]), named(f"d{v}_{k}"))
            for v, d in slopes.items()
            if k in d and i in balances[v]
        ]
        lines.append(f"out[{place}] = {written(total(*terms), own)}")
    return _function("jacobian", lines)


def _outputs_source(network: Network, table: Mapping[str, str]) -> str:
    rules = [rule.expression for rule in network.rules]
    lines = [*_rule_lines(network, table, rules, every=True)]
    lines += [f"out[{i}] = r{i}" for i in range(len(rules))]
    return _function("outputs", lines or ["return"])


def _rule_lines(
    network: Network,
    table: Mapping[str, str],
    users: list[Expression],
    *,
    every: bool = False,
) -> Iterator[str]:
    """The rules that formulas need, in order."""
    needed = {name for user in users for name in names(user)}
    if every:
        needed |= {rule.id for rule in network.rules}
    for rule in reversed(network.ordered_rules):
        if rule.id in needed:
            needed |= names(rule.expression)
    for rule in network.ordered_rules:
        if rule.id in needed:
            yield f"{table[rule.id]} = {written(rule.expression, table)}"


def _function(name: str, lines: list[str]) -> str:
    text = " ".join(lines)
    # Read once into names of their own: `out` might overlap, so a compiler would read again.
    used = sorted(set(re.findall(r"\b[yp][0-9]+\b", text)), key=lambda u: (u[0], int(u[1:])))
    reads = [f"{one} = {one[0]}[{one[1:]}]" for one in used]
    body = "\n    ".join([*reads, *lines])
    return f"def {name}(y, p, out):\n    {body}\n"


def _plan(size: int, entries: list[tuple[int, int]]) -> Elimination:
    """Order of least work (Markowitz) on the diagonal, and the entries that appear on the way."""
    filled: list[set[int]] = [{i} for i in range(size)]
    for i, k in entries:
        filled[i].add(k)
    left, order = set(range(size)), []
    while left:
        pivot = min(left, key=lambda i: (_work(i, filled, left), i))
        order.append(pivot)
        left.remove(pivot)
        tail = filled[pivot] & left
        for i in left:
            if pivot in filled[i]:
                filled[i] |= tail
    place = {species: at for at, species in enumerate(order)}
    rows = [sorted(place[k] for k in filled[species]) for species in order]
    start = np.cumsum([0, *map(len, rows)]).astype(np.uint32)
    where = {(i, k): int(start[i]) + at for i, row in enumerate(rows) for at, k in enumerate(row)}
    return Elimination(
        order=np.array(order, np.uint32),
        start=start,
        column=np.array([k for row in rows for k in row], np.uint32),
        diagonal=np.array([where[i, i] for i in range(size)], np.uint32),
        entry=np.array([where[place[i], place[k]] for i, k in entries], np.uint32),
    )


def _work(pivot: int, filled: list[set[int]], left: set[int]) -> int:
    below = sum(1 for i in left if i != pivot and pivot in filled[i])
    return below * (len(filled[pivot] & left) - 1)
