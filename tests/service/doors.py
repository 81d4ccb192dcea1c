"""The world behind the doors, and a way to knock at the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from typer.testing import CliRunner, Result

from inventory.importing.gate import import_feeds
from inventory.people import save_user
from inventory.proposals import list_proposals
from inventory.records import EVERYTHING, ActionKind, Proposal, ProposalState, Tier, User
from service.bootstrap import House, init_home
from service.cli import app
from service.demo.company import AS_OF, generate
from service.demo.corpus import put_in_force
from service.demo.people import PEOPLE
from service.home import HomeKind
from tools.erp.simulated import SimulatedErp, StockRow
from tools.intake import take_stock

ITEMS = ("P-3435", "P-3679", "P-4196", "P-12267", "P-14235", "P-11717")
LEFT_OUT = ("boms", "production_orders", "substitutes", "returns", "supplier_lots", "zones", "events")
MANAGER, PLANNER, APPROVER, CENTRAL, AUDITOR, ADMIN = (
    "hugo.manager", "ben.planner", "erin.approver", "gita.central", "iris.auditor", "admin"
)  # fmt: skip


def write_feeds(folder: Path) -> None:
    """Feeds of a few items, named after their tables."""
    folder.mkdir(parents=True)
    for name, frame in generate().items():
        if name not in LEFT_OUT:
            kept = frame.filter(pl.col("item").is_in(ITEMS)) if "item" in frame.columns else frame
            kept.write_parquet(folder / f"{name}.parquet")


def build_home(root: Path) -> Path:
    """A demo home, swept once."""
    write_feeds(root / "feeds")
    house = init_home(root / "home", HomeKind.DEMO, AS_OF)
    _introduce(house)
    import_feeds(
        root / "feeds", mapping=None, database=house.database, snapshots=house.snapshots, actor="evenkeel",
        now=house.clock(), when_current=take_stock,
    )  # fmt: skip
    house.desk.sweep()
    stock = house.snapshots.open(house.toolbox.snapshot().snapshot_id).table("stock")
    SimulatedErp(house.layout.erp, clock=house.clock).load_stock(
        StockRow(item=row["item"], site=row["site"], lot=row["lot"] or "", on_hand=row["on_hand"])
        for row in stock.filter((pl.col("source") == "erp") & (pl.col("status") == "unrestricted")).iter_rows(
            named=True
        )
    )
    house.close()
    return house.layout.home


def _introduce(house: House) -> None:
    with house.database.write("evenkeel", house.clock()) as transaction:
        for person in PEOPLE:
            save_user(
                transaction,
                User(
                    user_id=person.user, name=person.name, roles=person.roles, sites=person.sites,
                    item_classes=person.classes, value_limit_minor=person.value_limit_minor,
                ),
            )  # fmt: skip
    put_in_force(house.database, house.clock(), uploaded_by="hugo.manager", confirmed_by="gita.central")


@dataclass(frozen=True)
class Doors:
    """The command line of one home."""

    home: Path

    def knock(self, *words: str, env: dict[str, str] | None = None, typed: str | None = None) -> Result:
        """Run one command; output and error stay apart.

        Parameters
        ----------
        typed
            What is typed while it runs.
        """
        home = {"EVENKEEL_HOME": str(self.home), **(env or {})}
        return CliRunner().invoke(app, list(words), env=home, input=typed)

    def answer(self, *words: str, env: dict[str, str] | None = None) -> Any:
        """The JSON one command printed; it must have succeeded."""
        result = self.knock(*words, "--json", env=env)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def a_transfer(house: House, destination: str = "WH-SOUTH") -> Proposal:
    """The pending transfer to a site that one planner may sign."""
    with house.database.read() as connection:
        pending = list_proposals(connection, EVERYTHING, states=(ProposalState.PENDING,))
    return next(
        proposal
        for proposal in pending
        if proposal.tier is Tier.PLANNER
        and proposal.content.action is ActionKind.TRANSFER
        and proposal.content.lines[0].destination == destination
    )
