"""Written rules for a synthetic network: so many machine rules, all kinds in turn, each about its own corner of it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import cycle, islice
from typing import Any

import numpy as np

from benchmarks.worlds import AS_OF, SUPPLIER_ITEMS, item_names
from inventory.database import Database
from inventory.document_life import confirm_document, upload_document
from inventory.document_revisions import find_revision
from inventory.document_scan import scan_document
from inventory.machine_rules import RuleRecord, rule_adapter
from inventory.records import EVERYTHING, DocumentOfRecord

ITEMS_OF_A_RULE = 5
DOCUMENT = "SOP-BENCH"
_SOON = {"from": AS_OF.date() - timedelta(days=2), "to": AS_OF.date() + timedelta(days=9)}
_KINDS: tuple[tuple[str, tuple[str, ...], dict[str, Any]], ...] = (
    ("donor_floor", ("sites",), {"days": 21}),
    ("order_quantity", ("suppliers",), {"minimum": 20, "multiple": 10}),
    ("embargo", ("sites", "items"), _SOON),
    ("never_automatic", ("classes",), {}),
    ("lane_ban", ("lane",), {}),
    ("approval_right", ("classes",), {"roles": ["finance"], "above": 1_000}),
    ("freeze", ("sites", "items"), {"units": 8}),
    ("substitution_consent", ("items",), {}),
    ("shelf_life_minimum", ("items",), {"days": 30}),
    ("allocation_commitment", ("sites", "items"), {"units": 2, "channel": "web"}),
    ("protected_range", ("items",), {}),
    ("planned_delisting", ("items",), {"on": AS_OF.date() + timedelta(days=45)}),
    ("promotion_build_up", ("items",), {"units": 30, **_SOON}),
    ("no_markdown", ("items",), {}),
    ("priority_customer", ("items",), {"customer": "KEY"}),
)
"""Each kind with the lists that narrow it and what it asks; nobody serves the customer in these networks."""


def rules_of_all_kinds(count: int, items: int, sites: list[str]) -> list[RuleRecord]:
    """Machine rules of all kinds in turn, about other items, sites and suppliers each time.

    Parameters
    ----------
    items
        How many items the network has.
    """
    made = []
    for number, (kind, narrowed, asked) in enumerate(islice(cycle(_KINDS), count)):
        body = {"id": f"R-{number:04d}", "document_id": DOCUMENT, "version": 1, "clause": f"1.{number + 1}",
                "kind": kind, **asked, **_scope(number, narrowed, items, sites)}  # fmt: skip
        made.append(rule_adapter().validate_json(json.dumps(body, default=date.isoformat)))
    return made


def _scope(number: int, narrowed: tuple[str, ...], items: int, sites: list[str]) -> dict[str, Any]:
    first = number * ITEMS_OF_A_RULE % items
    here = sites[number % len(sites)]
    lists: dict[str, dict[str, Any]] = {
        "items": {"items": item_names((first + np.arange(min(ITEMS_OF_A_RULE, items))) % items)},
        "sites": {"sites": [here]},
        "suppliers": {"suppliers": [f"SUP-{first // SUPPLIER_ITEMS:04d}"]},
        "classes": {"classes": [("consumable", "constrained", "regulated")[number % 3]]},
        "lane": {"origin": here, "destination": sites[(number + 1) % len(sites)]},
    }
    return {key: value for name in narrowed for key, value in lists[name].items()}


def put_rules_in_force(database: Database, rules: list[RuleRecord]) -> None:
    """One document that carries them, uploaded by one person and confirmed by another."""
    clauses = "\n\n".join(f"{rule.clause} This is how {rule.kind.replace('_', ' ')} is done." for rule in rules)
    text = f"## 1 Rules\n\n{clauses}\n"
    document = DocumentOfRecord(
        document_id=DOCUMENT, title="Rules of the bench", version=1, text=text,
        effective_from=AS_OF.date() - timedelta(days=30), added_by="bench", added_at=AS_OF,
    )  # fmt: skip
    with database.write("bench", AS_OF) as transaction:
        upload_document(transaction, document, scan_document(text.encode(), text).scan, rules)
    with database.write("second", AS_OF) as transaction:
        digest = find_revision(transaction.connection, EVERYTHING, DOCUMENT, 1).digest
        confirm_document(transaction, DOCUMENT, 1, digest)
