"""The command that decides about proposals: one with any verb, or several of one rule and lane at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.deciding.verbs import Verb
from service.commands.options import AsJson, AsUser, as_edits, as_moment, signed_in
from service.errors import InputError

if TYPE_CHECKING:
    from agent.decisions import Decision
    from inventory.records import User
    from service.bootstrap import House


def decide(
    proposal_id: Annotated[
        str | None, typer.Argument(metavar="[PROPOSAL]", help="The proposal, by any beginning of its id.")
    ] = None,
    verb: Annotated[Verb | None, typer.Argument(help="What to do with it.")] = None,
    digest: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="Beginning of the digest you saw, 8 or more.")
    ] = None,
    reason: Annotated[
        str,
        typer.Option(metavar="CODE", help="agree, data_wrong, knows_event, strategy, customer, capacity or distrust."),
    ] = "agree",
    line: Annotated[list[str] | None, typer.Option(metavar="L=QTY", help="edit: new quantity; 0 strikes.")] = None,
    option: Annotated[int, typer.Option(metavar="N", min=0, help="choose: number of the option, as shown.")] = 0,
    until: Annotated[str | None, typer.Option(metavar="MOMENT", help="snooze: 2024-04-15 or with a time.")] = None,
    when: Annotated[
        str | None,
        typer.Option(metavar="CONDITION", help="snooze: wake sooner, such as 'stock BOLT@NORTH below 5'."),
    ] = None,
    to: Annotated[str, typer.Option(metavar="USER", help="ask, delegate: whom; ask: also requester or planner.")] = "",
    question: Annotated[str, typer.Option(metavar="ID", help="answer: which question, when several are open.")] = "",
    text: Annotated[str, typer.Option(help="Why, or what, in your words.")] = "",
    batch: Annotated[
        list[str] | None,
        typer.Option(metavar="PROPOSAL=DIGEST", help="Approve several of one rule and lane: give it once for each."),
    ] = None,
    as_json: AsJson = False,
    as_user: AsUser = None,
) -> None:
    """Decide about a proposal as you saw it.

    The digest names what you saw: if anything changed since, the decision is refused. Facts are read again at the
    click; what no longer holds makes the proposal void, and is said.
    """
    given = {"line": line, "option": option, "until": until, "when": when, "to": to, "question": question}
    if batch:
        if proposal_id or digest or verb not in (None, Verb.APPROVE) or any(given.values()):
            raise InputError("--batch PROPOSAL=DIGEST approves, and goes with --reason and --text alone")
        _decide_all(batch, {"reason": reason, "text": text}, as_json=as_json, as_user=as_user)
        return
    if proposal_id is None or verb is None or digest is None:
        raise InputError("decide needs a PROPOSAL, what to do with it, and --digest; or --batch")
    if bool(line) is not (verb is Verb.EDIT) or bool(until or when) is not (verb is Verb.SNOOZE):
        raise InputError(
            "--line goes with edit, and edit with --line; --until and --when go with snooze, and snooze with one"
        )
    more = {
        "verb": verb.value, "reason": reason, "text": text, "quantities": as_edits(line or []), "option": option,
        "until": as_moment(until) if until else None, "to": to, "question_id": question,
    }  # fmt: skip
    _decide_one(proposal_id, digest, more, when, as_json=as_json, as_user=as_user)


def _decide_one(
    proposal_id: str, digest: str, more: dict[str, Any], when: str | None, *, as_json: bool, as_user: str | None
) -> None:
    from agent.deciding.conditions import condition_of
    from service.console import out, write_json
    from service.decision_views import answer_of, answer_page
    from tools.errors import ToolInputError

    try:
        more["when"] = condition_of(when) if when else None
    except ToolInputError as error:
        raise InputError(str(error)) from error
    with signed_in(as_user) as (house, user):
        decided = house.desk.decided(_decision(_full_id(house, user, proposal_id), digest, more), user)
    write_json(answer_of(decided)) if as_json else out().print(answer_page(decided))


def _decide_all(batch: list[str], more: dict[str, str], *, as_json: bool, as_user: str | None) -> None:
    from service.console import out, write_json
    from service.decision_views import batch_page

    with signed_in(as_user) as (house, user):
        decisions = []
        for each in batch:
            named, equals, digest = each.partition("=")
            if not equals:
                raise InputError(f"--batch {each!r}: expected PROPOSAL=DIGEST, the digest as you saw it")
            decisions.append(_decision(_full_id(house, user, named), digest, {"verb": "approve", **more}))
        rows = house.desk.approve_all(decisions, user)
    write_json(rows) if as_json else out().print(batch_page(rows))


def _decision(proposal_id: str, digest: str, more: dict[str, Any]) -> Decision:
    """The decision, if it says all its verb needs; ``InputError`` otherwise."""
    from pydantic import ValidationError

    from agent.deciding.request import incomplete
    from agent.decisions import Decision
    from inventory.records import ReasonCode

    if more["reason"] not in set(ReasonCode):
        raise InputError(f"--reason {more['reason']!r}: known are {', '.join(ReasonCode)}")
    try:
        decision = Decision.model_validate({"proposal_id": proposal_id, "digest_prefix": digest, **more})
    except ValidationError as error:
        problems = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        raise InputError(problems) from error
    lacking = incomplete(decision)
    if lacking:
        raise InputError(lacking)
    return decision


def _full_id(house: House, user: User, proposal_id: str) -> str:
    """The whole id of a proposal the user may see, or act on for somebody else."""
    from inventory.delegations import find_acting
    from inventory.people import scope_of

    with house.database.read() as connection:
        return find_acting(connection, scope_of(user), proposal_id, house.clock()).proposal_id
