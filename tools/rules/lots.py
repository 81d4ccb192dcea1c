"""How much of its life a lot must have left when it arrives, by machine rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import polars as pl

from inventory.machine_rules import RuleRecord, ShelfLifeMinimum
from inventory.snapshots import Snapshot
from tools.rules.in_force import clause_of
from tools.rules.moving import at_either_end
from tools.rules.scope import speaking

Place = tuple[str, str]


@dataclass(frozen=True)
class LifeOnArrival:
    """The rules that speak about some receivers."""

    rules: Mapping[Place, tuple[ShelfLifeMinimum, ...]] = field(default_factory=dict)
    """By item and receiving site."""

    @classmethod
    def of(cls, rules: Sequence[RuleRecord], snapshot: Snapshot, receivers: Collection[Place]) -> LifeOnArrival:
        """Rules about what is sent to some receivers."""
        asking = [rule for rule in rules if isinstance(rule, ShelfLifeMinimum)]
        if not asking or not receivers:
            return cls()
        named = sorted(receivers)
        facts = snapshot.of_items({item for item, _ in named})
        terms = facts.table("supplier_items").sort("item", "price", "supplier")
        usual = dict(terms.unique("item", keep="first", maintain_order=True).select("item", "supplier").iter_rows())
        places = pl.DataFrame(
            [(item, site, usual.get(item, "")) for item, site in named],
            schema={"item": pl.String, "site": pl.String, "supplier": pl.String},
            orient="row",
        )
        speaks = speaking(asking, facts, places).tolist()
        return cls(
            {
                place: tuple(rule for rule, holds in zip(asking, told, strict=True) if holds)
                for place, told in zip(named, speaks, strict=True)
            }
        )

    def needed(self, item: str, origin: str, destination: str, shelf_life: int) -> tuple[int, str]:
        """Days that must be left on arrival by these rules, and by which clause; 0 and nothing where none speaks."""
        asked = [
            (_days(rule, shelf_life), f" by {clause_of(rule)}")
            for rule in self.rules.get((item, destination), ())
            if at_either_end(rule, origin, destination)
        ]
        return max(asked, key=lambda one: one[0], default=(0, ""))


def _days(rule: ShelfLifeMinimum, shelf_life: int) -> int:
    return rule.days if rule.days is not None else ceil((rule.share or 0.0) * shelf_life - 1e-9)
