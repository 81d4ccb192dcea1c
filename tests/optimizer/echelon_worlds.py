"""Networks for the tests of echelons: those of the golden cases, and random trees."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.arguments import FloatArray, IntArray
from optimizer.echelons.guaranteed_service import GuaranteedService, guaranteed_service
from optimizer.echelons.supply_tree import SupplyTree, supply_tree
from tests.optimizer.golden import golden


@dataclass(frozen=True)
class TreeCase:
    """A tree with the money and demand of one item, and the published answer."""

    names: list[str]
    tree: SupplyTree
    holding_cost: FloatArray
    demand_sd: FloatArray
    safety_factor: float
    answer: dict[str, Any]

    def solve(self) -> GuaranteedService:
        return guaranteed_service(
            self.tree, self.holding_cost, self.demand_sd, self.safety_factor, pooling_exponent=2.0
        )


def golden_tree(case: str) -> TreeCase:
    given, answer = golden("echelons", case)
    names = given["stages"]
    place = {name: stage for stage, name in enumerate(names)}

    def per_stage(values: dict[str, float], otherwise: float) -> FloatArray:
        return np.array([values.get(name, otherwise) for name in names], dtype=np.float64)

    tree = supply_tree(
        [[place[supplier], place[customer]] for supplier, customer in given["edges"]],
        given["processing_time"],
        per_stage(given["service_limit"], np.inf),
        inbound_service_time=per_stage(given["inbound_service_time"], 0.0),
    )
    return TreeCase(
        names,
        tree,
        np.array([given["holding_cost"]], dtype=np.float64),
        per_stage(given["demand_sd"], 0.0)[None],
        given["safety_factor"],
        answer,
    )


@dataclass(frozen=True)
class RandomTree:
    """A tree with the times and limits it was built from, and money and demand of two items."""

    tree: SupplyTree
    time: IntArray
    limit: FloatArray
    inbound: IntArray
    holding_cost: FloatArray
    demand_sd: FloatArray


def random_tree(seed: int) -> RandomTree:
    """Two to five stages, arcs in random directions, some internal stages bounded, some outside waits."""
    rng = np.random.default_rng(seed)
    stages = int(rng.integers(2, 6))
    edges = [
        [parent, child] if rng.random() < 0.5 else [child, parent]
        for child, parent in ((child, int(rng.integers(0, child))) for child in range(1, stages))
    ]
    limit = np.where(rng.random(stages) < 0.25, rng.integers(0, 3, stages), np.inf)
    ends = [stage for stage in range(stages) if all(supplier != stage for supplier, _ in edges)]
    limit[ends] = rng.integers(0, 3, len(ends))
    inbound = np.where(rng.random(stages) < 0.2, rng.integers(0, 3, stages), 0)
    time = rng.integers(0, 4, stages)
    tree = supply_tree(edges, time, limit, inbound_service_time=inbound)
    sd = np.where(np.isin(np.arange(stages), ends), rng.uniform(0.5, 4.0, (2, stages)), 0.0)
    return RandomTree(tree, time, limit, inbound, rng.uniform(0.1, 3.0, (2, stages)), sd)
