"""The rights document: strict reading, first row that fits, closed gaps, never more roles for more value."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.errors import PolicyError
from agent.policy_document import MINOR_PER_UNIT
from agent.rights import Matter, escalation_for, held_by, load_rights, matters, signers, task_for
from agent.rights_document import ApproveRow, Rights
from inventory.people import ROLES
from inventory.records import ActionKind, CaseKind, Tier, User
from tests.agent.gate_worlds import POLICY
from tests.agent.rights_worlds import LAW, a_user, rights_with

PACKAGED = LAW.rights
PLANNER_ROW = '[[approve]]\ntier = "planner"\nroles = ["planner", "approver", "central"]\n'
FORMAL_ROW = '[[approve]]\ntier = "formal"\nroles = ["approver", "finance", "central"]\n'
SHORT = CaseKind.PROJECTED_STOCKOUT


def matter(value_minor: int = 100_00, **changes: object) -> Matter:
    """A transfer of a standard item at WH-SOUTH."""
    calm: dict[str, object] = {
        "kind": SHORT, "action": ActionKind.TRANSFER, "site": "WH-SOUTH", "item_class": "standard"
    }  # fmt: skip
    return Matter(**{**calm, **changes}, value_minor=value_minor)  # type: ignore[arg-type]  # named in the tests


def test_the_packaged_document_lets_sign_exactly_those_the_approval_policy_names() -> None:
    """Adopting it changes nothing: its first version is as strict as what was there before it."""
    for kind, action, value in product(CaseKind, ActionKind, (0, 10**12)):
        asked = matters(kind, action, ("A", "B"), ("regulated",), value)
        assert signers(PACKAGED, Tier.PLANNER, asked).roles == POLICY.approvers.planner
        assert signers(PACKAGED, Tier.FORMAL, asked).roles == POLICY.approvers.formal


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 1", "version = 0", "version"),
        ("version = 1", "version = 1\nsurprise = 1", "surprise: Extra inputs"),
        ("version = 1", "version = ", "not TOML"),
        ('role = "central"', 'role = "emperor"', "uncovered.role: emperor is no role; known: planner, buyer"),
        ('role = "central"', 'role = "administrator"', "uncovered.role: administrator never signs"),
        ('to = "approver"', 'to = "auditor"', "escalate.0.to: auditor never signs"),
        ('to = "approver"', 'to = "manager"', "escalate.0.to: manager may not sign there; planner, approver, central"),
        ('roles = ["planner", "approver", "central"]', "roles = []", "approve.0.roles"),
        ('roles = ["planner", "approver", "central"]', 'roles = ["king"]', "approve.0.roles: king is no role"),
        ('planner = ["approver", "central"]', 'planner = ["planner"]', "deputies.planner: nobody is their own deputy"),
        ('planner = ["approver", "central"]', 'chief = ["planner"]', "deputies: chief is no role"),
        ('cases = ["data_problem"]', 'cases = ["bad_luck"]', "task.0.cases"),
        ('actions = ["purchase",', 'actions = ["teleport",', "task.3.actions"),
        ('cases = ["data_problem"]', 'cases = ["data_problem"]\nvalue_up_to = 2.5', "task.0.value_up_to"),
        ('cases = ["data_problem"]', 'cases = ["data_problem"]\nvalue_up_to = true', "task.0.value_up_to"),
        ('cases = ["data_problem"]', "sites = []", "task.0.sites"),
        ('cases = ["data_problem"]\n', "", "task.1: can never be reached, row 0 covers all of it"),
        ("after_hours = 8", "after_hours = 0", "escalate.0.after_hours"),
        ("longest_days = 92", "longest_days = 0", "delegation.longest_days"),
        ('tier = "planner"', 'tier = "auto"', "approve.0.tier"),
        (PLANNER_ROW, PLANNER_ROW + PLANNER_ROW, "approve.1: can never be reached"),
        (
            PLANNER_ROW, PLANNER_ROW.replace("roles", "value_up_to = 500\nroles") + PLANNER_ROW.replace(
                '"planner", "app', '"buyer", "app'
            ),
            "approve: planner of everything else: above 500 EUR buyer may sign what they may not sign below",
        ),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused_by_the_name_of_the_key(old: str, new: str, said: str) -> None:
    with pytest.raises(PolicyError) as refused:
        load_rights(rights_with((old, new)))
    assert said in str(refused.value)


NARROW = load_rights(
    rights_with(
        (
            PLANNER_ROW,
            '[[approve]]\ntier = "planner"\nsites = ["WH-SOUTH"]\nvalue_up_to = 500\nroles = ["planner", "central"]\n\n'
            '[[approve]]\ntier = "planner"\nsites = ["WH-SOUTH"]\nitem_classes = ["standard"]\nroles = ["central"]\n\n'
            '[[approve]]\ntier = "planner"\nactions = ["transfer"]\nsites = ["DC-EAST"]\nroles = ["approver"]\n',
        ),
        ('tier = "planner"\nafter_hours = 8\nto = "approver"', 'tier = "planner"\nafter_hours = 8\nto = "central"\n'
         'sites = ["WH-SOUTH"]'),
    )
)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "roles", "covered"),
    [
        (matter(500_00), ("planner", "central"), True),
        (matter(500_01), ("central",), True),
        (matter(500_01, item_class="regulated"), ("central",), False),
        (matter(site="DC-EAST"), ("approver",), True),
        (matter(site="DC-EAST", action=ActionKind.PURCHASE), ("central",), False),
        (matter(site="DC-EAST", action=None), ("central",), False),
        (matter(site="ST-PINE"), ("central",), False),
        (matter(site=""), ("central",), False),
    ],
)
def test_the_first_row_that_fits_decides_and_a_gap_is_closed(
    asked: Matter, roles: tuple[str, ...], covered: bool
) -> None:
    found = signers(NARROW, Tier.PLANNER, [asked])
    assert (found.roles, found.covered) == (roles, covered)
    assert found.tier is (Tier.PLANNER if covered else Tier.FORMAL)


def test_all_that_is_touched_needs_one_role_that_may_sign_each_part() -> None:
    both = matters(SHORT, ActionKind.TRANSFER, ("DC-EAST", "WH-SOUTH"), ("standard",), 100_00)
    found = signers(NARROW, Tier.PLANNER, both)
    assert (found.tier, found.roles, found.covered) == (Tier.FORMAL, ("central",), False)
    assert signers(NARROW, Tier.PLANNER, []).covered is False


ROWS = st.builds(
    ApproveRow,
    tier=st.just(Tier.PLANNER),
    roles=st.lists(st.sampled_from(["planner", "buyer", "approver", "central"]), min_size=1, unique=True).map(tuple),
    sites=st.none() | st.lists(st.sampled_from(["A", "B"]), min_size=1, unique=True).map(tuple),
    item_classes=st.none() | st.lists(st.sampled_from(["x", "y"]), min_size=1, unique=True).map(tuple),
    actions=st.none() | st.just((ActionKind.TRANSFER,)),
    value_up_to=st.none() | st.sampled_from([1, 2, 3]),
)
POINTS = list(product(("A", "B", "C"), ("x", "y", "z"), (ActionKind.TRANSFER, ActionKind.HOLD)))


def brute_force_rises(rows: list[ApproveRow]) -> bool:
    """Whether some value lets a role sign that a smaller one did not: every value and place tried one by one."""
    for site, item_class, action in POINTS:
        before: set[str] | None = None
        for value in range(0, 4 * MINOR_PER_UNIT, 50):
            asked = matter(value + 1, site=site, item_class=item_class, action=action)
            fit = next((set(row.roles) for row in rows if row.covers(asked)), None)
            if before is not None and fit is not None and fit - before:
                return True
            before = fit
    return False


@settings(max_examples=300, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_the_check_finds_exactly_the_documents_in_which_more_value_needs_less(rows: list[ApproveRow]) -> None:
    data = PACKAGED.model_dump() | {"approve": [row.model_dump() for row in rows], "escalate": []}
    try:
        Rights.model_validate(data)
        refused = ""
    except ValueError as error:
        refused = str(error)
    assume("can never be reached" not in refused)
    assert bool(refused) is brute_force_rises(rows)


BEN, DEV = a_user(), a_user(user_id="dev.buyer", roles=("buyer",), sites=None)
ERIN = a_user(user_id="erin.approver", roles=("approver",), sites=None)
GITA = a_user(user_id="gita.central", roles=("central",), sites=None)


@pytest.mark.parametrize(
    ("asked", "may_sign", "people", "words"),
    [
        (matter(), (), [BEN, GITA], "planner: ben.planner"),
        (matter(site="ST-PINE"), (), [BEN, ERIN, GITA], "approver for planner: erin.approver"),
        (matter(site="ST-PINE"), (), [BEN, GITA], "central for planner: gita.central"),
        (matter(site="ST-PINE"), (), [BEN], "planner: nobody"),
        (matter(site=""), (), [BEN, ERIN], "approver for planner: erin.approver"),
        (matter(action=ActionKind.PURCHASE), (), [BEN, DEV], "buyer: dev.buyer"),
        (matter(action=ActionKind.PURCHASE), (), [BEN], "planner for buyer: ben.planner"),
        (matter(action=ActionKind.PURCHASE), ("planner", "central"), [BEN, DEV], "planner: ben.planner"),
        (matter(kind=CaseKind.DATA_PROBLEM, action=None), (), [BEN], "planner for warehouse_manager: ben.planner"),
        (matter(kind=CaseKind.RECURRING, action=None), (), [BEN, GITA], "central: gita.central"),
        (matter(), ("approver", "finance"), [BEN, ERIN], "approver: erin.approver"),
        (matter(), (), [BEN.model_copy(update={"active": False}), GITA], "central for planner: gita.central"),
        (matter(), (), [BEN.model_copy(update={"roles": ("planner", "auditor")})], "planner: nobody"),
        (matter(item_class="regulated"), (), [a_user(item_classes=("standard",)), GITA],
         "central for planner: gita.central"),
        (matter(), (), [a_user(user_id="zoe"), BEN], "planner: ben.planner, zoe"),
    ],
)  # fmt: skip
def test_a_task_finds_its_people_or_their_deputies(
    asked: Matter, may_sign: tuple[str, ...], people: list[User], words: str
) -> None:
    assert task_for(PACKAGED, people, asked, may_sign=may_sign).words == words


def test_a_deputy_who_may_not_sign_is_not_asked_to() -> None:
    found = held_by(PACKAGED, [ERIN, GITA], "planner", "ST-PINE", "standard", may_sign=("planner", "central"))
    assert found.words == "central for planner: gita.central"


def test_an_unanswered_approval_goes_where_its_first_row_says() -> None:
    assert escalation_for(NARROW, Tier.PLANNER, matter()).to == "central"
    assert escalation_for(NARROW, Tier.AUTO, matter()).after.total_seconds() == 8 * 3600
    for tier, asked in ((Tier.FORMAL, matter()), (Tier.PLANNER, matter(site="DC-EAST"))):
        found = escalation_for(NARROW, tier, asked)
        assert (found.to, found.after.total_seconds()) == ("central", 24 * 3600)


def test_every_role_of_the_house_is_known_to_the_document() -> None:
    assert {"planner", "buyer", "warehouse_manager", "approver", "finance", "plant_leader", "central", "manager",
            "auditor", "administrator", "service"} == set(ROLES)  # fmt: skip
