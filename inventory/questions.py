"""Questions about a proposal: who asked whom what, and the answer. A question stops nothing; it is shown."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from inventory.database import Transaction
from inventory.errors import LostRaceError
from inventory.proposals import find_proposal, list_proposals
from inventory.record import Id, Record, Text, Utc, canonical_record, load, short_id
from inventory.records import ProposalState, Scope
from inventory.tables import questions


class Question(Record):
    """What one person wants to know of another about a proposal."""

    question_id: Id
    proposal_id: Id
    proposal_digest: str
    """What the asker saw."""
    asked_by: Id
    asked_of: Id
    text: Text
    asked_at: Utc
    answered_by: str = ""
    """Whom it was asked of, or who stood in for them; empty while it is open."""
    answer: Text = ""
    answered_at: Utc | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.answered_at is None


def ask_question(
    transaction: Transaction, *, proposal_id: str, digest: str, asked_by: str, asked_of: str, text: str
) -> Question:
    """Put a question on record."""
    query = select(questions.c.question_id).where(questions.c.proposal_id == proposal_id)
    number = len(transaction.connection.execute(query).all()) + 1
    asked = Question(
        question_id=short_id("ques", proposal_id, str(number)),
        proposal_id=proposal_id,
        proposal_digest=digest,
        asked_by=asked_by,
        asked_of=asked_of,
        text=text,
        asked_at=transaction.now,
    )
    transaction.connection.execute(
        questions.insert().values(
            question_id=asked.question_id,
            proposal_id=proposal_id,
            asked_by=asked_by,
            asked_of=asked_of,
            asked_at=asked.asked_at,
            body=canonical_record(asked),
        )
    )
    transaction.record("question.asked", "proposal", proposal_id, asked.model_dump(mode="json"))
    return asked


def answer_question(transaction: Transaction, asked: Question, *, answered_by: str, answer: str) -> Question:
    """Put the answer beside it; ``LostRaceError`` when it has one."""
    done = asked.model_copy(update={"answered_by": answered_by, "answer": answer, "answered_at": transaction.now})
    changed = transaction.connection.execute(
        update(questions)
        .where(questions.c.question_id == asked.question_id, questions.c.answered_by == "")
        .values(answered_by=answered_by, body=canonical_record(done))
    )
    if changed.rowcount != 1:
        raise LostRaceError(f"question {asked.question_id} is answered already")
    transaction.record("question.answered", "proposal", asked.proposal_id, done.model_dump(mode="json"))
    return done


def open_questions(connection: Connection, scope: Scope, *, about: Collection[ProposalState] = ()) -> list[Question]:
    """Questions nobody has answered, oldest first, about proposals the reader may see, in some states if any."""
    query = (
        select(questions.c.body)
        .where(questions.c.answered_by == "")
        .order_by(questions.c.asked_at, questions.c.question_id)
    )
    waiting = [load(Question, body) for body in connection.execute(query).scalars()]
    if not waiting:
        return []
    seen = {proposal.proposal_id for proposal in list_proposals(connection, scope, states=about)}
    return [question for question in waiting if question.proposal_id in seen]


def list_questions(connection: Connection, scope: Scope, proposal_id: str) -> list[Question]:
    """Questions about a proposal the reader may see, oldest first."""
    known = find_proposal(connection, scope, proposal_id).proposal_id
    query = (
        select(questions.c.body)
        .where(questions.c.proposal_id == known)
        .order_by(questions.c.asked_at, questions.c.question_id)
    )
    return [load(Question, body) for body in connection.execute(query).scalars()]
