"""What each event of the log says about rows: one side of what :mod:`inventory.audit_state` compares.

To bring a table under the comparison, add what its events say to ``FOLDS`` here and its rows to ``READERS`` in
:mod:`inventory.audit_mirrors`.
"""

from __future__ import annotations

from datetime import datetime

from inventory.audit_ledger import (
    FROZEN_AT,
    absorbed,
    claims_held,
    claims_moved,
    committed,
    freeze_changed,
    lifted,
    limited,
    posted,
    released,
    stock_key,
    units_held,
)
from inventory.audit_state import BODY, Facts, Fold, StateBook, body_hash
from inventory.chain import AuditEntry
from inventory.lifecycle import EVENTS as PROPOSAL_EVENTS
from inventory.record import canonical, digest_text
from inventory.records import DocumentState

SET_BY_ARROWS = ("tier", "expires_at", "not_before", "snoozed_until")
"""Columns of a proposal an arrow may set, told in its entry under ``set``; a lease is renewed without an entry."""


def a_book() -> StateBook:
    """An empty book that knows every event of ``FOLDS``."""
    return StateBook(FOLDS)


def _record(table: str, key: str, *columns: str) -> Fold:
    """The entry's body is the row's record; the key is one of its fields, and so are some of the row's columns."""

    def fold(book: StateBook, entry: AuditEntry) -> None:
        named = {name: entry.data[name] for name in columns}
        book.put(table, str(entry.data[key]), entry, **named, **{BODY: body_hash(entry.body)})

    return fold


def _drafted(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    book.put(
        "proposals", entry.subject_id, entry, state="draft", state_version=1, digest=data["digest"],
        content_digest=data["digest"], case_id=data["case"], requested_by=data["requested_by"],
        not_before=None, snoozed_until=None,
    )  # fmt: skip


def _moved(book: StateBook, entry: AuditEntry) -> None:
    data, known = entry.data, book.told("proposals").get(entry.subject_id)
    facts: Facts = {"state": data["to"], "reason": data["reason"]}
    if known is not None and "state_version" in known.facts:
        facts["state_version"] = known.facts["state_version"] + 1
        if "set" not in data:  # written before arrows told what they set: nobody knows these columns
            for name in SET_BY_ARROWS:
                known.facts.pop(name, None)
    facts |= {name: value for name, value in data.get("set", {}).items() if name in SET_BY_ARROWS}
    book.change("proposals", entry.subject_id, entry, **facts)


def _approved(book: StateBook, entry: AuditEntry) -> None:
    _moved(book, entry)
    committed(book, entry)


def _leased(book: StateBook, entry: AuditEntry) -> None:
    _moved(book, entry)
    lifted(book, entry)


def _executor(book: StateBook, entry: AuditEntry) -> None:
    book.change("executors", entry.subject_id, entry, holder=entry.data["holder"])
    book.reached("executors", entry.subject_id, entry, fencing=entry.data["fencing"])


def _explained(book: StateBook, entry: AuditEntry) -> None:
    book.change("proposals", entry.subject_id, entry, explanation_digest=entry.data["digest"])


def _ruled(book: StateBook, entry: AuditEntry) -> None:
    book.counts[entry.subject_id] += 1
    ruling_id = f"{entry.subject_id}.r{book.counts[entry.subject_id]}"
    book.put("rulings", ruling_id, entry, tier=entry.data["tier"], **{BODY: body_hash(entry.body)})


def _signed(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    named = {name: data[name] for name in ("proposal_id", "proposal_digest", "decision", "by")}
    book.put("approvals", data["approval_id"], entry, **named, **{BODY: body_hash(entry.body)})


def _enqueued(book: StateBook, entry: AuditEntry) -> None:
    book.put(
        "outbox", entry.data["key"], entry, state="ready", attempts=0, proposal_id=entry.subject_id,
        **{BODY: body_hash(entry.body)},
    )  # fmt: skip


def _document_moved(book: StateBook, entry: AuditEntry) -> None:
    data, state = entry.data, entry.event.partition(".")[2]
    book.change("outbox", data["key"], entry, state=state, attempts=data["attempt"])
    if "erp" in data:
        book.reached("executors", data["erp"], entry, fencing=data["fencing"])


def _answered(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    book.put(
        "receipts", data["key"], entry, proposal_id=data["proposal_id"], erp_reference=data["erp_reference"],
        **{BODY: body_hash(entry.body)},
    )  # fmt: skip


def _task(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    named = {name: data[name] for name in ("proposal_id", "state", "done_by")}
    book.put("tasks", data["task_id"], entry, **named, **{BODY: body_hash(entry.body)})


def _message(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    named = {name: data[name] for name in ("proposal_id", "supplier", "state", "sent_by")}
    book.put("supplier_messages", data["message_id"], entry, **named, **{BODY: body_hash(entry.body)})


def _user(book: StateBook, entry: AuditEntry) -> None:
    book.put("users", entry.subject_id, entry, version=entry.data["version"], **{BODY: body_hash(entry.body)})


def _token_issued(book: StateBook, entry: AuditEntry) -> None:
    book.put("tokens", entry.data["token_hash"], entry, user_id=entry.subject_id, revoked=False)


def _tokens_revoked(book: StateBook, entry: AuditEntry) -> None:
    for key, known in book.told("tokens").items():
        if known.facts["user_id"] == entry.subject_id and not known.facts["revoked"]:
            book.change("tokens", key, entry, revoked=True)


def _adopted(book: StateBook, entry: AuditEntry) -> None:
    told = ("author", "content", "confirmed_by")
    book.put("policies", entry.subject_id, entry, **{name: entry.data[name] for name in told if name in entry.data})


def _delegated(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    book.put(
        "delegations", entry.subject_id, entry, from_user=data["from_user"], to_user=data["to_user"],
        ends=moment(data["ends"]), revoked_at=moment(data["revoked_at"]) if data["revoked_at"] else None,
        **{BODY: body_hash(entry.body)},
    )  # fmt: skip


def _escalated(book: StateBook, entry: AuditEntry) -> None:
    book.put("escalations", entry.subject_id, entry, from_role=entry.data["from"], to_role=entry.data["to"])


def moment(text: str) -> str:
    """A time as the comparison writes it."""
    return datetime.fromisoformat(text).isoformat()


def _policy_drafted(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    named = {name: data[name] for name in ("state", "author", "settled_by")}
    book.put("policy_drafts", data["draft_id"], entry, **named, **{BODY: body_hash(entry.body)})


def _frozen(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    named = {name: data[name] for name in ("state", "set_by", "set_confirmed_by", "lift_by", "lift_confirmed_by")}
    known = book.told("freezes").get(data["freeze_id"])
    kept = known.facts["remaining"] if known else 0
    book.parts[(FROZEN_AT, data["freeze_id"])] = [stock_key(data["item"], data["site"], data["lot"])]
    book.put("freezes", data["freeze_id"], entry, remaining=kept, **named, **{BODY: body_hash(entry.body)})
    if entry.event == "freeze.confirmed":
        freeze_changed(book, entry, data["frozen_units"])
    elif entry.event in ("freeze.lifted", "freeze.ended"):
        freeze_changed(book, entry, -kept)


def _document_added(book: StateBook, entry: AuditEntry) -> None:
    """Of the time when one person was enough."""
    data = entry.data
    book.put(
        "documents", entry.subject_id, entry, title=data["title"], text=data["text"], state="confirmed",
        added_by=data["added_by"], ended_by="",
    )  # fmt: skip


def _document_uploaded(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    named = {name: data[name] for name in ("title", "text", "added_by", "record", "scan")}
    book.put("documents", entry.subject_id, entry, state="uploaded", confirmed_by="", ended_by="", **named)
    for rule_id, record in data["rules"].items():
        book.put("machine_rules", f"{entry.subject_id}/{rule_id}", entry, record=record)


def _document_life(book: StateBook, entry: AuditEntry) -> None:
    told = ("state", "confirmed_by", "ended_by", "ended_at", "text", "record")
    named = {name: entry.data[name] for name in told if name in entry.data}
    if "ended_at" in named:
        named["ended_at"] = moment(named["ended_at"])
    book.change("documents", entry.subject_id, entry, **named)


def _suggestion(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    named = {name: data[name] for name in ("state", "author", "settled_by")}
    book.put("rule_suggestions", data["suggestion_id"], entry, **named, **{BODY: body_hash(entry.body)})
    if entry.event == "rule.confirmed":
        rule = data["rule"]
        key = f"{rule['document_id']}@v{rule['version']}/{rule['rule_id']}"
        book.put("machine_rules", key, entry, record=digest_text(canonical(rule)))


def _switched(book: StateBook, entry: AuditEntry) -> None:
    book.put("switches", entry.subject_id, entry, on=entry.data["on"], by=entry.actor)


def _case_opened(book: StateBook, entry: AuditEntry) -> None:
    data = entry.data
    identity = {name: data[name] for name in ("kind", "scope", "cause")}
    book.put("cases", entry.subject_id, entry, state="open", state_version=1, **identity)


def _case_moved(book: StateBook, entry: AuditEntry) -> None:
    data, known = entry.data, book.told("cases").get(entry.subject_id)
    version = {"state_version": known.facts["state_version"] + 1} if known else {}
    book.change("cases", entry.subject_id, entry, state=data["to"], reason=data["reason"], **version)


def _planned(book: StateBook, entry: AuditEntry) -> None:
    book.put("plan_runs", entry.subject_id, entry, digest=entry.data["digest"])


FREEZE_EVENTS = (
    "freeze.asked", "freeze.confirmed", "freeze.withdrawn", "freeze.lift_asked", "freeze.lifted", "freeze.ended",
)  # fmt: skip
FOLDS: dict[str, Fold] = {
    "proposal.drafted": _drafted,
    **dict.fromkeys(PROPOSAL_EVENTS.values(), _moved),
    "proposal.approved": _approved,
    "proposal.leased": _leased,
    "reservation.held": units_held,
    "reservation.posted": posted,
    "reservation.absorbed": absorbed,
    "reservation.released": released,
    "capacity.held": claims_held,
    "capacity.moved": claims_moved,
    "capacity.limited": limited,
    **dict.fromkeys(("executor.taken", "executor.outlived"), _executor),
    "proposal.explained": _explained,
    "proposal.ruled": _ruled,
    "approval.given": _signed,
    "action.enqueued": _enqueued,
    **{f"action.{state.value}": _document_moved for state in DocumentState},
    "action.applied": _answered,
    **dict.fromkeys(("message.drafted", "message.sent", "message.answered"), _message),
    **dict.fromkeys(("task.opened", "task.done", "task.refused", "task.doubted"), _task),
    "user.saved": _user,
    "token.issued": _token_issued,
    "token.revoked": _tokens_revoked,
    "policy.adopted": _adopted,
    "delegation.granted": _delegated,
    "delegation.revoked": _delegated,
    "proposal.escalated": _escalated,
    **dict.fromkeys(("policy.proposed", "policy.confirmed", "policy.withdrawn", "policy.rejected"), _policy_drafted),
    **dict.fromkeys(FREEZE_EVENTS, _frozen),
    "freeze.grown": lambda book, entry: freeze_changed(book, entry, entry.data["units"]),
    "document.added": _document_added,
    "document.uploaded": _document_uploaded,
    **dict.fromkeys(
        ("document.confirmed", "document.refused", "document.withdrawn", "document.deleted"), _document_life
    ),
    **dict.fromkeys(("rule.suggested", "rule.confirmed", "rule.refused"), _suggestion),
    "switch.set": _switched,
    "switch.lifted": _switched,
    "case.opened": _case_opened,
    "case.moved": _case_moved,
    "case.closed": _case_moved,
    "plan.made": _planned,
    "outcome.open": _record("outcomes", "proposal_id"),
    "outcome.observed": _record("outcomes", "proposal_id"),
    "override.recorded": _record("overrides", "proposal_id"),
    "proposal.handed_on": _record("handovers", "handover_id", "proposal_id", "by", "to_user"),
    "proposal.revalidated": _record("revalidations", "revalidation_id", "proposal_id", "verdict", "by"),
    **dict.fromkeys(
        ("question.asked", "question.answered"),
        _record("questions", "question_id", "proposal_id", "asked_by", "asked_of", "answered_by"),
    ),
    **dict.fromkeys(("snooze.begun", "snooze.ended"), _record("snoozes", "proposal_id", "by")),
}
"""What each event says about rows; events that are not here change no row that is compared."""
