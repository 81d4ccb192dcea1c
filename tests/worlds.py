"""Small named worlds that run the whole product: feeds on disk, import gate, desk, simulated ERP, and a clock to turn.

``two_sites_one_lane`` is the smallest network in which something can be decided: a distribution centre with plenty, a
store about to run out, one lane between them.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from agent.approval_policy import packaged_policy_text
from agent.deciding.verbs import OVERRULING
from agent.decisions import Decision
from agent.desk import ExceptionDesk
from agent.drafting import TemplateDrafter
from agent.ruling import Gate
from inventory.anchor import Anchor
from inventory.database import Database
from inventory.importing.gate import import_feeds
from inventory.importing.report import ImportReport
from inventory.people import save_user
from inventory.proposals import list_proposals
from inventory.records import (
    EVERYTHING,
    DocumentOfRecord,
    PolicyVersion,
    Proposal,
    ProposalState,
    ReasonCode,
    User,
)
from inventory.rulebook import insert_policy
from inventory.snapshots import SnapshotStore
from tests import postgres
from tests.written_rules import put_in_force
from tools.erp.simulated import SimulatedErp, StockRow
from tools.intake import take_stock
from tools.thresholds import packaged_thresholds
from tools.toolbox import Toolbox

MONDAY = date(2024, 4, 8)
START = datetime(2024, 4, 8, 6, 30, tzinfo=UTC)
WEEKS = 30

PEOPLE = (
    User(user_id="pia", name="Pia Planner", roles=("planner",), value_limit_minor=500_000),
    User(user_id="otto", name="Otto Other", roles=("planner",), sites=("NORTH",), value_limit_minor=500_000),
    User(user_id="ada", name="Ada Approver", roles=("approver",), value_limit_minor=50_000_000),
    User(user_id="carl", name="Carl Central", roles=("central",), value_limit_minor=50_000_000),
    User(user_id="iris", name="Iris Auditor", roles=("auditor",)),
    User(user_id="root", name="Root", roles=("administrator",)),
)


@dataclass
class TurnableClock:
    """A clock a test turns by hand."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **delta: float) -> None:
        """Turn it on by ``timedelta(**delta)``."""
        self.at += timedelta(**delta)


@dataclass(frozen=True)
class ItemSite:
    """One planned item-site: what it sells a week and what it has."""

    item: str
    site: str
    weekly: float
    on_hand: int
    flags: str = ""
    cost: float = 10.0
    price: float = 25.0
    history: tuple[int, ...] = ()
    """Weekly demand, oldest first; steady at ``weekly`` when empty."""


@dataclass(frozen=True)
class Lane:
    """One way between two sites."""

    origin: str
    destination: str
    transit_days: float = 2.0
    unit_cost: float = 0.5
    fixed_cost: float = 8.0
    lot: int = 1


def steady(weekly: float, weeks: int = WEEKS) -> tuple[int, ...]:
    """Weekly demand that wobbles around a mean by a fixed pattern, never random."""
    wobble = (0, 1, -1, 1, 0, -1)
    return tuple(
        max(round(weekly) + wobble[week % len(wobble)] * (1 if weekly >= 3 else 0), 0) for week in range(weeks)
    )


@dataclass(frozen=True)
class Network:
    """A company as feeds."""

    item_sites: tuple[ItemSite, ...]
    lanes: tuple[Lane, ...]
    lead_time_days: int = 21
    open_orders: tuple[tuple[str, str, str, int, int, int], ...] = ()
    """(order, item, site, quantity, ordered days ago, promised in days)."""

    def with_stock(self, stock: dict[tuple[str, str], int]) -> Network:
        """The same network with other stock at some item-sites."""
        return replace(
            self,
            item_sites=tuple(
                replace(place, on_hand=stock.get((place.item, place.site), place.on_hand)) for place in self.item_sites
            ),
        )

    def frames(self, as_of: datetime, transfers: Iterable[dict[str, object]] = ()) -> dict[str, pl.DataFrame]:
        """Contract tables as an ERP would export them."""
        sites = sorted({place.site for place in self.item_sites})
        items = {place.item: place for place in self.item_sites}
        monday = as_of.date() - timedelta(days=as_of.weekday())
        moved = list(transfers)
        return {
            "sites": pl.DataFrame(
                [{"site": s, "name": s.title(), "kind": "dc" if s == sites[0] else "store"} for s in sites]
            ),
            "items": pl.DataFrame(
                [
                    {"item": i, "name": i, "cost": p.cost, "price": p.price, "flags": p.flags,
                     "launch_date": date(2022, 1, 1)}
                    for i, p in items.items()
                ]
            ),
            "suppliers": pl.DataFrame([{"supplier": "SUP", "name": "Supplier"}]),
            "supplier_items": pl.DataFrame(
                [
                    {"supplier": "SUP", "item": i, "price": p.cost, "minimum_order_quantity": 10,
                     "contract_lead_time_days": self.lead_time_days, "order_cost": 20.0}
                    for i, p in items.items()
                ]
            ),
            "item_sites": pl.DataFrame(
                [
                    {"item": p.item, "site": p.site, "reorder_point": int(p.weekly * 4), "planner": "pia",
                     "order_up_to_level": int(p.weekly * 8), "service_target": 0.95, "source": "SUP"}
                    for p in self.item_sites
                ]
            ),
            "lanes": pl.DataFrame(
                [
                    {"origin": lane.origin, "destination": lane.destination, "mode": "truck",
                     "transit_days": lane.transit_days, "transit_sd_days": 0.5, "unit_cost": lane.unit_cost,
                     "fixed_cost": lane.fixed_cost, "lot_multiple": lane.lot, "calendar": "1234567"}
                    for lane in self.lanes
                ]
            ),
            "stock": pl.DataFrame(
                [
                    {"item": p.item, "site": p.site, "on_hand": p.on_hand, "allocated": 0, "as_of": as_of.isoformat()}
                    for p in self.item_sites
                ]
            ),
            "demand": pl.DataFrame(
                [
                    {"item": p.item, "site": p.site, "date": monday - timedelta(weeks=WEEKS - week), "quantity": units}
                    for p in self.item_sites
                    for week, units in enumerate(p.history or steady(p.weekly))
                ]
            ),
            "purchase_orders": self._orders(as_of.date(), sorted(items)),
            "transfers": pl.DataFrame(self._past_transfers(as_of.date()) + moved, infer_schema_length=None),
        }  # fmt: skip

    def _orders(self, today: date, items: list[str]) -> pl.DataFrame:
        site = self.item_sites[0].site
        past = [
            {"order_id": f"OLD-{item}-{n}", "line": 1, "supplier": "SUP", "item": item, "site": site,
             "ordered_date": today - timedelta(days=40 + 30 * n),
             "promised_date": today - timedelta(days=40 + 30 * n - self.lead_time_days),
             "received_date": today - timedelta(days=40 + 30 * n - self.lead_time_days - n % 3),
             "quantity": 50, "received_quantity": 50, "status": "received"}
            for item in items
            for n in range(6)
        ]  # fmt: skip
        still_open = [
            {"order_id": order, "line": 1, "supplier": "SUP", "item": item, "site": at,
             "ordered_date": today - timedelta(days=ago), "promised_date": today + timedelta(days=ahead),
             "received_date": None, "quantity": quantity, "received_quantity": 0, "status": "open"}
            for order, item, at, quantity, ago, ahead in self.open_orders
        ]  # fmt: skip
        return pl.DataFrame(past + still_open, infer_schema_length=None)

    def _past_transfers(self, today: date) -> list[dict[str, object]]:
        item = self.item_sites[0].item
        return [
            {"transfer_id": f"OLD-T{n}", "line": 1, "item": item, "origin": lane.origin,
             "destination": lane.destination, "mode": "truck", "shipped_date": today - timedelta(days=60),
             "expected_date": today - timedelta(days=58), "received_date": today - timedelta(days=58),
             "quantity": 5, "received_quantity": 5, "status": "received", "our_key": ""}
            for n, lane in enumerate(self.lanes)
        ]  # fmt: skip


def two_sites_one_lane(flags: str = "consumable", cost: float = 4.0, price: float = 10.0) -> Network:
    """A DC with plenty and a store that runs out in days; one lane between them."""
    return Network(
        item_sites=(
            ItemSite("BOLT", "DC", weekly=10, on_hand=300, flags=flags, cost=cost, price=price),
            ItemSite("BOLT", "NORTH", weekly=20, on_hand=4, flags=flags, cost=cost, price=price),
        ),
        lanes=(Lane("DC", "NORTH"),),
    )


def two_stores_one_donor(flags: str = "", stock: int = 130) -> Network:
    """Two stores short of the same item and one donor that cannot serve both."""
    return Network(
        item_sites=(
            ItemSite("PUMP", "DC", weekly=10, on_hand=stock, flags=flags, cost=40.0, price=90.0),
            ItemSite("PUMP", "NORTH", weekly=15, on_hand=3, flags=flags, cost=40.0, price=90.0),
            ItemSite("PUMP", "SOUTH", weekly=15, on_hand=3, flags=flags, cost=40.0, price=90.0),
        ),
        lanes=(Lane("DC", "NORTH"), Lane("DC", "SOUTH")),
    )


RULES = DocumentOfRecord(
    document_id="SOP-T",
    title="Transfers",
    version=1,
    text="# Transfers\n\n1.1 A donor keeps at least its reorder point.\n\n1.2 A transfer moves whole lots.\n",
    effective_from=date(2023, 1, 1),
    added_by="root",
    added_at=START,
)


SQLITE = "evenkeel.sqlite3"
ADDRESS = "database.url"
"""File that names the PostgreSQL database of a folder."""


def database_in(folder: Path) -> Database:
    """The database of a world's folder: the one its address names, else a new one or a file."""
    address = folder / ADDRESS
    anchor = Anchor(folder / "anchor.log")
    if postgres.engine() == "postgresql" and not address.exists() and not (folder / SQLITE).exists():
        address.write_text(postgres.new_database(), "utf-8")
    if address.exists():
        return postgres.remember(Database(address.read_text("utf-8"), anchor))
    return Database(folder / SQLITE, anchor)


def copy_home(source: Path, target: Path) -> Path:
    """Copy a world's folder and, where it has one, its PostgreSQL database."""
    shutil.copytree(source, target)
    address = target / ADDRESS
    if address.exists():
        address.write_text(postgres.copy_database(address.read_text("utf-8")), "utf-8")
    return target


def machine_time() -> datetime:
    """The machine's own time, which a database server's clock is compared with."""
    return datetime.now(UTC)


@dataclass
class World:
    """A running house in a folder: import, sweep, decide, execute."""

    folder: Path
    network: Network
    clock: TurnableClock = field(default_factory=TurnableClock)
    native_key: bool = True
    rollout: str = "auto"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = self.opened()
        self.database.migrate()
        self.snapshots = SnapshotStore(self.folder / "snapshots", self.database)
        self.erp = SimulatedErp(self.folder / "erp.sqlite3", native_key=self.native_key, clock=self.clock)
        self.toolbox = Toolbox(
            self.database, self.snapshots, self.folder / "knowledge", self.clock, machine_time, erp=self.erp
        )
        gate = Gate.model_validate({"rollout": self.rollout, "erp_native_key": self.native_key})
        self.desk = ExceptionDesk(self.toolbox, TemplateDrafter(), self.folder / "checkpoints.sqlite3", gate)

    def opened(self) -> Database:
        """The database of this folder."""
        return database_in(self.folder)

    def furnish(self) -> World:
        """Adopt policies, rules and people, load the ERP, and import the first feeds."""
        with self.database.write("root", self.clock()) as transaction:
            for kind, content in (("approval", packaged_policy_text()), ("thresholds", packaged_thresholds())):
                insert_policy(
                    transaction,
                    PolicyVersion.model_validate(
                        {"kind": kind, "version": 1, "content": content, "author": "root", "effective_at": START}
                    ),
                )
            for person in PEOPLE:
                save_user(transaction, person)
        put_in_force(self.database, RULES)
        self.erp.load_stock(StockRow(item=p.item, site=p.site, on_hand=p.on_hand) for p in self.network.item_sites)
        self.deliver()
        return self

    def deliver(
        self,
        network: Network | None = None,
        transfers: Iterable[dict[str, object]] = (),
        only: Collection[str] | None = None,
    ) -> ImportReport:
        """Write the feeds as of now, or only some of them, and import them."""
        network = network or self.network
        folder = self.folder / "feeds" / f"{self.clock():%Y%m%dT%H%M%S}"
        folder.mkdir(parents=True, exist_ok=True)
        as_of = self.clock() - timedelta(minutes=30)
        for name, frame in network.frames(as_of, transfers).items():
            if only is None or name in only:
                frame.write_csv(folder / f"{name}.csv")
        return import_feeds(
            folder, mapping=None, database=self.database, snapshots=self.snapshots, actor="evenkeel",
            now=self.clock(), as_of=as_of, when_current=take_stock,
        )  # fmt: skip

    def deliver_from_erp(self) -> ImportReport:
        """Import what the ERP itself would export now: its stock, and its transfers with our keys."""
        stock = {(p.item, p.site): self.erp.on_hand(p.item, p.site) for p in self.network.item_sites}
        return self.deliver(self.network.with_stock(stock), self.erp.export_transfers())

    def copied_to(self, folder: Path) -> World:
        """The same world in another folder, as it stands now; the clock is the copy's own."""
        self.database.dispose()
        copy_home(self.folder, folder)
        return World(folder, self.network, TurnableClock(self.clock()), self.native_key, self.rollout)

    def proposals(self, *states: ProposalState) -> list[Proposal]:
        """Proposals in some states, all when none is named."""
        with self.database.read() as connection:
            return list_proposals(connection, EVERYTHING, states=states)

    def the_proposal(self, *states: ProposalState) -> Proposal:
        """The one proposal in some states."""
        (proposal,) = self.proposals(*states)
        return proposal

    def user(self, user_id: str) -> User:
        """One of the people."""
        return next(person for person in PEOPLE if person.user_id == user_id)

    def decide(self, proposal: Proposal, verb: str, user_id: str, **more: object) -> Proposal:
        """Decide as a person would who saw exactly this proposal."""
        why = {"reason": ReasonCode.STRATEGY, "text": "as agreed"} if verb in OVERRULING else {}
        decision = Decision.model_validate(
            {"proposal_id": proposal.proposal_id, "digest_prefix": proposal.digest[:12], "verb": verb, **why, **more}
        )
        return self.desk.decide(decision, self.user(user_id))
