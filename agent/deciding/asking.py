"""Ask and answer: a question to one person about a proposal, which stays pending meanwhile."""

from __future__ import annotations

from agent.deciding.entitlement import actor_of, people_of
from agent.deciding.request import Click, Decided
from agent.errors import DecisionRefusedError
from inventory.cases import find_case
from inventory.delegations import delegations_to, find_acting
from inventory.errors import NotFoundError
from inventory.people import scope_of
from inventory.questions import Question, answer_question, ask_question, list_questions
from inventory.records import EVERYTHING, User

REQUESTER, PLANNER = "requester", "planner"


def ask(click: Click) -> Decided:
    """Ask the requester, the planner of the case, or anybody who may see the proposal."""
    actor_of(click)
    asked = _asked(click)
    question = ask_question(
        click.transaction,
        proposal_id=click.proposal.proposal_id,
        digest=click.proposal.digest,
        asked_by=click.user.user_id,
        asked_of=asked.user_id,
        text=click.decision.text,
    )
    return Decided(proposal=click.proposal, question=question)


def answer(click: Click) -> Decided:
    """Answer a question one was asked, or that somebody was whom one stands in for."""
    waiting = [
        question
        for question in list_questions(click.connection, EVERYTHING, click.proposal.proposal_id)
        if question.is_open
    ]
    mine = {click.user.user_id} | {
        made.from_user for made in delegations_to(click.connection, EVERYTHING, click.user.user_id, click.now)
    }
    chosen = _chosen(click, waiting, mine)
    if not people_of(click.connection, click.user)[click.user.user_id].active:
        raise DecisionRefusedError(f"{click.user.user_id} is not active")
    done = answer_question(click.transaction, chosen, answered_by=click.user.user_id, answer=click.decision.text)
    return Decided(proposal=click.proposal, question=done)


def _chosen(click: Click, waiting: list[Question], mine: set[str]) -> Question:
    named = click.decision.question_id
    about = f"proposal {click.proposal.proposal_id}"
    if named:
        waiting = [question for question in waiting if question.question_id.startswith(named)]
        if len(waiting) != 1:
            raise DecisionRefusedError(f"{about} has {len(waiting)} open questions {named}, expected one")
    asked = [question for question in waiting if question.asked_of in mine]
    if asked:
        return asked[0]
    others = ", ".join(sorted({question.asked_of for question in waiting}))
    raise DecisionRefusedError(
        f"{about} has no open question to {click.user.user_id}" + (f"; {others} was asked" if others else "")
    )


def _asked(click: Click) -> User:
    """Whom the question is put to: an active person other than the asker who may see the proposal."""
    proposal, wanted = click.proposal, click.decision.to
    planner = find_case(click.connection, EVERYTHING, proposal.content.case_id).case.planner
    people = people_of(click.connection, click.user)
    if wanted in ("", REQUESTER) and proposal.requested_by in people:
        wanted = proposal.requested_by
    elif wanted in ("", PLANNER):
        wanted = planner
    person = people.get(wanted)
    if person is None or not person.active:
        raise DecisionRefusedError(f"{wanted or 'nobody'} cannot be asked: name an active user (--to USER)")
    if person.user_id == click.user.user_id:
        raise DecisionRefusedError(f"{person.user_id} would ask themselves: name another user (--to USER)")
    try:
        find_acting(click.connection, scope_of(person), proposal.proposal_id, click.now)
    except NotFoundError as error:
        raise DecisionRefusedError(
            f"{person.user_id} may not see proposal {proposal.proposal_id}: ask somebody of {_sites(click)}"
        ) from error
    return person


def _sites(click: Click) -> str:
    return ", ".join(click.proposal.content.sites)
