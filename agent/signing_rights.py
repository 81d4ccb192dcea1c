"""Who may sign which proposal: four eyes, roles, scope and value.

Never: an inactive user, one with an excluded role (service, administrator, auditor), the requester, the last editor,
somebody who has signed already, or anybody at all in the advice tier.
"""

from __future__ import annotations

from collections.abc import Collection

from agent.plain_words import exact_money
from agent.policy_document import ApprovalPolicy
from inventory.records import ProposalContent, Tier, User


def may_approve(
    user: User,
    ruling_tier: Tier,
    content: ProposalContent,
    item_classes: Collection[str],
    requested_by: str,
    last_editor: str,
    earlier_approvers: Collection[str],
    policy: ApprovalPolicy,
) -> str | None:
    """Why this user may not sign this proposal; ``None`` when they may.

    Parameters
    ----------
    item_classes
        Classes of the items the proposal touches.
    requested_by, last_editor
        User ids, or ``evenkeel``, of who asked for this version and who changed it last; empty for nobody.
    earlier_approvers
        User ids that have signed this version already.
    """
    return (
        _standing(user, ruling_tier, policy)
        or _four_eyes(user, requested_by, last_editor, earlier_approvers)
        or _role(user, ruling_tier, policy)
        or _sites(user, ruling_tier, content)
        or _classes(user, item_classes)
        or _value(user, content)
    )


def _standing(user: User, tier: Tier, policy: ApprovalPolicy) -> str | None:
    if tier is Tier.ADVICE:
        return "advice may not be executed from here, so there is nothing to sign"
    if not user.active:
        return f"{user.user_id} is not active"
    excluded = sorted(set(user.roles) & set(policy.approvers.excluded))
    if excluded:
        return f"{user.user_id} holds the role {excluded[0]}, which never signs"
    return None


def _four_eyes(user: User, requested_by: str, last_editor: str, earlier: Collection[str]) -> str | None:
    if user.user_id == requested_by:
        return f"{user.user_id} asked for this proposal and may not sign it"
    if user.user_id == last_editor:
        return f"{user.user_id} edited this proposal last and may not sign it"
    if user.user_id in earlier:
        return f"{user.user_id} has signed this proposal already; another person is needed"
    return None


def _role(user: User, tier: Tier, policy: ApprovalPolicy) -> str | None:
    allowed = policy.approvers.formal if tier is Tier.FORMAL else policy.approvers.planner
    if set(user.roles) & set(allowed):
        return None
    return f"{user.user_id} holds none of the roles {', '.join(allowed)}"


def _sites(user: User, tier: Tier, content: ProposalContent) -> str | None:
    """A planner answers for one side of a move; a formal approver for all of it."""
    if user.sites is None:
        return None
    outside = [site for site in content.sites if site not in user.sites]
    if tier is Tier.FORMAL and outside:
        return f"{user.user_id} has no right over {', '.join(outside)}"
    if len(outside) == len(content.sites):
        return f"{user.user_id} is responsible for none of the sites {', '.join(content.sites)}"
    return None


def _classes(user: User, item_classes: Collection[str]) -> str | None:
    if user.item_classes is None:
        return None
    outside = sorted(set(item_classes) - set(user.item_classes))
    return f"{user.user_id} has no right over items of class {', '.join(outside)}" if outside else None


def _value(user: User, content: ProposalContent) -> str | None:
    if content.value_minor <= user.value_limit_minor:
        return None
    value = exact_money(content.value_minor, content.currency)
    limit = exact_money(user.value_limit_minor, content.currency)
    return f"the value of {value} is above the limit of {limit} of {user.user_id}"
