"""Days of a small noisy network run through the real desk: four sites that can all send to each other.

Customers buy by chance, suppliers deliver by chance, people sign what waits for them but for moves that undo an earlier
one. What is asked of the days is asked in :func:`assert_no_thrash`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl

from agent.approval_policy import packaged_policy_text
from inventory.ledger import ledger_rows
from inventory.proposals import find_plan_run, list_rulings
from inventory.records import EVERYTHING, ActionKind, PolicyVersion, Proposal, ProposalState, Tier
from inventory.rulebook import insert_policy
from inventory.tables import capacity
from tests.worlds import START, WEEKS, ItemSite, Lane, Network, World
from tools.assemble import plan_outlook
from tools.erp.simulated import StockRow
from tools.needs import donor_floor
from tools.thrash import MOVED, Move, count_reversals, moves_of

LaneDay = tuple[str, str, date]
SITES = ("DC", "EAST", "NORTH", "SOUTH")
WEEKLY = {
    "BOLT": 30.0, "CLIP": 24.0, "HOSE": 12.0, "NUT": 18.0, "PIN": 36.0, "PUMP": 9.0, "SEAL": 45.0, "VALVE": 15.0,
}  # fmt: skip
CARRIES = 60
"""Units of a lane a day."""
BATCH_WEEKS, BATCH_DAYS = 9, 70
"""What a supplier brings unasked, and every how many days."""
MOST_MOVES = 1
MOST_VALUE = 300
"""Daily budget of a lane, in whole units of money."""


@dataclass(frozen=True)
class TightNetwork(Network):
    """A network whose lanes carry little."""

    bought: tuple[dict[str, object], ...] = ()
    """Rows of purchase orders the ERP shows."""

    def frames(self, as_of: datetime, transfers: object = ()) -> dict[str, pl.DataFrame]:
        """Contract tables, with the capacity of the lanes."""
        frames = super().frames(as_of, transfers)  # type: ignore[arg-type]  # as the base class takes it
        frames["lanes"] = frames["lanes"].with_columns(capacity_per_day=pl.lit(float(CARRIES)))
        bought = pl.DataFrame(list(self.bought), infer_schema_length=None)
        frames["purchase_orders"] = pl.concat([frames["purchase_orders"], bought], how="diagonal_relaxed")
        return frames


@dataclass
class Days:
    """A house that lives through days, and what was seen on them."""

    world: World
    chance: np.random.Generator
    sold: dict[tuple[str, str], list[int]]
    """Units sold a day, from ``WEEKS`` weeks before the first Monday on."""
    floors_broken: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    stopped_by_budget: int = 0
    reversals_refused: int = 0

    def live(self, days: int) -> None:
        """One day after the other: deliver, sweep, sign, send, sell and receive."""
        for day in range(days):
            if day:
                self._sell_and_receive()
                self.world.clock.forward(hours=23)
                self._deliver()
            self.world.desk.sweep()
            self._look()
            self._sign()
            self.world.clock.forward(hours=1)
            self.world.desk.execute()

    def _deliver(self) -> None:
        """The feeds of the morning; history is what was sold in whole weeks before this Monday."""
        network = self.world.network
        today = self.world.clock().date()
        weeks = (today - timedelta(days=today.weekday()) - START.date()).days // 7
        places = tuple(
            ItemSite(
                place.item, place.site, place.weekly, self.world.erp.on_hand(place.item, place.site), place.flags,
                place.cost, place.price,
                history=tuple(
                    sum(self.sold[place.item, place.site][7 * week : 7 * week + 7])
                    for week in range(weeks, weeks + WEEKS)
                ),
            )
            for place in network.item_sites
        )  # fmt: skip
        bought = tuple(self.world.erp.export_purchase_orders())
        self.world.deliver(TightNetwork(places, network.lanes, bought=bought), self.world.erp.export_transfers())

    def _sell_and_receive(self) -> None:
        """Customers take what is there; now and then a supplier brings what some weeks take, asked or not."""
        erp, today = self.world.erp, self.world.clock().date()
        for (item, site), sold in self.sold.items():
            asked = int(self.chance.poisson(WEEKLY[item] / 7.0))
            sold.append(asked)
            brought = round(WEEKLY[item] * BATCH_WEEKS) if self.chance.random() < 1.0 / BATCH_DAYS else 0
            erp.load_stock([StockRow(item=item, site=site, on_hand=max(erp.on_hand(item, site) - asked, 0) + brought)])
        for document in erp.open_documents():
            if document.arrive_on is not None and document.arrive_on <= today:
                erp.receive(document.reference, self.world.clock())

    def _look(self) -> None:
        """What this sweep drafted leaves every donor its floor, with everything promised so far taken off."""
        fresh = [proposal for proposal in self.world.proposals() if proposal.proposal_id not in self.known]
        with self.world.database.read() as connection:
            rows = ledger_rows(connection, EVERYTHING)
            for proposal in fresh:
                run = find_plan_run(connection, EVERYTHING, proposal.content.plan_run_id)
                outlook = plan_outlook(self.world.toolbox, connection, run)
                for line in proposal.content.lines:
                    if line.action is ActionKind.TRANSFER and proposal.state in (ProposalState.PENDING, *MOVED):
                        here = [row for row in rows if (row.item, row.site) == (line.item, line.origin)]
                        left = sum(row.on_hand - row.allocated - row.reserved - row.in_flight for row in here)
                        floor = donor_floor(outlook, outlook.arrays.row_of[line.item, line.origin])
                        if left < floor:
                            self.floors_broken.append(f"{proposal.proposal_id}: {line.origin} keeps {left} of {floor}")
                self.stopped_by_budget += sum("daily" in why for why in run.lost_to.values())
        self.known |= {proposal.proposal_id for proposal in fresh}

    def _sign(self) -> None:
        """People approve what waits for them; nobody lets goods go back."""
        for proposal in self.world.proposals(ProposalState.PENDING):
            if proposal.tier is Tier.ADVICE or self._undoes(proposal):
                self.reversals_refused += proposal.tier is not Tier.ADVICE
                continue
            for person in ("pia",) if proposal.tier is Tier.PLANNER else ("ada", "carl"):
                (now,) = (each for each in self.world.proposals() if each.proposal_id == proposal.proposal_id)
                if now.state is ProposalState.PENDING and now.tier is proposal.tier:
                    self.world.decide(now, "approve", person)

    def _undoes(self, proposal: Proposal) -> bool:
        with self.world.database.read() as connection:
            newest = list_rulings(connection, EVERYTHING, proposal.proposal_id)[-1]
        return any(fired.rule == "reverse_move" for fired in newest.fired)

    def moves(self) -> list[Move]:
        """Every move that was let through."""
        return list(moves_of(self.world.proposals()))


def noisy_days(folder: Path, seed: int, *, items: int = len(WEEKLY)) -> Days:
    """A furnished house on its first morning, with so many of the items."""
    weeks = dict(list(WEEKLY.items())[:items])
    chance = np.random.default_rng(seed)
    sold = {
        (item, site): chance.poisson(weekly / 7.0, WEEKS * 7).tolist()
        for item, weekly in weeks.items()
        for site in SITES
    }
    network = TightNetwork(
        item_sites=tuple(
            ItemSite(
                item, site, WEEKLY[item], int(WEEKLY[item] * chance.uniform(0.3, 14.0)), "consumable", 4.0, 11.0,
                history=tuple(sum(days[7 * week : 7 * week + 7]) for week in range(WEEKS)),
            )
            for (item, site), days in sold.items()
        ),
        lanes=tuple(Lane(origin, destination) for origin, destination in permutations(SITES, 2)),
    )  # fmt: skip
    world = World(folder, network).furnish()
    text = packaged_policy_text()
    for name, value in (("lane_moves_per_day", MOST_MOVES), ("lane_value_per_day", MOST_VALUE)):
        (line,) = (line for line in text.splitlines() if line.startswith(name))
        text = text.replace(line, f"{name} = {value}")
    with world.database.write("root", world.clock()) as transaction:
        insert_policy(
            transaction,
            PolicyVersion(kind="approval", version=2, content=text.replace("version = 1", "version = 2", 1),
                          author="carl", effective_at=START),
        )  # fmt: skip
    return Days(world, chance, sold)


def assert_no_thrash(days: Days, *, least_moves: int) -> None:
    """Goods do not go to and fro, no lane is used beyond its budget, and no donor gives from its floor."""
    moves = days.moves()
    assert len(moves) >= least_moves, "too little moved to tell anything"
    assert count_reversals(moves) <= 0.01 * len(moves)
    assert days.floors_broken == []
    assert_no_budget_passed(days)


def assert_no_budget_passed(days: Days) -> None:
    """Counted from the proposals themselves, and again as the ledger counts."""
    units, moved, value = Counter[LaneDay](), Counter[LaneDay](), Counter[LaneDay]()
    for proposal in days.world.proposals(*MOVED):
        transfers = [line for line in proposal.content.lines if line.action is ActionKind.TRANSFER]
        total = sum(line.quantity for line in proposal.content.lines)
        for line in transfers:
            lane = (line.origin, line.destination, line.ship_on)
            units[lane] += line.quantity
            moved[lane] += 1
            value[lane] += proposal.content.value_minor * line.quantity // max(total, 1)
    assert max(units.values()) <= CARRIES
    assert max(moved.values()) <= MOST_MOVES
    assert max(value.values()) <= MOST_VALUE * 100
    with days.world.database.read() as connection:
        for row in connection.execute(capacity.select()):
            assert row.reserved + row.used <= row.limit_amount, row
