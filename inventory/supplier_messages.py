"""Messages to suppliers about changes of their orders: drafted with the proposal, sent once it is approved, answered.

A message belongs to one version of a proposal. Only a person sends it, and only while that very version is approved;
what the supplier answers is kept as evidence and changes nothing by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sqlalchemy import Connection, select, update

from inventory.database import Transaction
from inventory.errors import LostRaceError, NotFoundError
from inventory.proposals import find_approval, find_proposal
from inventory.record import Id, Record, Text, Utc, canonical_record, load
from inventory.records import EVERYTHING, ProposalState, Scope
from inventory.tables import supplier_messages

MessageState = Literal["drafted", "sent", "answered"]
SENDABLE = (ProposalState.APPROVED, ProposalState.LEASED, ProposalState.SENT, ProposalState.IN_DOUBT,
            ProposalState.EXECUTED)  # fmt: skip
"""States of a proposal in which its messages may go out."""


class SupplierMessage(Record):
    """One message to one supplier about one order."""

    message_id: Id
    proposal_id: Id
    proposal_digest: str
    """The version it speaks for: an approval of another one releases nothing."""
    supplier: Id
    order_id: str
    source: Literal["template", "model"]
    template: Text
    facts: dict[str, str]
    text: Text
    drafted_at: Utc
    state: MessageState = "drafted"
    sent_by: str = ""
    sent_at: Utc | None = None
    reference: str = ""
    """Where the sent message can be looked up."""
    answer: Text = ""
    """What the supplier said: evidence, never an instruction."""
    answered_at: Utc | None = None
    noted_by: str = ""
    """Who entered the answer."""


def save_message(transaction: Transaction, message: SupplierMessage) -> None:
    """Keep a draft; one that is there already stays as it is."""
    known = select(supplier_messages.c.message_id).where(supplier_messages.c.message_id == message.message_id)
    if transaction.connection.execute(known).first() is not None:
        return
    transaction.connection.execute(
        supplier_messages.insert().values(
            message_id=message.message_id, proposal_id=message.proposal_id, supplier=message.supplier,
            state=message.state, sent_by="", body=canonical_record(message),
        )
    )  # fmt: skip
    transaction.record("message.drafted", "proposal", message.proposal_id, message.model_dump(mode="json"))


def send_message(transaction: Transaction, message_id: str, scope: Scope, reference: str) -> SupplierMessage:
    """Note that the actor has sent a message.

    Raises
    ------
    NotFoundError
        If the reader may see no such message.
    LostRaceError
        If it was sent already, or the version it speaks for is not approved (any more).
    """
    known = find_message(transaction.connection, scope, message_id)
    if not may_be_sent(transaction.connection, known):
        raise LostRaceError(
            f"message {message_id}: proposal {known.proposal_id} is not approved in the version it is about"
        )
    sent = known.model_copy(
        update={"state": "sent", "sent_by": transaction.actor, "sent_at": transaction.now, "reference": reference}
    )
    _move(transaction, known.state, sent)
    transaction.record("message.sent", "proposal", known.proposal_id, sent.model_dump(mode="json"))
    return sent


def answer_message(transaction: Transaction, message_id: str, scope: Scope, answer: str) -> SupplierMessage:
    """Keep what the supplier answered; nothing else changes.

    Raises
    ------
    NotFoundError
        If the reader may see no such message.
    LostRaceError
        If it was not sent, or is answered already.
    """
    known = find_message(transaction.connection, scope, message_id)
    if known.state != "sent":
        raise LostRaceError(f"message {message_id} is {known.state}: only a sent one is answered, once")
    update_ = {"state": "answered", "answer": answer, "answered_at": transaction.now, "noted_by": transaction.actor}
    answered = SupplierMessage.model_validate(known.model_copy(update=update_).model_dump())
    _move(transaction, known.state, answered)
    transaction.record("message.answered", "proposal", known.proposal_id, answered.model_dump(mode="json"))
    return answered


def _move(transaction: Transaction, before: MessageState, after: SupplierMessage) -> None:
    changed = transaction.connection.execute(
        update(supplier_messages)
        .where(supplier_messages.c.message_id == after.message_id, supplier_messages.c.state == before)
        .values(state=after.state, sent_by=after.sent_by, body=canonical_record(after))
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"message {after.message_id} is not {before} any more")


def may_be_sent(connection: Connection, message: SupplierMessage) -> bool:
    """Whether the version the message speaks for is approved, and it has not gone out."""
    proposal = find_proposal(connection, EVERYTHING, message.proposal_id)
    approved = find_approval(connection, EVERYTHING, proposal)
    same = approved is not None and approved.proposal_digest == message.proposal_digest == proposal.digest
    return same and proposal.state in SENDABLE and message.state == "drafted"


def list_messages(
    connection: Connection, scope: Scope, *, proposal_id: str = "", states: Collection[MessageState] = ()
) -> list[SupplierMessage]:
    """Messages of the proposals the reader may see, by id."""
    query = select(supplier_messages.c.body).order_by(supplier_messages.c.message_id)
    if proposal_id:
        query = query.where(supplier_messages.c.proposal_id == proposal_id)
    if states:
        query = query.where(supplier_messages.c.state.in_(sorted(states)))
    found = [load(SupplierMessage, body) for body in connection.execute(query).scalars()]
    return [message for message in found if _may_see(connection, scope, message.proposal_id)]


def find_message(connection: Connection, scope: Scope, message_id: str) -> SupplierMessage:
    """A message the reader may see; ``NotFoundError`` otherwise."""
    query = select(supplier_messages.c.body).where(supplier_messages.c.message_id == message_id)
    body = connection.execute(query).scalar_one_or_none()
    found = load(SupplierMessage, body) if body is not None else None
    if found is None or not _may_see(connection, scope, found.proposal_id):
        raise NotFoundError(f"there is no message {message_id!r} that {scope.user} may see")
    return found


def _may_see(connection: Connection, scope: Scope, proposal_id: str) -> bool:
    try:
        find_proposal(connection, scope, proposal_id)
    except NotFoundError:
        return False
    return True
