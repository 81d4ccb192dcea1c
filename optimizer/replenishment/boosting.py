"""Boosted symmetric trees: what a plain forecast leaves out, learned over all series together.

Rules
-----
1. A tree asks the same question of every row at one depth ("is feature f above c?"), so a leaf is a number made of the
   answers and a forecast is a table look-up. Such trees are weak one by one and hard to overfit together.
2. Features are cut at quantiles of the rows they are fitted to; a question is chosen by the weighted squared error it
   removes, leaves are shrunk by `leaf_prior` units of weight towards no correction. Ties go to the lower feature, then
   to the lower cut.
3. Each tree sees a random part of the blocks of rows (weeks, say) and of the features. The draw depends on the seed
   and the number of blocks, not on the order of rows inside them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from optimizer.arguments import FloatArray, IntArray, finite, non_negative, same_length


@dataclass(frozen=True)
class BoostingSettings:
    """How trees are grown: shares in (0, 1], the others positive.

    Parameters
    ----------
    trees, depth
        Number of trees and of questions in each, at most 8.
    learning_rate
        Share of each leaf's correction that is taken.
    leaf_prior
        Weight of the prior "no correction" in a leaf, in units of the row weights.
    cuts
        Candidate cuts of a feature, 1 to 63.
    block_share, feature_share
        Part of the blocks and of the features a tree sees.
    seed
        Of the draws.
    """

    trees: int = 400
    depth: int = 5
    learning_rate: float = 0.025
    leaf_prior: float = 10.0
    cuts: int = 31
    block_share: float = 0.5
    feature_share: float = 0.4
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot grow."""
        for name in ("trees", "depth", "cuts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.depth > 8 or self.cuts > 63:
            raise ValueError(f"depth must be at most 8 and cuts at most 63, got {self.depth} and {self.cuts}")
        for name in ("learning_rate", "block_share", "feature_share"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in (0, 1], got {getattr(self, name)}")
        if not (np.isfinite(self.leaf_prior) and self.leaf_prior >= 0.0):
            raise ValueError(f"leaf_prior must be finite and not negative, got {self.leaf_prior}")


@dataclass(frozen=True)
class BoostedTrees:
    """Trees as tables: questions ``(trees, depth)`` and answers ``(trees, 2 ** depth)``.

    Parameters
    ----------
    base
        Forecast before the first tree.
    feature, cut
        Which feature is compared with what.
    value
        Correction of each leaf, the learning rate included.
    features
        Number of features of a row.
    """

    base: float
    feature: IntArray
    cut: FloatArray
    value: FloatArray
    features: int

    def predict(self, features: ArrayLike) -> FloatArray:
        """Forecast per row of ``(rows, features)``, in the target's unit."""
        table = _table("features", features)
        if table.shape[1] != self.features:
            raise ValueError(f"features must have {self.features} columns, got shape {table.shape}")
        columns = np.ascontiguousarray(table.T)
        answer = np.full(len(table), self.base)
        for asked, cuts, value in zip(self.feature, self.cut, self.value, strict=True):
            leaf = np.zeros(len(table), dtype=np.int64)
            for f, c in zip(asked, cuts, strict=True):
                leaf = 2 * leaf + (columns[f] > c)
            answer += value[leaf]
        return answer


def boosted_trees(
    features: ArrayLike, target: ArrayLike, weight: ArrayLike, block: ArrayLike, settings: BoostingSettings
) -> BoostedTrees:
    """Trees fitted to a weighted squared error.

    Parameters
    ----------
    features
        Shape ``(rows, features)``, any unit, at least one of each.
    target, weight
        ``(rows,)``; weights are not negative and not all zero.
    block
        ``(rows,)``, the block of each row, 0 and up; drawn in or out as a whole.
    settings
        How to grow.

    Source
    ------
    Friedman (2001), *Annals of Statistics* 29 (boosting); Prokhorenkova et al. (2018), NeurIPS (symmetric trees).
    """
    table = _table("features", features)
    wanted, weights = finite("target", target), non_negative("weight", weight)
    if table.size == 0 or wanted.ndim != 1 or weights.ndim != 1:
        raise ValueError(f"features must hold a row and a column and target be flat, got {table.shape}, {wanted.shape}")
    blocks = non_negative("block", block)
    same_length(features=table, target=wanted, weight=weights, block=blocks)
    if weights.sum() <= 0.0:
        raise ValueError("weight must have a positive sum")
    cuts = [np.unique(column) for column in np.quantile(table, np.linspace(0, 1, settings.cuts + 2)[1:-1], axis=0).T]
    codes = np.stack([np.searchsorted(c, column, side="left") for c, column in zip(cuts, table.T, strict=True)])
    return _grow(codes, cuts, wanted, weights, np.unique(blocks, return_inverse=True)[1], settings)


def _grow(
    codes: IntArray,
    cuts: list[FloatArray],
    target: FloatArray,
    weight: FloatArray,
    block: IntArray,
    settings: BoostingSettings,
) -> BoostedTrees:
    random = np.random.Generator(np.random.Philox(settings.seed))
    base = float((target * weight).sum() / weight.sum())
    rest = target - base
    count, blocks = len(codes), int(block.max()) + 1
    asked = np.zeros((settings.trees, settings.depth), dtype=np.int64)
    above = np.zeros((settings.trees, settings.depth))
    value = np.zeros((settings.trees, 2**settings.depth))
    for tree in range(settings.trees):
        drawn = random.permutation(blocks)[: max(1, round(settings.block_share * blocks))]
        tried = np.sort(random.permutation(count)[: max(1, round(settings.feature_share * count))])
        seen = np.zeros(blocks, dtype=bool)
        seen[drawn] = True
        rows = np.flatnonzero(seen[block])
        pull, mass = (rest * weight)[rows], weight[rows]
        part = codes[np.ix_(tried, rows)]
        leaf_seen, leaf = np.zeros(rows.size, dtype=np.int64), np.zeros(rest.size, dtype=np.int64)
        for step in range(settings.depth):
            f, c = _best_question(part, leaf_seen, 2**step, pull, mass, settings)
            feature = int(tried[f])
            asked[tree, step] = feature
            # A feature without cuts is constant: it asks a question nobody answers with yes.
            above[tree, step] = cuts[feature][c] if c < cuts[feature].size else np.inf
            leaf_seen = 2 * leaf_seen + (part[f] > c)
            leaf = 2 * leaf + (codes[feature] > c)
        leaves = 2**settings.depth
        push = np.bincount(leaf_seen, pull, leaves)
        held = np.bincount(leaf_seen, mass, leaves) + settings.leaf_prior
        value[tree] = settings.learning_rate * push / np.where(held > 0.0, held, 1.0)
        rest = rest - value[tree][leaf]
    return BoostedTrees(base, asked, above, value, count)


def _best_question(
    codes: IntArray, leaf: IntArray, leaves: int, pull: FloatArray, mass: FloatArray, settings: BoostingSettings
) -> tuple[int, int]:
    """Feature (place in `codes`) and cut that remove most squared error, summed over the leaves so far."""
    width = settings.cuts + 1
    shape, offset = (leaves, width), leaf * width
    gain = np.empty((len(codes), width - 1)) if width > 1 else np.zeros((len(codes), 1))
    for f, column in enumerate(codes):
        key = offset + column
        left = np.bincount(key, pull, leaves * width).reshape(shape).cumsum(axis=1)
        under = np.bincount(key, mass, leaves * width).reshape(shape).cumsum(axis=1)
        right, over = left[:, -1:] - left, under[:, -1:] - under
        score = left**2 / (under + settings.leaf_prior + 1e-12) + right**2 / (over + settings.leaf_prior + 1e-12)
        gain[f] = score[:, :-1].sum(axis=0)
    best = int(np.argmax(gain >= gain.max() * (1.0 - 1e-9)))
    return divmod(best, width - 1)


def _table(name: str, values: ArrayLike) -> NDArray[np.float64]:
    table = finite(name, values)
    if table.ndim != 2:
        raise ValueError(f"{name} must have shape (rows, features), got {table.shape}")
    return table
