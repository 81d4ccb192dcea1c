"""What item-sites share, estimated once for a whole network and handed to its parts.

Each fact crosses items: the lead times of a supplier, the season and the promotions of a product group, the return rate
of an item over its sites, the launch of an older item, what a product needs of its components. Demand is read part by
part, and the sums over it do not depend on how it is cut.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from inventory.demand_history import DemandHistory
from inventory.machine_rules import RuleRecord
from inventory.snapshot_parts import Part, read_part
from inventory.snapshots import Snapshot
from tools.columns import IntArray
from tools.forecast_groups import Groups
from tools.forecast_launch import Curves
from tools.forecast_needs import Needs
from tools.forecast_promotion import Promotions, learn_promotions
from tools.forecast_returns import Returns
from tools.forecast_season import Seasons, learn_seasons
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
        groups = Groups.of(snapshot)
        promoting: list[Part] = []
        seasons = learn_seasons(histories(snapshot, promoting=promoting), groups)
        return cls(
            lead_times=LeadTimes.of(snapshot) if lead_times is None else lead_times,
            groups=groups,
            seasons=seasons,
            promotions=learn_promotions(histories(snapshot, promoting), groups, seasons),
            returns=Returns.of(snapshot),
            curves=Curves.of(snapshot),
            needs=Needs.of(snapshot),
        )

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


def histories(
    snapshot: Snapshot, parts: Sequence[Part] | None = None, *, promoting: list[Part] | None = None
) -> Iterator[DemandHistory]:
    """Demand of the whole network, or of some of its stored parts, one at a time; those with promotions are noted."""
    for part in snapshot.parts("demand") if parts is None else parts:
        history = DemandHistory.of(read_part(snapshot.directory, part), snapshot.weeks)
        if promoting is not None and history.promotion.any():
            promoting.append(part)
        yield history
