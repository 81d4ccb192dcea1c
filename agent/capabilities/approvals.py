"""Who must agree to what, and which tier something would get."""

from __future__ import annotations

from agent.gate_facts import Place
from agent.policy_question import Answer as GateAnswer
from agent.policy_question import Question, ask
from agent.rights import matters, rights_in_force, signers
from agent.ruling import Gate, policy_book
from inventory.people import NEVER_SIGN, list_users
from inventory.records import EVERYTHING, ActionKind, Tier, User
from tools.capabilities import arguments as a
from tools.capabilities.answer import Answer, Column, Source, Table
from tools.capabilities.facts import of_count, of_id, of_money, of_units, of_words
from tools.capabilities.forms import form_for
from tools.capabilities.registry import Asking, Capability, capability
from tools.capabilities.telling import Row, currency_of, data_source, known, listing, look_at
from tools.errors import ToolInputError
from tools.money import to_minor

PEOPLE = ("user", "name", "roles", "limit")
RULES = ("rule", "tier", "reason")
CLAUSES = "Written rules ask: {{clauses}}."
MAY_FIRE = "Written rules about some of it may ask for more: {{may_fire}}."
USUAL = (ActionKind.TRANSFER, ActionKind.PURCHASE)
"""Actions meant when only a value is named."""


ALL_WELL = {"snapshot_age_hours": 0.0, "site_health": 1.0, "kill_switch": False, "lane_value_24h_minor": 0,
            "auto_value_today_minor": 0}  # fmt: skip
"""Facts of the moment that are left out of a question about the policy itself."""


def gate_of(asking: Asking) -> Gate:
    """The gate as the house is set."""
    return Gate.model_validate({"rollout": asking.toolbox.rollout, "erp_native_key": asking.toolbox.erp_native_key})


def who_approves(asking: Asking, asked: a.WhoApproves) -> Answer:
    """Tier, roles and people for an action or a value, everything else being well.

    Raises
    ------
    ToolInputError
        If neither is named.
    """
    if asked.action is None and asked.value is None:
        raise ToolInputError("who_approves: name a value or an action")
    toolbox, connection, currency = asking.toolbox, asking.connection, currency_of(asking)
    minor = round(100 * (asked.value or 0.0))
    classes = (asked.item_class or "standard",)
    answers = [
        ask(toolbox, connection, gate_of(asking), Question(
            action=action, value_minor=minor, item_classes=classes, sites=(asked.site,) if asked.site else (),
            given=ALL_WELL,
        ))
        for action in ((asked.action,) if asked.action else USUAL)
    ]  # fmt: skip
    found = max(answers, key=lambda answer: answer.tier.strictness)
    rights, book = rights_in_force(connection, toolbox.now()), policy_book(connection, at=toolbox.now())
    policy = book.at(Place(site=asked.site or "", item_class=asked.item_class or ""))
    tier = Tier.PLANNER if found.tier is Tier.AUTO else found.tier
    allowed = signers(
        rights, tier, matters(None, asked.action, (asked.site,) if asked.site else (), classes, minor)
    )  # fmt: skip
    bound = policy.approvers.formal if allowed.tier is Tier.FORMAL else policy.approvers.planner
    roles = tuple(role for role in allowed.roles if role in bound)
    besides = _besides(found)
    by_name = (*found.needs_roles, *(role for group in found.one_of_roles for role in group))
    able = [] if found.tier is Tier.ADVICE else _able(asking, (*roles, *by_name), minor, asked)
    people = listing("person", "Who may sign", PEOPLE, [_person(user, currency) for user in able])
    limits = policy.actions.get(asked.action) if asked.action else None
    facts = known(
        {
            "action": of_words(asked.action.value.replace("_", " ")) if asked.action else None,
            "value": of_money(minor, currency) if asked.value is not None else None,
            "item_class": of_words(asked.item_class.replace("_", " ")) if asked.item_class else None,
            "site": of_id("site", asked.site) if asked.site else None,
            "tier": of_words(found.tier.value),
            "roles": of_words(" or ".join(role.replace("_", " ") for role in roles) or "nobody"),
            "needed_roles": of_words(besides) if besides else None,
            "clauses": of_words("; ".join(fired.reason for fired in found.by_clause)) if found.by_clause else None,
            "may_fire": of_words("; ".join(found.may_fire)) if found.may_fire else None,
            "planner_limit": of_money(100 * limits.planner_limit, currency) if limits else None,
            "two_people_above": of_money(100 * policy.two_people_above, currency),
            "person_count": of_count(len(able), "person").model_copy(
                update={"unit": "people", "text": of_count(len(able), "person").text.replace("persons", "people")}
            ),
        }
    )
    return Answer(
        capability="who_approves",
        facts={**facts, **people.facts},
        tables=(people.table,) if able else (),
        sources=(
            Source(kind="policy", reference="approval", version=found.policy_version),
            Source(kind="policy", reference="rights", version=rights.version),
        ),
        template=_who_words(asked, found, able, people.told("[user] ([roles])", joined=", ")),
        notes=(
            "Everything else is taken to be well: other facts can make it stricter, never milder.",
            *((CLAUSES,) if found.by_clause else ()),
            *((MAY_FIRE,) if found.may_fire else ()),
        ),
    )


def _besides(found: GateAnswer) -> str:
    """Roles that must be among the signers whoever else signs, in words."""
    groups = [" or ".join(group) for group in found.one_of_roles]
    return " and ".join((*found.needs_roles, *groups)).replace("_", " ")


def _who_words(asked: a.WhoApproves, found: GateAnswer, able: list[User], told: str) -> str:
    what = "{{action}}" if asked.action else "transfer or purchase"
    about = f"A {what}" if what != "{{action}}" else "The action {{action}}"
    about += " of {{value}}" if asked.value is not None else ""
    about += (" of {{item_class}} items" if asked.item_class else "") + (" at {{site}}" if asked.site else "")
    if found.tier is Tier.ADVICE:
        return f"{about} is advice only: nobody can release it from here."
    said = f"{about} may run without a person." if found.tier is Tier.AUTO else f"{about} is in the {{{{tier}}}} tier."
    said += " A signature comes from {{roles}}."
    if found.needs_roles or found.one_of_roles:
        said += " Besides, {{needed_roles}} must be among the signers."
    if found.two_people:
        said += " Above {{two_people_above}} different people must sign."
    return said + (f" {{{{person_count}}}} can sign it: {told}." if able else " Nobody's limit reaches that far.")


def _able(asking: Asking, roles: tuple[str, ...], minor: int, asked: a.WhoApproves) -> list[User]:
    """Active people who hold one of the roles, for that site and class, and whose limit covers the value."""
    return [
        user
        for user in list_users(asking.connection, EVERYTHING)
        if user.active
        and set(user.roles) & set(roles)
        and not set(user.roles) & set(NEVER_SIGN)
        and user.value_limit_minor >= minor
        and (asked.site is None or user.sites is None or asked.site in user.sites)
        and (asked.item_class is None or user.item_classes is None or asked.item_class in user.item_classes)
    ]


def _person(user: User, currency: str) -> Row:
    return {
        "user": of_id("reference", user.user_id),
        "name": of_words(user.name),
        "roles": of_words(", ".join(user.roles).replace("_", " ")),
        "limit": of_money(user.value_limit_minor, currency),
    }


def tier_preview(asking: Asking, asked: a.TierPreview) -> Answer:
    """The tier of an action that is worked out as a form would be, everything else being well."""
    outlook, row = look_at(asking, asked.item, asked.site)
    currency = currency_of(asking)
    item_class = outlook.arrays.item_class[row]
    units, value, origin = _sized(asking, asked, float(outlook.arrays.cost[row]))
    question = Question(
        action=asked.action, value_minor=value, item_classes=(item_class,), sites=(asked.site,),
        lane=(origin, asked.site) if origin else None, given={"units": units} if units else {},
        item=asked.item, supplier=asked.supplier or outlook.arrays.supplier[row],
    )  # fmt: skip
    found = ask(asking.toolbox, asking.connection, gate_of(asking), question)
    strict = [fired for fired in found.fired if fired.tier is found.tier] or list(found.fired)
    rules: list[Row] = [
        {"rule": of_words(fired.rule), "tier": of_words(fired.tier.value), "reason": of_words(fired.reason)}
        for fired in [*strict, *(fired for fired in found.fired if fired not in strict)]
    ]
    table = listing("rule", "Rules that fired", RULES, rules)
    facts = known(
        {
            "action": of_words(asked.action.value.replace("_", " ")),
            "item": of_id("item", asked.item),
            "item_class": of_words(item_class.replace("_", " ")),
            "site": of_id("site", asked.site, "destination"),
            "origin": of_id("site", origin, "origin") if origin else None,
            "supplier": of_id("supplier", asked.supplier, "supplier") if asked.supplier else None,
            "quantity": of_units(units) if units else None,
            "value": of_money(value, currency) if units else None,
            "tier": of_words(found.tier.value),
            "needed_roles": of_words(_besides(found)) if _besides(found) else None,
        }
    )
    how_many = " of {{quantity}}" if units else ""
    way = (" from {{origin}}" if origin else "") + (" from {{supplier}}" if asked.supplier else "")
    worth = ", worth {{value}}," if units else ""
    said = f"The action {{{{action}}}}{how_many} of {{{{item}}}}{way} for {{{{site}}}}{worth} would be "
    said += "in the {{tier}} tier" if found.tier is not Tier.AUTO else "automatic"
    said += ": {{rule_1_reason}}." if rules else "."
    said += " {{needed_roles}} must be among the signers." if found.needs_roles or found.one_of_roles else ""
    said += " Several people must sign." if found.two_people else ""
    return Answer(
        capability="tier_preview", facts={**facts, **table.facts},
        tables=(*((table.table,) if rules else ()), _assumed(found)),
        sources=(data_source(asking), Source(kind="policy", reference="approval", version=found.policy_version)),
        template=said,
        notes=("What nobody stated is taken to be well; the gate looks at everything again.",),
    )  # fmt: skip


def _assumed(found: GateAnswer) -> Table:
    rows = tuple((name, value) for name, value in found.assumed.items())
    return Table(title="Taken to be well", columns=(Column(name="fact"), Column(name="value")), rows=rows)


def _sized(asking: Asking, asked: a.TierPreview, cost: float) -> tuple[int, int, str]:
    """Units, value in minor units and origin of the action: as its form has them, else of the quantity said."""
    if asked.quantity:
        lanes = asking.toolbox.lanes(asking.toolbox.snapshot()).get(asked.site, ())
        fees = [
            to_minor(asked.quantity * lane.unit_cost + lane.fixed_cost) for lane in lanes if lane.origin == asked.origin
        ]
        return asked.quantity, to_minor(cost * asked.quantity) + min(fees, default=0), asked.origin or ""
    if asked.action in FORMED:
        request = a.PrefillProposal.model_validate({**asked.model_dump(exclude_none=True), "action": asked.action})
        made = form_for(asking, request)
        if made.lines:
            units = sum(line.quantity for line in made.lines)
            return units, made.value_minor, made.lines[0].origin or asked.origin or ""
    return 0, 0, asked.origin or ""


FORMED = tuple(ActionKind(name) for name in a.FormAction.__args__)  # type: ignore[attr-defined]  # members of a Literal


CAPABILITIES: tuple[Capability, ...] = (
    capability("who_approves", who_approves),
    capability("tier_preview", tier_preview),
)
