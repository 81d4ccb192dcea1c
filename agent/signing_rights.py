"""Who may sign which proposal: four eyes, roles, scope, value and delegation; and which signatures are still missing.

Never: somebody inactive, somebody with an excluded role (service, administrator, auditor), the requester, the last
editor, somebody who has signed already, or anybody at all in the advice tier. Whoever signs for another has to pass all
of that, and so has the other: a delegation lends rights, it makes nobody a second person.

A role may sign where the approval policy and the rights document both say so. A role the ruling asks for by name may
sign besides, but its signature stands for that role alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.policy_document import Approvers
from agent.rights import Rights, Signers, matters, signers
from inventory.delegations import Delegation
from inventory.people import NEVER_SIGN
from inventory.record import Record
from inventory.records import CaseKind, ProposalContent, Tier, User
from tools.plain_words import exact_money


@dataclass(frozen=True)
class Law:
    """What decides about signatures: the approval policy's bounds and the rights document."""

    approvers: Approvers
    rights: Rights


class Signature(Record):
    """A person who signed, and for whom if not for themselves."""

    by: str
    on_behalf_of: str = ""

    @property
    def holder(self) -> str:
        """Whose right it was."""
        return self.on_behalf_of or self.by

    @property
    def persons(self) -> frozenset[str]:
        """Everybody who has had a hand in it."""
        return frozenset({self.by, self.holder})


class Waiting(Record):
    """A proposal as it waits for signatures."""

    content: ProposalContent
    case_kind: CaseKind | None
    item_classes: tuple[str, ...]
    tier: Tier
    two_people: bool = False
    needs_roles: tuple[str, ...] = ()
    """Roles of which one signer each is required, whatever the value."""
    one_of_roles: tuple[tuple[str, ...], ...] = ()
    """Groups of roles of each of which one signer is required."""
    value_minor: int
    """What limits are held against: at least its value, more where parts of it were signed before."""
    requested_by: str
    """User id, or ``evenkeel``, of who asked for this version."""
    last_editor: str
    """Who changed it last; empty for nobody."""
    signed: tuple[Signature, ...] = ()
    """Signatures this version has already."""


def may_approve(
    user: User,
    waiting: Waiting,
    law: Law,
    now: datetime,
    *,
    giver: User | None = None,
    delegation: Delegation | None = None,
) -> str | None:
    """Why this user may not sign this proposal; ``None`` when they may.

    Parameters
    ----------
    now
        The moment of signing, against which a delegation is held.
    giver, delegation
        For whom they would sign, and under what; both or neither.
    """
    persons = (user,) if giver is None else (user, giver)
    holder = user if giver is None or delegation is None else delegation.narrowed(giver)
    allowed = _allowed(waiting, law)
    return (
        _delegation(user, giver, delegation, now)
        or _standing(persons, waiting.tier, law.approvers)
        or _four_eyes(persons, waiting)
        or _role(holder, waiting, allowed)
        or _sites(holder, allowed.tier, waiting.content)
        or _classes(holder, waiting.item_classes)
        or _value(holder, waiting)
    )


def entitlement(
    user: User,
    waiting: Waiting,
    law: Law,
    now: datetime,
    delegations: Iterable[Delegation],
    people: Mapping[str, User],
) -> tuple[Signature | None, str]:
    """How the user may sign: by their own right, else under a delegation; ``None`` and why not when they may not.

    Parameters
    ----------
    delegations
        Those to the user, in the order they are tried; what is not in force counts for nothing.
    people
        Every user by id.
    """
    refusal = may_approve(user, waiting, law, now)
    if refusal is None:
        return Signature(by=user.user_id), ""
    lent = []
    for delegation in delegations:
        giver = people.get(delegation.from_user)
        why_not = may_approve(user, waiting, law, now, giver=giver, delegation=delegation) if giver else "unknown"
        if why_not is None:
            return Signature(by=user.user_id, on_behalf_of=delegation.from_user), ""
        lent.append(f"for {delegation.from_user}: {why_not}")
    return None, "; ".join((refusal, *lent))


def signatures_missing(waiting: Waiting, law: Law, people: Mapping[str, User]) -> tuple[str, ...]:
    """What a proposal still lacks, in words; empty when its signatures suffice.

    A signature counts while its signer, and the one they signed for, are active and hold the role; a right taken away
    in between takes the signature's weight with it.
    """
    counted = _counted(waiting.signed, people, law.approvers)
    allowed = _allowed(waiting, law)
    for_tier = [user for user in counted if set(user.roles) & set(allowed.roles)]
    missing = []
    wanted = 2 if waiting.two_people and allowed.tier is Tier.FORMAL else 1
    if not for_tier:
        missing.append(f"a signature of {' or '.join(allowed.roles) or 'nobody'}")
    elif len(for_tier) < wanted:
        missing.append("a second person must sign")
    missing += [f"a signature of {role}" for role in _roles_missing(waiting, counted)]
    return tuple(missing)


def why_not_delegate(giver: User, delegation: Delegation, law: Law) -> str | None:
    """Why a person may not hand on their rights like this; ``None`` when they may."""
    days = (delegation.ends - delegation.starts).total_seconds() / 86_400
    most = law.rights.delegation.longest_days
    if days > most:
        return f"a delegation lasts {most} days at the most, not {days:.0f}"
    sign = {role for row in law.rights.approve for role in row.roles} | {law.rights.uncovered.role}
    if not set(giver.roles) & sign & {*law.approvers.planner, *law.approvers.formal}:
        return f"{giver.user_id} holds no role that signs, so there is nothing to hand on"
    return None


def _allowed(waiting: Waiting, law: Law) -> Signers:
    """Roles both documents allow, in the order of the approval policy."""
    content = waiting.content
    touched = matters(waiting.case_kind, content.action, content.sites, waiting.item_classes, waiting.value_minor)
    found = signers(law.rights, waiting.tier, touched)
    bound = law.approvers.formal if found.tier is Tier.FORMAL else law.approvers.planner
    return found.model_copy(update={"roles": tuple(role for role in bound if role in found.roles)})


def _counted(signed: Iterable[Signature], people: Mapping[str, User], approvers: Approvers) -> list[User]:
    """Holders whose signatures count: everybody involved is still entitled, and nobody is involved twice."""
    seen: set[str] = set()
    holders = []
    for signature in signed:
        known = [people[person] for person in sorted(signature.persons) if person in people]
        sound = len(known) == len(signature.persons) and all(
            person.active and not set(person.roles) & {*NEVER_SIGN, *approvers.excluded} for person in known
        )
        if sound and not signature.persons & seen:
            seen |= signature.persons
            holders.append(people[signature.holder])
    return holders


def _roles_missing(waiting: Waiting, holders: Iterable[User]) -> list[str]:
    held = {role for holder in holders for role in holder.roles}
    of_groups = [" or ".join(group) for group in waiting.one_of_roles if held.isdisjoint(group)]
    return [*(role for role in waiting.needs_roles if role not in held), *of_groups]


def _delegation(user: User, giver: User | None, delegation: Delegation | None, now: datetime) -> str | None:
    if giver is None and delegation is None:
        return None
    if giver is None or delegation is None or (delegation.from_user, delegation.to_user) != (
        giver.user_id, user.user_id,
    ):  # fmt: skip
        return f"{user.user_id} holds no delegation" + (f" of {giver.user_id}" if giver else "")
    if delegation.in_force(now):
        return None
    if delegation.revoked_at is not None and delegation.revoked_at <= now:
        return f"the delegation of {giver.user_id} was revoked at {delegation.revoked_at:%Y-%m-%d %H:%M:%S} UTC"
    if now < delegation.starts:
        return f"the delegation of {giver.user_id} begins at {delegation.starts:%Y-%m-%d %H:%M:%S} UTC"
    return f"the delegation of {giver.user_id} ended at {delegation.ends:%Y-%m-%d %H:%M:%S} UTC"


def _standing(persons: Collection[User], tier: Tier, approvers: Approvers) -> str | None:
    if tier is Tier.ADVICE:
        return "advice may not be executed from here, so there is nothing to sign"
    for person in persons:
        if not person.active:
            return f"{person.user_id} is not active"
        excluded = sorted(set(person.roles) & {*NEVER_SIGN, *approvers.excluded})
        if excluded:
            return f"{person.user_id} holds the role {excluded[0]}, which never signs"
    return None


def _four_eyes(persons: Collection[User], waiting: Waiting) -> str | None:
    earlier = {person for signature in waiting.signed for person in signature.persons}
    for person in persons:
        if person.user_id == waiting.requested_by:
            return f"{person.user_id} asked for this proposal and may not sign it"
        if person.user_id == waiting.last_editor:
            return f"{person.user_id} edited this proposal last and may not sign it"
        if person.user_id in earlier:
            return f"{person.user_id} has signed this proposal already; another person is needed"
    return None


def _role(holder: User, waiting: Waiting, allowed: Signers) -> str | None:
    by_name = (*waiting.needs_roles, *(role for group in waiting.one_of_roles for role in group))
    if set(holder.roles) & {*allowed.roles, *by_name}:
        return None
    if allowed.covered:
        return f"{holder.user_id} holds none of the roles {', '.join((*allowed.roles, *by_name))}"
    return (
        f"no row of the rights document covers this, so it takes {', '.join(allowed.roles) or 'nobody'} in the formal "
        f"tier; {holder.user_id} holds {', '.join(holder.roles) or 'no role'}"
    )


def _sites(holder: User, tier: Tier, content: ProposalContent) -> str | None:
    """A planner answers for one side of a move; a formal approver for all of it."""
    if holder.sites is None:
        return None
    outside = [site for site in content.sites if site not in holder.sites]
    if tier is Tier.FORMAL and outside:
        return f"{holder.user_id} has no right over {', '.join(outside)}"
    if len(outside) == len(content.sites):
        return f"{holder.user_id} is responsible for none of the sites {', '.join(content.sites)}"
    return None


def _classes(holder: User, item_classes: Collection[str]) -> str | None:
    if holder.item_classes is None:
        return None
    outside = sorted(set(item_classes) - set(holder.item_classes))
    return f"{holder.user_id} has no right over items of class {', '.join(outside)}" if outside else None


def _value(holder: User, waiting: Waiting) -> str | None:
    if waiting.value_minor <= holder.value_limit_minor:
        return None
    value = exact_money(waiting.value_minor, waiting.content.currency)
    limit = exact_money(holder.value_limit_minor, waiting.content.currency)
    return f"the value of {value} is above the limit of {limit} of {holder.user_id}"
