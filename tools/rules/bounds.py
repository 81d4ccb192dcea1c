"""What rules ask of every row of a daily replenishment, worked out part by part and put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from inventory.machine_rules import Embargo, PriorityCustomer, ProtectedRange, RuleRecord
from inventory.records import ActionKind
from tools.columns import BoolArray, FloatArray, IntArray
from tools.lanes import Lane
from tools.outlook import Outlook
from tools.rows import join_rows
from tools.rules.buying import MostBought, OrderTerms, most_bought, order_terms
from tools.rules.in_force import clause_of
from tools.rules.keeping import Kept, kept
from tools.rules.moving import Barriers, embargoed
from tools.rules.rows import RuleRows


@dataclass(frozen=True)
class RowBounds:
    """Rules over the rows of a run, and what they bound."""

    today: date
    rules: RuleRows
    kept: Kept
    terms: OrderTerms
    most: MostBought
    lead_days: FloatArray

    @classmethod
    def of(cls, outlook: Outlook) -> RowBounds | None:
        """Bounds of one look; ``None`` where there is no rule."""
        arrays = outlook.arrays
        if not arrays.rules:
            return None
        terms = order_terms(arrays.rules, arrays.minimum_order, arrays.order_multiple)
        return cls(arrays.today, arrays.rules, kept(outlook), terms, most_bought(outlook), outlook.lead_time_mean)

    @classmethod
    def join(cls, parts: Sequence[RowBounds | None]) -> RowBounds | None:
        """Bounds of several parts under the same rules, end to end."""
        some = [part for part in parts if part is not None]
        if not some:
            return None
        return replace(
            some[0],
            rules=RuleRows.join([part.rules for part in some]),
            kept=join_rows([part.kept for part in some]),
            terms=join_rows([part.terms for part in some]),
            most=join_rows([part.most for part in some]),
            lead_days=np.concatenate([part.lead_days for part in some]),
        )

    def barred(self, ways: Mapping[int, Lane], parent: IntArray) -> IntArray:
        """Place of the rule that keeps each row from what its site would send it, -1 for none; shape ``(rows,)``."""
        found, barriers = np.full(len(self.lead_days), -1, dtype=np.int64), Barriers(self.rules, self.today)
        for row, lane in ways.items() if barriers.any else ():
            rule = barriers.on(lane, int(parent[row]), row) if parent[row] >= 0 else None
            found[row] = -1 if rule is None else self.rules.rules.index(rule)
        return found

    def embargoed(self) -> IntArray:
        """Place of the rule that forbids each row an order today, -1 for none; shape ``(rows,)``."""
        found = np.full(len(self.lead_days), -1, dtype=np.int64)
        for number, rule in enumerate(self.rules.rules):
            if isinstance(rule, Embargo) and ActionKind.PURCHASE in rule.actions:
                speaks = np.flatnonzero(self.rules.speaks[:, number])
                there = [self.today + timedelta(days=round(days)) for days in self.lead_days[speaks].tolist()]
                stops = [embargoed(rule, ActionKind.PURCHASE, self.today, day, leaves=False) for day in there]
                found[speaks[np.array(stops, dtype=np.bool_)]] = number
        return found

    def spoken_of(self, *kinds: type[RuleRecord]) -> BoolArray:
        """Rows a rule of some kinds speaks about, shape ``(rows,)``."""
        of_kind = [speaks for _, speaks in self.rules.of_kind(*kinds)]
        return np.any(of_kind, axis=0) if of_kind else np.zeros(len(self.lead_days), dtype=np.bool_)

    @property
    def served_first(self) -> BoolArray:
        """Rows that serve a customer who comes first."""
        return self.spoken_of(PriorityCustomer)

    @property
    def never_below_target(self) -> BoolArray:
        """Rows of a protected range: money that is short is taken from the others first."""
        return self.spoken_of(ProtectedRange)

    def words(self, rule: int) -> str:
        """The clause of a rule by its place."""
        return f"by {clause_of(self.rules.rules[rule])}"

    def passages(self, rules: Sequence[int]) -> tuple[str, ...]:
        """Clauses of rules by their places, in order and once."""
        return tuple(dict.fromkeys(self.rules.rules[rule].passage_id for rule in rules if rule >= 0))
