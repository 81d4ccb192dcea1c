"""Machine rules over the rows of a look: which speak about which, and when they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from inventory.machine_rules import Freeze, PromotionBuildUp, RuleRecord
from inventory.snapshots import Snapshot
from tools.columns import BoolArray, IntArray
from tools.rules.scope import speaking


def _silence() -> BoolArray:
    return np.zeros((0, 0), dtype=np.bool_)


@dataclass(frozen=True)
class RuleRows:
    """The rules that hold, and the rows they speak about; no rules leave everything as it is."""

    rules: tuple[RuleRecord, ...] = ()
    speaks: BoolArray = field(default_factory=_silence)
    """Shape ``(rows, rules)``; without rules nobody looks at it."""

    @classmethod
    def of(cls, rules: Sequence[RuleRecord], snapshot: Snapshot, places: pl.DataFrame, today: date) -> RuleRows:
        """Rules that hold on a day, over item-sites with columns ``item``, ``site`` and ``supplier``."""
        holding = tuple(rule for rule in rules if holds_on(rule, today))
        return cls(holding, speaking(holding, snapshot, places)) if holding else cls()

    def __bool__(self) -> bool:
        """Whether there is any rule at all."""
        return bool(self.rules)

    def about(self, row: int, *kinds: type[RuleRecord]) -> list[RuleRecord]:
        """Rules of some kinds that speak about a row, in their order."""
        return [
            rule for number, rule in enumerate(self.rules) if isinstance(rule, kinds) and bool(self.speaks[row, number])
        ]

    def of_kind(self, *kinds: type[RuleRecord]) -> list[tuple[RuleRecord, BoolArray]]:
        """Rules of some kinds, each with the rows it speaks about, shape ``(rows,)``."""
        return [(rule, self.speaks[:, number]) for number, rule in enumerate(self.rules) if isinstance(rule, kinds)]

    def take(self, rows: IntArray) -> RuleRows:
        """Only some rows."""
        return replace(self, speaks=self.speaks[rows]) if self.rules else self

    @classmethod
    def join(cls, parts: Sequence[RuleRows]) -> RuleRows:
        """Rows of several parts under the same rules, end to end."""
        return replace(parts[0], speaks=np.concatenate([part.speaks for part in parts])) if parts[0].rules else parts[0]

    def used(self) -> tuple[RuleRecord, ...]:
        """Rules that speak about some row at all."""
        return tuple(rule for number, rule in enumerate(self.rules) if self.speaks[:, number].any())


def holds_on(rule: RuleRecord, today: date) -> bool:
    """Whether a rule with days of its own holds on a day; one about movements is asked for theirs instead."""
    if isinstance(rule, Freeze):
        return rule.until is None or today <= rule.until
    if isinstance(rule, PromotionBuildUp):
        return rule.first_day <= today <= rule.last_day
    return True
