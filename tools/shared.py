"""What item-sites share, estimated once for a whole network and handed to its parts.

Each fact crosses items: the lead times of a supplier, the season and the promotions of a product group, the return rate
of an item over its sites, the launch of an older item, what a product needs of its components. Demand is read part by
part, and the sums over it do not depend on how it is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from inventory.demand_history import DemandHistory
from inventory.machine_rules import RuleRecord
from inventory.snapshot_parts import Part, read_part
from inventory.snapshots import Snapshot
from tools.columns import FloatArray, IntArray
from tools.forecast_groups import Groups
from tools.forecast_launch import Curves
from tools.forecast_needs import Needs
from tools.forecast_promotion import Promotions, learn_promotions
from tools.forecast_returns import Returns
from tools.forecast_season import Seasons, learn_seasons, relative_sums
from tools.lead_times import LeadTimes
from tools.targets import Targets


@dataclass(frozen=True)
class SharedFacts:
    """Facts about a whole network, or those of them that some items need."""

    lead_times: LeadTimes
    groups: Groups
    seasons: Seasons
    promotions: Promotions
    returns: Returns
    curves: Curves
    needs: Needs
    targets: Targets = field(default_factory=Targets.none)
    """What policy sets instead of the ERP; no fact of a snapshot, so :meth:`of` leaves it empty."""
    rules: tuple[RuleRecord, ...] = ()
    """Machine rules in force; no fact of a snapshot either."""

    @classmethod
    def of(cls, snapshot: Snapshot, lead_times: LeadTimes | None = None) -> SharedFacts:
        """Facts of a whole snapshot; lead times that are known already need not be estimated again."""
        return cls.start(snapshot, lead_times)()

    @classmethod
    def start(
        cls, snapshot: Snapshot, lead_times: LeadTimes | None = None, executor: Executor | None = None
    ) -> Callable[[], SharedFacts]:
        """Begin to learn the facts of a whole snapshot, and what to call for them.

        Parameters
        ----------
        executor
            Whose workers read the demand, while this process does something else; in this process when ``None``.
        """
        groups, parts = Groups.of(snapshot), snapshot.parts("demand")
        work = [_DemandPart(snapshot.directory, part, snapshot.weeks, groups) for part in parts]
        learning = map(_learn_from, work) if executor is None else executor.map(_learn_from, work)

        def finish() -> SharedFacts:
            learnt = list(learning)
            seasons = learn_seasons((each.sums for each in learnt), groups)
            promoting = [part for part, each in zip(parts, learnt, strict=True) if each.promoted]
            return cls(
                lead_times=LeadTimes.of(snapshot) if lead_times is None else lead_times,
                groups=groups,
                seasons=seasons,
                promotions=learn_promotions(histories(snapshot, promoting), groups, seasons),
                returns=Returns.of(snapshot),
                curves=Curves.of(snapshot),
                needs=Needs.of(snapshot),
            )

        return finish

    def of_items(self, items: Collection[str]) -> tuple[SharedFacts, IntArray]:
        """What some items need, and the number each of their lead-time groups has in the whole network."""
        named = sorted(set(items))
        lead_times, number = self.lead_times.of_items(named)
        mine = replace(
            self,
            lead_times=lead_times,
            groups=self.groups.of_items(named),
            returns=self.returns.of_items(named),
            curves=self.curves.of_items(named),
            needs=self.needs.of_items(named),
            targets=self.targets.of_items(named),
        )
        return mine, number


def histories(snapshot: Snapshot, parts: Sequence[Part] | None = None) -> Iterator[DemandHistory]:
    """Demand of the whole network, or of some of its stored parts, one at a time."""
    for part in snapshot.parts("demand") if parts is None else parts:
        yield DemandHistory.of(read_part(snapshot.directory, part), snapshot.weeks)


@dataclass(frozen=True)
class _DemandPart:
    """A stored part of demand, and what a worker must know to learn from it."""

    directory: Path
    part: Part
    weeks: list[date]
    groups: Groups


@dataclass(frozen=True)
class _Learnt:
    sums: FloatArray
    """Its `relative_sums`."""
    promoted: bool
    """Whether a promotion ran in it."""


def _learn_from(work: _DemandPart) -> _Learnt:
    history = DemandHistory.of(read_part(work.directory, work.part), work.weeks)
    return _Learnt(relative_sums(history, work.groups), bool(history.promotion.any()))
