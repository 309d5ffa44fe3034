"""Which steps lead from the matrix to migration, who says so, and what speaks against it?"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

__all__ = ["Edge", "Status", "downstream", "edges"]

Status = Literal["stated", "stated without reference", "added"]


@dataclass(frozen=True, slots=True)
class Edge:
    """One step of the pathway as the BenchChem guide tells it.

    Attributes:
        id: `P01` on.
        source: What acts.
        target: What is acted on.
        relation: A verb.
        site: Phosphorylation site or pocket, empty where none is given.
        references: Numbers of the guide's references.
        status: Whether the guide states it, states it without reference, or it was added.
        note: What belongs to the statement.
        against: Published observations that contradict it.
    """

    id: str
    source: str
    target: str
    relation: str
    site: str
    references: tuple[str, ...]
    status: Status
    note: str
    against: str

    @property
    def inhibits(self) -> bool:
        """Whether the step takes activity away."""
        return self.relation in {"inhibits", "blocks", "takes apart"}


@cache
def edges() -> tuple[Edge, ...]:
    """All steps, in the order in which the guide tells them.

    Raises:
        ValueError: The table of steps is not sound.

    >>> [edge.target for edge in edges() if edge.source == "defactinib" and edge.site]
    ['FAK kinase domain', 'FAK pY397']
    """
    text = (files("lamella.signalling") / "data" / "pathway.csv").read_text("utf-8")
    found = tuple(_edge(row) for row in csv.DictReader(text.splitlines()))
    ids = [edge.id for edge in found]
    if len(set(ids)) < len(ids):
        raise ValueError("a step of the pathway stands twice")
    return found


def downstream(node: str) -> tuple[str, ...]:
    """Everything that a node acts on, directly or through others, nearest first.

    FAK stands for its complexes and phosphorylated forms, and each of them feeds the
    signalling network.

    Raises:
        ValueError: The pathway has no such node.

    >>> "PI3K/AKT" in downstream("integrin")
    True
    """
    nodes = {name for edge in edges() for name in (edge.source, edge.target)}
    if node not in nodes:
        raise ValueError(f"the pathway has no node '{node}'")
    reached: dict[str, None] = {}
    waiting = [node]
    while waiting:
        place = waiting.pop(0)
        for edge in edges():
            if not edge.inhibits and edge.source in _same(place) and edge.target not in reached:
                reached[edge.target] = None
                waiting.append(edge.target)
    return tuple(name for name in reached if name != node)


_FORMS = {
    "integrin": ("integrin clusters",),
    "FAK": ("FAK pY397", "FAK-Src"),
    "Src family": ("FAK-Src",),
    "PI3K/AKT": ("signalling network",),
    "RAS/MEK/ERK": ("signalling network",),
    "p130Cas": ("signalling network",),
    "paxillin": ("signalling network",),
}


def _same(node: str) -> tuple[str, ...]:
    return (node, *_FORMS.get(node, ()))


def _edge(row: dict[str, str]) -> Edge:
    references = tuple(part.strip() for part in row["references"].split(";") if part.strip())
    if not (row["source"] and row["target"] and row["relation"]):
        raise ValueError(f"step {row['id']} lacks an end or a verb")
    if row["status"] not in get_args(Status) or (row["status"] == "stated") != bool(references):
        raise ValueError(f"step {row['id']}: status '{row['status']}' does not fit its references")
    return Edge(**{**row, "references": references})  # type: ignore[arg-type]
