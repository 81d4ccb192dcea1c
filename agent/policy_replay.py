"""What a draft would have changed: past decisions ruled again under it, with money.

Approval policy: the last ruling of every proposal is repeated on the fact sheet and at the places it kept. The gate is
a pure function, so under the policy it was ruled by it comes out the same, and what differs is the draft's doing. What
would have happened afterwards is not guessed: sums over lanes and budgets, and whether a move was recent, stay as they
were found.

Stocking policy: every line of past replenishment runs is held against the terms of its segment.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection

from agent.approval_policy import RULE_NAMES, rule_on
from agent.errors import PolicyError
from agent.gate_facts import RuledFacts
from agent.policy_book import PolicyBook, load_book
from agent.policy_calibration import calibration_in_force
from agent.policy_levels import MoveLevels, move_levels
from inventory.proposals import list_proposals, list_rulings
from inventory.record import Record, Text, load
from inventory.records import EVERYTHING, Proposal, Ruling, Tier, strictest
from inventory.replenishments import list_runs
from tools.stocking_policy import StockingPolicy, parse_stocking_policy, stocking_policy_of

Progress = Callable[[str, int, int], None]


class Shift(Record):
    """Decisions that went from one tier to another, or stayed."""

    before: Tier
    after: Tier
    decisions: int
    value_minor: int


class ChangedRuling(Record):
    """One decision a draft would have ruled otherwise."""

    subject: str
    """Proposal, or order line of a replenishment run."""
    what: Text
    value_minor: int
    before: Tier
    after: Tier
    why: Text
    """The rules that make the difference."""


class Simulation(Record):
    """Past decisions under a draft."""

    kind: str
    replayed: int
    without_facts: int
    """Rulings made before fact sheets were kept: they cannot be repeated."""
    not_reproduced: tuple[str, ...]
    """Rulings that come out differently under the very policy they name: the log or the code changed."""
    shifts: tuple[Shift, ...]
    changed: tuple[ChangedRuling, ...]
    levels: MoveLevels | None = None
    """What each confidence of the net benefit would have let run by itself; of an approval draft only."""

    @property
    def value_changed_minor(self) -> int:
        """Money of the decisions that change, minor units."""
        return sum(one.value_minor for one in self.changed)


def simulate(
    connection: Connection, kind: str, content: str, *, since: datetime | None = None, progress: Progress | None = None
) -> Simulation:
    """Replay past decisions under a draft.

    Parameters
    ----------
    since
        Only decisions at or after this moment.

    Raises
    ------
    PolicyError
        If the draft cannot be read, or nothing was decided by policies of this kind alone.
    """
    tell = progress or (lambda step, done, of: None)
    if kind == "approval":
        return _rulings_again(connection, load_book(content), since, tell)
    if kind == "stocking":
        return _orders_again(connection, parse_stocking_policy(content), since, tell)
    raise PolicyError(
        f"a {kind} policy is not simulated on past decisions: it decides what is found or who signs, and neither was "
        "kept apart from it; compare versions with evenkeel policy diff"
    )


def _rulings_again(connection: Connection, draft: PolicyBook, since: datetime | None, tell: Progress) -> Simulation:
    books: dict[int, PolicyBook] = {}
    changed: list[ChangedRuling] = []
    shifts: dict[tuple[Tier, Tier], list[int]] = defaultdict(list)
    unlike: list[str] = []
    without = 0
    proposals = list_proposals(connection, EVERYTHING)
    for number, proposal in enumerate(proposals, start=1):
        tell("rule again", number, len(proposals))
        ruling = next(reversed(list_rulings(connection, EVERYTHING, proposal.proposal_id)), None)
        if ruling is None or (since is not None and ruling.at < since):
            continue
        if not ruling.facts:
            without += 1
            continue
        if ruling.policy_version not in books:
            books[ruling.policy_version] = _adopted(connection, ruling.policy_version)
        if _again(ruling, books[ruling.policy_version])[0] is not ruling.tier:
            unlike.append(proposal.proposal_id)
        after, why = _again(ruling, draft)
        shifts[(ruling.tier, after)].append(proposal.content.value_minor)
        if after is not ruling.tier:
            changed.append(_changed(proposal, ruling, after, why))
    levels = move_levels(connection, draft, calibration_in_force(connection), since=since)
    return _told("approval", shifts, changed, without, unlike).model_copy(update={"levels": levels})


def _adopted(connection: Connection, version: int) -> PolicyBook:
    from agent.ruling import policy_book

    return policy_book(connection, version)


def _again(ruling: Ruling, book: PolicyBook) -> tuple[Tier, dict[str, str]]:
    """Tier under a policy, and what each rule says; rules from beside the gate stay as they were."""
    kept = load(RuledFacts, ruling.facts)
    decision = rule_on(kept.facts, book.over(kept.places))
    beside = [rule.tier for rule in ruling.fired if rule.rule not in RULE_NAMES]
    return strictest(decision.tier, *beside), {rule.rule: rule.reason for rule in decision.fired}


def _changed(proposal: Proposal, ruling: Ruling, after: Tier, why: dict[str, str]) -> ChangedRuling:
    before = {rule.rule: rule.reason for rule in ruling.fired}
    new = [reason for rule, reason in why.items() if before.get(rule) != reason]
    gone = [f"no longer: {reason}" for rule, reason in before.items() if rule not in why and rule in RULE_NAMES]
    content = proposal.content
    return ChangedRuling(
        subject=proposal.proposal_id,
        what=f"{content.action.value} {' '.join(content.lanes or content.sites)}".strip(),
        value_minor=content.value_minor,
        before=ruling.tier,
        after=after,
        why="; ".join(new or gone) or "other limits",
    )


def _orders_again(connection: Connection, draft: StockingPolicy, since: datetime | None, tell: Progress) -> Simulation:
    runs = [run for run in list_runs(connection, EVERYTHING) if since is None or run.at >= since]
    shifts: dict[tuple[Tier, Tier], list[int]] = defaultdict(list)
    changed: list[ChangedRuling] = []
    for number, run in enumerate(runs, start=1):
        tell("hold orders against their segments", number, len(runs))
        policy = stocking_policy_of(connection, run.stocking_version)
        for line in run.lines:
            before, after = (version.row(line.segment, line.site, line.item_class) for version in (policy, draft))
            shifts[(before.tier, after.tier)].append(line.value_minor)
            if before != after:
                old, new = before.model_dump(), after.model_dump()
                differing = [f"{name} {old[name]} → {new[name]}" for name in old if old[name] != new[name]]
                changed.append(
                    ChangedRuling(
                        subject=run.run_id,
                        what=f"{line.action.value} {line.item} for {line.site}",
                        value_minor=line.value_minor,
                        before=before.tier,
                        after=after.tier,
                        why="; ".join(differing),
                    )
                )
    return _told("stocking", shifts, changed, 0, [])


def _told(
    kind: str,
    shifts: dict[tuple[Tier, Tier], list[int]],
    changed: Iterable[ChangedRuling],
    without: int,
    unlike: Iterable[str],
) -> Simulation:
    counted = Counter({pair: len(values) for pair, values in shifts.items()})
    return Simulation(
        kind=kind,
        replayed=counted.total(),
        without_facts=without,
        not_reproduced=tuple(unlike),
        shifts=tuple(
            Shift(before=before, after=after, decisions=len(values), value_minor=sum(values))
            for (before, after), values in sorted(
                shifts.items(), key=lambda shift: (shift[0][0].strictness, shift[0][1].strictness)
            )
        ),
        changed=tuple(sorted(changed, key=lambda one: (-one.value_minor, one.subject, one.what))),
    )
