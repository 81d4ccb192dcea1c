"""A small company that has something to say about every question, and how a person asks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent.capabilities.registry import all_capabilities
from inventory.freezes import ask_freeze, confirm_freeze
from inventory.people import save_user
from inventory.records import EVERYTHING, User
from tests.tools.networks import Frames, add_rows, amended, order
from tests.worlds import PEOPLE, ItemSite, Lane, Network, World
from tools.capabilities.answer import Answer
from tools.capabilities.registry import Asking

OTTO = next(person for person in PEOPLE if person.user_id == "otto")
"""Sees NORTH alone."""
CELIA = User(user_id="celia", name="Celia Consumables", roles=("buyer",), item_classes=("consumable",))
"""Sees one class of items alone."""
EXAMPLES: dict[str, dict[str, Any]] = {
    "stock_position": {"item": "BOLT", "site": "NORTH"},
    "who_can_give": {"item": "BOLT", "site": "NORTH", "quantity": 40},
    "projection": {"item": "BOLT", "site": "NORTH", "days": 20},
    "forecast": {"item": "BOLT", "site": "NORTH", "weeks": 4},
    "options": {"item": "BOLT", "site": "NORTH"},
    "why": {"item": "BOLT", "site": "NORTH"},
    "why_not": {"item": "BOLT", "site": "NORTH", "action": "purchase"},
    "what_if": {"change": "demand_surge", "item": "BOLT", "site": "NORTH", "percent": 30},
    "find_rules": {"question": "what does a donor keep", "site": "NORTH"},
    "past_decision": {"item": "BOLT", "site": "NORTH"},
    "held_back": {},
    "summary": {"role": "planner", "site": "NORTH"},
    "list_cases": {"site": "NORTH"},
    "show_case": {"case": "case-"},
    "prefill_proposal": {"action": "transfer", "item": "NUT", "site": "NORTH", "quantity": 10, "keep_days": 7},
    "supplier_record": {"supplier": "SUP", "site": "NORTH"},
    "lead_time": {"item": "BOLT", "site": "NORTH"},
    "open_orders": {"site": "NORTH"},
    "excess": {"site": "NORTH"},
    "expiring": {"site": "NORTH", "days": 30},
    "substitutes": {"item": "BOLT"},
    "item_facts": {"item": "MILK"},
    "segment": {"item": "BOLT", "site": "NORTH"},
    "lane": {"origin": "DC", "destination": "NORTH"},
    "frozen_stock": {"site": "NORTH"},
    "data_health": {"site": "NORTH"},
    "waiting_approvals": {"site": "NORTH"},
    "automatic_actions": {"site": "NORTH"},
    "who_approves": {"action": "transfer", "value": 3200, "site": "NORTH"},
    "tier_preview": {"action": "transfer", "item": "NUT", "site": "NORTH", "origin": "DC", "quantity": 10},
    "policy_value": {"name": "cool-down", "site": "NORTH"},
    "kpis": {"name": "inventory value", "site": "NORTH"},
    "overrides": {"site": "NORTH", "days": 30},
    "tasks": {"site": "NORTH"},
    "compare_policies": {"site": "NORTH"},
}
"""Arguments each capability has an answer to."""


def every_question() -> Network:
    """A short item, one nobody is short of, a slow one, dated milk, and goods on the way."""
    return amended(
        Network(
            item_sites=(
                ItemSite("BOLT", "DC", weekly=10, on_hand=300, flags="consumable", cost=4.0, price=10.0),
                ItemSite("BOLT", "NORTH", weekly=20, on_hand=4, flags="consumable", cost=4.0, price=10.0),
                ItemSite("MILK", "NORTH", weekly=8, on_hand=60, flags="cold_chain"),
                ItemSite("NUT", "DC", weekly=6, on_hand=200),
                ItemSite("NUT", "NORTH", weekly=6, on_hand=60),
                ItemSite("SLOW", "NORTH", weekly=1, on_hand=500),
            ),
            lanes=(Lane("DC", "NORTH", lot=2), Lane("NORTH", "DC")),
        ),
        order("OPEN-1", "SLOW", "NORTH", 40, ordered_ago=30, promised_in=-4),
        order("OPEN-2", "BOLT", "DC", 70, ordered_ago=2, promised_in=19),
        add_rows("substitutes", {"item": "BOLT", "substitute": "NUT", "acceptance": 0.6, "needs_consent": True}),
        _milk,
        _under_way,
    )


def _milk(frames: Frames, as_of: datetime) -> None:
    """A lot that ends in twelve days."""
    lot = {"item": "MILK", "site": "NORTH", "lot": "L-7", "on_hand": 25, "allocated": 0, "as_of": as_of.isoformat(),
           "expiry": as_of.date() + timedelta(days=12)}  # fmt: skip
    add_rows("stock", lot)(frames, as_of)


def _under_way(frames: Frames, as_of: datetime) -> None:
    """Nuts on the road."""
    today = as_of.date()
    move = {"transfer_id": "MOVE-9", "line": 1, "item": "NUT", "origin": "DC", "destination": "NORTH", "mode": "truck",
            "shipped_date": today - timedelta(days=1), "expected_date": today + timedelta(days=1),
            "received_date": None, "quantity": 12, "received_quantity": 0, "status": "in_transit",
            "our_key": ""}  # fmt: skip
    add_rows("transfers", move)(frames, as_of)


def swept_company(folder: Path) -> World:
    """The company after a sweep, with ten nuts frozen at NORTH."""
    world = World(folder, every_question(), rollout="guided").furnish()
    with world.database.write("root", world.clock()) as transaction:
        save_user(transaction, CELIA)
    until = world.clock() + timedelta(days=9)
    with world.database.write("pia", world.clock()) as transaction:
        asked = ask_freeze(
            transaction,
            EVERYTHING,
            item="NUT",
            site="NORTH",
            purpose="CUST-1",
            until=until,
            units=10,
            reason="promised",
        )
    with world.database.write("ada", world.clock()) as transaction:
        confirm_freeze(transaction, EVERYTHING, asked.freeze_id)
    world.desk.sweep()
    return world


@contextmanager
def asked_by(world: World, user: User | str) -> Iterator[Asking]:
    """Somebody at the door of a world."""
    person = world.user(user) if isinstance(user, str) else user
    with world.database.read() as connection:
        yield Asking(world.toolbox, connection, person)


def answer(world: World, name: str, user: User | str = "pia", /, **arguments: Any) -> Answer:
    """What a capability tells somebody."""
    with asked_by(world, user) as asking:
        return all_capabilities()[name].run(asking, arguments)
