"""Choose: another of the priced options, one carried out by hand or a pair among them, instead of what is proposed."""

from __future__ import annotations

from agent.deciding.editing import another_version
from agent.deciding.entitlement import actor_of, people_of
from agent.deciding.request import Click, Decided
from agent.errors import DecisionRefusedError
from agent.signing_rights import Signature
from inventory.proposals import find_situation
from inventory.records import EVERYTHING, ActionKind, Option, ProposalLine
from tools.assemble import plan_outlook
from tools.chosen_lines import action_of, chosen_lines, value_of
from tools.errors import ToolInputError


def choose(click: Click) -> Decided:
    """Replace the proposal by one that carries out another option; the lines of other needs stay as they are.

    Raises
    ------
    ToolInputError
        If there is no such option, it is the one proposed, or it is not definite enough to be carried out.
    DecisionRefusedError
        If the person may not act here, or the option is about a site that is not theirs.
    """
    actor = actor_of(click)
    proposal, toolbox = click.proposal, click.toolbox
    option = chosen_option(click)
    _refuse_unless_theirs(click, actor, option)
    run = toolbox.plan_run(click.connection, proposal.content.plan_run_id)
    outlook, snapshot = plan_outlook(toolbox, click.connection, run), toolbox.snapshot(run.snapshot_id)
    fresh = chosen_lines(
        outlook, option, click.now.date(), toolbox.lanes(snapshot), toolbox.option_facts(snapshot).assumptions
    )
    kept = [line for line in proposal.content.lines if _another_need(line, option)]
    lines = tuple(line.model_copy(update={"number": at}) for at, line in enumerate((*kept, *fresh), start=1))
    value = sum(value_of(outlook, line) for line in lines)
    why = f"option {click.decision.option} ({option.action.value}) chosen by {click.user.user_id}"
    return another_version(click, actor, lines, value, why, action_of(lines))


def chosen_option(click: Click) -> Option:
    """The option of the number a person named, as the proposal shows it."""
    proposal, number = click.proposal, click.decision.option
    situation = find_situation(click.connection, EVERYTHING, proposal.proposal_id)
    options = situation.options if situation else ()
    if not 1 <= number <= len(options):
        raise ToolInputError(f"proposal {proposal.proposal_id} has {len(options)} options, and no number {number}")
    option = options[number - 1]
    if option.chosen:
        raise ToolInputError(f"option {number} is what proposal {proposal.proposal_id} proposes: approve it")
    if option.action is ActionKind.HOLD:
        raise ToolInputError("to leave things as they are, reject the proposal, or strike its lines with edit")
    return option


def _refuse_unless_theirs(click: Click, actor: Signature, option: Option) -> None:
    """Nobody chooses what they may not see: an option about another need of the case, at somebody else's site."""
    holder = people_of(click.connection, click.user)[actor.on_behalf_of or actor.by]
    if holder.sites is not None and option.site not in {*holder.sites, *click.proposal.content.sites}:
        raise DecisionRefusedError(f"{holder.user_id} has no right over site {option.site} of option {option.item}")


def _another_need(line: ProposalLine, option: Option) -> bool:
    """Whether a line is about something else than the option; lines that move nothing give way to one that does."""
    return bool(line.quantity) and (line.item, line.destination) != (option.item, option.site)
