"""Sets up the demo company in a home of its own: people, rules, the ERP's books, and the first delivery of feeds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl

from inventory.importing.gate import import_feeds
from inventory.importing.report import ImportReport
from inventory.people import save_user
from inventory.records import ActionKind, ErpLine, User
from service.bootstrap import House, init_home
from service.demo.company import AS_OF, Tables, generate
from service.demo.corpus import put_in_force
from service.demo.feeds import write_feeds
from service.demo.people import PEOPLE
from service.errors import HomeError
from service.home import HomeKind, Layout, read_kind
from tools.erp.simulated import KnownOrder, SimulatedErp, StockRow
from tools.intake import take_stock

Tell = Callable[[str, int, int], None]
MORNING = AS_OF + timedelta(minutes=40)
"""When the planners' day begins: the feeds have just come in."""


def fresh_home(home: Path) -> House:
    """A new demo home, in place of an earlier demo; anything else at that place is left alone.

    Raises
    ------
    HomeError
        If the folder holds something that is not a demo home.
    """
    layout = Layout(home)
    if home.exists() and any(home.iterdir()):
        if not layout.exists() or read_kind(layout) is not HomeKind.DEMO:
            raise HomeError(f"{home} is not a demo home; the demo replaces nothing but an earlier demo")
        shutil.rmtree(home)
    return init_home(home, HomeKind.DEMO, MORNING)


def settle_in(house: House, tell: Tell) -> tuple[Tables, ImportReport]:
    """Bring in people, written rules, the ERP's books and the feeds."""
    tell("people and rules", 0, 1)
    _people_and_rules(house)
    tell("demo company", 0, 1)
    tables = generate()
    erp = house.erp
    if isinstance(erp, SimulatedErp):
        load_books(erp, tables)
    return tables, deliver(house, tables, "day-1", tell)


def _people_and_rules(house: House) -> None:
    with house.database.write("admin", house.clock()) as transaction:
        for person in PEOPLE:
            save_user(
                transaction,
                User(
                    user_id=person.user,
                    name=person.name,
                    roles=person.roles,
                    sites=person.sites,
                    item_classes=person.classes,
                    value_limit_minor=person.value_limit_minor,
                ),
            )
    put_in_force(house.database, house.clock(), uploaded_by="hugo.manager", confirmed_by="gita.central")


def load_books(erp: SimulatedErp, tables: Tables) -> None:
    """Give the simulated ERP the stock and open orders the feeds were taken from."""
    usable = tables["stock"].filter((pl.col("status") == "unrestricted") & (pl.col("source") == "erp"))
    erp.load_stock(
        StockRow(item=row["item"], site=row["site"], lot=row["lot"] or "", on_hand=int(row["on_hand"]))
        for row in usable.iter_rows(named=True)
    )
    still_open = tables["purchase_orders"].filter(pl.col("status") == "open").sort("order_id", "line")
    erp.load_orders(_known(order) for order in still_open.partition_by("order_id", maintain_order=True))


def _known(order: pl.DataFrame) -> KnownOrder:
    """One purchase order from its lines, which share everything but item and quantity."""
    head = order.row(0, named=True)
    return KnownOrder(
        reference=head["order_id"],
        action=ActionKind.PURCHASE,
        lines=tuple(
            ErpLine(item=item, quantity=int(quantity))
            for item, quantity in order.select("item", "quantity").iter_rows()
        ),
        destination=head["site"],
        supplier=head["supplier"],
        ordered_on=head["ordered_date"],
        arrive_on=head["promised_date"],
    )


def deliver(house: House, tables: Tables, name: str, tell: Tell, *, with_refused: bool = True) -> ImportReport:
    """Write a delivery of feeds into the home and send it through the import gate."""
    folder = house.layout.home / "feeds" / name
    write_feeds(tables, folder, with_refused=with_refused)
    return import_feeds(
        folder,
        mapping=None,
        database=house.database,
        snapshots=house.snapshots,
        actor="evenkeel",
        now=house.clock(),
        when_current=take_stock,
        progress=tell,
    )
