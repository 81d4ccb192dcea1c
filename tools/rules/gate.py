"""What rule rows ask of the gate: a person, named signers, formal approval of substitutes. No text is read here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inventory.machine_rules import ApprovalRight, NeverAutomatic, RuleRecord, SubstitutionConsent
from inventory.records import ActionKind, FiredRule, ProposalContent, ProposalLine, Tier
from inventory.snapshots import Snapshot
from tools.columns import BoolArray
from tools.outlook import Outlook
from tools.rules.in_force import clause_of
from tools.rules.lines import line_scopes

GATE_KINDS = (NeverAutomatic, ApprovalRight, SubstitutionConsent)
MINOR = 100


@dataclass(frozen=True)
class GateRules:
    """What machine rules ask of one proposal."""

    rules: tuple[RuleRecord, ...] = ()
    fired: tuple[FiredRule, ...] = ()
    one_of_roles: tuple[tuple[str, ...], ...] = ()
    """Of each group of roles one signer is needed."""


def gate_rules(
    rules: Sequence[RuleRecord], snapshot: Snapshot, outlook: Outlook, content: ProposalContent, value_minor: int
) -> GateRules:
    """Rules for the gate that speak about some line of a proposal and its action, in the order of the rules.

    Parameters
    ----------
    outlook
        Tells who supplies an item-site no line names a supplier for.
    value_minor
        What the value of an approval right is compared with.
    """
    asking = [rule for rule in rules if isinstance(rule, GATE_KINDS)]
    if not asking:
        return GateRules()
    touched = line_scopes(asking, snapshot, outlook, content.lines).either
    hits = [
        rule
        for number, rule in enumerate(asking)
        if touched[:, number].any()
        and meant(rule, [content.action, *_actions(content.lines, touched[:, number])], value_minor)
    ]
    return asked_by(hits)


def asked_by(rules: Sequence[RuleRecord]) -> GateRules:
    """What some rules for the gate ask together, in their order."""
    return GateRules(
        tuple(rules),
        tuple(_fired(rule) for rule in rules),
        tuple(dict.fromkeys(rule.roles for rule in rules if isinstance(rule, ApprovalRight))),
    )


def _actions(lines: Sequence[ProposalLine], touched: BoolArray) -> list[ActionKind]:
    return [line.action for line, mine in zip(lines, touched.tolist(), strict=True) if mine]


def meant(rule: RuleRecord, actions: Sequence[ActionKind], value_minor: int) -> bool:
    """Whether the rule is about one of these actions, and about so much money."""
    match rule:
        case NeverAutomatic():
            return not rule.actions or bool(set(rule.actions) & set(actions))
        case ApprovalRight():
            dear = rule.above is None or value_minor > rule.above * MINOR
            return dear and (not rule.actions or bool(set(rule.actions) & set(actions)))
        case _:
            return ActionKind.SUBSTITUTE in actions


def _fired(rule: RuleRecord) -> FiredRule:
    match rule:
        case ApprovalRight():
            above = "" if rule.above is None else f" above {rule.above:,}"
            tier, said = Tier.PLANNER, f"{' or '.join(rule.roles)} must be among the signers{above}"
        case SubstitutionConsent():
            tier, said = Tier.FORMAL, "a substitute needs formal approval and the customer's consent"
        case _:
            tier, said = Tier.PLANNER, "a person decides, whatever the value"
    return FiredRule(rule=rule.rule_id, tier=tier, reason=f"{said}, by {clause_of(rule)}")
