"""What was executed, told from entries alone: one row per ERP document, and totals by day and action.

Standard library only: the exporter and whoever checks an export count by the same rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from inventory.chain import AuditEntry

TOLD_BY = ("proposal.drafted", "action.enqueued", "action.executed", "action.applied")
"""Events the table is made of."""


@dataclass(frozen=True)
class ExecutedDocument:
    """An ERP document with its receipt, as the log tells of them."""

    key: str
    proposal_id: str
    erp_reference: str
    posted_at: str
    found_by: str
    action: str
    units: int
    value_minor: int
    """Its share, by units, of what the approved proposal was worth."""
    currency: str
    executed: int
    """Entry that says it was executed."""
    receipt: int
    """Entry of the receipt."""


@dataclass(frozen=True)
class DayTotal:
    """What one kind of action came to on one day of posting."""

    day: str
    action: str
    currency: str
    documents: int
    units: int
    value_minor: int


@dataclass
class Reconciliation:
    """Documents of a period, their totals, and what does not fit."""

    documents: list[ExecutedDocument] = field(default_factory=list)
    totals: list[DayTotal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class _Told:
    """What entries say, by proposal and by key."""

    contents: dict[str, dict[str, Any]] = field(default_factory=dict)
    enqueued: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    executed: dict[str, tuple[int, str]] = field(default_factory=dict)
    receipts: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)


def reconcile(entries: Iterable[AuditEntry], first: int, last: int) -> Reconciliation:
    """Executed documents of the entries ``first`` to ``last``, held against their receipts.

    Parameters
    ----------
    entries
        In order; earlier ones tell what the documents hold.
    """
    told, made = _Told(), Reconciliation()
    for entry in entries:
        _take(told, made, entry, inside=first <= entry.sequence <= last)
    for key in sorted(told.executed.keys() | told.receipts.keys()):
        _document(told, made, key)
    made.documents.sort(key=lambda row: (row.posted_at, row.key))
    made.totals = day_totals(made.documents)
    return made


def day_totals(documents: Iterable[ExecutedDocument]) -> list[DayTotal]:
    """Totals by day of posting, action and currency."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in documents:
        total = sums[(row.posted_at[:10], row.action, row.currency)]
        for place, amount in enumerate((1, row.units, row.value_minor)):
            total[place] += amount
    return [DayTotal(*names, *amounts) for names, amounts in sorted(sums.items())]


def _take(told: _Told, made: Reconciliation, entry: AuditEntry, *, inside: bool) -> None:
    if entry.event == "proposal.drafted":
        told.contents[entry.subject_id] = entry.data["content"]
    elif entry.event == "action.enqueued":
        told.enqueued[entry.subject_id].append(entry.data)
    elif entry.event == "action.executed" and inside:
        told.executed[entry.data["key"]] = (entry.sequence, entry.subject_id)
    elif entry.event == "action.applied" and inside:
        key = entry.data["key"]
        if key in told.receipts:
            made.problems.append(f"document {key} has a second receipt in entry {entry.sequence}")
        told.receipts[key] = (entry.sequence, entry.data)


def _document(told: _Told, made: Reconciliation, key: str) -> None:
    if key not in told.receipts:
        made.problems.append(f"document {key} was executed in entry {told.executed[key][0]} and has no receipt")
        return
    sequence, receipt = told.receipts[key]
    if key not in told.executed:
        made.problems.append(f"the receipt of document {key} in entry {sequence} belongs to nothing that was executed")
        return
    proposal = told.executed[key][1]
    document = next((each for each in told.enqueued[proposal] if each["key"] == key), None)
    content = told.contents.get(proposal)
    if document is None or content is None:
        made.problems.append(f"document {key} was executed, but nothing tells what it held")
        return
    made.documents.append(
        ExecutedDocument(
            key=key, proposal_id=proposal, erp_reference=receipt["erp_reference"], posted_at=receipt["posted_at"],
            found_by=receipt["found_by"], action=document["action"], units=_units(document),
            value_minor=_share(content, told.enqueued[proposal], key), currency=content["currency"],
            executed=told.executed[key][0], receipt=sequence,
        )
    )  # fmt: skip


def _units(document: dict[str, Any]) -> int:
    return sum(int(line["quantity"]) for line in document["lines"])


def _share(content: dict[str, Any], documents: list[dict[str, Any]], key: str) -> int:
    """The document's part of the proposal's value, by units; the parts of a proposal sum to its value."""
    value, total, before = int(content["value_minor"]), sum(map(_units, documents)), 0
    for document in documents:
        upto = before + _units(document)
        if document["key"] == key:
            return value * upto // total - value * before // total if total else 0
        before = upto
    return 0
