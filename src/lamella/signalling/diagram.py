"""How active is each node of the pathway at a dose and a time, and how sure is that?

The network of hypotheses is drawn from its priors, rested with vehicle, then dosed. What comes out
are prior-predictive bands: the width says how little is known, not how well it was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamella.errors import SettingsError, nearest
from lamella.signalling import links as link
from lamella.signalling.dosing import dosed
from lamella.signalling.links import link_draws
from lamella.signalling.network import Network
from lamella.signalling.sampling import prior_draws
from lamella.signalling.simulation import Ensemble

__all__ = ["NODES", "Activities", "Node", "activities"]

F8: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the diagram: what is drawn, and what in the network it stands for.

    Attributes:
        id: Its name among the steps of the pathway.
        label: The words in the box.
        active: Species or rules whose sum is its activity; empty for an input.
        through: Name of the link that gives it from pFAK, where it is no part of the network.
    """

    id: str
    label: str
    active: tuple[str, ...] = ()
    through: str = ""


NODES: Final = (
    Node("ECM", "extracellular matrix"),
    Node("growth factor receptor", "growth factor receptors"),
    Node("integrin", "integrin clusters", ("ITGa",)),
    Node("FAK", "FAK pY397", ("pY397", "pY397_Src", "FAKSrc", "FAKSrc925")),
    Node("Pyk2", "phospho-Pyk2", ("pPyk2",)),
    Node("Src family", "FAK–Src complex", ("pY397_Src", "FAKSrc", "FAKSrc925")),
    Node("p130Cas", "phospho-p130Cas", ("pCas", "CasDOCK")),
    Node("paxillin", "phospho-paxillin", ("pPax",)),
    Node("PI3K/AKT", "PI3K / phospho-Akt", ("pAkt",)),
    Node("RAS/MEK/ERK", "Ras / MEK / phospho-ERK", ("ppERK",)),
    Node("cytoskeleton", "Rac1-GTP (protrusion)", ("RacT",)),
    Node("adhesion turnover", "adhesion turnover", ("turnover",)),
    Node("migration and invasion", "migration (speed)", through="speed"),
    Node("survival and proliferation", "growth", through="growth"),
)


@dataclass(frozen=True)
class Activities:
    """Activity of each node relative to vehicle.

    Attributes:
        model: Name of the network.
        context: Name of the context.
        dose_molar: Rising doses, the first 0, shape (D,) [mol/L].
        times_s: Times since the dose, shape (T,) [s].
        nodes: The nodes that have an activity.
        median: Shape (nodes, D, T).
        low: Lower end of the 95 % band.
        high: Upper end.
        draws: How many draws the band rests on.
        failed: How many could not be integrated and were left out.
        failure: Why, of the first.
    """

    model: str
    context: str
    dose_molar: F8
    times_s: F8
    nodes: tuple[str, ...]
    median: F8
    low: F8
    high: F8
    draws: int
    failed: int
    failure: str = ""


def activities(
    network: Network,
    dose_molar: ArrayLike,
    times_s: ArrayLike,
    *,
    rng: np.random.Generator,
    draws: int = 1000,
    context: str = "guide",
) -> Activities:
    """Activity of all nodes over doses and times, as medians and 95 % bands over prior draws.

    Args:
        network: One with the species that `NODES` name and a `dose`.
        dose_molar: Doses [mol/L]; 0 is added.
        times_s: Times since the dose [s].
        rng: For the draws.
        draws: How many, 20 or more.
        context: How the contested steps are switched.

    Raises:
        SettingsError: Too few draws, a dose that cannot be, a network of another kind, or none
            of the draws could be integrated.
    """
    if draws < 20:
        raise SettingsError(f"{draws} draws make no band. Ask for 20 or more.")
    chosen = network.in_context(context)
    _check(chosen)
    doses = np.unique(np.append(0.0, np.asarray(dose_molar, np.float64)))
    given = prior_draws(chosen, rng=rng, count=draws)
    runs, failures = dosed(chosen, doses, times_s, sets=given)
    sound = np.array([not failure for failure in failures])
    if not sound.any():
        raise SettingsError(f"no draw could be integrated. The first: {failures[0]}")
    shape = (draws, doses.size, runs.times_s.size)
    links = link_draws(draws, rng=rng)
    bands = {}
    share = _ratio(runs, ("pY397", "pY397_Src", "FAKSrc", "FAKSrc925"), shape)
    for node in NODES:
        if node.active:
            course = _ratio(runs, node.active, shape)
        elif node.through:
            course = _linked(node.through, share, (doses, context != "suspension"), links)
        else:
            continue
        bands[node.id] = np.nanpercentile(course[sound], [2.5, 50, 97.5], axis=0)
    stacked = np.stack(list(bands.values()), axis=1)
    low, median, high = stacked
    lost = [failure for failure in failures if failure]
    ends = (int(sound.sum()), len(lost), lost[0] if lost else "")
    names = tuple(bands)
    return Activities(network.id, context, doses, runs.times_s, names, median, low, high, *ends)


def _ratio(runs: Ensemble, active: tuple[str, ...], shape: tuple[int, int, int]) -> F8:
    """Sum of species or rules over that of vehicle at the same time."""
    summed = np.sum([runs.of(name) for name in active], axis=0).reshape(shape)
    with np.errstate(all="ignore"):
        return np.asarray(np.clip(summed / summed[:, :1], 0.0, None), np.float64)


def _linked(name: str, share: F8, held: tuple[F8, bool], links: link.Links) -> F8:
    """A link's course; `held` are the doses, and whether cells are anchored."""
    doses, anchored = held
    flat = share.reshape(len(share), -1)
    if name == "speed":
        return link.speed(flat, links).reshape(share.shape)
    dose = np.repeat(doses, share.shape[2])
    return link.growth(flat, links, dose_molar=dose, anchored=anchored).reshape(share.shape)


def _check(network: Network) -> None:
    known = {*network.species_ids, *(rule.id for rule in network.rules)}
    for node in NODES:
        for name in node.active:
            if name not in known:
                raise SettingsError(
                    f"model '{network.id}' has no '{name}', which '{node.label}' stands for. "
                    f"{nearest(name, known)}"
                )
