"""What still waits for somebody: signatures, and tasks people carry out by hand."""

from __future__ import annotations

from agent.case_views import action_words
from agent.rights_tasks import task_desk
from inventory.cases import find_case
from inventory.people import NEVER_SIGN
from inventory.proposals import list_proposals
from inventory.records import ProposalState
from inventory.tasks import list_tasks
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer
from tools.capabilities.facts import of_count, of_date, of_id, of_money, of_words
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, currency_of, data_source, known, listing

WAITING = ("proposal", "action", "where", "value", "tier", "role", "who", "expires")
TASKS = ("task", "role", "what", "due", "where")


def role_of(said: str | None) -> str | None:
    """A role as it is kept: ``plant leader`` is ``plant_leader``."""
    return None if said is None else said.strip().casefold().replace(" ", "_").replace("-", "_").removesuffix("s")


def waiting_approvals(asking: Asking, asked: a.ForRole) -> Answer:
    """Proposals that wait for a signature: for a role, at a site, or those the asker may sign."""
    desk, role = task_desk(asking.connection, asking.toolbox.now()), role_of(asked.role)
    mine = role is None and asked.site is None and not set(asking.user.roles) & {*NEVER_SIGN, "manager"}
    rows: list[Row] = []
    for proposal in list_proposals(asking.connection, asking.scope, states=(ProposalState.PENDING,)):
        if asked.site and asked.site not in proposal.content.sites:
            continue
        case = find_case(asking.connection, asking.scope, proposal.content.case_id).case
        task, may_sign = desk.task_of_proposal(case, proposal), desk.may_sign(case, proposal)
        if role is not None and role not in (task.role, *may_sign):
            continue
        if mine and not set(asking.user.roles) & {task.role, *may_sign} and asking.user.user_id not in task.users:
            continue
        rows.append(
            {
                "proposal": of_id("reference", proposal.proposal_id),
                "action": of_words(action_words(proposal.content)),
                "where": of_words(case.scope),
                "value": of_money(proposal.content.value_minor, proposal.content.currency),
                "tier": of_words(proposal.tier.value) if proposal.tier else None,
                "role": of_words(task.role.replace("_", " ")),
                "who": of_words(", ".join(task.users) or "nobody"),
                "expires": of_date(proposal.expires_at.date()),
            }
        )
    rows.sort(key=lambda row: (-_value(row), str(row["proposal"])))
    found = listing("proposal", "Waiting for approval", WAITING, rows)
    facts = known(
        {
            "waiting_count": of_count(len(rows), "proposal"),
            "total_value": of_money(round(100 * sum(_value(row) for row in rows)), currency_of(asking)),
            "role": of_words(asked.role) if asked.role else None,
            "site": of_id("site", asked.site) if asked.site else None,
        }
    )
    about_ = (" for {{role}}" if asked.role else " for you" if mine else "") + (" at {{site}}" if asked.site else "")
    pattern = "[proposal]: [action] for [where], [value], [tier] tier, with [who] until [expires]."
    return Answer(
        capability="waiting_approvals",
        found=bool(rows),
        facts={**facts, **found.facts},
        tables=(found.table,) if rows else (),
        sources=(data_source(asking),),
        template=f"Waiting{about_}: {{{{waiting_count}}}} worth {{{{total_value}}}}. " + found.told(pattern)
        if rows
        else f"Nothing waits{about_}.",
        notes=("They are decided at the gate, on the page of the case or with evenkeel decide, never here.",)
        if rows
        else (),
    )


def _value(row: Row) -> float:
    fact = row.get("value")
    return fact.number if fact else 0.0


def tasks(asking: Asking, asked: a.ForRole) -> Answer:
    """Open tasks people carry out by hand, most urgent first: a role's, a site's, or the asker's own."""
    role = role_of(asked.role)
    mine = role is None and asked.site is None
    every = list_tasks(asking.connection, asking.scope, states=("open",))
    own = [task for task in every if task.role in asking.user.roles]
    seen = [
        task
        for task in (own if mine and not set(asking.user.roles) & {*NEVER_SIGN, "manager", "central"} else every)
        if role in (None, task.role) and (asked.site is None or asked.site in task.sites)
    ]
    rows: list[Row] = [
        {
            "task": of_id("reference", task.task_id),
            "role": of_words(task.role.replace("_", " ")),
            "what": of_words(task.text),
            "due": of_date(task.due_at.date()),
            "where": of_words(", ".join(task.sites)),
        }
        for task in seen
    ]
    found = listing("task", "Tasks", TASKS, rows)
    facts = known(
        {
            "task_count": of_count(len(rows), "task"),
            "role": of_words(asked.role) if asked.role else None,
            "site": of_id("site", asked.site) if asked.site else None,
        }
    )
    who = (" for {{role}}" if asked.role else "") + (" at {{site}}" if asked.site else "")
    return Answer(
        capability="tasks", found=bool(rows), facts={**facts, **found.facts}, tables=(found.table,) if rows else (),
        sources=(data_source(asking),),
        template=f"{{{{task_count}}}} open{who}. " + found.told("[task] ([role], due [due]): [what].") if rows
        else f"No task is open{who}.",
        notes=("Answer one with evenkeel tasks.",) if rows else (),
    )  # fmt: skip


CAPABILITIES: tuple[Capability, ...] = (
    capability("waiting_approvals", waiting_approvals),
    capability("tasks", tasks),
)
