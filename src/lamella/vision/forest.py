"""Which class does a row of features belong to, learnt from examples with a fixed seed?

A random forest small enough to be trained again from its examples whenever it is needed: nothing
is stored, so nothing has to be unpickled or trusted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Forest", "train_forest"]

Floats = NDArray[np.float32]

_TREES, _DEPTH, _LEAST_LEAF = 24, 9, 4
# Features are cut at this many quantiles of the examples.
_CUTS = 31
_MOST_PER_CLASS = 3000


@dataclass(frozen=True, slots=True)
class _Tree:
    """Nodes in rows: feature (-1 in a leaf), cut, the child below it, and the class shares."""

    feature: NDArray[np.int64]
    cut: Floats
    below: NDArray[np.int64]
    shares: Floats


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees that vote.

    Attributes:
        trees: The trees.
        classes: Number of classes.
        unseen: Shape (n, classes), share of votes for each example of those trees that did not
            learn from its group; NaN where every tree did.
    """

    trees: tuple[_Tree, ...]
    classes: int
    unseen: Floats

    def shares(self, features: Floats) -> Floats:
        """Share of votes for each class, shape (n, classes).

        Args:
            features: Shape (n, F).
        """
        total = np.zeros((len(features), self.classes), np.float32)
        for tree in self.trees:
            total += tree.shares[_leaves(tree, features)]
        return total / np.float32(len(self.trees))


def train_forest(
    features: Floats,
    classes: NDArray[np.int64],
    *,
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Forest:
    """A forest that tells classes by features.

    Args:
        features: Shape (n, F), the examples.
        classes: Shape (n,), 0..k-1.
        groups: Shape (n,), 0..g-1, examples of one class that are alike because they belong
            together; each tree learns from a draw of groups. None: each stands alone.
        seed: The same seed and examples give the same forest.

    Raises:
        ValueError: Fewer than two classes have examples.

    References:
        Breiman 2001, 10.1023/A:1010933404324.

    >>> rng = np.random.default_rng(0)
    >>> points = rng.normal(size=(400, 2)).astype(np.float32)
    >>> forest = train_forest(points, (points[:, 0] * points[:, 1] > 0).astype(np.int64))
    >>> forest.shares(np.array([[1, 1], [1, -1]], np.float32)).argmax(axis=1).tolist()
    [1, 0]
    """
    count = int(classes.max(initial=-1)) + 1
    if len(np.unique(classes)) < 2:
        raise ValueError("a forest needs examples of at least two classes")
    rng = np.random.default_rng(seed)
    levels = np.linspace(0, 100, _CUTS + 2)[1:-1]
    cuts = np.percentile(features, levels, axis=0).astype(np.float32)
    binned = np.stack(
        [np.searchsorted(cuts[:, f], features[:, f], side="left") for f in range(cuts.shape[1])],
        axis=1,
    )
    groups = np.arange(len(classes)) if groups is None else groups
    grow = _Grower(binned, classes, cuts, count)
    trees: list[_Tree] = []
    votes, voters = np.zeros((len(classes), count), np.float32), np.zeros((len(classes), 1))
    for _ in range(_TREES):
        rows = _drawn(rng, classes, groups)
        trees.append(grow.tree(rows, rng))
        out = ~np.isin(groups, groups[rows])
        votes[out] += trees[-1].shares[_leaves(trees[-1], features[out])]
        voters[out] += 1
    unseen = np.divide(votes, voters, out=np.full_like(votes, np.nan), where=voters > 0)
    return Forest(tuple(trees), count, unseen)


@dataclass(frozen=True, slots=True)
class _Grower:
    """Examples in bins, from which trees grow."""

    binned: NDArray[np.int64]
    classes: NDArray[np.int64]
    cuts: Floats
    count: int

    def tree(self, drawn: NDArray[np.int64], rng: np.random.Generator) -> _Tree:
        """One tree on the drawn examples; every class weighs the same, however many it has."""
        weight = 1.0 / np.maximum(np.bincount(self.classes[drawn], minlength=self.count), 1)
        nodes: list[tuple[int, float, int, NDArray[np.float64]]] = []
        waiting = [(drawn, 0)]
        place = 0
        while place < len(waiting):
            rows, depth = waiting[place]
            place += 1
            shares = np.bincount(self.classes[rows], minlength=self.count) * weight
            shares = shares / shares.sum()
            found = self._split(rows, weight, rng) if depth < _DEPTH else None
            if found is None or shares.max() > 0.999:
                nodes.append((-1, 0.0, -1, shares))
                continue
            feature, at = found
            low = self.binned[rows, feature] <= at
            nodes.append((feature, float(self.cuts[at, feature]), len(waiting), shares))
            waiting += [(rows[low], depth + 1), (rows[~low], depth + 1)]
        features, cuts, below, votes = zip(*nodes, strict=True)
        return _Tree(
            np.array(features, np.int64),
            np.array(cuts, np.float32),
            np.array(below, np.int64),
            np.array(votes, np.float32),
        )

    def _split(
        self, rows: NDArray[np.int64], weight: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[int, int] | None:
        """The feature and cut of least Gini impurity among a random few."""
        if len(rows) < 2 * _LEAST_LEAF:
            return None
        bins, total = _CUTS + 1, self.binned.shape[1]
        classes = self.classes[rows]
        best, chosen = np.inf, None
        for feature in rng.choice(total, max(1, round(total**0.5)), replace=False):
            key = classes * bins + self.binned[rows, feature]
            table = np.bincount(key, minlength=self.count * bins).reshape(self.count, bins)
            low_count = table.cumsum(axis=1)[:, :-1]
            number = low_count.sum(axis=0)
            low = low_count * weight[:, None]
            high = table.sum(axis=1, keepdims=True) * weight[:, None] - low
            usable = (number >= _LEAST_LEAF) & (len(rows) - number >= _LEAST_LEAF)
            if not usable.any():
                continue
            impurity = np.where(usable, _gini(low) + _gini(high), np.inf)
            at = int(np.argmin(impurity))
            if impurity[at] < best:
                best, chosen = float(impurity[at]), (int(feature), at)
        return chosen


def _drawn(
    rng: np.random.Generator, classes: NDArray[np.int64], groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """As many groups of each class as it has, with replacement, and at most 3,000 examples."""
    rows = []
    for k in np.unique(classes):
        part = np.flatnonzero(classes == k)
        mine = np.unique(groups[part])
        inside = part[np.isin(groups[part], rng.choice(mine, len(mine)))]
        rows.append(rng.choice(inside, min(len(part), _MOST_PER_CLASS)))
    return np.concatenate(rows)


def _gini(amount: NDArray[np.float64]) -> NDArray[np.float64]:
    total = np.maximum(amount.sum(axis=0), 1e-12)
    return np.asarray(total - (amount**2).sum(axis=0) / total)


def _leaves(tree: _Tree, features: Floats) -> NDArray[np.int64]:
    at = np.zeros(len(features), np.int64)
    moving = np.arange(len(features))
    while moving.size:
        feature = tree.feature[at[moving]]
        moving, feature = moving[feature >= 0], feature[feature >= 0]
        node = at[moving]
        at[moving] = tree.below[node] + (features[moving, feature] > tree.cut[node])
    return at
